"""What a cell measures: lengths, angles, volume, and their names in records and documents."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

if TYPE_CHECKING:
    from genarris_fw.crystal.structure import Structure

# Of the angles of symmetric cells exactly: a cosine of 6e-17 for 90 degrees would be seen in what follows.
_COSINES = {60.0: 0.5, 90.0: 0.0, 120.0: -0.5}
CELL_KEYS = ("a", "b", "c", "alpha", "beta", "gamma", "cell_vol")


def cell_values(lattices: ArrayLike) -> NDArray[np.float64]:
    """Return what cells measure, in the order of `CELL_KEYS`.

    Parameters
    ----------
    lattices : (..., 3, 3) array_like
        Rows are the lattice vectors, Å.

    Returns
    -------
    (..., 7) ndarray
        Lengths in Å, the angles between b and c, a and c, a and b in degrees, volume in Å3 (always positive).
    """
    rows = np.asarray(lattices, dtype=float)
    lengths = np.linalg.norm(rows, axis=-1)
    one, other = [1, 0, 0], [2, 2, 1]  # the vectors between which the angles are
    cosines = (rows[..., one, :] * rows[..., other, :]).sum(axis=-1) / (lengths[..., one] * lengths[..., other])
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    return np.concatenate([lengths, angles, np.abs(np.linalg.det(rows))[..., None]], axis=-1)


def cell_volume(numbers: Sequence[float]) -> float:
    """Return the volume of one cell in Å3, always positive.

    Parameters
    ----------
    numbers : sequence of 9 float
        The lattice vectors, one after the other, Å.
    """
    ax, ay, az, bx, by, bz, cx, cy, cz = numbers
    return abs(ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx))


def cell_properties(structure: Structure) -> dict[str, float]:
    """Return the lengths (Å), angles (degrees) and volume (Å3) of the cell, under their names in a record.

    Parameters
    ----------
    structure : Structure
        A crystal.

    Returns
    -------
    dict
        ``a``, ``b``, ``c``, ``alpha``, ``beta``, ``gamma``, ``cell_vol``.

    Examples
    --------
    >>> from genarris_fw.crystal import Structure, cell_properties
    >>> cell_properties(Structure([[4, 0, 0], [0, 5, 0], [0, 0, 6]], ["He"], [[0, 0, 0]]))["cell_vol"]
    120.0
    """
    return dict(zip(CELL_KEYS, _values(structure.cell.tobytes()), strict=True))


@lru_cache(maxsize=1024)
def _values(lattice: bytes) -> tuple[float, ...]:
    """What a cell measures; a structure's is asked for by its document and by each of its files.

    As `cell_values` gives it, whose calls of numpy cost ten times as much for a single cell.
    """
    numbers = struct.unpack("9d", lattice)
    a, b, c = numbers[:3], numbers[3:6], numbers[6:]
    la, lb, lc = math.hypot(*a), math.hypot(*b), math.hypot(*c)
    angles = [_angle(b, c, lb * lc), _angle(a, c, la * lc), _angle(a, b, la * lb)]
    return (la, lb, lc, *angles, cell_volume(numbers))


def _angle(one: tuple[float, ...], other: tuple[float, ...], lengths: float) -> float:
    """Return the angle between two vectors in degrees; `lengths` is the product of theirs."""
    cosine = (one[0] * other[0] + one[1] * other[1] + one[2] * other[2]) / lengths
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def lattice_of(lengths: Sequence[float], angles: Sequence[float]) -> NDArray[np.float64]:
    """Return the vectors of a cell in the standard orientation: a along x, b in the xy plane, right-handed.

    Parameters
    ----------
    lengths : sequence of 3 float
        a, b, c in Å.
    angles : sequence of 3 float
        Those between b and c, a and c, a and b in degrees.

    Returns
    -------
    (3, 3) ndarray
        Rows are the lattice vectors, Å.

    Raises
    ------
    InputError
        For angles of which there is no cell.
    """
    alpha, beta, gamma = (_COSINES.get(angle, math.cos(math.radians(angle))) for angle in angles)
    height = math.sqrt(max(0.0, 1.0 - gamma * gamma))
    across = (alpha - beta * gamma) / height if height else 0.0
    left = 1.0 - beta * beta - across * across
    if not all(0.0 < angle < 180.0 for angle in angles) or left <= 1e-9:
        text = ", ".join(f"{angle:g}" for angle in angles)
        raise InputError(f"no cell has the angles {text}; correct them")
    a, b, c = lengths
    return np.array([[a, 0.0, 0.0], [b * gamma, b * height, 0.0], [c * beta, c * across, c * math.sqrt(left)]])
