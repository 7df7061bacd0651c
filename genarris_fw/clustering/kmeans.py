"""Clustering of large pools by their vectors, without distances between all pairs: mini-batch k-means."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.clustering.kmedoids import check_whole
from genarris_fw.clustering.result import Clustering, wanted_clusters
from genarris_fw.descriptors.distances import column_norms
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.threads import one_thread

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def minibatch_kmeans(
    vectors: ArrayLike,
    num_of_clusters: float = 0.1,
    seed: int = 0,
    max_iter: int = 100,
    batch_size: int = 1024,
    normalize: bool = False,
) -> Clustering:
    """Cluster a pool into exactly the wanted number of clusters around means of its vectors.

    Time and memory grow with n, not with its square. A cluster's exemplar is its member nearest to its mean.

    Parameters
    ----------
    vectors : (n, d) array_like
        A row per structure. Structures with equal vectors are the same and share a cluster.
    num_of_clusters : int or float
        The number wanted; below 1 a fraction of n, cut to a whole number and at least 1.
    seed : int
        Of the means to begin with and of the batches.
    max_iter, batch_size : int
        As in `sklearn.cluster.MiniBatchKMeans`: most passes over the pool, and vectors of a step.
    normalize : bool
        Divide every column by its 2-norm over the pool first, as in `distance_matrix`.

    Returns
    -------
    Clustering
        Exemplars by rising rows; its preference is not a number. The same for the same vectors and seed, whatever
        the number of threads.

    Raises
    ------
    InputError
        For an impossible option or vectors that are no finite numbers.
    RunFailed
        When there are fewer different vectors than clusters wanted.

    Notes
    -----
    Sculley, WWW 2010, 1177, as scikit-learn has it. It can leave clusters without members; each is given the
    vector that is farthest from its exemplar so far, and what is nearer to this one than to its own exemplar.

    Examples
    --------
    >>> from genarris_fw.clustering import minibatch_kmeans
    >>> minibatch_kmeans([[0.0], [0.1], [5.0], [5.1]], 2).n_clusters
    2
    """
    for name, value, least in (("seed", seed, 0), ("max_iter", max_iter, 1), ("batch_size", batch_size, 1)):
        check_whole(name, value, least)
    rows = _checked(vectors)
    n = len(rows)
    k = wanted_clusters(num_of_clusters, n)
    if normalize:
        rows = rows / column_norms(rows)
    # Sorted, each once and weighted: neither the order of the pool nor copies in it matter.
    points, first, which, counts = np.unique(rows, axis=0, return_index=True, return_inverse=True, return_counts=True)
    which = which.ravel()
    if len(points) < k:
        raise RunFailed(
            f"num_of_clusters is {k}, but only {len(points)} of the {n} vectors differ;"
            f" lower num_of_clusters to {len(points)} at most"
        )
    labels, centres = _fit(points, counts, k, int(seed), int(max_iter), int(batch_size))
    labels, exemplars = _occupied(points, labels, centres)
    labels, exemplars = _filled(points, labels, exemplars, k)
    order = np.argsort(first[exemplars])
    place = np.empty(k, dtype=np.intp)
    place[order] = np.arange(k)
    return Clustering(place[labels[which]], first[exemplars[order]], float("nan"), k, True, [])


def _checked(vectors: ArrayLike) -> Array:
    try:
        rows = np.asarray(vectors, dtype=float)
    except (TypeError, ValueError):
        raise InputError("the vectors do not consist of rows of numbers, all of one length") from None
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] == 0:
        raise InputError(f"no vectors to cluster: their array has the shape {rows.shape}, expected (n, d)")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise InputError(f"the vector of row {bad[0]} holds a number that is not finite ({len(bad)} such rows)")
    return rows


def _fit(points: Array, counts: Rows, k: int, seed: int, max_iter: int, batch_size: int) -> tuple[Rows, Array]:
    # Only here: they are slow to import.
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(k, max_iter=max_iter, batch_size=batch_size, n_init=1, random_state=seed)
    # Linear algebra rounds differently on another number of threads, and a vector may then change its cluster.
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points, sample_weight=counts.astype(float))
    return np.asarray(model.labels_, dtype=np.intp), np.asarray(model.cluster_centers_, dtype=float)


def _occupied(points: Array, labels: Rows, centres: Array) -> tuple[Rows, Rows]:
    """Number the clusters that have members anew, and choose the member nearest to the centre of each."""
    occupied, labels = np.unique(labels, return_inverse=True)
    away = _distances(points, centres[occupied], labels)
    by_cluster = np.lexsort((away, labels))
    return labels, by_cluster[np.searchsorted(labels[by_cluster], np.arange(len(occupied)))]


def _filled(points: Array, labels: Rows, exemplars: Rows, k: int) -> tuple[Rows, Rows]:
    """Add exemplars, always the point farthest from its own, until there are k."""
    labels, chosen = labels.copy(), list(exemplars)
    away = _distances(points, points[exemplars], labels)
    # An exemplar stays, even where the distance to another is too small for a number.
    away[exemplars] = -1.0
    while len(chosen) < k:
        newest = int(np.argmax(away))
        nearer = np.square(points - points[newest]).sum(axis=1)
        moved = nearer < away
        moved[newest] = True
        labels[moved] = len(chosen)
        away[moved] = nearer[moved]
        away[newest] = -1.0
        chosen.append(newest)
    return labels, np.array(chosen, dtype=np.intp)


def _distances(points: Array, centres: Array, labels: Rows) -> Array:
    """Squared distance of every point from the centre of its cluster."""
    away = np.empty(len(points))
    for start in range(0, len(points), 4096):
        part = slice(start, start + 4096)
        away[part] = np.square(points[part] - centres[labels[part]]).sum(axis=1)
    return away
