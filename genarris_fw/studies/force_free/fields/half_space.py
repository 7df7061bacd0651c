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

MOST_PADDING = 16  # beyond, the net flux is so far spread that nothing changes but the memory needed


def bottom_component(bottom_bz: ArrayLike, grid: Grid) -> Array:
    """Return Bz on the lower face as (nx, ny) float64.

    Raises
    ------
    InputError
        Where it does not fit the grid, or one of it is no finite number.
    """
    bottom = np.asarray(bottom_bz, dtype=np.float64)
    if bottom.shape != grid.shape[:2]:
        raise InputError(f"Bz of shape {bottom.shape} does not fit the lower face, {grid.shape[:2]} nodes of the grid")
    bad = np.count_nonzero(~np.isfinite(bottom))
    if bad:
        raise InputError(f"Bz on the lower face has {bad} values that are not finite: fill or leave them out")
    return bottom


def padded_plane(grid: Grid, pad: int) -> tuple[int, int]:
    """Return how many nodes the plane has of which Fourier series are taken: at least `pad` times those of the face.

    Raises
    ------
    InputError
        Where `pad` is no whole number from 1 to 16.
    """
    from scipy import fft

    if not (1 <= pad <= MOST_PADDING and pad % 1 == 0):
        raise InputError(f"pad = {pad}: the plane is a whole number of times as long as the face, 1 to {MOST_PADDING}")
    px, py = (fft.next_fast_len(int(pad) * nodes, real=True) for nodes in grid.shape[:2])
    return px, py


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

    Raises
    ------
    InputError
        Where `pad` is out of range.
    """
    from scipy import fft

    nx, ny, _ = grid.shape
    hx, hy, _ = grid.spacing
    plane = padded_plane(grid, pad)
    kx = 2 * np.pi * fft.fftfreq(plane[0], hx)[:, None]
    ky = 2 * np.pi * fft.rfftfreq(plane[1], hy)[None, :]
    k2 = kx**2 + ky**2
    uniform = k2 == 0
    decay = np.sqrt(np.where(uniform, 0, k2 - alpha**2))
    # The highest wave number of an even number of nodes stands for both signs, which cancel sideways.
    for waves, nodes in ((kx[:, 0], plane[0]), (ky[0], plane[1])):
        if nodes % 2 == 0:
            waves[nodes // 2] = 0
    up = fft.rfft2(bottom, plane)
    if alpha:
        up[uniform] = 0
    sideways = -1j * up / np.where(uniform, 1, k2)
    spectrum = np.stack([(kx * decay - ky * alpha) * sideways, (ky * decay + kx * alpha) * sideways, up])
    values = np.empty((3, *grid.shape))
    for i, height in enumerate(grid.axes[2] - grid.bounds[2][0]):
        rows = fft.ifft(spectrum * np.exp(-decay * height), axis=1)[:, :nx]  # those of the face alone
        values[..., i] = fft.irfft(rows, plane[1])[:, :, :ny]
    return values
