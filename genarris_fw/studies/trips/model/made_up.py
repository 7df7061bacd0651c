"""Problems made up as in the paper's experiments: parameters are given, the totals follow from the model's trips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.memory import memory_of_pairs, require_memory
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

    Raises
    ------
    InputError
        For fewer than 2 zones or 1 category, a deviation that is not positive, a range without order, a negative seed,
        costs that this machine has no room for, or a beta so large that nobody goes to some destination.
    """
    _check(zones, categories, cost_deviation, beta_range, seed)
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


def _check(zones: int, categories: int, cost_deviation: float, beta_range: tuple[float, float], seed: int) -> None:
    least, most = beta_range
    if zones < 2:
        raise InputError(f"zones = {zones}: give 2 or more")
    if categories < 1:
        raise InputError(f"categories = {categories}: give 1 or more")
    if not 0 < cost_deviation < np.inf:
        raise InputError(f"cost_deviation = {cost_deviation:g}: give a number above 0")
    if not -np.inf < least <= most < np.inf:
        raise InputError(f"beta_range = {least:g} {most:g}: give the smaller first")
    if seed < 0:
        raise InputError(f"seed = {seed}: give a whole number, 0 or more")
    what = f"costs of {zones} zones and {categories} categories"
    require_memory(memory_of_pairs(categories, zones, zones, arrays=1.5), what, "take fewer of them")
