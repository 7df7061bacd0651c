"""How the values of a column are spread, over a pool and over what is selected of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.web.columns import Column, values_of


def histogram(
    column: Column, mask: NDArray[np.bool_] | None, bins: int, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    """Count values in bins, or one by one where there are few.

    Parameters
    ----------
    column : Column
    mask : (n,) ndarray of bool or None
        What is selected; None is everything.
    bins : int
        Of numbers.
    low, high : float, optional
        Limits of the bins of numbers; by default those of the values.

    Returns
    -------
    dict
        ``edges`` (bins + 1) or ``values``; ``all`` and ``selected``, the counts; ``missing`` and ``missing_selected``.

    Raises
    ------
    InputError
        When there is nothing between the limits.
    """
    values = column.values
    some = values if mask is None else values[mask]
    missing = {"missing": int(np.isnan(values).sum()), "missing_selected": int(np.isnan(some).sum())}
    few = values_of(column)
    if few is not None and low is None and high is None:
        numbers = range(len(few)) if column.kind == "text" else [float(value) for value, _ in few]
        everything = [count for _, count in few]
        chosen = everything if mask is None else _each(some, np.array(list(numbers)))
        about: dict[str, Any] = {"values": [value for value, _ in few], "all": everything, "selected": chosen}
        return {"column": column.name, "kind": column.kind} | about | missing
    known = values[np.isfinite(values)]
    least = low if low is not None else float(known.min()) if len(known) else 0.0
    most = high if high is not None else float(known.max()) if len(known) else 1.0
    if most < least:
        raise InputError(f"{column.name}: nothing lies between {least:g} and {most:g}")
    if most == least:
        least, most = least - 0.5, most + 0.5
    everything = _counted(known, bins, least, most)
    chosen = everything if mask is None else _counted(some[np.isfinite(some)], bins, least, most)
    edges = [float(edge) for edge in np.linspace(least, most, bins + 1)]
    about = {"edges": edges, "all": everything, "selected": chosen}
    return {"column": column.name, "kind": column.kind} | about | missing


def _counted(values: NDArray[np.floating], bins: int, low: float, high: float) -> list[int]:
    kept = values[(values >= low) & (values <= high)].astype(np.float64)
    places = np.minimum((kept - low) * (bins / (high - low)), bins - 1).astype(np.intp)
    counts: list[int] = np.bincount(places, minlength=bins).tolist()
    return counts


def _each(values: NDArray[np.floating], numbers: NDArray[Any]) -> list[int]:
    """Count how often each of some ascending numbers is among values that are no others."""
    known = values[~np.isnan(values)]
    counts: list[int] = np.bincount(np.searchsorted(numbers, known), minlength=len(numbers)).tolist()
    return counts
