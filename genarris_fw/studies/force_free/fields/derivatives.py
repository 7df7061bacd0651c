"""Spatial derivatives of a field on its grid, and what is made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field

Array = NDArray[np.float64]


def jacobian_on_grid(field: Field) -> Array:
    """Return dB_i / dx_j at all nodes, (nx ny nz, 3, 3), by differences of second order, one-sided on the surface.

    Raises
    ------
    InputError
        Where an axis has fewer than three nodes.
    """
    if min(field.grid.shape) < 3:
        raise InputError(f"shape {field.grid.shape}: derivatives on a grid need at least 3 nodes along each axis")
    jacobian = np.empty((3, 3, *field.grid.shape))
    for axis, h in enumerate(field.grid.spacing):
        jacobian[:, axis] = np.gradient(field.values, h, axis=axis + 1, edge_order=2)
    return np.moveaxis(jacobian.reshape(3, 3, -1), -1, 0)


def curl(jacobian: Array) -> Array:
    """Return curl B, (k, 3), of dB_i / dx_j, (k, 3, 3)."""
    return np.stack(
        [
            jacobian[:, 2, 1] - jacobian[:, 1, 2],
            jacobian[:, 0, 2] - jacobian[:, 2, 0],
            jacobian[:, 1, 0] - jacobian[:, 0, 1],
        ],
        axis=-1,
    )


def divergence(jacobian: Array) -> Array:
    """Return div B, (k,), of dB_i / dx_j, (k, 3, 3)."""
    return np.asarray(np.trace(jacobian, axis1=1, axis2=2))
