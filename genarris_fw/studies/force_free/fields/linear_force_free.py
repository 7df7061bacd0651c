"""Linear force-free fields: curl B = alpha B with one alpha everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.half_space import bottom_component, decaying_field, padded_plane


def largest_alpha(grid: Grid, pad: int = 4) -> float:
    """Return the alpha from which on a field does not decay upwards: the smallest wave number of the padded plane."""
    return float(2 * np.pi / np.max(padded_plane(grid, pad) * grid.spacing[:2]))


def check_alpha(alpha: float, grid: Grid, pad: int = 4) -> None:
    """Refuse an alpha that is too large for a box.

    Raises
    ------
    InputError
        Where abs(alpha) reaches the smallest wave number of the padded plane.
    """
    limit = largest_alpha(grid, pad)
    if not abs(alpha) < limit:
        raise InputError(
            f"alpha = {alpha:g} is too large for this box: from {limit:.4g} on (pad = {pad}) the field does not decay "
            "upwards; take a smaller alpha or a smaller pad"
        )


def linear_force_free_field(bottom_bz: ArrayLike, alpha: float, grid: Grid, pad: int = 4) -> Field:
    """Return the linear force-free field that decays above the lower face.

    Parameters
    ----------
    bottom_bz : (nx, ny) array_like
        Bz on the lower face. Its mean over the padded plane is taken away, since a uniform field has no such
        currents; `about` says how much as `mean_taken_away`.
    alpha : float
        curl B over B, in inverse lengths of the grid; 0 is a potential field.
    grid : Grid
        Where.
    pad : int, optional
        How many times as long and as wide as the face the plane is, zero outside the face, of which Fourier series
        are taken.

    Raises
    ------
    InputError
        Where abs(alpha) reaches the smallest wave number of the plane, Bz does not fit or is not finite.
    """
    bottom = bottom_component(bottom_bz, grid)
    check_alpha(alpha, grid, pad)
    values = decaying_field(bottom, grid, pad, alpha)
    mean = float(np.mean(bottom - values[2, :, :, 0])) if alpha else 0.0
    about = {"kind": "linear_force_free", "alpha": float(alpha), "pad": int(pad), "mean_taken_away": mean}
    return Field(grid, values, about)
