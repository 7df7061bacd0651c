"""Potential fields, without currents, from the normal component on the lower face or on all six."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid

Array = NDArray[np.float64]


def potential_field(source: Field | ArrayLike, grid: Grid | None = None, method: str = "fft", pad: int = 4) -> Field:
    """Return the potential field.

    Parameters
    ----------
    source : Field or (nx, ny) array_like
        A field on the grid, or Bz on its lower face.
    grid : Grid, optional
        Where; a source that is a field has its own.
    method : {"fft"}
        Half space above the lower face, by Fourier series of a plane that is padded with zeros.
    pad : int
        How many times the padded plane is as long as the face.
    """
    if isinstance(source, Field):
        grid, bottom = source.grid, source.values[2, :, :, 0]
    else:
        bottom = np.asarray(source, dtype=np.float64)
    if grid is None:
        raise InputError("a potential field from Bz of the lower face needs its grid")
    return Field(grid, by_fft(bottom, grid, pad), {"kind": "potential", "method": method, "pad": pad})


def by_fft(bottom: Array, grid: Grid, pad: int) -> Array:
    """Return B = -grad of a sum of exp(i k r - |k| z), (3, nx, ny, nz)."""
    from scipy import fft

    nx, ny, _ = grid.shape
    hx, hy, _ = grid.spacing
    size = fft.next_fast_len(pad * nx), fft.next_fast_len(pad * ny, real=True)
    kx = 2 * np.pi * fft.fftfreq(size[0], hx)[:, None]
    ky = 2 * np.pi * fft.rfftfreq(size[1], hy)[None, :]
    k = np.hypot(kx, ky)
    up = fft.rfft2(bottom, size)
    sideways = up / np.where(k > 0, k, 1)
    spectrum = np.stack([-1j * kx * sideways, -1j * ky * sideways, up])
    values = np.empty((3, *grid.shape))
    for i, height in enumerate(grid.axes[2] - grid.bounds[2][0]):
        values[..., i] = fft.irfft2(spectrum * np.exp(-k * height), size)[:, :nx, :ny]
    return values
