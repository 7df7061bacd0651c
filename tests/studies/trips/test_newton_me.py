"""Newton's method for all parameters of the dual: its derivatives, its steps, its memory."""

from __future__ import annotations

import numpy as np
import pytest

from genarris_fw.studies.trips.methods import sweeps
from genarris_fw.studies.trips.methods.calibration import calibrate
from genarris_fw.studies.trips.methods.newton_me import Dual, Unknowns
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

MADE, _ = made_up_problem(4, 2, 0.6, (0.3, 0.9), seed=2)


def with_holes() -> TripProblem:
    """Return a problem with a forbidden pair, and an origin from which a category makes no trips."""
    origins, allowed = MADE.origins.copy(), np.ones(MADE.costs.shape, dtype=bool)
    allowed[1, 0, 2] = False
    origins[0, 1] = 0.0
    arriving = MADE.destinations * origins.sum() / MADE.destinations.sum()
    return TripProblem(MADE.costs, origins, arriving, MADE.mean_costs, allowed)


def test_the_derivatives_are_those_of_the_dual() -> None:
    """By differences: the gradient of Phi, and the Hessian of the gradient, from its Cholesky factor."""
    problem = with_holes()
    dual, random = Dual(problem), np.random.default_rng(0)
    alpha = np.where(problem.origins > 0, random.normal(2.0, 0.3, problem.origins.shape), 0.0)
    at = Unknowns(alpha, np.append(0.0, random.normal(size=3)), np.array([0.3, 0.5]))
    trips = dual.trips(at)
    gradient = dual.gradient(trips)
    lower = np.tril(dual.factor(trips)[0])
    hessian = lower @ lower.T
    step = 1e-5
    for i, direction in enumerate(np.eye(gradient.size)):
        ends = [at.moved(dual.unpacked(direction), length) for length in (step, -step)]
        values = [dual.value(end, dual.trips(end)) for end in ends]
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(gradient[i], rel=1e-6, abs=1e-5)
        gradients = [dual.gradient(dual.trips(end)) for end in ends]
        np.testing.assert_allclose((gradients[0] - gradients[1]) / (2 * step), hessian[i], rtol=1e-6, atol=1e-5)


def test_steps_are_shortened_from_far_away() -> None:
    """From a beta whose full Newton steps overshoot, Phi falls all the same, and the same parameters are found."""
    problem, true = made_up_problem(12, 2, 3.0, (0.5, 1.0), seed=4)
    found = calibrate(problem, "newton_me", start=Parameters(np.zeros(12), np.full(2, 8.0)))
    assert found.converged
    np.testing.assert_allclose(found.parameters.beta, true.beta, atol=1e-4)


def test_memory_is_asked_for_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "memory_here", lambda: 1000)
    found = calibrate(MADE, "newton_me")
    assert (found.converged, found.why_ended, found.sweeps) == (False, "memory", 0)
    assert "matrix of 13 x 13" in found.detail
