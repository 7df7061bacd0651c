"""One pass over the pairs of zones: balancing factors by origin, sums by destination and moments of the cost.

No array of pairs is made. A pass goes by blocks of rows, the same whatever the number of threads, and their sums are
added in the order of the rows: the result has the same bits on one thread and on many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

import genarris_fw._kernels.gravity as kernel
from genarris_fw.studies.trips.model.problem import TripProblem

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Result = TypeVar("Result")
# A thread takes at most so many pairs at a time.
PAIRS_OF_A_BLOCK = 1 << 19


@dataclass(frozen=True, eq=False)
class Pass:
    """What a pass over one category gives, T = A_o B_d exp(-beta c_od) with every origin's total met (21).

    Parameters
    ----------
    log_a : ndarray, shape (O,)
        ln A_o = ln O_o - ln sum_d B_d exp(-beta c_od); -inf where no trip begins.
    column_sums, column_costs, column_costs_squared : ndarray, shape (D,)
        Sums over the origins of T, c T and c^2 T.
    within : float
        The sum of T (c - mean cost from the same origin)^2: minus the second derivative of the log-likelihood by beta.
    """

    log_a: Array
    column_sums: Array
    column_costs: Array
    column_costs_squared: Array
    within: float

    @property
    def a(self) -> Array:
        """The balancing factors A_o of the origins, shape (O,)."""
        return np.asarray(np.exp(self.log_a))

    @property
    def trips(self) -> float:
        """The sum of T."""
        return float(self.column_sums.sum())

    @property
    def cost(self) -> float:
        """The sum of c T."""
        return float(self.column_costs.sum())

    @property
    def cost_squared(self) -> float:
        """The sum of c^2 T."""
        return float(self.column_costs_squared.sum())


@dataclass(frozen=True, eq=False)
class Passes:
    """What passes over all categories give; the arrays of `Pass` with the category in front.

    Parameters
    ----------
    log_a : ndarray, shape (N, O)
        ln A_o of each category.
    column_sums, column_costs, column_costs_squared : ndarray, shape (N, D)
        Sums over the origins of T, c T and c^2 T.
    within : ndarray, shape (N,)
        The sum of T (c - mean cost from the same origin)^2.
    """

    log_a: Array
    column_sums: Array
    column_costs: Array
    column_costs_squared: Array
    within: Array

    @property
    def destinations(self) -> Array:
        """Trips that arrive, shape (D,)."""
        return np.asarray(self.column_sums.sum(axis=0))

    @property
    def costs(self) -> Array:
        """The sum of c T by category, shape (N,)."""
        return np.asarray(self.column_costs.sum(axis=1))

    @property
    def costs_squared(self) -> Array:
        """The sum of c^2 T by category, shape (N,)."""
        return np.asarray(self.column_costs_squared.sum(axis=1))

    @property
    def mean_costs(self) -> Array:
        """The mean cost of a trip by category, shape (N,)."""
        return np.asarray(self.costs / self.column_sums.sum(axis=1))


@dataclass(frozen=True)
class Block:
    """Some origins of a category."""

    category: int
    rows: slice


def blocks(problem: TripProblem) -> list[Block]:
    """Return the blocks of rows that a pass goes by, in their order."""
    rows = max(1, PAIRS_OF_A_BLOCK // problem.destination_zones)
    return [
        Block(n, slice(first, min(first + rows, problem.origin_zones)))
        for n in range(problem.categories)
        for first in range(0, problem.origin_zones, rows)
    ]


def each(function: Callable[[Block], Result], over: list[Block], threads: int) -> Iterator[tuple[Block, Result]]:
    """Yield what a function gives for each block, in their order."""
    if threads == 1 or len(over) == 1:
        yield from ((block, function(block)) for block in over)
        return
    with ThreadPoolExecutor(min(threads, len(over))) as pool:
        yield from zip(over, pool.map(function, over), strict=True)


def bytes_of(allowed: Mask | None) -> npt.NDArray[np.uint8] | None:
    """Return a mask as the kernels take it, without a copy."""
    return None if allowed is None else allowed.view(np.uint8)


def allowed_of(problem: TripProblem, block: Block) -> npt.NDArray[np.uint8] | None:
    """Return the allowed pairs of a block."""
    return None if problem.allowed is None else bytes_of(problem.allowed[block.category, block.rows])


def pass_over(costs: Array, beta: float, gamma: Array, origins: Array, allowed: Mask | None = None) -> Pass:
    """Pass once over a category, on one thread.

    Parameters
    ----------
    costs : ndarray, shape (O, D)
        Its costs.
    beta : float
        Its parameter of cost.
    gamma : ndarray, shape (D,)
        ln B_d, up to a constant.
    origins : ndarray, shape (O,)
        Its trips from each origin.
    allowed : ndarray of bool, shape (O, D), optional
        Which pairs trips may take; all by default.
    """
    log_a, sums = np.empty(len(origins)), np.zeros((3, len(gamma)))
    within = kernel.balance(costs, bytes_of(allowed), beta, gamma, origins, log_a, sums)
    return Pass(log_a, sums[0], sums[1], sums[2], within)


def passes(problem: TripProblem, beta: Array, gamma: Array, threads: int = 1) -> Passes:
    """Pass once over every category.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    beta : ndarray, shape (N,)
        The parameters of cost.
    gamma : ndarray, shape (D,)
        ln B_d, up to a constant.
    threads : int, optional
        How many blocks are passed over at a time.
    """

    def of_block(block: Block) -> Pass:
        n, rows = block.category, block.rows
        allowed = None if problem.allowed is None else problem.allowed[n, rows]
        return pass_over(problem.costs[n, rows], float(beta[n]), gamma, problem.origins[n, rows], allowed)

    log_a = np.empty_like(problem.origins)
    sums = np.zeros((3, problem.categories, problem.destination_zones))
    within = np.zeros(problem.categories)
    for block, found in each(of_block, blocks(problem), threads):
        n = block.category
        log_a[n, block.rows] = found.log_a
        sums[0, n] += found.column_sums
        sums[1, n] += found.column_costs
        sums[2, n] += found.column_costs_squared
        within[n] += found.within
    return Passes(log_a, sums[0], sums[1], sums[2], within)


def cost_moments(
    costs: Array, beta: float, gamma: Array, log_a: Array, allowed: Mask | None = None
) -> tuple[float, float, float]:
    """Return the sums of T, c T and c^2 T of a category by given factors, T = exp(ln A_o + gamma_d - beta c_od).

    Parameters
    ----------
    costs : ndarray, shape (O, D)
        Its costs.
    beta : float
        Its parameter of cost.
    gamma : ndarray, shape (D,)
        ln B_d.
    log_a : ndarray, shape (O,)
        ln A_o; -inf where no trip begins.
    allowed : ndarray of bool, shape (O, D), optional
        Which pairs trips may take; all by default.
    """
    found: tuple[float, float, float] = kernel.moments(costs, bytes_of(allowed), beta, gamma, log_a)
    return found
