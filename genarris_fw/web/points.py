"""A pool as points for a map: 16 bytes each; and as densities, where there are too many."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.web.columns import Column, PoolColumns
from genarris_fw.web.filters import Mask

POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("colour", "<f4"), ("row", "<u4")])
CHUNK = 2**14  # points that are packed at a time: no request holds more in memory
MOST_POINTS = 10**6
Extent = tuple[float, float, float, float]  # xmin, xmax, ymin, ymax


def drawable(x: Column, y: Column, mask: Mask | None) -> Mask:
    """Return which of the selected structures, or of all, have both an x and a y, (n,)."""
    known = ~(np.isnan(x.values) | np.isnan(y.values))
    return known if mask is None else known & mask


def packed(x: Column, y: Column, colour: Column | None, mask: Mask) -> Iterator[bytes]:
    """Yield points as bytes, little-endian: x, y and colour as float32, the row as uint32."""
    for first in range(0, len(mask), CHUNK):
        some = first + np.flatnonzero(mask[first : first + CHUNK])
        points = np.zeros(len(some), dtype=POINT)
        points["x"], points["y"], points["row"] = x.values[some], y.values[some], some
        if colour is not None:
            points["colour"] = colour.values[some]
        yield points.tobytes()


def extent_of(x: Column, y: Column, asked: tuple[float | None, ...]) -> Extent:
    """Return the limits of a density: those that are asked for, else those of the columns.

    Raises
    ------
    InputError
        When there is nothing between them.
    """
    found = []
    for column, (from_, to) in ((x, asked[:2]), (y, asked[2:])):
        known = column.values[np.isfinite(column.values)]
        least, most = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if most <= least:
            least, most = least - 0.5, most + 0.5
        low, high = (least if from_ is None else from_), (most if to is None else to)
        if not low < high or not math.isfinite(high - low):
            raise InputError(f"{column.name}: nothing lies between {low:g} and {high:g}")
        found += [low, high]
    return found[0], found[1], found[2], found[3]


def density(
    x: Column, y: Column, colour: Column | None, mask: Mask, extent: Extent, nx: int, ny: int
) -> tuple[NDArray[np.uint32], NDArray[np.float32] | None]:
    """Count points in the cells of a grid, and take the mean colour of each.

    Returns
    -------
    counts : (ny, nx) ndarray of uint32
    means : (ny, nx) ndarray of float32 or None
        NaN where no point has a colour.
    """
    xmin, xmax, ymin, ymax = extent
    kept = mask & (x.values >= xmin) & (x.values <= xmax) & (y.values >= ymin) & (y.values <= ymax)
    px, py = x.values[kept].astype(np.float64), y.values[kept].astype(np.float64)
    across = np.minimum((px - xmin) * (nx / (xmax - xmin)), nx - 1).astype(np.int32)
    up = np.minimum((py - ymin) * (ny / (ymax - ymin)), ny - 1).astype(np.int32)
    cells = up * nx + across
    counts = np.bincount(cells, minlength=nx * ny).astype(np.uint32).reshape(ny, nx)
    if colour is None:
        return counts, None
    values = colour.values[kept]
    has = ~np.isnan(values)
    sums = np.bincount(cells[has], weights=values[has], minlength=nx * ny)
    numbers = np.bincount(cells[has], minlength=nx * ny)
    with np.errstate(invalid="ignore"):
        return counts, (sums / numbers).astype(np.float32).reshape(ny, nx)


def nearest_row(
    pool: PoolColumns, x: Column, y: Column, at: tuple[float, float], scale: tuple[float, float]
) -> int | None:
    """Return the row of the point nearest to a place, distances along x and y divided by a scale; None without one."""
    rows = np.flatnonzero(drawable(x, y, None))
    if not len(rows):
        return None
    across, up = (x.values[rows] - at[0]) / scale[0], (y.values[rows] - at[1]) / scale[1]
    return int(rows[np.argmin(across * across + up * up)])
