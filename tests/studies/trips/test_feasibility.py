"""Problems that no trips solve, or whose parameters nothing determines: each is named."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.feasibility import cost_bounds, require_feasible
from genarris_fw.studies.trips.model.general import as_general, general_problem, reachable
from genarris_fw.studies.trips.model.identification import require_identified
from genarris_fw.studies.trips.model.linear_programs import cost_extremes, impossible_constraints
from genarris_fw.studies.trips.model.made_up import made_up_problem, problem_of
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

COSTS = np.array([[[1.0, 4], [2, 9]]])


def one(mean, costs=COSTS, origins=((30.0, 10),), destinations=(20.0, 20), allowed=None):
    return TripProblem(costs, origins, destinations, np.atleast_1d(mean), allowed)


def test_ranges_by_hand():
    """Of 30 and 10 trips, 20 arrive at each: those from the second zone to the second are x of 0 to 10."""
    problem = one(3.0)
    assert cost_bounds(problem) == pytest.approx(np.array([[(30 * 1 + 10 * 2) / 40, (30 * 4 + 10 * 9) / 40]]))
    of_x = [(1 * (10 + x) + 4 * (20 - x) + 2 * (10 - x) + 9 * x) / 40 for x in (0, 10)]
    assert cost_extremes(problem) == pytest.approx(np.array([of_x]))


def test_exact_ranges_hold_every_table_of_whole_trips():
    """The ends of the ranges are tables of whole trips: all of them are looked at."""
    costs = np.random.default_rng(2).uniform(1, 9, (2, 2, 2))
    origins, destinations = np.array([[3, 2], [2, 4]]), np.array([5, 6])
    tables = []
    for first in product(*(range(trips + 1) for trips in origins.ravel())):
        table = np.stack([np.reshape(first, (2, 2)), origins - np.reshape(first, (2, 2))], axis=2)
        if (table.sum(axis=(0, 1)) == destinations).all():
            tables.append((costs * table).sum(axis=(1, 2)) / origins.sum(axis=1))
    assert len(tables) > 20
    problem = TripProblem(costs, origins, destinations, tables[0])
    expected = np.stack([np.min(tables, axis=0), np.max(tables, axis=0)], axis=1)
    assert cost_extremes(problem) == pytest.approx(expected)


def test_extremes_with_forbidden_pairs_are_those_of_all_categories_at_once():
    random = np.random.default_rng(5)
    allowed = random.uniform(size=(3, 4, 5)) < 0.7
    allowed[:, :, 0] = True
    problem, _ = problem_of(
        random.uniform(1, 9, allowed.shape), random.uniform(1, 9, (3, 4)), Parameters(np.zeros(5), np.ones(3)), allowed
    )
    general = as_general(problem)
    flows, totals = general.rows[:-3], general.totals[:-3]
    there = reachable(problem)
    for n, ends in enumerate(cost_extremes(problem)):
        costs = np.where(np.arange(3)[:, None, None] == n, problem.costs, 0)[there]
        both = [linprog(s * costs, A_eq=flows, b_eq=totals).fun * s / problem.category_trips[n] for s in (1, -1)]
        assert ends == pytest.approx(both, rel=1e-6)


@pytest.mark.parametrize(
    ("mean", "message"),
    [
        (1.2, r"^category 1: a mean cost of 1\.2, where its costs allow only 1\.25 to 5\.25, the ends excluded$"),
        (1.25, "its costs allow only 1.25 to 5.25"),
        (5.25, "its costs allow only 1.25 to 5.25"),
        (6.0, "its costs allow only 1.25 to 5.25"),
        (2.5, "the trips from and to all zones allow only 2.75 to 3.75"),
        (2.75, "the trips from and to all zones allow only 2.75 to 3.75"),
        (3.75, "the trips from and to all zones allow only 2.75 to 3.75"),
        (4.0, "the trips from and to all zones allow only 2.75 to 3.75"),
    ],
)
def test_a_mean_cost_that_cannot_be_is_named(mean, message):
    with pytest.raises(InputError, match=message):
        require_feasible(one(mean))


def test_bounds_alone_pass_what_only_a_linear_program_sees():
    require_feasible(one(2.5), exactly=False)
    require_feasible(one(3.0))


def test_made_up_problems_are_feasible_and_identified():
    for seed, spread in enumerate([(0.5, (0.02, 0.1)), (3.0, (0.5, 1.0)), (8.0, (2.0, 3.0))]):
        problem, _ = made_up_problem(15, 2, *spread, seed=seed)
        require_feasible(problem)
        require_identified(problem)


def test_mean_costs_that_only_together_cannot_be():
    """The first category takes the cheap destination, which the second would need as well."""
    costs = np.array([[[1.0, 5], [1, 5]], [[1.0, 5], [1, 5]]])
    problem = TripProblem(costs, [[10.0, 10], [10, 10]], [20.0, 20], [2.0, 2.0])
    for n in range(2):
        mean = np.where(np.arange(2) == n, 2.0, 4.0)  # each alone can be kept: 3 on average
        require_feasible(replace(problem, mean_costs=mean))
    with pytest.raises(InputError, match="no trips keep all totals and mean costs together, mean cost of category"):
        require_feasible(problem)


PAIRS = {
    "one origin": ([[1, 0], [1, 1]], [30, 10], [20, 20], "category 1, origin 1: 30 trips begin there, and only 20 end"),
    "one destination": (
        [[1, 0, 1], [1, 1, 1], [1, 0, 1]],
        [10, 10, 10],
        [5, 20, 5],
        "destination 2: 20 trips end there, and only 10 begin",
    ),
    "two origins": (
        [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]],
        [10, 10, 15],
        [8, 7, 10, 10],
        "allowed pairs cannot carry all trips, trips .*: allow more pairs",
    ),
    "no room for the rest": ([[1, 0], [1, 1]], [10, 20], [10, 20], "only where some allowed pairs have no trips"),
}


@pytest.mark.parametrize("case", PAIRS)
def test_allowed_pairs_that_cannot_carry_the_trips(case):
    allowed, origins, destinations, message = PAIRS[case]
    costs = np.ones((1, len(origins), len(destinations)))
    with pytest.raises(InputError, match=message):
        require_feasible(one(1.0, costs, [origins], destinations, [allowed]))


def test_the_constraints_of_a_general_problem_that_cannot_be_kept_are_named():
    sets = [("everyone", [0, 1, 2], 10.0), ("north", [0], 12.0)]
    assert impossible_constraints(general_problem(3, sets)) in (["everyone"], ["north"])
    assert impossible_constraints(general_problem(3, [("everyone", [0, 1, 2], 10.0), ("north", [0], 2.0)])) == []


SAME = np.array([[3.0, 3, 3], [5, 5, 5]])  # of each origin
PARTS = np.add.outer([1.0, 2], [0.0, 4, 1])
MIXED = np.array([[1.0, 2, 3], [4, 1, 7]])
CHAIN = [[1, 1, 0], [0, 1, 1]]
CIRCLE = [[1, 1, 0], [0, 1, 1], [1, 0, 1]]


def costs_of(*categories, allowed=None):
    costs = np.array(categories)
    means = costs.mean(axis=(1, 2))
    return TripProblem(costs, np.full(costs.shape[:2], 3.0), np.full(3, 2.0 * len(costs)), means, allowed)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (costs_of(MIXED, SAME), "category 2: from each origin all destinations cost the same, so that beta is not"),
        (costs_of(MIXED, MIXED, allowed=[np.ones((2, 3)), [[1, 0, 0], [0, 1, 0]]]), "category 2: from each origin"),
        (costs_of(PARTS), "costs of every category are a part of the origin plus a part of the destination"),
        (costs_of(PARTS, 3 * PARTS + 1), "costs of every category are a part of the origin"),
        (costs_of(MIXED, allowed=[CHAIN]), "costs of every category are a part of the origin"),
        (
            TripProblem([[[1.0, 2, 0], [0, 1, 2], [1.0, 0, 3]]], [[3.0] * 3], [3.0] * 3, [1.5], [CIRCLE]),
            "costs of every category are a part of the origin",
        ),
        (costs_of(MIXED, allowed=[[[1, 1, 0], [0, 0, 1]]]), "destination 1 and destination 3 share no origins"),
    ],
)
def test_parameters_that_nothing_determines_are_named(problem, message):
    with pytest.raises(InputError, match=message):
        require_identified(problem)


@pytest.mark.parametrize(
    "problem",
    [
        costs_of(MIXED),
        costs_of(PARTS, MIXED),
        costs_of(PARTS, PARTS[:, ::-1]),
        costs_of(MIXED, allowed=[[[1, 1, 1], [0, 1, 1]]]),
        TripProblem([[[1.0, 2, 0], [0, 1, 2], [2.5, 0, 1]]], [[3.0] * 3], [3.0] * 3, [1.5], [CIRCLE]),
    ],
)
def test_parameters_that_the_totals_determine(problem):
    """The independent judge: the Fisher matrix of (gamma, beta) has full rank."""
    require_identified(problem)
    assert np.linalg.matrix_rank(fisher(problem)) == problem.destination_zones - 1 + problem.categories


def fisher(problem):
    size = problem.destination_zones + problem.categories
    total = np.zeros((size, size))
    allowed = np.ones(problem.costs.shape) if problem.allowed is None else problem.allowed
    for n, o in np.ndindex(*problem.origins.shape):
        share = allowed[n, o] / allowed[n, o].sum()
        design = np.zeros((problem.destination_zones, size))
        design[:, : problem.destination_zones] = np.eye(problem.destination_zones)
        design[:, problem.destination_zones + n] = -problem.costs[n, o]
        total += design.T @ (np.diag(share) - np.outer(share, share)) @ design
    return total
