"""What a problem of trips may not be, each refused in one line that names the category or the zone."""

from dataclasses import replace

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.memory import memory_of_pairs, require_memory
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.model.problem import TripProblem

COSTS = np.arange(1.0, 13).reshape(2, 2, 3)
ORIGINS = np.array([[10.0, 20], [0, 30]])
DESTINATIONS = np.array([10.0, 20, 30])
MEANS = np.array([3.0, 10])
NAMES = Names(("workers", "pupils"), ("Ash", "Elm"), ("Mill", "Port", "Quay"))


def problem(**changes):
    given = {"costs": COSTS, "origins": ORIGINS, "destinations": DESTINATIONS, "mean_costs": MEANS, "names": NAMES}
    return TripProblem(**{**given, **changes})


def changed(array, place, value):
    copy = np.array(array)
    copy[place] = value
    return copy


def test_numbers_of_parameters_are_those_of_the_paper():
    counts = {}
    for zones, categories in ((100, 5), (100, 15), (200, 15), (300, 15), (400, 15), (500, 15), (300, 25)):
        costs = np.broadcast_to(1.0, (categories, zones, zones))
        bare = object.__new__(TripProblem)
        object.__setattr__(bare, "costs", costs)
        counts[zones, categories] = bare.parameters
    assert list(counts.values()) == [605, 1615, 3215, 4815, 6415, 8015, 300 * 25 + 300 + 25]


def test_a_problem_counts_and_names():
    one = problem()
    assert (one.categories, one.origin_zones, one.destination_zones) == (2, 2, 3)
    assert one.total_costs == pytest.approx([90, 300])
    assert replace(one, names=None).called.pair(1, 2) == "from 2 to 3"


ALLOWED = np.ones((2, 2, 3), dtype=bool)
BAD = {
    "negative cost": ({"costs": changed(COSTS, (1, 0, 2), -4)}, "category pupils, from Ash to Quay: a cost of -4"),
    "cost not a number": ({"costs": changed(COSTS, (0, 1, 0), np.nan)}, "workers, from Elm to Mill: a cost of nan"),
    "infinite cost": ({"costs": changed(COSTS, (0, 1, 0), np.inf)}, "from Elm to Mill: a cost of inf"),
    "bad cost, allowed": (
        {"costs": changed(COSTS, (0, 1, 0), np.nan), "allowed": changed(ALLOWED, (0, 0, 0), False)},
        "from Elm to Mill",
    ),
    "negative trips": ({"origins": changed(ORIGINS, (1, 1), -1)}, "category pupils, origin Elm: -1 trips"),
    "trips not a number": ({"origins": changed(ORIGINS, (1, 1), np.nan)}, "category pupils, origin Elm: nan trips"),
    "negative arrivals": ({"destinations": changed(DESTINATIONS, 1, -2)}, "destination Port: -2 trips"),
    "mean cost of 0": ({"mean_costs": np.array([3.0, 0])}, "category pupils: a mean cost of 0"),
    "mean cost not a number": ({"mean_costs": np.array([np.nan, 1])}, "category workers: a mean cost of nan"),
    "empty row": ({"origins": np.array([[0.0, 20], [0, 40]])}, "origin Ash: no trips begin there (an empty row)"),
    "no arrivals": ({"destinations": np.array([30.0, 0, 30])}, "destination Port: no trips end there"),
    "empty category": ({"origins": np.array([[30.0, 30], [0, 0]])}, "category pupils makes no trips"),
    "totals": ({"destinations": np.array([10.0, 20, 31])}, "60 trips leave the origins and 61 arrive"),
    "nowhere to go": (
        {"allowed": changed(ALLOWED, (0, 0), False)},
        "category workers, origin Ash: 10 trips begin there, and every destination is forbidden",
    ),
    "nowhere from": (
        {"allowed": changed(changed(ALLOWED, (0, slice(None), 1), False), (1, 1, 1), False)},
        "destination Port: 20 trips end there, and no origin with trips may reach it",
    ),
    "shape": ({"origins": ORIGINS.T[:1]}, "origins of shape (1, 2)"),
    "shape of allowed": ({"allowed": np.ones((2, 2, 2), bool)}, "allowed of shape (2, 2, 2)"),
    "axes": ({"costs": COSTS[0]}, "costs with 2 axes: give 3"),
    "words": ({"mean_costs": ["many", "few"]}, "mean_costs: not an array of numbers"),
    "nothing": ({"costs": np.ones((0, 2, 3))}, "costs of 0 categories"),
    "names": ({"names": Names.numbers(2, 2, 2)}, "names for (2, 2, 2)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(case):
    changes, message = BAD[case]
    with pytest.raises(InputError) as error:
        problem(**changes)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_costs_of_forbidden_pairs_may_be_anything():
    costs = changed(changed(COSTS, (0, 0, 0), np.nan), (1, 1, 1), -999)
    allowed = changed(changed(ALLOWED, (0, 0, 0), False), (1, 1, 1), False)
    made = problem(costs=costs, allowed=allowed)
    assert np.isnan(costs[0, 0, 0])  # the caller's own array stays
    assert np.array_equal(made.costs, np.where(allowed, COSTS, 0))


def test_totals_that_differ_by_rounding_become_equal():
    made = problem(destinations=DESTINATIONS * (1 + 5e-8))
    assert made.destinations.sum() == pytest.approx(60, rel=1e-15)
    assert made.destinations == pytest.approx(DESTINATIONS, rel=1e-12)


def test_memory_is_said_before_it_is_taken():
    assert memory_of_pairs(20, 3000, 3000) == 1_440_000_000
    with pytest.raises(InputError, match=r"^the trips need 1\.4 GB, and there are 1\.0 GB: take less$"):
        require_memory(memory_of_pairs(20, 3000, 3000), "the trips", "take less", available=10**9)
    with pytest.raises(InputError, match="costs of 100000 zones and 100 categories need"):
        made_up_problem(100_000, 100, 1.0, (0.1, 0.2), 0)
