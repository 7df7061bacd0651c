"""The options of LAPW_Equation_Of_State."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    Flag,
    Key,
    OutputFolder,
    Said,
    Whole,
    number,
    several,
    two_numbers,
)
from genarris_fw.options.base import MakesPool
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.engine_procedures import (
    same_structures,
)
from genarris_fw.procedures.options.references import ReferenceOptions

LEAST_POINTS = 4  # parameters of a Birch-Murnaghan curve


def volume_scales(text: Any) -> list[float]:
    """Read four or more different numbers from 0.5 to 2, in ascending order."""
    scales = sorted(float(number(None if isinstance(part, str) else part)) for part in several(text, LEAST_POINTS))
    if len(set(scales)) < len(scales) or scales[0] < 0.5 or scales[-1] > 2:
        raise ValueError("not scales")
    return scales


VolumeRange = Annotated[
    list[float], BeforeValidator(two_numbers(0.5, 2)), Said("list", "two different numbers from 0.5 to 2, [low, high]")
]
VolumeScales = Annotated[
    list[float],
    BeforeValidator(volume_scales),
    Said("list", "four or more different numbers from 0.5 to 2, [0.96, 0.98, 1.0, 1.02, 1.04]"),
]


class LAPWEquationOfStateOptions(ReferenceOptions, MakesPool):
    """Fit a Birch-Murnaghan equation of state to every structure of a pool: V0, B0 and its pressure derivative B1."""

    procedure: ClassVar[str] = "LAPW_Equation_Of_State"
    order: ClassVar[int] = 140
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "mean_delta_wien2k": "Delta {:.2f} meV/atom",
    }

    eos_range: VolumeRange = option("Smallest and largest volume, in units of the structure's own", [0.94, 1.06])
    eos_points: Whole = option("Number of volumes, evenly from one end to the other", 7, ge=LEAST_POINTS, le=1000)
    volume_scales: VolumeScales = option(
        "The volumes one by one, in units of the structure's own, instead of eos_range and eos_points",
        default_words="from eos_range and eos_points",
    )
    rigid_molecules: Flag = option(
        "Move whole molecules instead of straining their bonds (crystals of molecules only)", False
    )
    eos_name: Key = option("Property that holds a structure's equation of state", "eos", again="suffix")
    output_dir: OutputFolder = option(
        "Folder of tables, pictures and structures, and name of the pool of those with an equation of state",
        default_words="the step's name",
    )

    @property
    def evaluations(self) -> int | None:
        """One for each volume."""
        return len(self.volume_scales)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find pool and engine, and make the volumes of their range."""
        source = cls.engine_on_structures(bench, draft)
        if draft.options["volume_scales"] is None:
            low, high = draft.options["eos_range"]
            if low == high:
                line, section = draft.where("eos_range")
                bench.remarks.problem(
                    line, f"eos_range = [{low}, {high}]: expected two different numbers from 0.5 to 2", section
                )
            scales = np.linspace(low, high, draft.options["eos_points"])
            draft.put("volume_scales", [round(float(scale), 8) for scale in scales], "from eos_range and eos_points")
        else:
            for name in ("eos_range", "eos_points"):
                if draft.has(name):
                    line, section = draft.where(name)
                    bench.remarks.notice(line, f"{name} has no effect, since volume_scales are given", section)
        draft.drop("eos_range", "eos_points")
        same_structures(bench, draft, source)
