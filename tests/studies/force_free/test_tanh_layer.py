"""The kernel of a tanh layer, against numpy."""

import numpy as np
import pytest

from genarris_fw._kernels import tanh_layer


def blocks(dtype, points=13, units=7, seed=0):
    u = np.random.default_rng(seed).normal(size=(4, points, units)).astype(dtype)
    u[0] = np.tanh(u[0])
    return u


@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-6), ("float64", 1e-14)])
def test_forward_and_back(dtype, near):
    sums = blocks(dtype)
    slope = 1 - sums[0] ** 2
    u = sums.copy()
    tanh_layer.multiply_by_slope(u)
    assert np.array_equal(u[0], sums[0])
    np.testing.assert_allclose(u[1:], slope * sums[1:], rtol=near)

    # d(t, slope x) by the sums: slope on the diagonal, and -2 t slope x from the first sum to a derivative.
    by_out = blocks(dtype, seed=1)
    wanted = slope * by_out
    wanted[0] -= (2 * sums[0] * slope * sums[1:] * by_out[1:]).sum(0)
    tanh_layer.turn_back(by_out, u)
    np.testing.assert_allclose(by_out, wanted, rtol=near, atol=near)


def test_no_points():
    empty = np.empty((4, 0, 3))
    tanh_layer.multiply_by_slope(empty)
    tanh_layer.turn_back(empty, empty)


def test_wrong_shapes():
    u = blocks("float64")
    with pytest.raises(ValueError, match="values and three derivatives"):
        tanh_layer.multiply_by_slope(u[:3])
    with pytest.raises(ValueError, match="values and three derivatives"):
        tanh_layer.turn_back(u[:3], u[:3])
    with pytest.raises(ValueError, match="not the shape of the layer"):
        tanh_layer.turn_back(u, blocks("float64", points=12))
