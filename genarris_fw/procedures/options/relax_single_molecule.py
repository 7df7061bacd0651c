"""The options of Relax_Single_Molecule."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import DisorderName, Format, InputFile, Symmetry, Whole
from genarris_fw.options.base import component_option, disorder_option, record_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.resolving.molecule_choice import choose_molecule, molecules_per_cell
from genarris_fw.options.sizes import Count
from genarris_fw.procedures.options.engine_procedures import EngineProcedureOptions, new_structures


class RelaxSingleMoleculeOptions(EngineProcedureOptions):
    """Relax the molecule that later procedures build crystals from."""

    procedure: ClassVar[str] = "Relax_Single_Molecule"
    order: ClassVar[int] = 10
    results: ClassVar[dict[str, str]] = {
        "reacted": "it reacted",
        "point_group_after": "point group {}",
    }
    makes_molecule: ClassVar[bool] = True
    asks: ClassVar[tuple[str, ...]] = ("molecules", "relaxations")
    no_effect: ClassVar[dict[str, str]] = {"structure_dir": "this procedure works on the molecule of molecule_path"}

    molecule_path: InputFile | None = option(
        "Geometry file of the molecule",
        category="inferred",
        default_words="from any section that gives it",
        changes_results=False,
        lends=1,
    )
    record: Whole | None = record_option()
    component: Whole | None = component_option()
    disorder: DisorderName | None = disorder_option()
    molecule_symmetry: Symmetry = option(
        "Symmetry of the molecule: keep the input's point group, relax freely, or impose a point group",
        "keep",
    )
    output_format: Format = option("Format of the exported molecule", "both", changes_results=False)

    def structures_made(self, before: Count, groups: int | None) -> Count:
        """Return that it is one molecule."""
        return Count(1)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find molecule and engine."""
        choose_molecule(bench, draft, own_relaxation=True)
        molecules_per_cell(bench, draft, required=False)
        cls.engine_and_files(bench, draft)
        new_structures(bench, draft)
