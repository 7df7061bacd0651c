"""Passes over all categories, and the Fisher matrix."""

import numpy as np
import pytest

from genarris_fw.studies.trips.model import balancing
from genarris_fw.studies.trips.model.balancing import cost_moments, pass_over, passes
from genarris_fw.studies.trips.model.fisher import fisher_matrix, fisher_product
from genarris_fw.studies.trips.model.made_up import made_up_problem, problem_of
from genarris_fw.studies.trips.model.trips import Parameters, balancing_factors, trips


@pytest.fixture
def made_up():
    return made_up_problem(9, 3, 1.5, (0.2, 0.8), 0)


def with_forbidden_pairs():
    """Return a problem with 6 origins, 8 destinations, pairs that nobody takes and an origin where some do not live."""
    random = np.random.default_rng(5)
    allowed = random.random((2, 6, 8)) < 0.7
    allowed[:, :, 3] = True
    allowed[:, 2] = True
    origins = random.uniform(50.0, 90.0, (2, 6))
    origins[1, 4] = 0.0
    parameters = Parameters(random.normal(size=8), np.array([0.4, 0.9]))
    return problem_of(random.uniform(1.0, 6.0, (2, 6, 8)), origins, parameters, allowed)


@pytest.mark.parametrize("made", [lambda: made_up_problem(9, 3, 1.5, (0.2, 0.8), 0), with_forbidden_pairs])
def test_passes_are_sums_of_the_models_trips(made):
    problem, true = made()
    model = trips(problem, true)
    found = passes(problem, true.beta, true.gamma)
    np.testing.assert_allclose(found.column_sums, model.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.column_costs, (problem.costs * model).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.column_costs_squared, (problem.costs**2 * model).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(np.exp(found.log_a), balancing_factors(problem, true)[0], rtol=1e-12)
    np.testing.assert_allclose(found.destinations, problem.destinations, rtol=1e-12)
    np.testing.assert_allclose(found.mean_costs, problem.mean_costs, rtol=1e-12)


def test_a_pass_over_one_category_and_moments_by_its_factors():
    problem, true = with_forbidden_pairs()
    arguments = problem.costs[1], float(true.beta[1]), true.gamma
    one = pass_over(*arguments, problem.origins[1], problem.allowed[1])
    moments = cost_moments(*arguments, one.log_a, problem.allowed[1])
    np.testing.assert_allclose(moments, [one.trips, one.cost, one.cost_squared], rtol=1e-12)
    assert one.cost == pytest.approx(problem.total_costs[1], rel=1e-12)
    assert one.a[4] == 0.0


def test_blocks_and_threads_change_no_bit(made_up, monkeypatch):
    problem, true = made_up
    monkeypatch.setattr(balancing, "PAIRS_OF_A_BLOCK", 20)
    one, many = (passes(problem, true.beta, true.gamma, threads) for threads in (1, 3))
    for name in ("log_a", "column_sums", "column_costs", "column_costs_squared", "within"):
        assert np.array_equal(getattr(one, name), getattr(many, name)), name
    along = np.linspace(0.0, 1.0, 9), np.ones(3)
    products = [fisher_product(problem, true.beta, true.gamma, one.log_a, along, threads) for threads in (1, 3)]
    assert all(np.array_equal(a, b) for a, b in zip(*products, strict=True))


def test_blocks_give_the_sums_of_the_whole(made_up, monkeypatch):
    problem, true = made_up
    whole = passes(problem, true.beta, true.gamma)
    matrix = fisher_matrix(problem, true.beta, true.gamma, whole)
    monkeypatch.setattr(balancing, "PAIRS_OF_A_BLOCK", 20)
    in_parts = passes(problem, true.beta, true.gamma)
    np.testing.assert_allclose(in_parts.column_costs, whole.column_costs, rtol=1e-13)
    np.testing.assert_allclose(in_parts.within, whole.within, rtol=1e-13)
    np.testing.assert_allclose(fisher_matrix(problem, true.beta, true.gamma, in_parts), matrix, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("made", [lambda: made_up_problem(9, 3, 1.5, (0.2, 0.8), 0), with_forbidden_pairs])
def test_the_fisher_matrix_is_what_the_gradient_loses(made):
    """Central differences of the gradient, and the products without the matrix."""
    problem, true = made()
    zones = problem.destination_zones
    found = passes(problem, true.beta, true.gamma)
    matrix = fisher_matrix(problem, true.beta, true.gamma, found)
    start = np.concatenate([true.gamma, true.beta])

    def gradient(x):
        there = passes(problem, x[zones:], x[:zones])
        return np.concatenate([-there.destinations, there.costs])

    for i, unit in enumerate(np.eye(len(start))):
        slope = (gradient(start + 1e-5 * unit) - gradient(start - 1e-5 * unit)) / 2e-5
        np.testing.assert_allclose(-slope, matrix[:, i], rtol=1e-6, atol=1e-5)
        product = fisher_product(problem, true.beta, true.gamma, found.log_a, (unit[:zones].copy(), unit[zones:]))
        np.testing.assert_allclose(np.concatenate(product), matrix[:, i], rtol=1e-9, atol=1e-9)
