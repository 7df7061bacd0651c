"""The kernel of the passes over pairs of zones, against numpy."""

import numpy as np
import pytest

from genarris_fw._kernels import gravity

ROWS, COLUMNS, BETA = 7, 13, 0.7


@pytest.fixture
def category():
    random = np.random.default_rng(0)
    costs = random.uniform(0.1, 9.0, (ROWS, COLUMNS))
    allowed = random.random((ROWS, COLUMNS)) < 0.8
    allowed[:, 0] = True
    origins = random.uniform(1.0, 50.0, ROWS)
    origins[3] = 0.0
    return costs, allowed, random.normal(size=COLUMNS), origins


def trips_of(costs, allowed, gamma, origins):
    weights = np.where(allowed, np.exp(gamma - BETA * costs), 0.0)
    return origins[:, None] * weights / weights.sum(axis=1, keepdims=True)


def balanced(costs, allowed, gamma, origins):
    log_a, sums = np.empty(len(origins)), np.zeros((3, len(gamma)))
    within = gravity.balance(costs, allowed.view(np.uint8), BETA, gamma, origins, log_a, sums)
    return log_a, sums, within


def test_exponentials_to_two_roundings():
    x = np.concatenate([np.linspace(-699.9, 699.9, 100_001), np.linspace(-1.0, 1.0, 10_001)])
    found = np.empty((1, x.size))
    gravity.fill(np.zeros((1, x.size)), None, 0.0, x, np.zeros(1), found)
    exact = np.exp(x.astype(np.longdouble))
    assert float(np.max(np.abs(found[0] - exact) / exact)) < 4.5e-16


def test_exponentials_out_of_range_are_nothing_or_very_much():
    x = np.array([-np.inf, -1e300, -701.0, 701.0, 1e300])
    found = np.empty((1, 5))
    gravity.fill(np.zeros((1, 5)), None, 0.0, x, np.zeros(1), found)
    assert found[0, :3].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(found[0, 3:], np.exp(700.0), rtol=1e-12)


def test_balance(category):
    costs, _, _, origins = category
    trips = trips_of(*category)
    log_a, sums, within = balanced(*category)
    np.testing.assert_allclose(sums, [trips.sum(0), (costs * trips).sum(0), (costs**2 * trips).sum(0)], rtol=1e-13)
    some = origins > 0.0
    means = (costs * trips).sum(1)[some] / origins[some]
    assert within == pytest.approx((trips[some] * (costs[some] - means[:, None]) ** 2).sum(), rel=1e-12)
    assert log_a[3] == -np.inf


def test_trips_and_moments_by_the_factors_found(category):
    costs, allowed, gamma, _ = category
    trips = trips_of(*category)
    log_a, _, _ = balanced(*category)
    found = np.full((ROWS, COLUMNS), np.nan)
    gravity.fill(costs, allowed.view(np.uint8), BETA, gamma, log_a, found)
    np.testing.assert_allclose(found, trips, rtol=1e-13)
    moments = gravity.moments(costs, allowed.view(np.uint8), BETA, gamma, log_a)
    np.testing.assert_allclose(moments, [trips.sum(), (costs * trips).sum(), (costs**2 * trips).sum()], rtol=1e-13)


def test_curve_is_the_fisher_matrix_times_a_vector(category):
    costs, allowed, gamma, origins = category
    trips = trips_of(*category)
    matrix = np.zeros((COLUMNS + 1, COLUMNS + 1))
    for row in np.flatnonzero(origins):
        x = np.column_stack([np.eye(COLUMNS), -costs[row]])
        p = trips[row] / origins[row]
        matrix += origins[row] * x.T @ (np.diag(p) - np.outer(p, p)) @ x
    vector = np.random.default_rng(1).normal(size=COLUMNS + 1)
    log_a, _, _ = balanced(*category)
    columns = np.zeros(COLUMNS)
    by_beta = gravity.curve(
        costs, allowed.view(np.uint8), BETA, gamma, origins, log_a, vector[:-1], vector[-1], columns
    )
    np.testing.assert_allclose(np.append(columns, by_beta), matrix @ vector, rtol=1e-11, atol=1e-11)


def test_large_exponents_do_not_overflow():
    """Utilities of -800 and -1600 leave shares, not 0 / 0."""
    log_a, sums = np.empty(1), np.zeros((3, 2))
    gravity.balance(np.array([[800.0, 1600.0]]), None, 1.0, np.zeros(2), np.array([5.0]), log_a, sums)
    assert sums[0].tolist() == [5.0, 0.0]
    assert log_a[0] == pytest.approx(800.0 + np.log(5.0))


def test_wrong_shapes(category):
    costs, allowed, gamma, origins = category
    mask, log_a, sums = allowed.view(np.uint8), np.empty(ROWS), np.zeros((3, COLUMNS))
    columns = np.zeros(COLUMNS)
    with pytest.raises(ValueError, match="as many numbers as the costs have columns"):
        gravity.balance(costs, mask, BETA, gamma[1:], origins, log_a, sums)
    with pytest.raises(ValueError, match="not the shape of the costs"):
        gravity.balance(costs, mask[1:].copy(), BETA, gamma, origins, log_a, sums)
    with pytest.raises(ValueError, match="not as many as the costs have rows"):
        gravity.balance(costs, mask, BETA, gamma, origins[1:], log_a, sums)
    with pytest.raises(ValueError, match="not three rows"):
        gravity.balance(costs, mask, BETA, gamma, origins, log_a, sums[1:])
    with pytest.raises(ValueError, match="not as many as the costs have rows"):
        gravity.moments(costs, mask, BETA, gamma, log_a[1:])
    with pytest.raises(ValueError, match="not as many as the costs have rows"):
        gravity.curve(costs, mask, BETA, gamma, origins, log_a[1:], gamma, 0.0, columns)
    with pytest.raises(ValueError, match="vectors have not as many numbers"):
        gravity.curve(costs, mask, BETA, gamma, origins, log_a, gamma[1:], 0.0, columns)
    with pytest.raises(ValueError, match="trips have not the shape"):
        gravity.fill(costs, mask, BETA, gamma, log_a, np.empty((ROWS, COLUMNS + 1)))
    with pytest.raises(ValueError, match="not as many as the costs have rows"):
        gravity.fill(costs, mask, BETA, gamma, log_a[1:], np.empty((ROWS, COLUMNS)))
