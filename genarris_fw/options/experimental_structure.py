"""The section [experimental_structure]: the measured crystal that every pool of a run is compared with."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import REQUIRED, option
from genarris_fw.declaring.types import InputFile, Real, Whole
from genarris_fw.options.base import ProcedureOptions


class ExperimentalStructureOptions(ProcedureOptions):
    """The crystal as it was measured; every pool is compared with it."""

    procedure: ClassVar[str] = "Experimental_Structure"
    order: ClassVar[int] = 1

    path: InputFile | None = option("Measured crystal (CIF or another format that is read)", REQUIRED)
    record: Whole | None = option(
        "Which of several crystals in path is meant, from 1", default_words="the only one", ge=1, le=10**9
    )
    molecules: Whole = option("Molecules of the clusters that are laid upon each other", 15, ge=2, le=100)
    distance_tolerance: Real = option(
        "How far the centre of a molecule may be from its counterpart, as a fraction of its distance from the middle",
        0.2,
        ge=1e-3,
        le=1,
    )
    angle_tolerance: Real = option(
        "How far a molecule may be turned from its counterpart, as seen from the middle",
        20.0,
        unit="degrees",
        ge=0.1,
        le=180,
    )
