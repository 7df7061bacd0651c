"""Distances between the vectors of a pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

Array = NDArray[np.float64]

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
    rows = np.asarray(vectors, dtype=float)
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] == 0:
        raise InputError(f"no vectors to compare: their array has the shape {rows.shape}, expected (n, d)")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise InputError(f"the vector of row {bad[0]} holds a number that is not finite ({len(bad)} such rows)")
    return rows


def _about_the_pool(rows: Array, metric: str) -> dict[str, Array]:
    """What seuclidean and mahalanobis take from the pool, for pools with constant columns too."""
    if metric == "seuclidean":
        variance = rows.var(axis=0, ddof=1)
        return {"V": np.where(variance > 0, variance, 1.0)}
    if metric == "mahalanobis":
        return {"VI": np.linalg.pinv(np.atleast_2d(np.cov(rows, rowvar=False)))}
    return {}


def distance_matrix(
    vectors: ArrayLike,
    metric: str = "euclidean",
    normalize: bool = False,
    standardize: bool = False,
) -> NDArray[np.float32]:
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

    Returns
    -------
    (n, n) ndarray of float32
        Symmetric with a zero diagonal; computed in double precision.

    Raises
    ------
    InputError
        For no vectors, one that is not finite, an unknown metric, or a metric that does not exist for
        these vectors (the cosine of a zero vector, for instance).
    """
    # Only here: it is slow to import.
    from scipy.spatial.distance import pdist, squareform

    name = metric_name(metric)
    rows = _checked(vectors)
    if len(rows) == 1:
        return np.zeros((1, 1), dtype=np.float32)
    if normalize:
        rows = rows / column_norms(rows)
    try:
        with np.errstate(all="ignore"):
            pairs = pdist(rows, name, **_about_the_pool(rows, name))
    except (ValueError, np.linalg.LinAlgError) as error:
        raise InputError(f"pdist_distance_type {name} cannot compare these vectors: {error}") from error
    if not np.isfinite(pairs).all():
        raise InputError(f"pdist_distance_type {name} is not defined for all these vectors; choose another")
    largest = pairs.max()
    if standardize and largest > 0:
        pairs /= largest
    return squareform(pairs.astype(np.float32))
