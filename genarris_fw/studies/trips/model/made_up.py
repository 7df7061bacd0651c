"""Problems made up as in the paper's experiments: parameters are given, the totals follow from the model's trips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, shares_by_category

LOWEST_COST = 0.1  # of the standard deviation
TRIPS = (100.0, 1000.0)  # of a category, from an origin
GAMMA = (-1.0, 1.0)


def made_up_problem(
    zones: int, categories: int, cost_deviation: float, beta_range: tuple[float, float], seed: int
) -> tuple[TripProblem, Parameters]:
    """Make up a problem and its true parameters.

    Costs of each category are normally distributed and moved so that the lowest is just above 0: with 300 zones the
    largest minus the lowest is 8.7 standard deviations, as in the first row of the paper's table 3 (5.23 for a variance
    of 0.36).

    Parameters
    ----------
    zones, categories : int
    cost_deviation : float
        The standard deviation of the costs.
    beta_range : (float, float)
        From where to where beta is drawn, uniformly.
    seed : int

    Returns
    -------
    TripProblem, Parameters
    """
    random = np.random.default_rng(seed)
    beta = random.uniform(*beta_range, size=categories)
    gamma = random.uniform(*GAMMA, size=zones)
    origins = random.uniform(*TRIPS, size=(categories, zones))
    costs = random.standard_normal((categories, zones, zones))
    for n in range(categories):
        costs[n] *= cost_deviation
        costs[n] += LOWEST_COST * cost_deviation - costs[n].min()
    return problem_of(costs, origins, Parameters(gamma, beta))


def problem_of(
    costs: NDArray[np.float64],
    origins: NDArray[np.float64],
    parameters: Parameters,
    allowed: NDArray[np.bool_] | None = None,
) -> tuple[TripProblem, Parameters]:
    """Return the problem whose totals are those of the model's trips, and the parameters."""
    categories, _, zones = costs.shape
    destinations, mean_costs = np.zeros(zones), np.empty(categories)
    for n, (shares, _) in enumerate(shares_by_category(costs, parameters, allowed)):
        trips = np.multiply(shares, origins[n][:, None], out=shares)
        destinations += trips.sum(axis=0)
        mean_costs[n] = np.vdot(trips, costs[n]) / origins[n].sum()
    return TripProblem(costs, origins, destinations, mean_costs, allowed), parameters
