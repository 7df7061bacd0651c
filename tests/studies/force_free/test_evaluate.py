"""The field of a network, and its derivatives, at points and on grids."""

import json

import numpy as np
import pytest

from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.network.envelope import Envelope
from genarris_fw.studies.force_free.network.evaluate import field_of, values, values_and_jacobian
from genarris_fw.studies.force_free.network.initial import initial_parameters
from genarris_fw.studies.force_free.network.shape import Shape


def some_parameters(shape):
    return initial_parameters(shape, 2) + np.random.default_rng(2).normal(0, 0.3, shape.parameters)


@pytest.mark.parametrize("quasi_output", [True, False])
def test_values_are_those_of_the_layers(quasi_output):
    """The paper's formulas, one point at a time."""
    shape = Shape(2, 5, quasi_output)
    p = some_parameters(shape)
    points = np.random.default_rng(0).normal(size=(7, 3))
    layers = shape.unpack(p)
    for x, found in zip(points, values(shape, p, points), strict=True):
        u = np.tanh(layers[0][0].T @ x + layers[0][1])
        u = np.tanh(layers[1][0].T @ u + layers[1][1])
        b = layers[2][0].T @ u + layers[2][1]
        wanted = layers[3][0] * b + layers[3][1] if quasi_output else b
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


@pytest.mark.parametrize("quasi_output", [True, False])
def test_jacobian_is_that_of_finite_differences(quasi_output):
    shape = Shape(3, 8, quasi_output)
    p = some_parameters(shape)
    points = np.random.default_rng(0).uniform(-1, 1, (2100, 3))
    found, jacobian = values_and_jacobian(shape, p, points)
    np.testing.assert_allclose(found, values(shape, p, points), rtol=1e-12, atol=1e-14)
    h = 1e-5
    for k in range(3):
        step = h * np.eye(3)[k]
        slope = (values(shape, p, points + step) - values(shape, p, points - step)) / (2 * h)
        np.testing.assert_allclose(jacobian[:, :, k], slope, rtol=1e-6, atol=1e-8)


def test_jacobian_of_a_field_with_an_envelope():
    shape = Shape(2, 6)
    p = some_parameters(shape)
    scale = Envelope(2.0, 2.5, (0.1, -0.2, -1.5))
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    _, jacobian = values_and_jacobian(shape, p, points, scale)
    h = 1e-5
    for k in range(3):
        step = h * np.eye(3)[k]
        there, here = (values_and_jacobian(shape, p, points + side * step, scale)[0] for side in (1, -1))
        np.testing.assert_allclose(jacobian[:, :, k], (there - here) / (2 * h), rtol=1e-6, atol=1e-8)


def test_field_on_a_grid_with_an_envelope():
    grid = Grid(((-1, 1), (0, 1), (0, 2)), (3, 4, 5))
    shape = Shape(2, 6)
    p = some_parameters(shape)
    scale = Envelope(2.0, 3.0, (0.1, 0.0, -0.5))
    field = field_of(shape, p, grid, scale)
    np.testing.assert_allclose(field.at_nodes(), values_and_jacobian(shape, p, grid.points(), scale)[0], rtol=1e-12)
    assert Envelope(**json.loads(json.dumps(field.about["field_scale"]))).at(grid.points()) == pytest.approx(
        scale.at(grid.points())
    )


def test_field_on_a_grid():
    grid = Grid(((-1, 1), (0, 1), (0, 2)), (3, 4, 5))
    shape = Shape(2, 6)
    p = some_parameters(shape)
    field = field_of(shape, p, grid, field_scale=2.0)
    x, y, z = grid.axes
    there = values(shape, p, np.array([[x[2], y[1], z[3]]]))[0]
    np.testing.assert_allclose(field.values[:, 2, 1, 3], 2.0 * there, rtol=1e-13)
    assert field.grid == grid
    assert field.about["network"] == {"hidden_layers": 2, "units": 6, "quasi_output": True}
    assert field.about["field_scale"] == 2.0
