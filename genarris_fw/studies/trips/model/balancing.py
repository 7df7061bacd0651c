"""One pass over the pairs of zones: balancing factors by origin, sums by destination and moments of the cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genarris_fw.studies.trips.model.problem import TripProblem

Array = npt.NDArray[np.float64]
# What a forbidden pair has in the exponent: its exponential is 0, and no number on the way is infinite.
FORBIDDEN = -1e300


@dataclass(frozen=True)
class Pass:
    """What a pass over one category gives, T = A_o B_d exp(-beta c_od) with every origin's total met (21).

    Parameters
    ----------
    log_a : ndarray, shape (O,)
        ln A_o = ln O_o - ln sum_d B_d exp(-beta c_od); -inf where no trip begins.
    column_sums, column_costs, column_costs_squared : ndarray, shape (D,)
        Sums over the origins of T, c T and c^2 T.
    """

    log_a: Array
    column_sums: Array
    column_costs: Array
    column_costs_squared: Array

    @property
    def a(self) -> Array:
        """The balancing factors A_o of the origins, shape (O,)."""
        return np.exp(self.log_a)

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


@dataclass(frozen=True)
class Passes:
    """What passes over all categories give; the arrays of `Pass` with the category in front.

    Parameters
    ----------
    log_a : ndarray, shape (N, O)
        ln A_o of each category.
    column_sums, column_costs, column_costs_squared : ndarray, shape (N, D)
        Sums over the origins of T, c T and c^2 T.
    """

    log_a: Array
    column_sums: Array
    column_costs: Array
    column_costs_squared: Array

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
        return self.costs / self.column_sums.sum(axis=1)


def pass_over(
    costs: Array, beta: float, gamma: Array, origins: Array, allowed: npt.NDArray[np.bool_] | None = None
) -> Pass:
    """Pass once over a category.

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
    exponents = gamma - beta * costs
    if allowed is not None:
        exponents = np.where(allowed, exponents, FORBIDDEN)
    highest = exponents.max(axis=1)
    trips = np.exp(exponents - highest[:, None])
    sums = trips.sum(axis=1)
    with np.errstate(divide="ignore"):
        log_a = np.log(origins) - np.log(sums) - highest
    trips *= (origins / sums)[:, None]
    with_cost = costs * trips
    return Pass(log_a, trips.sum(axis=0), with_cost.sum(axis=0), (costs * with_cost).sum(axis=0))


def passes(problem: TripProblem, beta: Array, gamma: Array, threads: int = 1) -> Passes:
    """Pass once over every category; the result does not depend on the number of threads.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    beta : ndarray, shape (N,)
        The parameters of cost.
    gamma : ndarray, shape (D,)
        ln B_d, up to a constant.
    threads : int, optional
        How many categories are passed over at a time.
    """
    each = [
        pass_over(
            problem.costs[n],
            float(beta[n]),
            gamma,
            problem.origins[n],
            None if problem.allowed is None else problem.allowed[n],
        )
        for n in range(problem.categories)
    ]
    return Passes(
        np.stack([one.log_a for one in each]),
        np.stack([one.column_sums for one in each]),
        np.stack([one.column_costs for one in each]),
        np.stack([one.column_costs_squared for one in each]),
    )
