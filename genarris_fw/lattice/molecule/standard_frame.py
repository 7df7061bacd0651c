"""A frame of the molecule's own, so that what is computed of a molecule does not depend on how it was turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TIE = 1e-3  # Å: of atoms that are so equally far away the first is taken, not the one that rounding prefers
DECIMALS = 6  # Å: what a file of a molecule means; below it is the rounding of whoever turned it


@dataclass(frozen=True, eq=False)
class Frame:
    """A place and an orientation.

    Attributes
    ----------
    axes : (3, 3) ndarray
        Rows are the axes x, y, z of the frame: a proper rotation.
    origin : (3,) ndarray
        Å.
    """

    axes: Array
    origin: Array

    def inside(self, points: ArrayLike) -> Array:
        """Return points (n, 3) as the frame sees them, Å."""
        return np.asarray((np.asarray(points, dtype=np.float64) - self.origin) @ self.axes.T)

    def outside(self, points: ArrayLike) -> Array:
        """Return points (n, 3) of the frame as they are outside, Å."""
        return np.asarray(np.asarray(points, dtype=np.float64) @ self.axes + self.origin)


def standard_frame(positions: ArrayLike) -> Frame:
    """Return the frame that the atoms of a molecule, in their order, span.

    Its origin is the mean of all positions, x points to the atom farthest from there, and the atom farthest from that
    axis lies in the plane of x and y. A molecule that is turned or moved turns and moves its frame; the mirror image
    is another molecule in it.

    Parameters
    ----------
    positions : (n, 3) array_like
        Å.

    Returns
    -------
    Frame
        Of a linear molecule y and z are any, of an atom all three.
    """
    points = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    origin = points.mean(axis=0)
    centred = points - origin
    x = _unit(centred, np.array([1.0, 0.0, 0.0]))
    across = centred - np.outer(centred @ x, x)
    y = _unit(across, np.eye(3)[np.argmin(np.abs(x))])
    y = y - (y @ x) * x
    y /= np.linalg.norm(y)
    return Frame(np.array([x, y, np.cross(x, y)]), origin)


def _unit(vectors: Array, otherwise: Array) -> Array:
    """Return the direction of the longest vector, or another one where all are as good as zero."""
    lengths = np.linalg.norm(vectors, axis=1)
    if lengths.max() < TIE:
        return otherwise
    chosen = int(np.argmax(lengths > lengths.max() - TIE))
    return np.asarray(vectors[chosen] / lengths[chosen])


def rounded(positions: ArrayLike) -> Array:
    """Return positions rounded to `DECIMALS`, without a zero that is negative."""
    return np.asarray(np.round(np.asarray(positions, dtype=np.float64), DECIMALS) + 0.0)
