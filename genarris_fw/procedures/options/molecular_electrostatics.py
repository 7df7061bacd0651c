"""The options of Molecular_Electrostatics."""

from __future__ import annotations

import importlib.util
import re
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Flag, InputFile, OutputFile, Said, Whole, words
from genarris_fw.options.base import OnMolecule, molecule_option
from genarris_fw.options.resolving.draft import Bench, Draft

# Method -> the package of its program, and how that is had.
PROGRAMS = {True: ("tblite", "genarris_fw[tblite]"), False: ("pyscf", "genarris_fw[pyscf]")}


def charge_method(text: Any) -> str:
    """Read theory/basis, or GFN2."""
    value = words(text)
    if value.upper() in ("GFN2", "GFN2-XTB"):
        return "GFN2"
    if not re.fullmatch(r"[\w.+-]+/[\w.+*(),-]+", value, flags=re.ASCII):
        raise ValueError("not theory/basis")
    theory, basis = value.split("/")
    return f"{theory.upper()}/{basis}"


ChargeMethod = Annotated[
    str,
    BeforeValidator(charge_method),
    Said("str", "theory/basis, such as HF/6-31G** or B3LYP/6-311G**, or GFN2"),
]


class MolecularElectrostaticsOptions(OnMolecule):
    """Compute the charges, or multipoles, that the molecule has in its crystals."""

    procedure: ClassVar[str] = "Molecular_Electrostatics"
    order: ClassVar[int] = 15
    of_rigid_molecules: ClassVar[bool] = True
    results: ClassVar[dict[str, str]] = {
        "sites": "{} sites",
        "rank": "rank {}",
        "error": "{:.2f} kJ/mol per e off the potential",
    }

    molecule_path: InputFile | None = molecule_option()
    method: ChargeMethod = option(
        "Wave function whose potential is described: theory/basis by pyscf; or GFN2, charges of the tight-binding "
        "method, a fallback without pyscf",
        "HF/6-31G**",
    )
    satellites: Flag = option(
        "Whether massless charges beside N, O and S, for lone pairs, are fitted with those of the atoms", True
    )
    rank: Whole = option(
        "Highest rank of the multipoles: 0 for fitted charges, to 4 for multipoles at the atoms", 0, ge=0, le=4
    )
    charge: Whole = option("Charge of the molecule", 0, unit="e", ge=-20, le=20)
    charges_file: InputFile | None = option(
        "File with charges or multipoles to use instead: json of this procedure, .dma of DMACRYS, or a punch file of "
        "GDMA or occ; the molecule may be turned in it",
    )
    electrostatics_file: OutputFile = option(
        "File of the sites and their multipoles", "electrostatics.json", again="suffix"
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the molecule; say where the file or the program is missing."""
        super().resolve(bench, draft)
        if draft.options["charges_file"]:
            bench.require_file(draft, "charges_file", "a file of charges")
            for name in ("method", "satellites", "rank"):
                if draft.has(name):
                    line, section = draft.where(name)
                    bench.remarks.notice(line, f"{name} has no effect: charges_file is given", section)
            return
        package, extra = PROGRAMS[draft.options["method"] == "GFN2"]
        if importlib.util.find_spec(package) is None:
            line, section = draft.where("method")
            other = "" if package == "tblite" else ", or method = GFN2"
            bench.remarks.problem(
                line,
                f"method = {draft.options['method']} needs {package}, which is missing; expected it: pip install "
                f"'{extra}'{other}",
                section,
            )
