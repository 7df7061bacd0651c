"""Whether a machine has the memory for something, said before any of it is taken."""

from __future__ import annotations

from typing import Any

from genarris_fw.studies.force_free.training.settings import memory_free


def too_little(needed: int, memory: int | None, what: str, instead: str) -> list[str]:
    """Return a line where there is too little memory, none where there is enough, or nobody knows.

    Parameters
    ----------
    needed : int
        Bytes.
    memory : int or None
        The option ``memory``, MB: what each replica's job has; else what this machine has free.
    what, instead : str
        What needs it, and what can be done.
    """
    free = memory_free() if memory is None else memory * 2**20
    if free is None or needed <= free:
        return []
    return [f"{what} needs {_amount(needed)} of memory, and there are {_amount(free)}: {instead}"]


def memory_of_training(settings: dict[str, Any], nodes: list[int] | None) -> int:
    """Return the bytes that a training takes.

    Parameters
    ----------
    settings : dict
        Of `PINNTrainOptions.settings`.
    nodes : list of int or None
        Those of its field along x, y and z; None where they are not known yet.
    """
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
    return losses + of_the_optimiser(Settings(settings["optimiser"], settings["history"]), shape.parameters)


def memory_needed(shape: Any, boundary: int, interior: int, dtype: str, chunk: int) -> int:
    return 8 * (6 * boundary + 3 * interior) + 4 * chunk * (2 * shape.units * (shape.hidden_layers + 2)) * 8


def _surface(nodes: list[int], boundary: str) -> int:
    """Return how many nodes lie at the bottom, or on all faces."""
    x, y, z = nodes
    return x * y if boundary == "bottom" else x * y * z - max(0, x - 2) * max(0, y - 2) * max(0, z - 2)


def _amount(number: float) -> str:
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number / 2**20:.0f} MB"
