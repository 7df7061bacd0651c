"""The most diverse structures of a pool: each as far as can be from those chosen before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.clustering.kmedoids import check_whole, row_sums, square_distances
from genarris_fw.descriptors.distances import COMPILED, Comparison
from genarris_fw.errors import InputError

Rows = NDArray[np.intp]
# row(i): the distances of all structures from structure i.
RowOf = Callable[[int], NDArray[np.float32]]

_AS_SCIPY = {"squares": "sqeuclidean", "sums": "cityblock", "greatest": "chebyshev"}
_BLOCK = 1 << 21  # distances computed at a time


def most_diverse(distances: ArrayLike, n: int, first: int | None = None) -> Rows:
    """Choose structures one by one, each the farthest from the nearest of those chosen before.

    Of equally far ones the lower row. Structures equal to a chosen one come last.

    Parameters
    ----------
    distances : (N, N) array_like
        Symmetric, of at least 0; best float32, in memory or as a memmap, which is not copied. Only the n rows chosen
        are read if `first` is given.
    n : int
        How many to choose.
    first : int, optional
        The row to begin with, that of the best energy for example; by default the one with the smallest sum of
        distances.

    Returns
    -------
    (n,) ndarray of int
        Different rows in the order in which they were chosen: its beginning is the choice of fewer.

    Raises
    ------
    InputError
        For more structures than there are, a row that does not exist, or an impossible distance matrix.

    Notes
    -----
    Gonzalez, Theoretical Computer Science 38, 293 (1985): the largest distance left to a chosen one is at most twice
    the least possible with n.

    Examples
    --------
    >>> import numpy as np
    >>> from genarris_fw.clustering import most_diverse
    >>> points = np.array([0.0, 0.1, 5.0, 9.0])
    >>> sorted(most_diverse(abs(points[:, None] - points), 3).tolist())
    [1, 2, 3]
    """
    matrix = square_distances(distances)
    _check(len(matrix), n, first)
    if first is None:
        first = int(np.argmin(row_sums(matrix)[0]))
    return _farthest_points(matrix.__getitem__, len(matrix), n, first)


def most_diverse_of_vectors(
    vectors: ArrayLike, n: int, metric: str = "euclidean", first: int | None = None, normalize: bool = False
) -> Rows:
    """Choose structures as `most_diverse` does, by their vectors and without the matrix of distances.

    Parameters
    ----------
    vectors : (N, d) array_like
        A row per structure.
    n : int
        How many to choose.
    metric : str
        A name of `genarris_fw.descriptors.distances.METRICS`.
    first : int, optional
        The row to begin with; by default the one with the smallest sum of distances. Finding that one takes the
        distances of all pairs, though never more than a few rows of them at a time.
    normalize : bool
        Divide every column by its 2-norm over the pool first, as in `distance_matrix`.

    Returns
    -------
    (n,) ndarray of int

    Raises
    ------
    InputError
        For more structures than there are, a row that does not exist, vectors that are not finite, or a metric that
        is unknown or not defined for these vectors.
    """
    # Only here: it is slow to import.
    from scipy.spatial.distance import cdist

    comparison = Comparison.of_pool(vectors, metric, normalize)
    total = comparison.n
    _check(total, n, first)
    points = comparison.prepare(vectors)
    kind, factor, root = COMPILED.get(comparison.metric, (comparison.metric, 1.0, False))
    options = {"VI": np.array(comparison.inverse_covariance)} if comparison.inverse_covariance else {}

    def block(start: int, stop: int) -> NDArray[np.float32]:
        with np.errstate(all="ignore"):
            found = cdist(points[start:stop], points, _AS_SCIPY.get(kind, kind), **options) * factor
            found = (np.sqrt(found) if root else found).astype(np.float32)
        found[np.arange(stop - start), np.arange(start, stop)] = 0.0
        if not np.isfinite(found).all():
            raise InputError(f"pdist_distance_type {comparison.metric} is not defined for all these vectors")
        return np.asarray(found)

    if first is None:
        step = max(1, _BLOCK // total)
        sums = [block(i, min(i + step, total)).sum(axis=1, dtype=np.float64) for i in range(0, total, step)]
        first = int(np.argmin(np.concatenate(sums)))
    return _farthest_points(lambda row: block(row, row + 1)[0], total, n, first)


def _check(total: int, n: int, first: int | None) -> None:
    check_whole("the number of structures to choose", n, 1)
    if n > total:
        raise InputError(f"{n} structures are to be chosen, but there are only {total}")
    if first is not None:
        check_whole("the row to begin with", first, 0)
        if first >= total:
            raise InputError(f"the row to begin with is {first}, but the last one is {total - 1}")


def _farthest_points(row_of: RowOf, total: int, n: int, first: int) -> Rows:
    chosen = np.empty(n, dtype=np.intp)
    nearest = np.full(total, np.inf, dtype=np.float32)
    for place in range(n):
        row = first if place == 0 else int(np.argmax(nearest))
        away = row_of(row)
        if not (away.min() >= 0 and np.isfinite(away).all()):
            raise InputError(
                f"row {row} of the distance matrix holds a number that is negative or not finite; compute it again"
            )
        np.minimum(nearest, away, out=nearest)
        nearest[row] = -np.inf  # below that of every other structure, equal ones too
        chosen[place] = row
    return chosen
