"""All methods find the same parameters: those that the problem was made from."""

from __future__ import annotations

import numpy as np
import pytest

from genarris_fw.studies.trips.methods.calibration import METHODS, calibrate
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, residuals, trips

SMALL = made_up_problem(30, 4, 0.6, (0.05, 0.15), seed=1)
OF_THE_TABLES = made_up_problem(100, 15, 0.6, (0.05, 0.15), seed=1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("made_up", [SMALL, OF_THE_TABLES], ids=["30x4", "100x15"])
def test_a_method_finds_the_true_parameters(made_up: tuple[TripProblem, Parameters], method: str) -> None:
    problem, true = made_up
    found = calibrate(problem, method)
    assert found.why_ended == "converged"
    # The model's own residuals: another implementation than that of the passes.
    assert max(residuals(problem, found.parameters).values()) <= 1.1e-6
    # Half of what is allowed: any two methods then differ by no more than 1e-4.
    assert np.abs(found.parameters.beta - true.beta).max() <= 5e-5
    assert np.abs(found.parameters.gamma - true.gamma).max() <= 5e-5


@pytest.mark.parametrize("method", METHODS)
def test_forbidden_pairs_unequal_zones_and_empty_rows(method: str) -> None:
    problem = with_holes()
    found = calibrate(problem, method)
    assert found.why_ended == "converged"
    assert max(residuals(problem, found.parameters).values()) <= 1.1e-6
    model = trips(problem, found.parameters)
    assert problem.allowed is not None
    assert not model[~problem.allowed].any()
    assert not model[0, 2].any()


@pytest.mark.parametrize("method", METHODS)
def test_units_of_cost_do_not_matter(method: str) -> None:
    """In cents instead of francs, beta is a hundredth, and the sweeps are the same."""
    problem, _ = SMALL
    cents = TripProblem(problem.costs * 100, problem.origins, problem.destinations, problem.mean_costs * 100)
    francs, in_cents = calibrate(problem, method), calibrate(cents, method)
    assert in_cents.sweeps == pytest.approx(francs.sweeps, abs=1)
    np.testing.assert_allclose(in_cents.parameters.beta * 100, francs.parameters.beta, rtol=1e-4)


def with_holes() -> TripProblem:
    """Return 9 origins, 7 destinations and 3 categories, the first of which makes no trips from the third origin."""
    random = np.random.default_rng(5)
    costs = random.uniform(1.0, 5.0, size=(3, 9, 7))
    allowed = random.random((3, 9, 7)) > 0.2
    allowed[:, :, 0] = True
    origins = random.uniform(10.0, 50.0, size=(3, 9))
    origins[0, 2] = 0.0
    beta, gamma = np.array([0.1, 0.4, 0.8]), random.normal(size=7)
    shares = np.where(allowed, np.exp(gamma - beta[:, None, None] * costs), 0.0)
    model = shares / shares.sum(axis=2, keepdims=True) * origins[:, :, None]
    means = (model * costs).sum(axis=(1, 2)) / origins.sum(axis=1)
    return TripProblem(costs, origins, model.sum(axis=(0, 1)), means, allowed)
