"""When a calculation is converged: the smallest settings on a grid from which on nothing changes any more."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def reached(differences: ArrayLike, tolerance: float) -> NDArray[np.bool_]:
    """Tell for all settings of a grid whether they are converged.

    They are when they themselves and all finer ones, along either axis and both, differ from the finest by no more
    than the tolerance: a single energy that happens to cross the finest one is no convergence.

    Parameters
    ----------
    differences : (m, n) array_like
        Difference from the finest settings (the last of both axes); NaN where there is no result, which counts as
        not converged.
    tolerance : float
        In the unit of the differences.

    Returns
    -------
    (m, n) ndarray of bool
    """
    within: NDArray[np.bool_] = np.abs(np.asarray(differences, dtype=float)) <= tolerance
    for axis in (0, 1):
        within = np.flip(np.logical_and.accumulate(np.flip(within, axis), axis=axis), axis)
    return within


def cheapest(differences: ArrayLike, tolerance: float, costs: ArrayLike) -> tuple[int, int] | None:
    """Return row and column of the cheapest converged settings; None where only the finest ones are left.

    Parameters
    ----------
    differences, tolerance
        See `reached`.
    costs : (m, n) array_like
        What each costs, in any unit.
    """
    converged = reached(differences, tolerance)
    converged[-1, -1] = False  # nothing says that these are
    if not converged.any():
        return None
    row, column = np.unravel_index(
        np.argmin(np.where(converged, np.asarray(costs, dtype=float), np.inf)), converged.shape
    )
    return int(row), int(column)
