"""Where methods of the paper fail, and what does not: the paper's table 3, and problems of any variance."""

from __future__ import annotations

import numpy as np
import pytest

from genarris_fw.studies.trips.methods.calibration import METHODS, calibrate
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

VARIANCES = (0.36, 13.1, 52.3)


def sweeps(method: str, variance: float, beta_range: tuple[float, float], most: int = 2000) -> int:
    problem, _ = made_up_problem(30, 6, variance**0.5, beta_range, seed=3)
    start = Parameters(np.zeros(30), np.zeros(6))
    return calibrate(problem, method, start=start, max_sweeps=most).sweeps


def test_the_variance_of_costs_does_not_matter_to_the_bounded_search() -> None:
    counts = [sweeps("pf_newton_bs", variance, (0.05, 0.15)) for variance in VARIANCES]
    assert max(counts) - min(counts) < 0.2 * max(counts)


def test_it_does_to_the_pivot() -> None:
    narrow, wide = (sweeps("pf_pivot", variance, (0.5, 1.5)) for variance in VARIANCES[:2])
    assert wide >= 5 * narrow


@pytest.mark.parametrize(("seed", "deviation", "why"), [(23, 5.35, "diverged"), (7, 5.97, "too slow")])
def test_hyman_fails_and_says_how(seed: int, deviation: float, why: str) -> None:
    problem, _ = made_up_problem(20, 3, deviation, (0.02, 3.0), seed)
    found = calibrate(problem, "hyman", max_sweeps=400)
    assert (found.converged, found.why_ended) == (False, why)
    assert np.isfinite(found.parameters.beta).all()
    assert max(found.residuals.values()) > 1e-6
    assert "residual" in found.detail
    assert calibrate(problem, "newton_cg").converged


def test_hyman_begins_by_itself_where_the_start_is_0() -> None:
    problem, true = made_up_problem(20, 3, 0.6, (0.05, 0.15), seed=1)
    from_zero = calibrate(problem, "hyman", start=Parameters(np.zeros(20), np.zeros(3)))
    assert from_zero.converged
    np.testing.assert_allclose(from_zero.parameters.beta, true.beta, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("error")
def test_a_mean_cost_that_no_trips_have_ends_every_method(method: str) -> None:
    """`require_feasible` names the category; a method that is asked all the same ends, and says that it failed."""
    made, _ = made_up_problem(6, 2, 0.6, (0.3, 0.9), seed=2)
    for mean in (0.5, 20.0):
        impossible = TripProblem(made.costs + 2.0, made.origins, made.destinations, np.array([mean, 4.0]))
        found = calibrate(impossible, method, max_sweeps=300)
        assert found.why_ended in ("diverged", "too slow")
        assert np.isfinite(found.parameters.beta).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("error")
def test_costs_that_are_all_the_same_end_every_method(method: str) -> None:
    made, _ = made_up_problem(6, 2, 0.6, (0.3, 0.9), seed=2)
    costs, means = made.costs.copy(), made.mean_costs.copy()
    costs[0] = means[0] = 3.0
    found = calibrate(TripProblem(costs, made.origins, made.destinations, means), method, max_sweeps=300)
    assert found.why_ended in ("converged", "diverged", "too slow")
    assert np.isfinite(found.parameters.beta).all()
