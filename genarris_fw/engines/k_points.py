"""Grids of k points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def grid_of_spacing(lattice: NDArray[np.float64], spacing: float) -> list[int]:
    """Return the numbers of k points along the reciprocal vectors.

    Parameters
    ----------
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, in Å.
    spacing : float
        1/Å, 2π included; the largest distance of neighbouring points.
    """
    lengths = np.linalg.norm(2 * np.pi * np.linalg.inv(lattice).T, axis=1)
    # A hair's breadth less, so that a length of exactly n spacings takes n points.
    return [max(1, int(np.ceil(length / spacing - 1e-6))) for length in lengths]
