"""The settings of the engine sevennet."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Said, one_of
from genarris_fw.engines.relaxing.settings import RelaxationSettings

Weights = Annotated[str, BeforeValidator(one_of("22May2024", "11July2024")), Said("str", "22May2024 or 11July2024")]


class SevenNetSettings(RelaxationSettings):
    """The weights, and those of a relaxation; dispersion, precision and device are fixed."""

    # Urea, benzene, naphthalene, acetic acid: lattice energies against diffusion Monte Carlo -21, -9, -4, -35 kJ/mol by
    # those of May, -23, +9, +5, -41 by those of July; volumes -1.8, -9.3, +0.8, -5.1 % and -2.3, -12.0, -5.5, -4.9 %.
    weights: Weights = option(
        "which of SevenNet-0's weights; the older ones do better for molecular crystals", "22May2024"
    )
