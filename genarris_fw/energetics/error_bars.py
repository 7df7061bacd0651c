"""What several engines say of one list of crystals: their mean, their spread as the error bar, and what is undecided.

Engines that are no better than each other disagree by their errors, so that the spread of an energy difference over
them is an estimate of its error; a difference below it does not say which crystal is lower. The spread knows nothing of
errors that all engines share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The mean of m engines for n structures, with error bars.

    Attributes
    ----------
    relative : (m, n) ndarray
        Energies of each engine relative to its own energy of the structure that is lowest on the mean.
    mean : (n,) ndarray
        Mean of `relative` over the engines; 0 for the lowest structure.
    error : (n,) ndarray
        Standard deviation of `relative` over the engines (of m - 1), at least the least error; 0 for the lowest.
    least : float
        The least error.
    best, worst : (n,) ndarray of int
        Ranks, from 1, that a structure may have: ``best`` counts those that are lower for sure, ``worst`` all but those
        that are higher for sure. A structure is ranked only where the two are the same.
    lowest : int
        Row of the structure that is lowest on the mean.
    """

    relative: Floats
    mean: Floats
    error: Floats
    least: float
    best: NDArray[np.int64]
    worst: NDArray[np.int64]
    lowest: int

    def decided(self, row: int) -> NDArray[np.bool_]:
        """(n,) whether the mean difference to a structure is larger than the error of that difference."""
        mean, error = _differences(self.relative, row, self.least)
        return np.asarray(np.abs(mean) > error)

    def rank(self, row: int) -> str:
        """Return a structure's rank in words: ``3``, or ``2-5`` where it is undecided."""
        best, worst = int(self.best[row]), int(self.worst[row])
        return str(best) if best == worst else f"{best}-{worst}"

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """(n,) whether a structure may be the lowest: its difference to the lowest one is below its error bar."""
        return ~self.decided(self.lowest)


def ranking(energies: ArrayLike, least: float = 0.0) -> Ranking:
    """Rank structures by the mean of several engines, as far as the engines agree.

    Absolute energies of two engines have nothing in common: only differences within each engine enter.

    Parameters
    ----------
    energies : (m, n) array_like
        Energies of n structures of one composition by each of m engines, in one unit and per the same amount of matter.
    least : float, optional
        An error bar is never smaller, whatever the engines agree on.

    Raises
    ------
    InputError
        For fewer than two engines or no structure, numbers that are not finite, or a negative least error.

    Examples
    --------
    >>> from genarris_fw.energetics import ranking
    >>> found = ranking([[0.0, 5.0, 9.0], [0.0, 4.0, 9.5]])  # of three structures, by two engines
    >>> found.mean.round(2)
    array([0.  , 4.5 , 9.25])
    """
    e = np.asarray(energies, dtype=float)
    if e.ndim != 2 or e.shape[0] < 2 or e.shape[1] < 1:
        raise InputError("an error bar is the spread of two engines or more, over the same structures")
    if not np.isfinite(e).all():
        raise InputError("an energy to rank by is not a finite number")
    if not least >= 0.0:
        raise InputError(f"the least error must not be negative, as {least:g} is")
    lowest = int(np.argmin(e.mean(axis=0)))
    mean, error = _differences(e, lowest, least)
    best, worst = np.ones(e.shape[1], dtype=np.int64), np.full(e.shape[1], e.shape[1], dtype=np.int64)
    for row in range(e.shape[1]):  # row by row: of ten thousand structures there are too many pairs to keep
        above, its_error = _differences(e, row, least)
        best[row] += np.count_nonzero(above < -its_error)
        worst[row] -= np.count_nonzero(above > its_error)
    return Ranking(e - e[:, [lowest]], mean, error, least, best, worst, lowest)


def _differences(energies: Floats, row: int, least: float) -> tuple[Floats, Floats]:
    """Return mean and error, over the engines, of all structures' differences to one; 0 for itself."""
    differences = energies - energies[:, [row]]
    error = np.maximum(differences.std(axis=0, ddof=1), least)
    error[row] = 0.0
    return differences.mean(axis=0), error
