"""The trips of the model, T^n_od = A^n_o B_d exp(-beta^n c^n_od), formula (10) of the paper.

Given gamma and beta, A follows from the origins' totals (21), so that of each origin's trips the share
p^n_(d|o) = exp(gamma_d - beta^n c^n_od) / sum_d' exp(gamma_d' - beta^n c^n_od') goes to d: a multinomial logit (12).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.trips.model.memory import memory_of_pairs, require_memory
from genarris_fw.studies.trips.model.problem import TripProblem


@dataclass(frozen=True, eq=False)
class Parameters:
    """The parameters of a model.

    Parameters
    ----------
    gamma : (D,) array
        The constants of the destinations, ln B_d. One of them is free, for a factor of B is lost in A: gamma[0] = 0.
        Others are given alike, and moved.
    beta : (N,) array
        What a unit of cost takes from the utility of each category, per unit of cost.
    """

    gamma: NDArray[np.float64]
    beta: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Take copies, and move gamma."""
        gamma = np.array(self.gamma, dtype=np.float64)
        object.__setattr__(self, "gamma", gamma - gamma[0])
        object.__setattr__(self, "beta", np.array(self.beta, dtype=np.float64))


def trips(problem: TripProblem, parameters: Parameters) -> NDArray[np.float64]:
    """Return the trips of the model.

    Parameters
    ----------
    problem : TripProblem
    parameters : Parameters

    Returns
    -------
    (N, O, D) ndarray
        Trips, 0 at forbidden pairs. They keep the totals of the origins, whatever the parameters.
    """
    needed = memory_of_pairs(*problem.costs.shape)
    require_memory(needed, "the trips between all pairs of zones", "take fewer zones, or a category at a time")
    found = np.empty_like(problem.costs)
    for n, (shares, _) in enumerate(shares_by_category(problem.costs, parameters, problem.allowed)):
        np.multiply(shares, problem.origins[n][:, None], out=found[n])
    return found


def balancing_factors(problem: TripProblem, parameters: Parameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return A, (N, O), by (21), and B = exp(gamma), (D,)."""
    logarithms = np.array([of_sums for _, of_sums in shares_by_category(problem.costs, parameters, problem.allowed)])
    return problem.origins * np.exp(-logarithms), np.exp(parameters.gamma)


def log_likelihood(problem: TripProblem, parameters: Parameters) -> float:
    """Return the logarithm of the likelihood of the totals, sum T^n_od ln p^n_(d|o) over the trips they are made of.

    It needs no more of the trips than the totals: sum_d gamma_d D_d - sum_n beta^n C^n
    - sum_(n,o) O^n_o ln sum_d exp(gamma_d - beta^n c^n_od).
    """
    chosen = parameters.gamma @ problem.destinations - parameters.beta @ problem.total_costs
    for n, (_, of_sums) in enumerate(shares_by_category(problem.costs, parameters, problem.allowed)):
        starts = problem.origins[n] > 0
        chosen -= problem.origins[n][starts] @ of_sums[starts]
    return float(chosen)


def entropy(problem: TripProblem, parameters: Parameters) -> float:
    """Return the entropy of the model's trips, -sum T (ln T - 1): (6) of the paper."""
    total = 0.0
    for n, (shares, _) in enumerate(shares_by_category(problem.costs, parameters, problem.allowed)):
        total += entropy_of(shares * problem.origins[n][:, None])
    return total


def entropy_of(trips: NDArray[np.float64]) -> float:
    """Return the entropy of any trips, -sum T (ln T - 1), where 0 ln 0 is 0."""
    some = trips[trips > 0]
    return float(some.sum() - some @ np.log(some))


def residuals(problem: TripProblem, parameters: Parameters) -> dict[str, float]:
    """Return by how much the model's trips miss the totals.

    Parameters
    ----------
    problem : TripProblem
    parameters : Parameters

    Returns
    -------
    dict
        The largest relative difference among ``origins``, ``destinations`` and ``mean_costs``.
    """
    arriving = np.zeros(problem.destination_zones)
    leaving, costs = np.zeros_like(problem.origins), np.zeros(problem.categories)
    for n, (shares, _) in enumerate(shares_by_category(problem.costs, parameters, problem.allowed)):
        trips = np.multiply(shares, problem.origins[n][:, None], out=shares)
        leaving[n], costs[n] = trips.sum(axis=1), np.vdot(trips, problem.costs[n])
        arriving += trips.sum(axis=0)
    starts = problem.origins > 0
    return {
        "origins": _largest(leaving[starts], problem.origins[starts]),
        "destinations": _largest(arriving, problem.destinations),
        "mean_costs": _largest(costs, problem.total_costs),
    }


def _largest(found: NDArray[np.float64], given: NDArray[np.float64]) -> float:
    return float(np.max(np.abs(found - given) / given))


def shares_by_category(
    costs: NDArray[np.float64], parameters: Parameters, allowed: NDArray[np.bool_] | None
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield p (O, D) of each category, and the logarithms (O,) of the sums that it was divided by.

    A row without any allowed destination has shares 0 and the logarithm 0: nobody leaves there.
    """
    for n, beta in enumerate(parameters.beta):
        utility = costs[n] * -beta
        utility += parameters.gamma
        if allowed is not None:
            utility[~allowed[n]] = -np.inf
        highest = utility.max(axis=1)
        highest[highest == -np.inf] = 0.0
        utility -= highest[:, None]
        np.exp(utility, out=utility)
        sums = utility.sum(axis=1)
        sums[sums == 0] = 1.0
        utility /= sums[:, None]
        yield utility, highest + np.log(sums)
