"""How a training is done: which optimiser, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from genarris_fw.errors import InputError
from genarris_fw.memory import gigabytes, memory_here
from genarris_fw.studies.force_free.training import scaling
from genarris_fw.studies.force_free.training.limited_memory import LimitedMemory
from genarris_fw.studies.force_free.training.optimiser import Optimiser
from genarris_fw.studies.force_free.training.packed import MatrixType
from genarris_fw.studies.force_free.training.self_scaled import SelfScaled

OptimiserName = Literal["lbfgs", "bfgs", "broyden"]
SCALES = {"bfgs": scaling.bfgs, "broyden": scaling.broyden}


@dataclass(frozen=True)
class Settings:
    """How a training is done.

    Parameters
    ----------
    optimiser : {"lbfgs", "bfgs", "broyden"}
        L-BFGS as in the paper; or self-scaled BFGS or Broyden, with the whole inverse Hessian.
    history : int
        How many steps L-BFGS remembers.
    matrix : {"float64", "float32"}
        The type of the whole inverse Hessian.
    max_iterations : int
        The training ends after so many iterations.
    max_cpu_seconds : float, optional
        It ends after so much CPU time of this process, that before a resumption included.
    tolerance : float
        A stage stagnates when the value falls by a smaller part than this in `window` iterations.
    window : int
        Over how many iterations stagnation is judged.
    most_evaluations : float
        A stage stagnates when an iteration takes more evaluations than this, on average over the window.
    """

    optimiser: OptimiserName = "lbfgs"
    history: int = 50
    matrix: MatrixType = "float64"
    max_iterations: int = 1000
    max_cpu_seconds: float | None = None
    tolerance: float = 1e-4
    window: int = 50
    most_evaluations: float = 4.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, known in (("optimiser", get_args(OptimiserName)), ("matrix", get_args(MatrixType))):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"{name} = {value} of a training is not known; there are {', '.join(known)}")
        for name in ("history", "max_iterations", "window"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} of a training must be 1 or more")
        if self.max_cpu_seconds is not None and not self.max_cpu_seconds > 0.0:
            raise InputError(f"max_cpu_seconds = {self.max_cpu_seconds} of a training must be above 0")
        if not 0.0 <= self.tolerance < 1.0:
            raise InputError(f"tolerance = {self.tolerance} of a training must be from 0 to below 1")
        if not self.most_evaluations > 1.0:
            raise InputError(f"most_evaluations = {self.most_evaluations} of a training must be above 1")


def memory_needed(settings: Settings, parameters: int) -> int:
    """Return the bytes that the optimiser keeps."""
    if settings.optimiser == "lbfgs":
        return LimitedMemory.memory_needed(parameters, settings.history)
    return SelfScaled.memory_needed(parameters, settings.matrix)


def made_optimiser(settings: Settings, parameters: int) -> Optimiser:
    """Make the optimiser, if the machine has the memory for it.

    Raises
    ------
    InputError
        If the machine has less memory free; nothing is allocated then.
    """
    needed, there = memory_needed(settings, parameters), memory_here()
    if needed > there:
        raise InputError(
            f"optimiser = {settings.optimiser} needs {gigabytes(needed)} for {parameters} parameters, and there are "
            f"{gigabytes(there)}: choose fewer units or layers, or "
            + (f"history < {settings.history}" if settings.optimiser == "lbfgs" else "matrix = float32, or lbfgs")
        )
    if settings.optimiser == "lbfgs":
        return LimitedMemory(parameters, settings.history)
    return SelfScaled(parameters, SCALES[settings.optimiser], settings.matrix)
