"""The point nearest to the origin that no ball of a set covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TOUCHING = 1e-9  # Å: a point that deep inside a ball counts as being on it
_PARALLEL = 1e-12  # Å4: of the squared area that two differences of centres span


def nearest_uncovered(centres: Floats, radii: Floats) -> float:
    """Return how far from the origin the nearest point outside all of some open balls is.

    Parameters
    ----------
    centres : (n, 3) array
        Å.
    radii : (n,) array
        Å, positive.

    Returns
    -------
    float
        Å; 0 where no ball covers the origin. Exact but for rounding, and the same however the set is turned.

    Notes
    -----
    The nearest point outside a few of the balls is on one sphere opposite to its centre, or nearest on the circle where
    two spheres meet, or in a corner of three. Where another ball covers it, the one that does so deepest joins the few,
    so the distance only grows, and few balls are ever looked at. What is farther away than a point that is known to be
    outside of all need not be looked at either.
    """
    few = np.empty(0, dtype=int)
    points, most = np.zeros((1, 3)), np.inf
    while True:
        nearest = points[np.argmin(_norms(points))]
        depths = radii - _norms(centres - nearest)
        deepest = int(np.argmax(depths))
        if depths[deepest] <= _TOUCHING:
            return float(np.linalg.norm(nearest))
        most = min(most, _way_out(nearest, centres, radii) + _TOUCHING)
        added = _on_sphere(centres[deepest], radii[deepest], centres[few], radii[few], most)
        added = added[_outside(added, centres[few], radii[few])]
        points = np.concatenate([points[_outside(points, centres[[deepest]], radii[[deepest]])], added])
        few = np.append(few, deepest)


def _way_out(point: Floats, centres: Floats, radii: Floats) -> float:
    """How far from the origin the first point outside of all balls is, beyond a point in its direction."""
    [direction] = _unit(point[None], np.eye(3)[2:])
    along = centres @ direction
    half = np.sqrt(np.maximum(radii**2 - (centres**2).sum(axis=1) + along**2, 0.0))
    order = np.argsort(along - half)
    low, high = (along - half)[order], (along + half)[order]
    reached = np.maximum.accumulate(np.maximum(high, np.linalg.norm(point)))
    gap = np.append(low[1:] > reached[:-1], True)
    return float(reached[gap.argmax()])


def _outside(points: Floats, centres: Floats, radii: Floats) -> NDArray[np.bool_]:
    squares = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.asarray((squares >= (radii - _TOUCHING) ** 2).all(axis=1))


def _on_sphere(centre: Floats, radius: float, centres: Floats, radii: Floats, most: float) -> Floats:
    """The points of one sphere that may be nearest to the origin, given others that cover parts of it."""
    offsets = centres - centre
    squares = (offsets**2).sum(axis=1)
    # Of a point q of both spheres, seen from the centre: q . offset.
    heights = (radius**2 - radii**2 + squares) / 2
    meet = heights**2 < radius**2 * squares
    offsets, squares, heights = offsets[meet], squares[meet], heights[meet]
    middles = offsets * (heights / squares)[:, None]
    widths = np.sqrt(radius**2 - heights**2 / squares)
    circles = centre + middles + widths[:, None] * _towards_origin(centre + middles, offsets)
    near = _norms(circles) <= most
    alone = centre - radius * _unit(centre[None], np.eye(3)[2:])
    found = np.concatenate([alone, circles[near], centre + _corners(radius, offsets[near], heights[near])])
    return found[_norms(found) <= most]


def _towards_origin(points: Floats, normals: Floats) -> Floats:
    """Unit vectors at right angles to the normals that lead nearest to the origin; any where all are as good."""
    normals = _unit(normals, normals)
    flat = -points + (points * normals).sum(axis=1)[:, None] * normals
    least = np.eye(3)[np.abs(normals).argmin(axis=1)]
    return _unit(flat, np.cross(normals, least))


def _unit(vectors: Floats, otherwise: Floats) -> Floats:
    """The vectors with length 1; those without a direction get another one's."""
    vectors = np.where(_norms(vectors)[:, None] > _TOUCHING, vectors, otherwise)
    return np.asarray(vectors / _norms(vectors)[:, None])


def _corners(radius: float, offsets: Floats, heights: Floats) -> Floats:
    """The points of a sphere about the origin where two of the circles on it cross."""
    first, second = np.triu_indices(len(offsets), 1)
    u, v, along_u, along_v = offsets[first], offsets[second], heights[first], heights[second]
    normals = np.cross(u, v)
    squares = (normals**2).sum(axis=1)
    apart = squares > _PARALLEL
    u, v, normals, squares = u[apart], v[apart], normals[apart], squares[apart]
    feet = (along_u[apart, None] * np.cross(v, normals) + along_v[apart, None] * np.cross(normals, u)) / squares[
        :, None
    ]
    left = radius**2 - (feet**2).sum(axis=1)
    crossing = left > -_TOUCHING
    up = np.sqrt(np.maximum(left, 0.0) / squares)[crossing, None] * normals[crossing]
    return np.concatenate([feet[crossing] + up, feet[crossing] - up])


def _norms(vectors: Floats) -> Floats:
    return np.asarray(np.sqrt((vectors**2).sum(axis=-1)))
