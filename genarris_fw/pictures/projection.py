"""Many dimensions in two: principal components of vectors, classical scaling of a distance matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.descriptors import column_norms
from genarris_fw.errors import InputError

Array = NDArray[np.float64]

# Up to so many points all distances are scaled at once; above, those between some landmarks.
EXACT = 2000
LANDMARKS = 1000
STRIP = 512


@dataclass(frozen=True)
class Projection:
    """Points in a plane.

    Attributes
    ----------
    points : (n, 2) ndarray
        In the unit of the vectors or distances.
    shares : tuple of two floats
        How much of the variance each axis carries, 0 to 1.
    axes : tuple of two str
        What the axes are.
    """

    points: Array
    shares: tuple[float, float]
    axes: tuple[str, str]

    @property
    def labels(self) -> tuple[str, str]:
        """What each axis is, with the share of the variance it carries."""
        first, second = (f"{name} ({100 * share:.0f} % of the variance)" for name, share in zip(self.axes, self.shares))
        return first, second


def principal_components(vectors: ArrayLike, normalize: bool = True) -> Projection:
    """Project vectors on the two directions in which they vary most.

    Parameters
    ----------
    vectors : (n, d) array_like
    normalize : bool
        Divide every column by its 2-norm over the pool first, as for the distances that pools are clustered by.

    Returns
    -------
    Projection
        On each axis the point farthest from the middle has a positive coordinate.

    Raises
    ------
    InputError
        For no vectors, vectors of different lengths, or a number that is not finite.
    """
    try:
        rows = np.asarray(vectors, dtype=float)
    except ValueError:
        raise InputError("the vectors differ in length: they were made with different settings or elements") from None
    if rows.ndim != 2 or rows.size == 0:
        raise InputError(f"no vectors to draw: their array has the shape {rows.shape}, expected (n, d)")
    if not np.isfinite(rows).all():
        raise InputError("a vector holds a number that is not finite")
    if normalize:
        rows = rows / column_norms(rows)
    rows = rows - rows.mean(axis=0)
    left, singular, _ = np.linalg.svd(rows, full_matrices=False)
    variances = singular**2
    return _projection(left * singular, variances, float(variances.sum()), "principal component")


def classical_scaling(distances: NDArray[np.floating], rows: ArrayLike | None = None, exact: int = EXACT) -> Projection:
    """Place points in a plane so that their distances are those of a matrix, as nearly as classical scaling can.

    Parameters
    ----------
    distances : (m, m) ndarray or memmap
        Symmetric, at least 0. A file is read row by row.
    rows : (n,) array_like of int, optional
        The rows (and columns) to place; all by default.
    exact : int
        Above so many points the distances between 1,000 landmarks are scaled, and every point is placed by its
        distances to them.

    Returns
    -------
    Projection
        Shares are those of the positive eigenvalues (of the landmarks, where there are some). On each axis the
        point farthest from the middle has a positive coordinate.

    Raises
    ------
    InputError
        For no points, or a matrix that is not square.

    Notes
    -----
    Torgerson, Psychometrika 17, 401 (1952); landmarks: de Silva and Tenenbaum, Sparse multidimensional scaling
    using landmark points, Stanford (2004). Landmarks are drawn at random with a fixed seed.
    """
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1] or len(distances) == 0:
        raise InputError(f"the distance matrix is not a square matrix: its shape is {distances.shape}")
    chosen = np.arange(len(distances)) if rows is None else np.asarray(rows, dtype=np.intp)
    n = len(chosen)
    if n == 0:
        raise InputError("no points to place")
    marks = np.arange(n)
    if n > exact:
        marks = np.sort(np.random.default_rng(0).choice(n, min(LANDMARKS, exact), replace=False))
    squares = _strip(distances, chosen[marks], chosen[marks]) ** 2
    middle = squares.mean(axis=0)
    centred = -0.5 * (squares - middle[:, None] - middle + middle.mean())
    values, vectors = np.linalg.eigh(centred)
    whole = float(np.clip(values, 0, None).sum())
    values, vectors = values[::-1][:2], vectors[:, ::-1][:, :2]
    values = np.where(values > 1e-12 * max(whole, 1e-300), values, 0.0)
    # Towards the plane from squared distances to the landmarks; for the landmarks themselves it gives back
    # the eigenvectors times the root of their eigenvalues.
    onto = np.divide(vectors, np.sqrt(values), out=np.zeros_like(vectors), where=values > 0)
    points = np.empty((n, len(values)))
    for start in range(0, n, STRIP):
        part = _strip(distances, chosen[start : start + STRIP], chosen[marks]) ** 2
        points[start : start + STRIP] = -0.5 * (part - middle) @ onto
    return _projection(points, values, whole, "coordinate of the distances")


def _strip(distances: NDArray[np.floating], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
    """Return some rows and columns, reading whole rows."""
    found = np.empty((len(rows), len(columns)))
    for start in range(0, len(rows), STRIP):
        found[start : start + STRIP] = np.asarray(distances[rows[start : start + STRIP]])[:, columns]
    return found


def _projection(points: Array, variances: Array, whole: float, name: str) -> Projection:
    """Return the first two axes, zeros where there are fewer, with signs that do not depend on the library."""
    plane, shares = np.zeros((len(points), 2)), [0.0, 0.0]
    for axis in range(min(2, points.shape[1])):
        column = points[:, axis]
        farthest = column[np.argmax(np.abs(column))]
        plane[:, axis] = -column if farthest < 0 else column
        shares[axis] = float(variances[axis]) / whole if whole > 0 else 0.0
    return Projection(plane, (shares[0], shares[1]), (f"{name} 1", f"{name} 2"))
