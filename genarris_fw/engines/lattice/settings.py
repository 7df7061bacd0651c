"""The settings of the engine lattice."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import Flag, InputFile, Real, Said, Words, one_of
from genarris_fw.engines.base import Settings
from genarris_fw.lattice.potentials.files import shipped_names
from genarris_fw.lattice.potentials.potential import DEFAULT

PotentialName = Annotated[
    str, BeforeValidator(one_of(*shipped_names(), **{"w99*": "W99star"})), Said("str", ", ".join(shipped_names()))
]


class LatticeSettings(Settings):
    """Settings of the engine lattice."""

    potential: PotentialName = option("the atom-atom potential", DEFAULT)
    potential_file: InputFile | None = option("a potential of one's own, instead of one of the package")
    charges: Words = option("where the charges come from: theory/basis by pyscf, GFN2, or none", "HF/6-31G**")
    satellites: Flag = option("whether charges beside N, O and S are fitted, too", True)
    pressure: Real = option("external pressure", 0.0, unit="GPa", ge=-100, le=1000)
    break_symmetry: Flag = option(
        "whether a relaxation follows saddle points down into a subgroup", False, changes_energy=False
    )
    potential_text: str | None = derived("the text of potential_file")
