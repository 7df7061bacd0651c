"""The model's trips against the formula, and entropy against likelihood."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model import trips as module
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import (
    Parameters,
    balancing_factors,
    entropy,
    entropy_of,
    log_likelihood,
    residuals,
    trips,
)


def some_problem(seed):
    """Return a problem with unequal zones, a category that does not live everywhere, and forbidden pairs."""
    random = np.random.default_rng(seed)
    categories, origins, destinations = random.integers(1, 4), random.integers(2, 5), random.integers(2, 6)
    costs = random.uniform(0, 5, (categories, origins, destinations))
    allowed = random.uniform(size=costs.shape) < 0.8
    allowed[:, :, 0] = allowed[:, 0] = True
    leaving = random.uniform(1, 9, (categories, origins))
    leaving[-1, -1] = 0 if categories > 1 else 1
    parameters = Parameters(random.normal(size=destinations), random.uniform(-0.5, 2, categories))
    # By the formulas, pair by pair.
    found = np.zeros_like(costs)
    for n, o, d in np.ndindex(*costs.shape):
        weights = [
            np.exp(parameters.gamma[k] - parameters.beta[n] * costs[n, o, k]) * allowed[n, o, k]
            for k in range(destinations)
        ]
        found[n, o, d] = leaving[n, o] * weights[d] / sum(weights)
    means = (costs * found).sum(axis=(1, 2)) / leaving.sum(axis=1)
    return TripProblem(costs, leaving, found.sum(axis=(0, 1)), means, allowed), parameters, found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_trips_by_the_formula(seed):
    problem, parameters, expected = some_problem(seed)
    found = trips(problem, parameters)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert not found[~problem.allowed].any()
    a, b = balancing_factors(problem, parameters)
    formula = a[:, :, None] * b * np.exp(-parameters.beta[:, None, None] * problem.costs)  # (10)
    assert np.where(problem.allowed, formula, 0) == pytest.approx(expected, rel=1e-12)
    assert max(residuals(problem, parameters).values()) < 1e-12


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_the_largest_entropy_is_the_largest_likelihood(seed):
    """Entropy and likelihood are a convex problem and its dual: equal at the truth, and a bound anywhere else."""
    problem, truth, found = some_problem(seed)
    leaving = problem.origins[problem.origins > 0]
    constant = leaving.sum() - leaving @ np.log(leaving)
    highest = constant - log_likelihood(problem, truth)
    assert entropy(problem, truth) == pytest.approx(highest, rel=1e-11)
    assert entropy_of(found) == pytest.approx(highest, rel=1e-11)
    # The likelihood is that of the trips themselves, by definition.
    shares = found[found > 0] / np.broadcast_to(problem.origins[:, :, None], found.shape)[found > 0]
    assert log_likelihood(problem, truth) == pytest.approx(found[found > 0] @ np.log(shares), rel=1e-11)
    random = np.random.default_rng(seed)
    other = Parameters(
        truth.gamma + random.normal(size=truth.gamma.shape), truth.beta + random.normal(size=truth.beta.shape)
    )
    assert log_likelihood(problem, other) <= log_likelihood(problem, truth) + 1e-9
    assert constant - log_likelihood(problem, other) >= entropy_of(found) - 1e-9


def test_the_slope_of_the_likelihood_is_what_the_totals_miss():
    problem, truth, _ = some_problem(3)
    other = Parameters(truth.gamma, truth.beta + 0.1)
    found = trips(problem, other)
    step = 1e-6
    for n in range(problem.categories):
        change = np.zeros_like(other.beta)
        change[n] = step
        higher, lower = (log_likelihood(problem, Parameters(other.gamma, other.beta + s * change)) for s in (1, -1))
        missed = float((problem.costs[n] * found[n]).sum() - problem.total_costs[n])
        assert (higher - lower) / (2 * step) == pytest.approx(missed, rel=1e-6)


def test_residuals_by_hand():
    problem = TripProblem([[[1.0, 2], [2, 1]]], [[30.0, 10]], [24.0, 16], [1.25])
    even = residuals(problem, Parameters([0.0, 0], [0.0]))  # 20 trips to each, a mean cost of 1.5
    assert even == pytest.approx({"origins": 0, "destinations": 0.25, "mean_costs": 0.2})


def test_huge_costs_neither_overflow_nor_vanish():
    problem = TripProblem([[[1e5, 1e5 + 1], [2e5, 2e5 + 1]]], [[30.0, 10]], [30.0, 10], [1.2e5])
    found = trips(problem, Parameters([0.0, 0], [1.0]))
    assert found[0, :, 1] / found[0, :, 0] == pytest.approx([np.exp(-1)] * 2)
    assert np.isfinite(log_likelihood(problem, Parameters([0.0, 0], [1.0])))


def test_gamma_is_moved_so_that_the_first_is_0():
    given_ = np.array([3.0, 4])
    assert Parameters(given_, [1.0]).gamma.tolist() == [0, 1]
    assert given_.tolist() == [3, 4]


def test_trips_that_have_no_room_are_refused(monkeypatch):
    problem, truth = made_up_problem(5, 2, 1.0, (0.1, 0.3), 0)
    monkeypatch.setattr(module, "memory_of_pairs", lambda *shape: 10**16)
    with pytest.raises(InputError, match="the trips between all pairs of zones need 1"):
        trips(problem, truth)


def test_a_made_up_problem_is_the_papers():
    problem, truth = made_up_problem(100, 5, 0.6, (0.05, 0.15), 1)
    assert problem.parameters == 605
    assert max(residuals(problem, truth).values()) < 1e-12
    assert problem.costs.min() > 0
    assert problem.costs.std(axis=(1, 2)) == pytest.approx(0.6, rel=0.03)
    # Table 3: 300 zones spread over 5.23, which is 8.7 deviations.
    assert np.ptp(made_up_problem(300, 1, 0.6, (0.1, 0.1), 1)[0].costs) == pytest.approx(5.23, abs=0.3)
    assert ((truth.beta >= 0.05) & (truth.beta <= 0.15)).all()
    again, _ = made_up_problem(100, 5, 0.6, (0.05, 0.15), 1)
    assert np.array_equal(problem.costs, again.costs)
    assert not np.array_equal(problem.costs, made_up_problem(100, 5, 0.6, (0.05, 0.15), 2)[0].costs)


BAD = {
    "zones": ((1, 2, 1.0, (0.1, 0.2), 0), "zones = 1"),
    "categories": ((5, 0, 1.0, (0.1, 0.2), 0), "categories = 0"),
    "deviation": ((5, 2, 0.0, (0.1, 0.2), 0), "cost_deviation = 0"),
    "not a number": ((5, 2, float("nan"), (0.1, 0.2), 0), "cost_deviation = nan"),
    "range": ((5, 2, 1.0, (0.3, 0.2), 0), "beta_range = 0.3 0.2"),
    "seed": ((5, 2, 1.0, (0.1, 0.2), -1), "seed = -1"),
    "too steep": ((5, 1, 1000.0, (9.0, 9.0), 0), "no trips end"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_problem_that_cannot_be_made_up(case):
    values, message = BAD[case]
    with pytest.raises(InputError, match=message):
        made_up_problem(*values)
