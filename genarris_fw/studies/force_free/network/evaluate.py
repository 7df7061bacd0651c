"""The field that a network is, at points and on grids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.network.arithmetic import NumpyArithmetic
from genarris_fw.studies.force_free.network.propagation import VALUES, VALUES_AND_DERIVATIVES, Propagation
from genarris_fw.studies.force_free.network.shape import Shape

_CHUNK = 1000


def values(shape: Shape, p: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a network gives at some points, (M, 3)."""
    found: NDArray[np.float64] = _outputs(shape, p, points, VALUES)[0]
    return found


def values_and_jacobian(
    shape: Shape, p: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a network gives at some points, and its derivatives.

    Parameters
    ----------
    shape : Shape
    p : (parameters,) ndarray
    points : (M, 3) ndarray

    Returns
    -------
    values : (M, 3) ndarray of float64
    jacobian : (M, 3, 3) ndarray of float64
        ``[m, i, j]`` is the derivative of component i by coordinate j.
    """
    outputs = _outputs(shape, p, points, VALUES_AND_DERIVATIVES)
    return outputs[0], np.ascontiguousarray(outputs[1:].transpose(1, 2, 0))


def field_of(shape: Shape, p: NDArray[np.float64], grid: Grid, field_scale: float = 1.0) -> Field:
    """Return the field of a network at the nodes of a grid.

    Parameters
    ----------
    shape : Shape
    p : (parameters,) ndarray
    grid : Grid
    field_scale : float
        The field is this times what the network gives.
    """
    found = field_scale * values(shape, p, grid.points())
    about = {
        "network": {"hidden_layers": shape.hidden_layers, "units": shape.units, "quasi_output": shape.quasi_output},
        "field_scale": field_scale,
    }
    return Field(grid, np.ascontiguousarray(found.T).reshape(3, *grid.shape), about)


def _outputs(shape: Shape, p: NDArray[np.float64], points: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    arithmetic = NumpyArithmetic("float64")
    propagation = Propagation(shape, arithmetic, _CHUNK, blocks)
    layers = shape.unpack(p)
    found = np.empty((blocks, len(points), 3))
    for start in range(0, len(points), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[:, part] = propagation.forward(layers, points[part])
    return found
