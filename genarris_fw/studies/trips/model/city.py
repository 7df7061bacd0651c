"""A made-up city: zones about a centre with most of the jobs, users by income, minutes of travel as costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.made_up import problem_of
from genarris_fw.studies.trips.model.memory import memory_of_pairs, require_memory
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# Of each category: km/h, minutes at both ends of a trip, beta per minute, km over which its homes become half as dense.
INCOMES = {
    "low income": (16.0, 9.0, 0.12, 9.0),
    "middle income": (24.0, 6.0, 0.09, 7.0),
    "high income": (32.0, 4.0, 0.07, 5.0),
}
RADIUS = 15.0  # km
JOBS = 4.0  # km over which jobs become fewer by a factor of e
TRIPS_OF_A_ZONE = 1000.0  # on average


@dataclass(frozen=True, eq=False)
class City:
    """A city, with what a modeller would not know.

    Parameters
    ----------
    problem : TripProblem
        Costs in minutes.
    parameters : Parameters
        The true ones.
    places : (Z, 2) array
        Where the zones are, km from the centre.
    """

    problem: TripProblem
    parameters: Parameters
    places: NDArray[np.float64]


def made_up_city(zones: int = 100, seed: int = 0) -> City:
    """Make up a city whose trips follow the model.

    Parameters
    ----------
    zones : int
    seed : int

    Returns
    -------
    City
        Its zones are both origins and destinations; they are called by numbers, its categories by their incomes.

    Raises
    ------
    InputError
        For fewer than 2 zones, a negative seed, or more zones than this machine has room for.
    """
    if zones < 2:
        raise InputError(f"zones = {zones} of a city: give 2 or more")
    if seed < 0:
        raise InputError(f"seed = {seed}: give a whole number, 0 or more")
    needed = memory_of_pairs(2 * len(INCOMES) + 1, zones, zones)
    require_memory(needed, f"costs of a city of {zones} zones", "take fewer of them")
    random = np.random.default_rng(seed)
    angle, distance = random.uniform(0, 2 * np.pi, zones), RADIUS * np.sqrt(random.uniform(size=zones))
    places = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    gamma = -distance / JOBS + random.normal(0, 0.3, zones)
    speed, access, beta, homes = np.array(list(INCOMES.values())).T
    density = np.exp2(-distance / homes[:, None]) * random.uniform(0.5, 1.5, (len(INCOMES), zones))
    origins = np.round(TRIPS_OF_A_ZONE * density / density.mean() / len(INCOMES)) + 1
    minutes = access[:, None, None] + 60 * _ways(places) / speed[:, None, None]
    problem, parameters = problem_of(minutes, origins, Parameters(gamma, beta))
    numbers = Names.numbers(*minutes.shape)
    return City(replace(problem, names=replace(numbers, categories=tuple(INCOMES))), parameters, places)


def _ways(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return km between zones, (Z, Z); within one, half of the way to the nearest other."""
    from scipy.spatial.distance import cdist

    ways = cdist(places, places)
    np.fill_diagonal(ways, np.inf)
    np.fill_diagonal(ways, ways.min(axis=1) / 2)
    return np.asarray(ways)
