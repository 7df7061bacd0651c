"""Potential fields, without currents, from the normal component on the lower face or on all six."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.half_space import bottom_component, decaying_field

Array = NDArray[np.float64]

METHODS = ("fft", "green", "neumann")


def potential_field(source: Field | ArrayLike, grid: Grid | None = None, method: str = "fft", pad: int = 4) -> Field:
    """Return a potential field.

    Parameters
    ----------
    source : Field or (nx, ny) array_like
        A field of which the normal component on the surface is taken, or Bz on the lower face.
    grid : Grid, optional
        Where, if the source is no field.
    method : {"fft", "green", "neumann"}, optional
        ``fft``: above the lower face, which lies in a plane that is zero elsewhere and is repeated; by Fourier series.
        ``green``: above the lower face, outside which Bz is zero; by the integral over it.
        ``neumann``: in the box, from the normal component on all six faces, which a field alone has. Where these do
        not add up to no flux, their mean is taken away.
    pad : int, optional
        Of ``fft``: how many times as long and as wide as the face the plane is.

    Raises
    ------
    InputError
        Where there is no such method, or what it needs is not there or does not fit.
    """
    if isinstance(source, Field):
        if grid not in (None, source.grid):
            raise InputError(f"a field on {source.grid} gives no potential field on {grid}: leave out the grid")
        grid, bottom_bz = source.grid, source.values[2, :, :, 0]
    elif grid is None:
        raise InputError("a potential field from Bz on the lower face needs a grid")
    else:
        bottom_bz = np.asarray(source, dtype=np.float64)
    bottom = bottom_component(bottom_bz, grid)
    about = {"kind": "potential", "method": method}
    if method == "fft":
        return Field(grid, decaying_field(bottom, grid, pad), {**about, "pad": int(pad)})
    if method == "green":
        return Field(grid, _by_green(bottom, grid), about)
    if method == "neumann":
        if not isinstance(source, Field):
            raise InputError("method = neumann needs a field on all six faces; Bz of the lower one does for fft, green")
        return Field(grid, _by_neumann(source), about)
    raise InputError(f"method = {method}: a potential field is found by {', '.join(METHODS)}")


def _by_green(bottom: Array, grid: Grid) -> Array:
    """Sum the fields of uniformly charged rectangles, one about each node of the lower face.

    A charge sigma per area has the field of sigma R / (2 pi R^3) in the half space; the integrals of R / R^3 over a
    rectangle are differences over its corners of -asinh(Y / hypot(X, Z)), -asinh(X / hypot(Y, Z)), atan(X Y / (Z R)).
    """
    from scipy import fft

    nx, ny, _ = grid.shape
    hx, hy, _ = grid.spacing
    x = (np.arange(-nx, nx) + 0.5)[:, None] * hx  # corners, from the rectangle before the first to that of the last
    y = (np.arange(-ny, ny) + 0.5)[None, :] * hy
    size = tuple(fft.next_fast_len(2 * nodes - 1, real=True) for nodes in (nx, ny))
    sources = fft.rfft2(bottom, size)
    values = np.empty((3, *grid.shape))
    for i, z in enumerate(grid.axes[2] - grid.bounds[2][0]):
        corners = np.stack(
            [
                -np.arcsinh(y / np.hypot(x, z)),
                -np.arcsinh(x / np.hypot(y, z)),
                np.arctan2(x * y, z * np.sqrt(x**2 + y**2 + z**2)),
            ]
        )
        kernel = np.diff(np.diff(corners, axis=1), axis=2) / (2 * np.pi)
        folded = fft.irfft2(fft.rfft2(kernel, size) * sources, size)
        values[..., i] = folded[:, nx - 1 : 2 * nx - 1, ny - 1 : 2 * ny - 1]
    return values


def _by_neumann(source: Field) -> Array:
    """Solve Laplace's equation for phi with B = grad phi, in second order differences; a cosine transform does it."""
    from scipy import fft

    grid = source.grid
    if min(grid.shape) < 3:
        raise InputError(f"method = neumann needs at least 3 nodes along each axis, not {grid.shape}")
    outwards = _balanced_flux(source)
    charges, eigenvalues = np.zeros(grid.shape), np.zeros(grid.shape)
    for axis, h in enumerate(grid.spacing):
        along = np.moveaxis(charges, axis, 0)
        along[0] -= 2 / h * outwards[axis][0]
        along[-1] -= 2 / h * outwards[axis][1]
        nodes = grid.shape[axis]
        waves = 2 * (np.cos(np.pi * np.arange(nodes) / (nodes - 1)) - 1) / h**2
        eigenvalues += np.expand_dims(waves, [other for other in range(3) if other != axis])
    eigenvalues[0, 0, 0] = 1  # of the constant, which is free
    phi = fft.idctn(fft.dctn(charges, type=1) / eigenvalues, type=1)
    values = np.stack(np.gradient(phi, *grid.spacing, edge_order=2))
    for axis, (low, high) in enumerate(outwards):
        component = np.moveaxis(values[axis], axis, 0)
        component[0], component[-1] = -low, high
    return values


def _balanced_flux(source: Field) -> list[tuple[Array, Array]]:
    """Return the outward component on the lower and upper face of each axis, less its mean over the surface."""
    faces, flux, area = [], 0.0, 0.0
    for axis, h in enumerate(source.grid.spacing):
        component = np.moveaxis(source.values[axis], axis, 0)
        faces.append((-component[0], component[-1]))
        cell = float(np.prod(source.grid.spacing) / h)
        weights = cell * np.outer(*(_trapezoid(nodes) for nodes in component.shape[1:]))
        flux += float(np.sum(weights * (component[-1] - component[0])))
        area += 2 * float(weights.sum())
    return [(low - flux / area, high - flux / area) for low, high in faces]


def _trapezoid(nodes: int) -> Array:
    weights = np.ones(nodes)
    weights[[0, -1]] = 0.5
    return weights
