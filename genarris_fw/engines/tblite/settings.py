"""The settings of the engine tblite."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import Real, Said, Whole, one_of
from genarris_fw.engines.relaxing.settings import RelaxationSettings

Method = Annotated[
    str,
    BeforeValidator(one_of("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB", gfn1="GFN1-xTB", gfn2="GFN2-xTB")),
    Said("str", "GFN1-xTB, GFN2-xTB or IPEA1-xTB"),
]
Supercell = Annotated[str, BeforeValidator(one_of("diagonal", "smallest")), Said("str", "diagonal or smallest")]


class TBLiteSettings(RelaxationSettings):
    """Settings of the tblite engine, besides those of a relaxation."""

    method: Method = option("the parametrisation", "GFN1-xTB")
    min_width: Real = option(
        "a cell is repeated until every perpendicular width reaches this", 9.0, unit="Å", ge=0.1, le=100
    )
    # 2 copies instead of 4 for benzene, 3 instead of 8 for naphthalene: the two sample the crystal at other points, of
    # like quality.
    supercell: Supercell = option(
        "the cell repeated along its own vectors, or the smallest supercell of that width (faster; the two differ by "
        "tenths of a kJ/mol and are not to be compared)",
        "diagonal",
    )
    # 10 changes energies by less than 0.001 kJ/mol and saves a tenth of the time or more; 100 is too loose.
    accuracy: Real = option("numerical accuracy; smaller is tighter", 10.0, ge=1e-6, le=1000)
    electronic_temperature: Real = option("temperature of the electrons", 300.0, unit="K", ge=0.001, le=10**5)
    max_iterations: Whole = derived("cap of the self-consistent cycle", 250, changes_energy=False, ge=1, le=10**6)
