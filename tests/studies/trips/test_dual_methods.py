"""Newton-CG, Newton-ML and the centred fixed point: the truth found again, whatever the costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.studies.trips.methods.calibration import calibrate
from genarris_fw.studies.trips.methods.dual import Dual, uphill
from genarris_fw.studies.trips.methods.newton_cg import conjugate_gradients
from genarris_fw.studies.trips.methods.newton_ml import newton_step
from genarris_fw.studies.trips.model.made_up import made_up_problem, problem_of
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, log_likelihood

OURS = ("newton_cg", "newton_ml", "pf_centred")


@pytest.mark.parametrize("method", OURS)
def test_the_true_parameters_are_found_again(method):
    problem, true = made_up_problem(30, 4, 0.6, (0.05, 0.15), 1)
    found = calibrate(problem, method)
    assert found.converged
    assert found.sweeps <= 5  # 5 to 6 of the centred fixed point, where the paper's take more than 160
    np.testing.assert_allclose(found.parameters.beta, true.beta, atol=1e-5)
    np.testing.assert_allclose(found.parameters.gamma, true.gamma, atol=1e-5)


@pytest.mark.parametrize("method", OURS)
@settings(max_examples=15, deadline=None)
@given(deviation=st.floats(0.5, 8.0), beta=st.floats(0.02, 3.0), seed=st.integers(0, 999))
def test_random_problems(method, deviation, beta, seed):
    """The robustness of the issue's bar: costs' deviation U(.5, 8), beta U(.02, 3)."""
    problem, _ = made_up_problem(8, 2, deviation, (beta, 1.01 * beta), seed)
    found = calibrate(problem, method)
    assert found.converged, found.detail


@pytest.mark.parametrize("method", OURS)
def test_unequal_zones_and_forbidden_pairs(method):
    random = np.random.default_rng(5)
    allowed = random.random((2, 6, 8)) < 0.7
    allowed[:, :, 3] = True
    allowed[:, 2] = True
    origins = random.uniform(50.0, 90.0, (2, 6))
    origins[1, 4] = 0.0
    problem, true = problem_of(
        random.uniform(1.0, 6.0, (2, 6, 8)), origins, Parameters(random.normal(size=8), np.array([0.4, 0.9])), allowed
    )
    found = calibrate(problem, method, tolerance=1e-9)
    assert found.converged
    np.testing.assert_allclose(found.parameters.beta, true.beta, atol=1e-6)
    np.testing.assert_allclose(found.parameters.gamma, true.gamma, atol=1e-6)


@pytest.mark.parametrize("method", OURS)
def test_negative_beta(method):
    """People may like what costs more; nothing of the model forbids that."""
    random = np.random.default_rng(2)
    true = Parameters(random.normal(size=7), np.array([-0.3, 0.5]))
    problem, _ = problem_of(random.uniform(1.0, 6.0, (2, 7, 7)), random.uniform(5.0, 9.0, (2, 7)), true)
    found = calibrate(problem, method)
    np.testing.assert_allclose(found.parameters.beta, true.beta, atol=1e-4)


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("mean_cost", [1.01, 4.99])
def test_what_no_trips_can_keep_ends_in_words(method, mean_cost):
    """A mean cost below and above all there can be."""
    costs = np.random.default_rng(0).uniform(1.0, 5.0, (2, 6, 6))
    problem = TripProblem(costs, np.full((2, 6), 10.0), np.full(6, 20.0), np.array([mean_cost, 3.0]))
    found = calibrate(problem, method)
    assert found.why_ended == "diverged"
    assert found.sweeps < 400


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize(("mean_cost", "why"), [(2.0, "converged"), (2.5, "diverged")])
def test_costs_that_are_all_the_same(method, mean_cost, why):
    """Nothing depends on their beta: the trips are found where they can be, and where not the method ends."""
    costs = np.random.default_rng(0).uniform(1.0, 5.0, (2, 6, 6))
    costs[0] = 2.0
    problem = TripProblem(costs, np.full((2, 6), 10.0), np.full(6, 20.0), np.array([mean_cost, 3.0]))
    found = calibrate(problem, method)
    assert found.why_ended == why
    assert found.sweeps <= 100


def test_the_likelihood_never_falls():
    problem, _ = made_up_problem(15, 2, 5.0, (1.0, 2.0), 4)
    dual = Dual(problem, 1)
    here = dual.at(np.zeros(15), np.zeros(2))
    for factor in (1.0, 100.0, 1e4):  # even where a step is much too long
        there = uphill(dual, here, factor * here.gradient / here.diagonal)
        assert there
        assert there.value > here.value
        here = there


def test_the_value_is_the_likelihood_up_to_a_constant():
    problem, true = made_up_problem(10, 2, 1.0, (0.3, 0.6), 0)
    dual, other = Dual(problem, 1), Parameters(np.linspace(0.0, 1.0, 10), np.array([0.1, 0.2]))
    by_dual = dual.at(true.gamma, true.beta).value - dual.at(other.gamma, other.beta).value
    assert by_dual == pytest.approx(log_likelihood(problem, true) - log_likelihood(problem, other), rel=1e-10)


def test_conjugate_gradients_solve_what_has_no_curvature_along_ones():
    random = np.random.default_rng(0)
    laplacian = random.uniform(0.1, 1.0, (9, 9))
    laplacian = laplacian + laplacian.T
    laplacian = np.diag(laplacian.sum(axis=1)) - laplacian
    wanted = random.normal(size=9)
    wanted -= wanted.mean()
    found = conjugate_gradients(lambda v: laplacian @ v, wanted, np.diagonal(laplacian), 1e-10)
    np.testing.assert_allclose(laplacian @ found, wanted, atol=1e-8)


def test_a_singular_matrix_still_gives_a_step_uphill():
    matrix, gradient = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-17]]), np.array([1.0, 0.5])
    assert gradient @ newton_step(matrix, gradient) > 0.0
    np.testing.assert_allclose(newton_step(np.diag([2.0, 4.0]), gradient), [0.5, 0.125])
