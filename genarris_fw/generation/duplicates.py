"""Which structures of a sequence repeat an earlier one, told by their vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

SIEVES = 8  # components compared one by one before all at once
FEW = 10  # structures that are compared in all components at once


def first_of_equals(vectors: ArrayLike, tolerance: float) -> NDArray[np.intp]:
    """Find for each structure the earlier one that it duplicates.

    Structures are looked at in order. One whose vector is within the tolerance of a kept one duplicates it (the
    first such in order); any other is kept. What was dropped is not compared with.

    Parameters
    ----------
    vectors : (n, k) array_like
        A row per structure, in the order of the draws; for example average minimum distances in Å.
    tolerance : float
        Largest difference in any component (Chebyshev distance), in the unit of the vectors. With 0 all are kept,
        equal ones too.

    Returns
    -------
    (n,) ndarray of int
        The row of the kept structure that row i duplicates, or i where it is kept itself.

    Raises
    ------
    InputError
        For vectors of another shape or with a number that is not finite, or a tolerance below 0.
    """
    rows = np.asarray(vectors, dtype=float)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"the vectors have the shape {rows.shape}; give a row of at least one number per structure")
    if not np.isfinite(rows).all():
        raise InputError("a vector holds a number that is not finite")
    if not tolerance >= 0:
        raise InputError(f"tolerance is {tolerance}; give a distance, 0 or more")
    first = np.arange(len(rows))
    if tolerance == 0 or len(rows) < 2:
        return first
    # In the order of the most telling component, only a window around each structure can hold equals of it; the
    # next ones sieve the window.
    columns = _telling_columns(rows)
    order = np.argsort(rows[:, columns[0]], kind="stable")
    place = np.argsort(order, kind="stable")
    sorted_rows = rows[order]
    guide, *sieves = np.ascontiguousarray(sorted_rows[:, columns].T)
    low, high = _windows(guide, tolerance)
    second = sieves[0] if sieves else guide
    kept = np.zeros(len(rows), dtype=bool)
    for i, here in enumerate(place):
        window = slice(low[here], high[here])
        near = np.flatnonzero(kept[window] & (np.abs(second[window] - second[here]) <= tolerance)) + low[here]
        for sieve in sieves[1:]:
            if len(near) > FEW:
                near = near[np.abs(sieve[near] - sieve[here]) <= tolerance]
        if len(near):
            near = near[(np.abs(sorted_rows[near] - sorted_rows[here]) <= tolerance).all(axis=1)]
        if len(near):
            first[i] = order[near].min()
        else:
            kept[here] = True
    return first


def _telling_columns(rows: Floats) -> list[int]:
    """Components that spread, each chosen as the one that the chosen ones tell least about (pivoted Gram-Schmidt)."""
    sample = rows[:: max(1, len(rows) // 1000)]
    left = sample - sample.mean(axis=0)
    columns = [0]
    for number in range(min(SIEVES, rows.shape[1])):
        spread = (left**2).sum(axis=0)
        column = int(spread.argmax())
        if spread[column] <= 1e-12:
            break
        columns[number:] = [column]
        left = left - np.outer(left[:, column], left[:, column] @ left / spread[column])
    return columns


def _windows(values: Floats, tolerance: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where in rising values the neighbours within the tolerance of each begin and end (rounding allowed for)."""
    reach = tolerance + 1e-12 * (tolerance + np.abs(values))
    return np.searchsorted(values, values - reach), np.searchsorted(values, values + reach, side="right")
