"""A sweep of each of the paper's fixed points, beside its formulas written out."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from genarris_fw.studies.trips.methods.calibration import calibrate, first_parameters, method_named
from genarris_fw.studies.trips.methods.fixed_point import Balanced
from genarris_fw.studies.trips.methods.one_equation import Moments
from genarris_fw.studies.trips.methods.pf_newton_bs import Equation, PivotSearch
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

PROBLEM, _ = made_up_problem(8, 3, 0.6, (0.3, 0.9), seed=2)
START = Parameters(np.zeros(8), np.array([0.2, 0.3, 0.4]))


def after(method: str, sweeps: int, problem: TripProblem = PROBLEM, start: Parameters = START) -> Parameters:
    steps = method_named(method)(problem, start, 1)
    return next(islice(steps, sweeps, None)).parameters


def factors(beta: Array, b: Array) -> tuple[Array, Array]:
    """Return A by (21), and then B by (22)."""
    decay = np.exp(-beta[:, None, None] * PROBLEM.costs)
    a = PROBLEM.origins / (decay * b).sum(axis=2)
    return a, PROBLEM.destinations / (a[:, :, None] * decay).sum(axis=(0, 1))


def sums(beta: Array, a: Array, b: Array, power: int) -> Array:
    """Return the sums of c^power A B exp(-beta c) by category."""
    weights = a[:, :, None] * b * np.exp(-beta[:, None, None] * PROBLEM.costs)
    return np.asarray((PROBLEM.costs**power * weights).sum(axis=(1, 2)))


def test_newton_takes_its_step_for_20_with_a_and_b_fixed() -> None:
    a, b = factors(START.beta, np.ones(8))
    step = (sums(START.beta, a, b, 1) - PROBLEM.total_costs) / sums(START.beta, a, b, 2)
    found = after("pf_newton", 1)
    np.testing.assert_allclose(found.beta, START.beta + step, rtol=1e-12)
    np.testing.assert_allclose(found.gamma, np.log(b / b[0]), atol=1e-12)


def test_the_pivot_is_the_fixed_point_30() -> None:
    a, b = factors(START.beta, np.ones(8))
    pivots = PROBLEM.costs.mean(axis=(1, 2))
    moved = PROBLEM.costs - pivots[:, None, None]
    sum_30 = (PROBLEM.costs * a[:, :, None] * b * np.exp(-START.beta[:, None, None] * moved)).sum(axis=(1, 2))
    np.testing.assert_allclose(after("pf_pivot", 1).beta, np.log(sum_30 / PROBLEM.total_costs) / pivots, rtol=1e-12)


def test_hyman_goes_by_secants() -> None:
    observed, betas, means = PROBLEM.mean_costs, [START.beta], []
    b = np.ones(8)
    for _ in range(3):
        a, b = factors(betas[-1], b)
        means.append(sums(betas[-1], a, b, 1) / sums(betas[-1], a, b, 0))
        if len(means) == 1:
            betas.append(betas[-1] * means[-1] / observed)
        else:
            slope = (betas[-1] - betas[-2]) / (means[-1] - means[-2])
            betas.append(betas[-1] + slope * (observed - means[-1]))
    for sweeps, beta in enumerate(betas):
        np.testing.assert_allclose(after("hyman", sweeps).beta, beta, rtol=1e-10)


@pytest.mark.parametrize("method", ["pf_mart", "pf_newton_b"])
def test_bregmans_way_balances_after_each_beta(method: str) -> None:
    beta = START.beta.copy()
    a, b = factors(beta, np.ones(8))
    for k in range(3):
        if method == "pf_mart":
            beta[k] += np.log(sums(beta, a, b, 1)[k] / PROBLEM.total_costs[k]) / PROBLEM.costs[k].max()
        else:
            beta[k] = root_of_20(a, b, beta, k)
        a[k] = factors(beta, b)[0][k]
        decay = np.exp(-beta[:, None, None] * PROBLEM.costs)
        b = PROBLEM.destinations / (a[:, :, None] * decay).sum(axis=(0, 1))
    np.testing.assert_allclose(after(method, 1).beta, beta, rtol=2e-3 if method == "pf_newton_b" else 1e-12)


def root_of_20(a: Array, b: Array, beta: Array, k: int) -> float:
    def missed(value: float) -> float:
        tried = beta.copy()
        tried[k] = value
        return float(sums(tried, a, b, 1)[k] - PROBLEM.total_costs[k])

    return float(brentq(missed, -20.0, 20.0))


@given(st.integers(0, 10_000), st.floats(0.3, 8.0), st.floats(-2.0, 4.0), st.floats(0.0, 100.0))
@settings(max_examples=40, deadline=None)
def test_the_bounded_search_finds_the_root_in_its_bracket(
    seed: int, deviation: float, before: float, moved: float
) -> None:
    """From any beta, for any costs: the equation is solved, by a beta between the bounds of (31)."""
    problem, true = made_up_problem(6, 1, deviation, (0.02, 3.0), seed)
    problem = TripProblem(problem.costs + moved, problem.origins, problem.destinations, problem.mean_costs + moved)
    state = balanced_at(problem, true.gamma, np.array([before]))
    equation = Equation(problem, 0)
    beta = equation.root(state)
    logarithm = equation.logarithm(state)
    lowest, highest = equation.bracket
    assert min(logarithm / lowest, logarithm / highest) <= beta <= max(logarithm / lowest, logarithm / highest)
    costs = problem.costs[0] - equation.shift
    exponents = np.log(true_weights(problem, state)) - beta * costs
    assert np.log((costs * np.exp(exponents)).sum() / equation.total) == pytest.approx(0.0, abs=0.003)


def true_weights(problem: TripProblem, state: Balanced) -> Array:
    """Return A B of the moved costs."""
    shift = Equation(problem, 0).shift
    return np.asarray(np.exp(state.log_a[0][:, None] + state.gamma - state.beta[0] * shift))


def balanced_at(problem: TripProblem, gamma: Array, beta: Array) -> Balanced:
    decay = gamma - beta[0] * problem.costs[0]
    log_a = np.log(problem.origins[0]) - np.log(np.exp(decay - decay.max(axis=1, keepdims=True)).sum(axis=1))
    log_a -= decay.max(axis=1)
    model = np.exp(log_a[:, None] + decay)
    up = problem.destinations / model.sum(axis=0)
    moments = [np.array([(problem.costs[0] ** power * model * up).sum()]) for power in range(3)]
    return Balanced(log_a[None], gamma + np.log(up), beta, *moments)


@given(
    st.floats(-20.0, 20.0).filter(bool),
    st.floats(0.0, 1.0),
    st.floats(1e-3, 1e3),
    st.floats(1e-3, 1e3),
    st.floats(1, 50),
)
@settings(max_examples=100, deadline=None)
def test_the_search_never_leaves_its_bracket(
    logarithm: float, share: float, first: float, second: float, wide: float
) -> None:
    """Whatever the moments are: the bracket has an end where the search was, and goes on within."""
    search = PivotSearch(logarithm, 1.0, 0.1, 0.1 * wide)
    q = min(0.1 * wide**share, search.highest)
    stepped, _ = search.next(q, Moments(first, second))
    assert q in (search.lowest, search.highest)
    assert search.lowest <= stepped <= search.highest


def test_the_bounded_search_does_not_see_a_constant_added_to_costs() -> None:
    moved = TripProblem(PROBLEM.costs + 7.0, PROBLEM.origins, PROBLEM.destinations, PROBLEM.mean_costs + 7.0)
    start = first_parameters(PROBLEM)
    here, there = (calibrate(problem, "pf_newton_bs", start=start) for problem in (PROBLEM, moved))
    assert here.converged
    # Residuals are of larger mean costs there: it ends a little earlier.
    assert there.sweeps <= here.sweeps
    for sweeps in (1, 5, 20):
        of_moved = after("pf_newton_bs", sweeps, moved, start)
        np.testing.assert_allclose(of_moved.beta, after("pf_newton_bs", sweeps, PROBLEM, start).beta, rtol=1e-9)


def test_a_mean_cost_below_all_costs_ends_the_bounded_search() -> None:
    impossible = TripProblem(PROBLEM.costs + 5.0, PROBLEM.origins, PROBLEM.destinations, np.array([1.0, 6.0, 6.0]))
    assert calibrate(impossible, "pf_newton_bs").why_ended == "diverged"
