"""A box and its nodes, evenly spaced, with the end points: where a field is known or asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Nodes of a box, x to the right, y inwards, z upwards; the photosphere is its lower face.

    Parameters
    ----------
    bounds : ((x0, x1), (y0, y1), (z0, z1))
        Ends of the box, in the length unit of the field.
    shape : (nx, ny, nz)
        Nodes along each axis, both ends among them.

    Raises
    ------
    InputError
        For a box of no volume, or fewer than two nodes along an axis.
    """

    bounds: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Check the box."""
        bounds = _numbers(self.bounds, (3, 2), "bounds", "three pairs of finite numbers")
        shape = _numbers(self.shape, (3,), "shape", "three whole numbers of nodes")
        if (shape < 2).any() or (shape % 1).any():
            raise InputError(f"shape {self.shape}: a grid has a whole number of nodes along each axis, at least 2")
        for axis, (low, high) in zip("xyz", bounds):
            if not high > low:
                raise InputError(f"{axis} from {low:g} to {high:g}: a box of no volume; the second has to be larger")
        x, y, z = ((float(low), float(high)) for low, high in bounds)
        nx, ny, nz = (int(nodes) for nodes in shape)
        object.__setattr__(self, "bounds", (x, y, z))
        object.__setattr__(self, "shape", (nx, ny, nz))

    @property
    def axes(self) -> tuple[Array, Array, Array]:
        """The nodes' x, y and z, (nx,), (ny,) and (nz,)."""
        x, y, z = (np.linspace(*ends, nodes) for ends, nodes in zip(self.bounds, self.shape))
        return x, y, z

    @property
    def spacing(self) -> Array:
        """The distance of neighbours along x, y and z, (3,)."""
        low, high = np.asarray(self.bounds).T
        return np.asarray((high - low) / (np.asarray(self.shape) - 1))

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return math.prod(self.shape)

    def points(self) -> Array:
        """Return all nodes, (nx ny nz, 3), in C order of (ix, iy, iz): z changes fastest."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, 3)

    def on_surface(self) -> NDArray[np.bool_]:
        """Return which of `points` lie on one of the six faces, (nx ny nz,)."""
        surface = np.ones(self.shape, dtype=bool)
        surface[1:-1, 1:-1, 1:-1] = False
        return surface.ravel()

    def on_bottom(self) -> NDArray[np.bool_]:
        """Return which of `points` lie on the lower face, (nx ny nz,)."""
        bottom = np.zeros(self.shape, dtype=bool)
        bottom[:, :, 0] = True
        return bottom.ravel()


def _numbers(values: Any, shape: tuple[int, ...], name: str, wanted: str) -> Array:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise InputError(f"{name} {values}: {wanted} are wanted")
    return numbers


# Of the articles that compare methods of extrapolation: Schrijver et al. 2006 and those who follow them.
PAPER_GRID = Grid(((-1.0, 1.0), (-1.0, 1.0), (0.0, 2.0)), (64, 64, 64))
