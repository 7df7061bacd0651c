"""How far a field is from free of divergence and of forces, from the photosphere up to a height."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.derivatives import curl, divergence, jacobian_on_grid
from genarris_fw.studies.force_free.fields.field import Field

Array = NDArray[np.float64]


def height_factors(field: Field, jacobian: ArrayLike | None = None) -> dict[str, Array]:
    """Return means over all nodes up to each height of the grid, (nz,) each.

    Parameters
    ----------
    field : Field
        The field.
    jacobian : (nx ny nz, 3, 3) array_like, optional
        dB_i / dx_j at its nodes; else differences of second order on the grid.

    Returns
    -------
    dict
        ``height``, z less that of the lower face. ``divergence``, the mean of abs(div B) / abs(B), per length, and
        ``divergence_squared``, that of the square: equation 11 of Zhang, Xu & Yan, whose powers are not legible in
        all copies. ``force``, the mean sine of the angle between current and field, 0.5 for 30 degrees, and
        ``force_squared``. ``current_weighted_sine``, sigma_J of Wheatland, Sturrock & Roumeliotis 2000 (ApJ 540,
        1150): the sine weighted by the current. ``divergence_per_node``, abs(div B) / abs(B) with differences from
        node to node, as NF2 (Jarolim et al. 2023, Nature Astronomy 7, 1171) normalises it.
        A node without field or without current has a sine of 0, one without field a divergence of 0.

    Raises
    ------
    InputError
        Where the Jacobian does not fit the grid, or the grid is too small for differences.
    """
    grid = field.grid
    gradients = jacobian_on_grid(field) if jacobian is None else np.asarray(jacobian, dtype=np.float64)
    if gradients.shape != (grid.size, 3, 3):
        raise InputError(f"a Jacobian of shape {gradients.shape} does not fit the grid: {(grid.size, 3, 3)} is wanted")
    values, current = field.at_nodes(), curl(gradients)
    strength, density = np.linalg.norm(values, axis=1), np.linalg.norm(current, axis=1)
    force = np.linalg.norm(np.cross(current, values), axis=1)
    relative = _ratio(np.abs(divergence(gradients)), strength)
    sine = _ratio(force, strength * density)
    per_node = _ratio(np.abs(np.einsum("kii,i->k", gradients, grid.spacing)), strength)
    return {
        "height": grid.axes[2] - grid.bounds[2][0],
        "divergence": _mean_up_to(relative, grid.shape),
        "divergence_squared": _mean_up_to(relative**2, grid.shape),
        "divergence_per_node": _mean_up_to(per_node, grid.shape),
        "force": _mean_up_to(sine, grid.shape),
        "force_squared": _mean_up_to(sine**2, grid.shape),
        "current_weighted_sine": _ratio(_mean_up_to(density * sine, grid.shape), _mean_up_to(density, grid.shape)),
    }


def _ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean_up_to(quantity: Array, shape: tuple[int, int, int]) -> Array:
    """Return the mean of the lowest 1, 2, ... layers of nodes, (nz,)."""
    layers = quantity.reshape(shape).mean(axis=(0, 1))
    return np.asarray(np.cumsum(layers) / np.arange(1, shape[2] + 1))
