"""Distances between the vectors of a pool: of all at once, or in strips of rows for many workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import genarris_fw._kernels.distances as kernel
from genarris_fw.errors import InputError
from genarris_fw.threads import default_threads

Array = NDArray[np.float64]
Matrix = NDArray[np.float32]
# fill(first, last, mirror, out) writes the rows first to last - 1, as in the kernel's `compare`.
Fill = Callable[[int, int, bool, Matrix], None]

# The metrics of vectors, as scipy.spatial.distance calls them.
METRICS = (
    "braycurtis",
    "canberra",
    "chebyshev",
    "cityblock",
    "correlation",
    "cosine",
    "dice",
    "euclidean",
    "hamming",
    "jaccard",
    "jensenshannon",
    "mahalanobis",
    "minkowski",
    "rogerstanimoto",
    "russellrao",
    "seuclidean",
    "sokalsneath",
    "sqeuclidean",
    "yule",
)
# What the kernel computes: kind, factor, whether the root is taken. The cosine distance 1 - u.v of unit vectors is
# |u - v|^2 / 2, which keeps its digits when they are close; the exponent of minkowski is scipy's default, 2.
COMPILED = {
    "chebyshev": ("greatest", 1.0, False),
    "cityblock": ("sums", 1.0, False),
    "correlation": ("squares", 0.5, False),
    "cosine": ("squares", 0.5, False),
    "euclidean": ("squares", 1.0, True),
    "minkowski": ("squares", 1.0, True),
    "seuclidean": ("squares", 1.0, True),
    "sqeuclidean": ("squares", 1.0, False),
}
# Rows of one task, a multiple of the kernel's tile.
BLOCK = 2 * kernel.TILE


def metric_name(name: str) -> str:
    """Return the metric's name as scipy spells it.

    Raises
    ------
    InputError
        For a name that is not one of `METRICS`.
    """
    lower = str(name).strip().lower()
    if lower not in METRICS:
        raise InputError(f"pdist_distance_type is {name!r}; choose one of {', '.join(METRICS)}")
    return lower


def column_norms(vectors: ArrayLike) -> Array:
    """Return the 2-norm of every column over the pool, with 1 in place of 0.

    Parameters
    ----------
    vectors : (n, d) array_like

    Returns
    -------
    (d,) ndarray
        A column of zeros (an element pair that no structure has) thus stays zero when divided.
    """
    norms = np.linalg.norm(np.asarray(vectors, dtype=float), axis=0)
    return np.where(norms > 0, norms, 1.0)


def _checked(vectors: ArrayLike) -> Array:
    rows = np.ascontiguousarray(vectors, dtype=np.float64)
    if np.ndim(vectors) != 2 or len(rows) == 0 or rows.shape[1] == 0:
        raise InputError(f"no vectors to compare: their array has the shape {np.shape(vectors)}, expected (n, d)")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise InputError(f"the vector of row {bad[0]} holds a number that is not finite ({len(bad)} such rows)")
    return rows


@dataclass(frozen=True)
class Comparison:
    """How the vectors of a pool are compared: the metric, and all that it takes from the pool as a whole.

    A strip of rows needs it to be the same as in the whole matrix. It holds plain numbers, see `record`.

    Parameters
    ----------
    metric : str
        A name of `METRICS`.
    n : int
        Vectors of the pool.
    divisors : tuple of float
        What every column is divided by first: its norm, its standard deviation (seuclidean), both, or 1.
    inverse_covariance : tuple of tuples of float
        Of the divided columns, for mahalanobis; empty otherwise.
    sha256 : str
        Checksum of the vectors: a worker that loaded others is found out.
    """

    metric: str
    n: int
    divisors: tuple[float, ...]
    inverse_covariance: tuple[tuple[float, ...], ...]
    sha256: str

    @classmethod
    def of_pool(cls, vectors: ArrayLike, metric: str = "euclidean", normalize: bool = False) -> Comparison:
        """Take from a pool what comparing its vectors needs.

        Parameters
        ----------
        vectors : (n, d) array_like
            A row per structure.
        metric, normalize
            As in `distance_matrix`.

        Raises
        ------
        InputError
            For no vectors, one that is not finite or too large, or an unknown metric.
        """
        name = metric_name(metric)
        rows = _checked(vectors)
        divisors = np.ones(rows.shape[1])
        with np.errstate(all="ignore"):
            if normalize:
                divisors = column_norms(rows)
            if name == "seuclidean":
                variance = (rows / divisors).var(axis=0, ddof=min(1, len(rows) - 1))
                divisors = divisors * np.sqrt(np.where(variance != 0, variance, 1.0))
            inverse = _inverse_covariance(rows / divisors) if name == "mahalanobis" else np.zeros((0, 0))
        if not (np.isfinite(divisors).all() and np.isfinite(inverse).all()):
            raise InputError("the vectors hold numbers too large to be squared; give them in another unit")
        return cls(
            name, len(rows), tuple(divisors.tolist()), tuple(tuple(row) for row in inverse.tolist()), _checksum(rows)
        )

    def record(self) -> dict[str, Any]:
        """Return the comparison as a document of plain numbers, lists and strings."""
        return {
            "metric": self.metric,
            "n": self.n,
            "divisors": list(self.divisors),
            "inverse_covariance": [list(row) for row in self.inverse_covariance],
            "sha256": self.sha256,
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Comparison:
        """Return the comparison that `record` wrote down."""
        return cls(
            metric_name(record["metric"]),
            int(record["n"]),
            tuple(map(float, record["divisors"])),
            tuple(tuple(map(float, row)) for row in record["inverse_covariance"]),
            str(record["sha256"]),
        )

    def prepare(self, vectors: ArrayLike) -> Array:
        """Return the pool's vectors as the metric takes them.

        Raises
        ------
        InputError
            For vectors other than those the comparison was made of.
        """
        rows = _checked(vectors)
        if rows.shape != (self.n, len(self.divisors)) or _checksum(rows) != self.sha256:
            raise InputError(
                f"the comparison was made of {self.n} other vectors than these {len(rows)}; give those, in their order"
            )
        return self._divided(rows)

    def _divided(self, rows: Array) -> Array:
        rows = rows / np.array(self.divisors)
        if self.metric == "correlation":
            rows = _centred(rows)
        if self.metric in ("cosine", "correlation"):
            with np.errstate(invalid="ignore"):  # a vector of zeros has no direction: its distances become nan
                rows /= np.abs(rows).max(axis=1, keepdims=True)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def _checksum(rows: Array) -> str:
    return hashlib.sha256(rows.data).hexdigest()


def _inverse_covariance(rows: Array) -> Array:
    """Inverse of the covariance, for pools with constant columns too."""
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / max(1, len(rows) - 1)
    try:
        return np.asarray(np.linalg.pinv(covariance))
    except np.linalg.LinAlgError as error:
        raise InputError(f"pdist_distance_type mahalanobis cannot compare these vectors: {error}") from error


def _centred(rows: Array) -> Array:
    """Rows less their means; zero where only rounding is left."""
    centred: Array = rows - rows.mean(axis=1, keepdims=True)
    rounding = 4 * np.finfo(float).eps * np.abs(rows).max(axis=1)
    centred[np.abs(centred).max(axis=1) <= rounding] = 0.0
    return centred


def _with_kernel(rows: Array, metric: str) -> Fill:
    kind, factor, root = COMPILED[metric]
    n, d = rows.shape
    padded = np.zeros((-(-n // kernel.PANEL) * kernel.PANEL, d))
    padded[:n] = rows
    panels = np.ascontiguousarray(padded.reshape(-1, kernel.PANEL, d).transpose(0, 2, 1))

    def fill(first: int, last: int, mirror: bool, out: Matrix) -> None:
        kernel.compare(rows, panels, first, last, kind, factor, root, mirror, out)

    return fill


def _with_scipy(rows: Array, metric: str, options: dict[str, Any]) -> Fill:
    # Only here: it is slow to import.
    from scipy.spatial.distance import cdist

    n = len(rows)
    if metric == "jensenshannon" and not ((rows >= 0).all() and rows.any(axis=1).all()):
        raise InputError("pdist_distance_type jensenshannon is not defined for vectors below zero or all zero")

    def block(top: int, left: int) -> Array:
        # Always the same blocks, and those below the diagonal by transposition: what scipy rounds differently for
        # another shape or order is then the same in every strip.
        if top > left:
            return block(left, top).T
        found = cdist(rows[top : top + BLOCK], rows[left : left + BLOCK], metric, **options)
        if metric == "jensenshannon":
            np.nan_to_num(found, copy=False)  # the root of a rounding error below zero, for equal vectors
        if top < left:
            return np.asarray(found)
        above = np.triu(found, 1)
        return np.asarray(above + above.T)

    def fill(first: int, last: int, mirror: bool, out: Matrix) -> None:
        above = 0 if mirror else first
        top = first - first % BLOCK
        for left in range(top if mirror else 0, n, BLOCK):
            found = block(top, left)
            out[first - above : last - above, left : left + BLOCK] = found[first - top : last - top]
            if mirror and left != top:
                out[left : left + BLOCK, first:last] = found.T

    return fill


def _ways(rows: Array, comparison: Comparison) -> Fill:
    if comparison.metric in COMPILED:
        return _with_kernel(rows, comparison.metric)
    inverse = comparison.inverse_covariance
    return _with_scipy(rows, comparison.metric, {"VI": np.array(inverse)} if inverse else {})


def _in_threads(call: Callable[[int, int], Any], first: int, last: int, threads: int | None) -> list[Any]:
    """Results of call(start, stop) for the blocks of rows from first to last - 1."""
    if threads is None:
        threads = default_threads()
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise InputError(f"threads is {threads}; give a whole number, at least 1")
    edges = [first, *range(first - first % BLOCK + BLOCK, last, BLOCK), last]
    if threads == 1 or len(edges) == 2:
        return list(map(call, edges[:-1], edges[1:]))
    with ThreadPoolExecutor(int(threads)) as pool:
        return list(pool.map(call, edges[:-1], edges[1:]))


def _compared(rows: Array, comparison: Comparison, first: int, last: int, mirror: bool, threads: int | None) -> Matrix:
    """Distances of some prepared rows from all; `mirror` where these are all."""
    out = np.zeros((last - first, len(rows)), dtype=np.float32)
    if len(rows) == 1 or first == last:
        return out
    fill = _ways(rows, comparison)

    def largest(start: int, stop: int) -> float:
        place = out if mirror else out[start - first : stop - first]
        with np.errstate(all="ignore"):
            fill(start, stop, mirror, place)
        return float(out[start - first : stop - first, start if mirror else 0 :].max())

    name = comparison.metric
    try:
        found = _in_threads(largest, first, last, threads)
    except (ValueError, np.linalg.LinAlgError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"pdist_distance_type {name} cannot compare these vectors: {error}") from error
    # The largest of numbers of which one is nan is nan.
    if np.isnan(found).any():
        raise InputError(f"pdist_distance_type {name} is not defined for all these vectors; choose another")
    if np.isinf(found).any():
        raise InputError(f"a distance ({name}) is too large for single precision; give the vectors in another unit")
    return out


def distance_matrix(
    vectors: ArrayLike,
    metric: str = "euclidean",
    normalize: bool = False,
    standardize: bool = False,
    threads: int | None = None,
) -> Matrix:
    """Compare all vectors of a pool pairwise.

    Parameters
    ----------
    vectors : (n, d) array_like
        A row per structure.
    metric : str
        A name of `METRICS`, those of `scipy.spatial.distance.pdist`; upper and lower case are the same.
    normalize : bool
        Divide every column by its 2-norm over the pool first. Adding structures then changes every
        distance.
    standardize : bool
        Divide the distances by the largest one, so that they lie in [0, 1].
    threads : int, optional
        All cores that this process may use, unless given. The result is the same for any number.

    Returns
    -------
    (n, n) ndarray of float32
        Symmetric, bit for bit, with a zero diagonal; computed in double precision.

    Raises
    ------
    InputError
        For no vectors, one that is not finite, an unknown metric, or a metric that does not exist for
        these vectors (the cosine of a zero vector, for instance).

    Examples
    --------
    >>> from genarris_fw.descriptors import distance_matrix
    >>> distance_matrix([[0.0, 0.0], [3.0, 4.0]])
    array([[0., 5.],
           [5., 0.]], dtype=float32)
    """
    rows = _checked(vectors)
    comparison = Comparison.of_pool(rows, metric, normalize)
    matrix = _compared(comparison._divided(rows), comparison, 0, len(rows), True, threads)
    if standardize:
        largest = matrix.max()

        def divide(start: int, stop: int) -> None:
            matrix[start:stop] /= largest

        if largest > 0:
            _in_threads(divide, 0, len(rows), threads)
    return matrix


def distance_rows(
    vectors: ArrayLike, first: int, last: int, comparison: Comparison, threads: int | None = None
) -> Matrix:
    """Compare some vectors of a pool with all of them: some rows of its distance matrix.

    Parameters
    ----------
    vectors : (n, d) array_like
        All vectors of the pool.
    first, last : int
        The rows `first` to `last` - 1.
    comparison : Comparison
        `Comparison.of_pool` of the same vectors.
    threads : int, optional
        All cores that this process may use, unless given.

    Returns
    -------
    (last - first, n) ndarray of float32
        Bit for bit the rows of `distance_matrix` without `standardize`. A row has 4 n bytes; some hundred rows
        make a strip worth its while.

    Raises
    ------
    InputError
        As in `distance_matrix`; for rows that do not exist, and for vectors that the comparison was not made of.
    """
    rows = comparison.prepare(vectors)
    if not 0 <= first <= last <= len(rows):
        raise InputError(f"rows {first} to {last} of {len(rows)} vectors do not exist; give 0 <= first <= last <= n")
    return _compared(rows, comparison, first, last, False, threads)
