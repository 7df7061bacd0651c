"""Whether a machine has the memory for something, said before any of it is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from genarris_fw.memory import gigabytes, memory_here


def too_little(needed: int, memory: int | None, what: str, instead: str) -> list[str]:
    """Return a line where there is too little memory, none where there is enough.

    Parameters
    ----------
    needed : int
        Bytes.
    memory : int or None
        The option ``memory``, MB: what each replica's job has; else what this process may use here.
    what, instead : str
        What needs it, and what can be done.
    """
    there = memory_here() if memory is None else memory * 2**20
    if needed <= there:
        return []
    return [f"{what} needs {gigabytes(needed)} of memory, and there are {gigabytes(there)}: {instead}"]


def training_too_large(settings: dict[str, Any], nodes: Sequence[int] | None, memory: int | None) -> list[str]:
    """Return a line where there is too little memory for a training; arguments as of the functions beside."""
    what = f"a training with {settings['interior_points']:,} interior points"
    instead = "ask for fewer points, fewer units, another optimiser or less history"
    return too_little(memory_of_training(settings, nodes), memory, what, instead)


def memory_of_training(settings: dict[str, Any], nodes: Sequence[int] | None) -> int:
    """Return the bytes that a training takes.

    Parameters
    ----------
    settings : dict
        Of `PINNTrainOptions.settings`.
    nodes : list of int or None
        Those of its field along x, y and z; None where they are not known yet.
    """
    from genarris_fw.studies.force_free.network.memory import memory_needed, memory_of_points
    from genarris_fw.studies.force_free.network.points import FITTED
    from genarris_fw.studies.force_free.network.shape import Shape
    from genarris_fw.studies.force_free.training.settings import Settings
    from genarris_fw.studies.force_free.training.settings import memory_needed as of_the_optimiser

    shape = Shape(settings["hidden_layers"], settings["units"], settings["quasi_output"])
    boundary = settings["boundary_points"] or (0 if nodes is None else _surface(nodes, settings["boundary"]))
    dtypes = ["float32", "float64"] if settings["dtype"] == "mixed" else [settings["dtype"]]
    losses = sum(
        memory_needed(shape, boundary, settings["interior_points"], dtype=dtype, chunk=settings["chunk"])
        for dtype in dtypes
    )
    if settings["fit_iterations"]:
        fitted = min(FITTED, math.prod(nodes) if nodes else FITTED)
        losses += memory_needed(shape, fitted, 0, dtype="float64", chunk=settings["chunk"])
    optimiser = Settings(**{name: settings[name] for name in ("optimiser", "history", "matrix")})
    sampling = memory_of_points(math.prod(nodes or ()), settings["interior_points"])
    return sampling + losses + of_the_optimiser(optimiser, shape.parameters)


def _surface(nodes: Sequence[int], boundary: str) -> int:
    """Return how many nodes lie at the bottom, or on all faces."""
    x, y, z = nodes
    return x * y if boundary == "bottom" else x * y * z - max(0, x - 2) * max(0, y - 2) * max(0, z - 2)
