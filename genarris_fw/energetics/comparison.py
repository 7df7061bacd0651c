"""How well two engines agree on the same structures: differences of relative energies, and the ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau

from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EngineComparison:
    """Two engines' energies of n structures, each relative to its own mean.

    Attributes
    ----------
    first, second : (n,) ndarray
        Energies relative to the lowest of the same engine, in the unit of the input.
    differences : (n,) ndarray
        Second minus first, after the mean of each engine's energies is taken off: what is left when nothing but
        energy differences counts.
    root_mean_square, mean_absolute, largest : float
        Of the differences.
    kendall_tau : float or None
        Rank correlation tau-b: 1 for the same order, -1 for the reverse; None where an engine gives all structures
        the same energy.
    lowest_of_first, lowest_of_second : int
        Row of the lowest structure of each engine.
    rank_of_lowest : int
        Rank, from 1, that the first engine gives to the second one's lowest structure.
    """

    first: Floats
    second: Floats
    differences: Floats
    root_mean_square: float
    mean_absolute: float
    largest: float
    kendall_tau: float | None
    lowest_of_first: int
    lowest_of_second: int
    rank_of_lowest: int


def compare(first: ArrayLike, second: ArrayLike) -> EngineComparison:
    """Compare the relative energies of the same structures by two engines.

    Absolute energies of two engines have nothing in common; the mean over the structures is therefore taken off
    each. M. G. Kendall, Biometrika 33, 239 (1945), https://doi.org/10.1093/biomet/33.3.239, for tau-b.

    Parameters
    ----------
    first, second : (n,) array_like
        Energies of n structures of one composition, both in one unit and per the same amount of matter; the second
        engine is the reference.

    Raises
    ------
    InputError
        For fewer than two structures, lengths that differ, or numbers that are not finite.

    Examples
    --------
    >>> from genarris_fw.energetics import compare
    >>> found = compare([0.0, 1.0, 3.0], [0.0, 1.1, 2.9])
    >>> round(found.kendall_tau, 2), found.rank_of_lowest
    (1.0, 1)
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise InputError(f"two engines are compared by two structures or more, not by {a.size} and {b.size} energies")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("an energy to compare is not a finite number")
    differences = (b - b.mean()) - (a - a.mean())
    tau = float(kendalltau(a, b).statistic)
    lowest = int(np.argmin(b))
    return EngineComparison(
        first=a - a.min(),
        second=b - b.min(),
        differences=differences,
        root_mean_square=float(np.sqrt(np.mean(differences**2))),
        mean_absolute=float(np.mean(np.abs(differences))),
        largest=float(np.max(np.abs(differences))),
        kendall_tau=tau if np.isfinite(tau) else None,
        lowest_of_first=int(np.argmin(a)),
        lowest_of_second=lowest,
        rank_of_lowest=1 + int(np.sum(a < a[lowest])),
    )
