"""The general form (1)-(5): against the doubly constrained model, another optimiser, and formulas in closed form."""

import numpy as np
import pytest
from scipy.optimize import minimize

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model import memory
from genarris_fw.studies.trips.model.general import as_general, general_problem, reachable
from genarris_fw.studies.trips.model.made_up import made_up_problem, problem_of
from genarris_fw.studies.trips.model.maximum_entropy import largest_entropy, step_length
from genarris_fw.studies.trips.model.trips import Parameters, entropy, log_likelihood, trips


@pytest.mark.parametrize("spread", [(1.0, (0.05, 0.5)), (6.0, (1.0, 2.0))])
def test_the_doubly_constrained_model_is_one_of_the_general_form(spread):
    problem, truth = made_up_problem(12, 2, *spread, seed=1)
    general = as_general(problem)
    found = largest_entropy(general, tolerance=1e-11)
    assert found.converged
    assert found.beta == pytest.approx(-truth.beta, abs=1e-7)
    assert found.trips.reshape(problem.costs.shape) == pytest.approx(trips(problem, truth), rel=1e-5, abs=1e-9)
    gamma = found.alpha[problem.origins.size :]
    assert gamma - gamma[0] == pytest.approx(truth.gamma, abs=1e-6)
    assert found.entropy == pytest.approx(entropy(problem, truth), rel=1e-9)
    # Whoever leaves one origin chooses among the destinations: the likelihood is that of the model (11)-(12).
    choosers = np.repeat(np.arange(problem.origins.size), problem.destination_zones)
    assert found.log_likelihood(choosers) == pytest.approx(log_likelihood(problem, truth), rel=1e-9)


def test_forbidden_pairs_and_origins_without_trips_are_no_unknowns():
    random = np.random.default_rng(0)
    costs, allowed = random.uniform(1, 5, (2, 4, 3)), random.uniform(size=(2, 4, 3)) < 0.8
    allowed[:, :, 0] = True
    origins = random.uniform(5, 9, (2, 4))
    origins[1, 2] = 0
    problem, truth = problem_of(costs, origins, Parameters([0.0, 0.5, -0.5], [0.3, 0.7]), allowed)
    general = as_general(problem)
    there = reachable(problem)
    assert general.unknowns == there.sum() == (allowed & (origins > 0)[:, :, None]).sum()
    assert general.rows.shape[0] == 7 + 3 + 2
    assert general.names[5] == "trips of category 2 from origin 2"
    assert general.rows @ trips(problem, truth)[there] == pytest.approx(general.totals)
    assert largest_entropy(general).trips == pytest.approx(trips(problem, truth)[there], rel=1e-6)


def test_any_sets_and_weights_against_another_optimiser():
    """Sets that overlap, a negative weight, a total of 0: the primal problem by scipy."""
    sets = [("everyone", np.arange(6), 30.0), ("north", [0, 1, 2], 18.0), ("by car", [1, 3, 5], 12.0)]
    weights = [("balance", [1.0, -2, 0.5, 3, -1, 0], 0.0), ("fuel", [0.0, 4, 1, 2, 0, 6], 45.0)]
    found = largest_entropy(general_problem(6, sets, weights), tolerance=1e-12)
    assert found.converged
    rows = [[float(i in members) for i in range(6)] for _, members, _ in sets] + [row for _, row, _ in weights]
    totals = [total for _, _, total in sets + weights]
    primal = minimize(
        lambda t: t @ (np.log(t) - 1),
        np.full(6, 5.0),
        jac=np.log,
        bounds=[(1e-6, None)] * 6,
        constraints={"type": "eq", "fun": lambda t: np.array(rows) @ t - totals, "jac": lambda t: np.array(rows)},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 200},
    )
    assert found.trips == pytest.approx(primal.x, rel=1e-5)
    assert found.trips == pytest.approx(np.exp(np.concatenate([found.alpha, found.beta]) @ np.array(rows)))  # (5)


def test_sets_alone_give_what_is_proportional():
    """Rows and columns alone: T_ij = O_i D_j / T."""
    leaving, arriving = np.array([30.0, 70]), np.array([20.0, 50, 30])
    cells = np.arange(6).reshape(2, 3)
    sets = [(f"row {i}", cells[i], leaving[i]) for i in range(2)]
    sets += [(f"column {j}", cells[:, j], arriving[j]) for j in range(3)]
    found = largest_entropy(general_problem(6, sets))
    assert found.trips.reshape(2, 3) == pytest.approx(np.outer(leaving, arriving) / 100, rel=1e-8)


def test_totals_that_nothing_keeps_do_not_converge():
    sets = [("everyone", [0, 1], 10.0), ("first", [0], 12.0)]
    found = largest_entropy(general_problem(2, sets), max_steps=30)
    assert not found.converged and found.residual > 0.01
    assert np.isfinite(found.trips).all()


def test_a_step_that_is_too_long_is_shortened():
    """The dual exp(3 l) - 3.6 l is 1 at 0; of 1, 1/2, 1/4 and so on, 1/16 is the first where it is lower."""
    assert step_length(np.array([3.0]), 3.6, np.array([1.0]), 0.6) == 1 / 16
    assert step_length(np.array([3.0]), 2.4, np.array([1.0]), -0.6) == 0  # uphill


EVERYONE = ("everyone", [0, 1, 2], 10.0)
BAD = {
    "no constraint": (([], []), "a problem without constraints"),
    "empty set": (([EVERYONE, ("none", [], 1.0)], []), "none: give the numbers of the unknowns"),
    "no such unknown": (([("far", [0, 3], 1.0)], []), "far: name each unknown once, by its number from 0 to 2"),
    "twice": (([("twice", [0, 0], 1.0)], []), "twice: name each unknown once"),
    "broken numbers": (([("half", [0.5], 1.0)], []), "half: give the numbers of the unknowns"),
    "total of 0": (([EVERYONE, ("nobody", [0], 0.0)], []), "nobody: a total of 0: give a number above 0"),
    "total not a number": (([EVERYONE], [("x", [1, 2, 3], np.nan)]), "x: a total of nan"),
    "weights": (([EVERYONE], [("x", [1, 2], 1.0)]), "x: give 3 weights"),
    "weight not a number": (([EVERYONE], [("x", [1, 2, np.inf], 1.0)]), "x: give 3 weights"),
    "in no set": (([("two", [0, 2], 5.0)], [("x", [1, 2, 3], 1.0)]), "unknown 1 is in no set"),
}


@pytest.mark.parametrize("case", BAD)
def test_constraints_that_cannot_be(case):
    given, message = BAD[case]
    with pytest.raises(InputError, match=message):
        general_problem(3, *given)


def test_constraints_that_have_no_room_are_refused(monkeypatch):
    problem, _ = made_up_problem(3, 1, 1.0, (0.1, 0.2), 0)
    monkeypatch.setattr(memory, "memory_here", lambda: 1000)
    with pytest.raises(InputError, match="the constraints of all pairs of zones, written out, need"):
        as_general(problem)


def test_a_tolerance_is_positive():
    with pytest.raises(InputError, match="tolerance = 0"):
        largest_entropy(general_problem(3, [EVERYONE]), tolerance=0)
