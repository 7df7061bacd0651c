"""Fields of constant alpha above a plane: every Fourier component of Bz decays upwards.

Alissandrakis 1981 (A&A 100, 197), after Nakagawa & Raadu 1972 (Solar Phys. 25, 127). With curl B = alpha B, div B = 0
and Bz = b exp(i k.r - kappa z) follows kappa^2 = k^2 - alpha^2 and

    Bx = -i b (kx kappa - ky alpha) / k^2 exp(..),  By = -i b (ky kappa + kx alpha) / k^2 exp(..).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.grid import Grid

Array = NDArray[np.float64]

_MOST_PADDING = 16  # beyond, the net flux is so far spread that nothing changes but the memory needed


def bottom_component(bottom_bz: ArrayLike, grid: Grid) -> Array:
    """Return Bz on the lower face as (nx, ny) float64.

    Raises
    ------
    InputError
        Where it does not fit the grid, or one of it is no finite number.
    """
    bottom = np.asarray(bottom_bz, dtype=np.float64)
    if bottom.shape != grid.shape[:2]:
        raise InputError(
            f"Bz of shape {bottom.shape} does not fit the lower face of the grid: {grid.shape[:2]} is wanted"
        )
    bad = np.count_nonzero(~np.isfinite(bottom))
    if bad:
        raise InputError(f"Bz on the lower face has {bad} values that are not finite: fill or leave them out")
    return bottom


def wave_numbers(grid: Grid, pad: int) -> tuple[Array, Array]:
    """Return kx, (px, 1), and ky >= 0, (1, py // 2 + 1), of the plane of px x py nodes that `pad` makes.

    Raises
    ------
    InputError
        Where `pad` is no whole number from 1 to 16.
    """
    from scipy import fft

    if not (1 <= pad <= _MOST_PADDING and pad % 1 == 0):
        raise InputError(f"pad = {pad}: the plane is a whole number of times as long as the face, 1 to {_MOST_PADDING}")
    px, py = (fft.next_fast_len(int(pad) * nodes, real=True) for nodes in grid.shape[:2])
    hx, hy, _ = grid.spacing
    return 2 * np.pi * fft.fftfreq(px, hx)[:, None], 2 * np.pi * fft.rfftfreq(py, hy)[None, :]


def decaying_field(bottom: Array, grid: Grid, pad: int, alpha: float = 0.0) -> Array:
    """Return the field that decays above a plane, (3, nx, ny, nz).

    Parameters
    ----------
    bottom : (nx, ny) ndarray
        Bz on the lower face; zero in the rest of a plane `pad` times as long and as wide, which is repeated.
    grid : Grid
        Where.
    pad : int
        See above.
    alpha : float, optional
        Below every wave number but 0, whose component, the mean of Bz, is kept only where alpha is 0: it is uniform.
    """
    from scipy import fft

    nx, ny, _ = grid.shape
    kx, ky = wave_numbers(grid, pad)
    size = kx.size, fft.next_fast_len(int(pad) * ny, real=True)
    k2 = kx**2 + ky**2
    uniform = k2 == 0
    decay = np.sqrt(np.where(uniform, 0, k2 - alpha**2))
    up = fft.rfft2(bottom, size)
    if alpha:
        up[uniform] = 0
    sideways = -1j * up / np.where(uniform, 1, k2)
    spectrum = np.stack([(kx * decay - ky * alpha) * sideways, (ky * decay + kx * alpha) * sideways, up])
    values = np.empty((3, *grid.shape))
    for i, height in enumerate(grid.axes[2] - grid.bounds[2][0]):
        values[..., i] = fft.irfft2(spectrum * np.exp(-decay * height), size)[:, :nx, :ny]
    return values
