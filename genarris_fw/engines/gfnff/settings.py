"""The settings of the engine gfnff."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Real, Said, one_of
from genarris_fw.engines.relaxing.settings import RelaxationSettings

MOLECULES, CRYSTALS = "angewChem2020_2", "mcgfnff2023"
Parametrisation = Annotated[
    str, BeforeValidator(one_of(MOLECULES, CRYSTALS)), Said("str", f"{MOLECULES} or {CRYSTALS}")
]


class GFNFFSettings(RelaxationSettings):
    """Settings of the gfnff engine, besides those of a relaxation."""

    # S. Spicher and S. Grimme, Angew. Chem. Int. Ed. 59, 15665 (2020); S. Grimme and T. Rose, Z. Naturforsch. B 79,
    # 191 (2024), whose interactions between molecules are fitted to crystals.
    parametrisation: Parametrisation = option(
        f"the parameters: {MOLECULES} of molecules, or {CRYSTALS} of molecular crystals", MOLECULES
    )
    # Urea on its bare cell (4.7 Å) is 1.7 kJ/mol per molecule off, on 9.4 Å 0.05.
    min_width: Real = option(
        "a cell is repeated until every perpendicular width reaches this", 8.0, unit="Å", ge=0.1, le=100
    )
    silence: Real = option(
        "a single point that takes so long hangs, and is ended",
        600.0,
        unit="s",
        changes_results=False,
        ge=0.1,
        le=10**7,
    )
