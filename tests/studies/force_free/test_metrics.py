"""Metrics of Schrijver et al. 2006 and factors by height, by hand, by other formulas and by invariants."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.derivatives import jacobian_on_grid
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.judging.factors import height_factors
from genarris_fw.studies.force_free.judging.metrics import metrics

GRID = Grid(((0, 1), (0, 2), (1, 4)), (3, 4, 5))
SEEDS = st.integers(0, 10**6)


def of(vectors, grid=GRID):
    return Field(grid, np.asarray(vectors, dtype=float).T.reshape(3, *grid.shape))


def random_field(seed):
    return of(np.random.default_rng(seed).normal(size=(GRID.size, 3)))


def test_metrics_by_hand():
    grid = Grid(((0, 1), (0, 1), (0, 1)), (2, 2, 2))
    reference = of([(3, 4, 0)] + [(1, 0, 0)] * 7, grid)
    found = of([(0, 5, 0)] + [(1, 0, 0)] * 6 + [(-1, 0, 0)], grid)
    potential = of([(2, 0, 0)] * 8, grid)
    product, energy = 20 + 6 - 1, 25 + 7
    errors = [math.sqrt(10)] + [0] * 6 + [2]
    assert metrics(reference, found, potential) == pytest.approx(
        {
            "C_vec": product / energy,
            "C_CS": (20 / 25 + 6 - 1) / 8,
            "E_n": 1 - sum(errors) / (5 + 7),
            "E_m": 1 - (errors[0] / 5 + 2) / 8,
            "energy": 1.0,
            "energy_over_potential": energy / 32,
        }
    )


@settings(max_examples=30, deadline=None)
@given(SEEDS, SEEDS, st.floats(0.01, 100), SEEDS)
def test_metrics_know_no_unit_and_no_direction(one, other, factor, turn):
    reference, found = random_field(one), random_field(other)
    known = metrics(reference, found, reference)
    turned = Rotation.random(random_state=turn).as_matrix() * factor
    alike = metrics(*(of(field.at_nodes() @ turned.T) for field in (reference, found, reference)))
    assert alike == pytest.approx(known)
    assert known["energy"] == pytest.approx(known["energy_over_potential"])


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.just(0.0) | st.floats(0.01, 3))
def test_a_field_that_is_too_strong_has_the_right_directions(seed, factor):
    reference = random_field(seed)
    found = metrics(reference, Field(GRID, factor * reference.values))
    correlation = 1 if factor else 0
    error = abs(1 - factor)
    expected = {"C_vec": correlation, "C_CS": correlation, "E_n": 1 - error, "E_m": 1 - error, "energy": factor**2}
    assert found == pytest.approx(expected, abs=1e-9)


def test_fields_that_cannot_be_compared_are_refused():
    other = Grid(((0, 1), (0, 2), (1, 5)), (3, 4, 5))
    moved = Field(other, random_field(0).values)
    for found, potential in ((moved, None), (random_field(1), moved)):
        with pytest.raises(InputError, match="fields on different grids cannot be compared"):
            metrics(random_field(0), found, potential)
    gap = random_field(0).values.copy()
    gap[:, 1, 1, 1] = 0
    with pytest.raises(InputError, match="the reference vanishes at a node"):
        metrics(Field(GRID, gap), random_field(1))


def test_a_field_found_to_be_nothing_is_bad_but_no_error():
    nothing = Field(GRID, np.zeros((3, *GRID.shape)))
    found = metrics(random_field(0), nothing, random_field(1))
    assert found == {"C_vec": 0, "C_CS": 0, "E_n": 0, "E_m": 0, "energy": 0, "energy_over_potential": 0}
    with pytest.raises(InputError, match="the potential field is nothing"):
        metrics(random_field(0), random_field(1), nothing)


def test_derivatives_of_a_quadratic_field_are_exact_up_to_the_surface():
    x, y, z = GRID.points().T
    found = jacobian_on_grid(of(np.stack([x * y + z**2, y**2 - x, x**2 * 3 + y * z], axis=1)))
    zero, one = np.zeros_like(x), np.ones_like(x)
    expected = np.array([[y, x, 2 * z], [-one, 2 * y, zero], [6 * x, z, y]])
    np.testing.assert_allclose(np.moveaxis(found, 0, -1), expected, atol=1e-12)


def test_factors_of_a_field_that_is_linear_in_space():
    """B = (-y, x, 1) has the current (0, 0, 2); the sine of their angle is rho / sqrt(1 + rho^2). B + r has div 3."""
    x, y, z = GRID.points().T
    factors = height_factors(of(np.stack([-y, x, np.ones_like(x)], axis=1)))
    rho2 = x**2 + y**2
    sine = np.sqrt(rho2 / (1 + rho2))
    np.testing.assert_allclose(factors["height"], [0, 0.75, 1.5, 2.25, 3])
    for name, expected in {
        "force": sine.mean(), "force_squared": (sine**2).mean(), "current_weighted_sine": sine.mean(),
        "divergence": 0, "divergence_squared": 0, "divergence_per_node": 0,
    }.items():  # fmt: skip
        np.testing.assert_allclose(factors[name], np.full(5, expected), atol=1e-12)
    factors = height_factors(of(np.stack([x - y, y + x, z], axis=1)))
    relative = 1 / np.sqrt(2 * rho2 + z**2)
    for k, height in enumerate(GRID.axes[2]):
        below = z <= height
        assert factors["divergence"][k] == pytest.approx(3 * relative[below].mean())
        assert factors["divergence_squared"][k] == pytest.approx(9 * (relative[below] ** 2).mean())
        assert factors["divergence_per_node"][k] == pytest.approx((0.5 + 2 / 3 + 0.75) * relative[below].mean())


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_factors_of_any_field_by_loops_over_its_nodes(seed):
    field = random_field(seed)
    jacobian = np.random.default_rng(seed + 1).normal(size=(GRID.size, 3, 3))
    factors = height_factors(field, jacobian)
    heights = GRID.points()[:, 2] - 1
    for k, height in enumerate(factors["height"]):
        sines, currents, divergences = [], [], []
        for node in np.flatnonzero(heights <= height + 1e-12):
            b, d = field.at_nodes()[node], jacobian[node]
            current = np.array([d[2][1] - d[1][2], d[0][2] - d[2][0], d[1][0] - d[0][1]])
            cosine = b @ current / (np.linalg.norm(b) * np.linalg.norm(current))
            sines.append(math.sqrt(1 - cosine**2))
            currents.append(np.linalg.norm(current))
            divergences.append(abs(d[0][0] + d[1][1] + d[2][2]) / np.linalg.norm(b))
        assert factors["force"][k] == pytest.approx(np.mean(sines), abs=1e-7)
        assert factors["current_weighted_sine"][k] == pytest.approx(np.average(sines, weights=currents), abs=1e-7)
        assert factors["divergence"][k] == pytest.approx(np.mean(divergences))


def test_where_there_is_no_field_or_no_current_there_is_no_force():
    no_slope = np.zeros((GRID.size, 3, 3))
    nothing = height_factors(Field(GRID, np.zeros((3, *GRID.shape))), no_slope + 1)
    uniform = height_factors(random_field(0), no_slope)
    for factors in (nothing, uniform):
        for name, values in factors.items():
            assert name == "height" or (values == 0).all()


def test_derivatives_that_do_not_fit_or_cannot_be_taken_are_refused():
    with pytest.raises(InputError, match=r"Jacobian of shape \(60, 3\) does not fit the grid: \(60, 3, 3\)"):
        height_factors(random_field(0), np.zeros((60, 3)))
    thin = Grid(((0, 1), (0, 1), (0, 1)), (3, 2, 3))
    with pytest.raises(InputError, match="at least 3 nodes along each axis"):
        height_factors(of(np.ones((18, 3)), thin))
