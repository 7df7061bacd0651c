"""Choices among structures by their energies: those in a window, the best of every group."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

Rows = NDArray[np.intp]


def _checked(energies: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(energies, dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError("an energy is missing or not finite; give one number per structure")
    return values


def within_window(energies: ArrayLike, window: float) -> Rows:
    """Return the rows whose energy is at most so far above the lowest.

    Parameters
    ----------
    energies : (n,) array_like
        In any unit.
    window : float
        In the same unit, 0 or more.

    Returns
    -------
    (m,) ndarray of int
        Ascending; at least the row of the lowest energy.

    Raises
    ------
    InputError
        For an energy that is not finite, or a negative window.
    """
    values = _checked(energies)
    if not window >= 0:
        raise InputError(f"energy_window is {window}; give 0 or more")
    return np.flatnonzero(values <= values.min() + window) if len(values) else np.zeros(0, dtype=np.intp)


def best_of_groups(groups: Sequence[Hashable], energies: ArrayLike, number: int) -> Rows:
    """Return the rows of the lowest energies of every group.

    Parameters
    ----------
    groups : (n,) sequence
        Which group a row belongs to: a cluster, a space group.
    energies : (n,) array_like
        In any unit. Of equal ones the earlier row is taken.
    number : int
        How many of each group, at least 1; a smaller group is kept whole.

    Returns
    -------
    (m,) ndarray of int
        Ascending.

    Raises
    ------
    InputError
        For an energy that is not finite, another number of groups, or a number below 1.
    """
    values = _checked(energies)
    if len(groups) != len(values):
        raise InputError(f"{len(groups)} groups for {len(values)} energies; give one per structure")
    if number < 1:
        raise InputError(f"{number} of each group are to be chosen; give at least 1")
    taken: dict[Hashable, int] = {}
    chosen = []
    for row in np.argsort(values, kind="stable"):
        group = groups[row]
        if taken.get(group, 0) < number:
            taken[group] = taken.get(group, 0) + 1
            chosen.append(row)
    return np.sort(np.array(chosen, dtype=np.intp))
