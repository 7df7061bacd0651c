"""The field that a network is, at points and on grids."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.network.arithmetic import NumpyArithmetic
from genarris_fw.studies.force_free.network.envelope import Envelope, as_envelope
from genarris_fw.studies.force_free.network.propagation import VALUES, VALUES_AND_DERIVATIVES, Propagation
from genarris_fw.studies.force_free.network.shape import Shape

_CHUNK = 1000


def values(shape: Shape, p: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a network gives at some points, (M, 3)."""
    found: NDArray[np.float64] = _outputs(shape, p, points, VALUES)[0]
    return found


def values_and_jacobian(
    shape: Shape, p: NDArray[np.float64], points: NDArray[np.float64], field_scale: float | Envelope = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the field of a network at some points, and its derivatives.

    Parameters
    ----------
    shape : Shape
    p : (parameters,) ndarray
    points : (M, 3) ndarray
    field_scale : float or Envelope
        The field is this times what the network gives.

    Returns
    -------
    values : (M, 3) ndarray of float64
    jacobian : (M, 3, 3) ndarray of float64
        ``[m, i, j]`` is the derivative of component i by coordinate j.
    """
    outputs = _outputs(shape, p, points, VALUES_AND_DERIVATIVES)
    envelope = as_envelope(field_scale)
    scale, slopes = envelope.at(points)[:, None], envelope.slopes(points)[:, None, :]
    jacobian = scale[:, None] * outputs[1:].transpose(1, 2, 0) + outputs[0][:, :, None] * slopes
    return scale * outputs[0], jacobian


def field_of(shape: Shape, p: NDArray[np.float64], grid: Grid, field_scale: float | Envelope = 1.0) -> Field:
    """Return the field of a network at the nodes of a grid.

    Parameters
    ----------
    shape : Shape
    p : (parameters,) ndarray
    grid : Grid
    field_scale : float or Envelope
        The field is this times what the network gives.
    """
    points = grid.points()
    found = as_envelope(field_scale).at(points)[:, None] * values(shape, p, points)
    about = {
        "network": {"hidden_layers": shape.hidden_layers, "units": shape.units, "quasi_output": shape.quasi_output},
        "field_scale": asdict(field_scale) if isinstance(field_scale, Envelope) else field_scale,
    }
    return Field(grid, np.ascontiguousarray(found.T).reshape(3, *grid.shape), about)


def _outputs(shape: Shape, p: NDArray[np.float64], points: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    arithmetic = NumpyArithmetic("float64")
    propagation = Propagation(shape, arithmetic, min(_CHUNK, len(points)), blocks)
    layers = shape.unpack(p)
    found = np.empty((blocks, len(points), 3))
    for start in range(0, len(points), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[:, part] = propagation.forward(layers, points[part])
    return found
