"""The options of RCD_Difference_Folder_Inner."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import Flag, InputFolder, Key, MatrixFile, Real, Whole
from genarris_fw.options.base import OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft


class RCDDifferenceFolderInnerOptions(OnStructures):
    """Compare all structures of a pool by their relative coordinate descriptors."""

    procedure: ClassVar[str] = "RCD_Difference_Folder_Inner"
    order: ClassVar[int] = 70
    no_effect: ClassVar[dict[str, str]] = {"structure_suffix": "structures are documents"}

    structure_dir: InputFolder | None = pool_option(
        "rcd", "energies", "pressed", "generated", default_words="the output of RCD_Calculation", holds="rcd compared"
    )
    property_name: Key = option(
        "Property that holds the descriptor", "rcd", category="inferred", default_words="from RCD_Calculation, else rcd"
    )
    diff_matrix_output: MatrixFile = option(
        "File of the distance matrix", "rcd_difference_matrix.dat", again="suffix", holds="distances"
    )
    contribution_ratio: Real = option("Weight of the orientations beside the positions", 1.0, ge=0, le=1e6)
    select_pairs: Whole = option("Number of nearest molecules that are paired", 4, ge=1, le=1000)
    disable_enantiomer: Flag = option("Tell a crystal from its mirror image", False)

    output_pool: str = derived("The pool, which gets a distance matrix", "", changes_results=False)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """The pool stays, and gets a distance matrix."""
        source = bench.input_pool(draft)
        name = bench.inherit(draft, "property_name")
        if not draft.has("property_name"):
            value = name.value if name and name.section.lower().startswith("rcd") else None
            draft.put("property_name", value or "rcd", f"from [{name.section}]" if name and value else "default")
        matrix = draft.options["diff_matrix_output"]
        bench.matrices[matrix] = draft.step.name
        source.matrix = (draft.step.name, matrix)
        draft.put("output_pool", source.name or None, draft.origins["input_pool"])
