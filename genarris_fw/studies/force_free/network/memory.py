"""The memory that a loss takes, said before any of it is taken."""

from __future__ import annotations

from genarris_fw.errors import InputError
from genarris_fw.memory import gigabytes, memory_here
from genarris_fw.studies.force_free.network.propagation import VALUES, VALUES_AND_DERIVATIVES
from genarris_fw.studies.force_free.network.shape import Shape

# Boundary points that are propagated at once for each point inside: they have no derivatives.
BOUNDARY_CHUNKS = VALUES_AND_DERIVATIVES // VALUES

_BYTES = {"float32": 4, "float64": 8}
_ROW = 3 * 8  # bytes of a point, or of the field there, as it is sampled


def memory_needed(shape: Shape, boundary: int, interior: int, dtype: str = "float32", chunk: int = 500) -> int:
    """Return the bytes that the points and the layers of a loss take.

    Parameters
    ----------
    shape : Shape
    boundary, interior : int
        Points of each kind.
    dtype : str
        ``float32`` or ``float64``.
    chunk : int
        Points that are propagated at once.

    Returns
    -------
    int
        Bytes. What the optimiser remembers comes on top.
    """
    number = _BYTES[dtype]
    # As they are sampled, and as they are computed with; scales and weights are float64.
    points = boundary * (3 * _ROW + 6 * 8 + 3 * number) + interior * (_ROW + 8 * 8 + 3 * number)
    widths = sum(into for into, _ in shape.layers) + 3 + shape.units
    # What goes in and out of every layer, and the twelve numbers of each point with those made of them.
    rows = min(BOUNDARY_CHUNKS * chunk, boundary) + VALUES_AND_DERIVATIVES * min(chunk, interior)
    layers = rows * (widths * number + 10 * _ROW)
    # Parameters in both types, the gradient, and each layer's share of it in two propagations.
    return points + layers + shape.parameters * (2 * 8 + 3 * number)


def memory_of_points(nodes: int, interior: int) -> int:
    """Return the bytes that sampling takes: for the nodes of the field, and points drawn, then moved into the box."""
    return _ROW * (3 * interior + 4 * nodes)


def require_memory(needed: int, what: str, available: int | None = None) -> None:
    """Refuse what has no room, before it begins.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        What needs them.
    available : int, optional
        Bytes that there are; by default those of this machine.

    Raises
    ------
    InputError
        It says what is needed and what there is.
    """
    there = memory_here() if available is None else available
    if needed > there:
        raise InputError(f"{what} need {gigabytes(needed)}, and there are {gigabytes(there)}: ask for fewer points")
