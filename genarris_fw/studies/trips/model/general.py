"""The general form of the model of maximum entropy, problem (1)-(5) of the paper.

Of all T > 0 that keep aggregations, sum of T over a set S_j = T_j (2)-(3), and linear constraints,
sum x_k T = X_k (4), those with the largest entropy -sum T (ln T - 1) are
T = exp(sum of alpha_j over the sets T is in + sum_k beta_k x_k) (5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.memory import memory_of_pairs, require_memory
from genarris_fw.studies.trips.model.problem import TripProblem

# Numbers of a pair while its constraints are put together (20.1 measured): three, each with row, column and weight.
_ARRAYS = 21


@dataclass(frozen=True, eq=False)
class GeneralProblem:
    """Constraints on M unknown numbers of trips (or of any other choice).

    Parameters
    ----------
    rows : (J + K, M) sparse array
        What is summed up: first the aggregations (0 and 1), then the weights x_k of the linear constraints.
    totals : (J + K,) array
        What the sums are: T_j, then X_k.
    aggregations : int
        J.
    names : tuple of str
        What the constraints are called.
    """

    rows: Any
    totals: NDArray[np.float64]
    aggregations: int
    names: tuple[str, ...]

    @property
    def unknowns(self) -> int:
        """M."""
        return int(self.rows.shape[1])


def general_problem(
    unknowns: int,
    aggregations: Iterable[tuple[str, Sequence[int] | NDArray[np.int64], float]] = (),
    linear: Iterable[tuple[str, ArrayLike, float]] = (),
) -> GeneralProblem:
    """Put a problem together.

    Parameters
    ----------
    unknowns : int
        M, how many numbers of trips are sought.
    aggregations : iterable of (name, members, total)
        Sets of unknowns (by their numbers, from 0 on) and the sum of each.
    linear : iterable of (name, weights, total)
        Weights, one for each unknown, and the weighted sum.

    Returns
    -------
    GeneralProblem

    Raises
    ------
    InputError
        For no constraint, a set that is empty or names what is not there, weights of another number or not finite, a
        total of a set that is not positive, any total that is not finite, or an unknown that is in no set: it would be
        without bound.
    """
    from scipy import sparse

    rows, totals, names = [], [], []
    for name, members, total in aggregations:
        rows.append(_membership(name, np.asarray(members), unknowns))
        totals.append(_total(name, total, positive=True))
        names.append(name)
    sets = len(rows)
    for name, weights, total in linear:
        numbers = np.asarray(weights, dtype=np.float64)
        if numbers.shape != (unknowns,) or not np.isfinite(numbers).all():
            raise InputError(f"{name}: give {unknowns} weights, all of them finite numbers")
        rows.append(sparse.csr_array(numbers[None, :]))
        totals.append(_total(name, total, positive=False))
        names.append(name)
    if not rows:
        raise InputError("a problem without constraints: give at least one")
    stacked = sparse.csr_array(sparse.vstack(rows))
    for number in np.flatnonzero(np.bincount(stacked[:sets].indices, minlength=unknowns) == 0):
        raise InputError(f"unknown {number} is in no set: give the total of a set that it is in")
    return GeneralProblem(stacked, np.array(totals), sets, tuple(names))


def as_general(problem: TripProblem) -> GeneralProblem:
    """Return the doubly constrained problem (6)-(9) in the general form.

    Its unknowns are the trips of allowed pairs from origins with trips, in the order of ``reachable``; its constraints
    are (7) for origins with trips, then (8), then (9).

    Raises
    ------
    InputError
        Where this machine has no room for it: it takes as much as 21 times the costs.
    """
    from scipy import sparse

    needed = _ARRAYS * memory_of_pairs(*problem.costs.shape)
    require_memory(needed, "the constraints of all pairs of zones, written out,", "take fewer zones or categories")
    called = problem.called
    n, o, d = np.nonzero(reachable(problem))
    unknowns = np.arange(len(n))
    starts = problem.origins > 0
    number = np.cumsum(starts).reshape(starts.shape) - 1
    row = np.concatenate([number[n, o], starts.sum() + d, starts.sum() + problem.destination_zones + n])
    weights = np.concatenate([np.ones(2 * len(n)), problem.costs[n, o, d]])
    count = int(starts.sum()) + problem.destination_zones
    rows = sparse.csr_array((weights, (row, np.tile(unknowns, 3))), shape=(count + problem.categories, len(unknowns)))
    names = [f"trips of {called.category(i)} from {called.origin(j)}" for i, j in np.argwhere(starts)]
    names += [f"trips to {called.destination(j)}" for j in range(problem.destination_zones)]
    names += [f"mean cost of {called.category(i)}" for i in range(problem.categories)]
    totals = np.concatenate([problem.origins[starts], problem.destinations, problem.total_costs])
    return GeneralProblem(rows, totals, count, tuple(names))


def reachable(problem: TripProblem) -> NDArray[np.bool_]:
    """Return where there may be trips, (N, O, D): at allowed pairs, from origins with trips."""
    starts = np.broadcast_to(problem.origins[:, :, None] > 0, problem.costs.shape)
    return starts if problem.allowed is None else starts & problem.allowed


def _membership(name: str, members: NDArray[np.int64], unknowns: int) -> Any:
    from scipy import sparse

    if members.ndim != 1 or len(members) == 0 or not np.issubdtype(members.dtype, np.integer):
        raise InputError(f"{name}: give the numbers of the unknowns in the set")
    if members.min() < 0 or members.max() >= unknowns or len(np.unique(members)) < len(members):
        raise InputError(f"{name}: name each unknown once, by its number from 0 to {unknowns - 1}")
    return sparse.csr_array((np.ones(len(members)), (np.zeros_like(members), members)), shape=(1, unknowns))


def _total(name: str, total: float, positive: bool) -> float:
    if not np.isfinite(total) or (positive and total <= 0):
        raise InputError(f"{name}: a total of {total:g}: give a {'number above 0' if positive else 'finite number'}")
    return float(total)
