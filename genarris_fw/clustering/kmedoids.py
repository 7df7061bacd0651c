"""Clustering of large pools into a wanted number of clusters by k-medoids."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

import genarris_fw._kernels.kmedoids as kernel
from genarris_fw.clustering.result import Clustering, wanted_clusters
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.threads import default_threads

Distances = NDArray[np.float32]
Rows = NDArray[np.intp]

_ALONE = 64  # candidates looked through by one thread before several share the search
_SHARE = 1024  # candidates of a thread at a time


def check_whole(name: str, value: int, least: int) -> None:
    """Refuse an option that is not a whole number of at least `least`.

    Raises
    ------
    InputError
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} is {value!r}; give a whole number, at least {least}")


def square_distances(distances: ArrayLike) -> Distances:
    """Return a distance matrix as float32; one that is so already is not copied.

    Parameters
    ----------
    distances : (n, n) array_like
        A memmap stays on disk.

    Returns
    -------
    (n, n) ndarray of float32

    Raises
    ------
    InputError
        When it is not square, or not symmetric in a sample of its rows.
    """
    try:
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(distances, dtype=np.float32)
    except (TypeError, ValueError):
        raise InputError("the distance matrix does not consist of rows of numbers; compute it again") from None
    if np.ndim(distances) != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) == 0:
        raise InputError(f"the distance matrix is not a square matrix: its shape is {np.shape(distances)}")
    sample = np.unique(np.linspace(0, len(matrix) - 1, 64).astype(np.intp))
    part = matrix[np.ix_(sample, sample)]
    if not np.array_equal(part, part.T, equal_nan=True):
        i, j = sample[np.argwhere((part != part.T) & ~np.isnan(part))[0]]
        raise InputError(f"the distance matrix is not symmetric: rows {i} and {j} disagree; compute it again")
    return matrix


def row_sums(distances: Distances, threads: int = 1) -> tuple[NDArray[np.float64], float]:
    """Check all numbers of a distance matrix and add up its rows.

    Parameters
    ----------
    distances : (n, n) ndarray of float32
    threads : int

    Returns
    -------
    sums : (n,) ndarray
        The same for every order of the structures.
    most : float
        The largest distance.

    Raises
    ------
    InputError
        For a number that is negative or not finite, or a structure that differs from itself.
    """
    n = len(distances)
    sums, most = np.empty(n), np.empty(n, dtype=np.float32)
    starts = [n * share // threads for share in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        bad = list(pool.map(lambda part: kernel.survey(distances, *part, sums, most), pairwise(starts)))
    for row in bad:
        if row >= 0:
            raise InputError(
                f"row {row} of the distance matrix holds a number that is negative or not finite,"
                " or its structure differs from itself; compute the matrix again"
            )
    return sums, float(most.max())


def total_deviation(distances: ArrayLike, clustering: Clustering) -> float:
    """Return the sum of the distances of all structures to the exemplars of their clusters.

    Parameters
    ----------
    distances : (n, n) array_like
    clustering : Clustering

    Returns
    -------
    float
        In the units of the distances.
    """
    matrix = np.asanyarray(distances)
    total = 0.0
    for cluster, row in enumerate(clustering.exemplars):
        total += float(matrix[row, clustering.labels == cluster].sum(dtype=np.float64))
    return total


def seeds(distances: Distances, order: Rows, k: int, generator: np.random.Generator) -> Rows:
    """Choose different structures to begin with.

    The first is the first in the order. Each further one is drawn with a probability proportional to its distance
    from those chosen: dense regions and far ones both get theirs, and a structure equal to a chosen one is never
    drawn. It reads k rows of the matrix; the greedy choice of PAM would read all of it k times, and what it gains
    the swaps gain too.

    Parameters
    ----------
    distances : (n, n) ndarray of float32
    order : (n,) ndarray of int
        All rows; the draw depends on it and not on their numbers.
    k : int
    generator : numpy.random.Generator

    Returns
    -------
    (m,) ndarray of int
        Rows; m is below k when there are only m different structures.

    Notes
    -----
    Arthur and Vassilvitskii, SODA 2007, 1027, with distances in place of their squares, as fits the total deviation.
    """
    chosen = [order[0]]
    nearest = distances[chosen[0]][order]
    while len(chosen) < k:
        heights = np.cumsum(nearest, dtype=np.float64)
        if heights[-1] == 0.0:
            break
        # Rounding may lift the product to the sum itself; the last structure that can be drawn is the place before.
        place = np.searchsorted(heights, generator.random() * heights[-1], side="right")
        place = min(place, np.searchsorted(heights, heights[-1]))
        chosen.append(order[place])
        np.minimum(nearest, distances[chosen[-1]][order], out=nearest)
    return np.array(chosen, dtype=np.intp)


def _descend(medoids: kernel.Medoids, n: int, max_iter: int, threads: int) -> bool:
    """Swap until no swap lowers the total deviation; whether that was reached.

    Always the first candidate in the order that lowers it, so that threads change nothing.
    """
    place = looked = still = 0
    count = _ALONE
    with ThreadPoolExecutor(threads) as pool:
        while still < n:
            if looked >= max_iter * n:
                return False
            stop = min(place + count, n)
            shares = threads if stop - place > _ALONE else 1
            parts = [place + (stop - place) * share // shares for share in range(shares + 1)]
            if shares == 1:
                found = [medoids.find(place, stop)]
            else:
                found = list(pool.map(medoids.find, parts[:-1], parts[1:]))
            candidate, medoid = next((hit for hit in found if hit[0] >= 0), (-1, -1))
            if candidate >= 0:
                medoids.swap(candidate, medoid)
                stop, still, count = candidate + 1, 0, _ALONE
                looked += stop - place
            else:
                still += stop - place
                looked += stop - place
                count = min(2 * count, _SHARE * threads)
            place = stop % n
    return True


def kmedoids(
    distances: ArrayLike,
    num_of_clusters: float = 0.1,
    seed: int = 0,
    max_iter: int = 100,
    threads: int | None = None,
) -> Clustering:
    """Cluster a pool into exactly the wanted number of clusters around medoids.

    The medoids are such that no exchange of one of them for another structure lowers the sum of the distances of
    all structures to their nearest medoid. The matrix is only read, by whole rows, and little else is kept: some
    hundred bytes for each structure. One pass over the matrix costs what reading it costs; it takes about ten.

    Parameters
    ----------
    distances : (n, n) array_like
        Symmetric, of at least 0, with a zero diagonal; best float32, in memory or as a memmap, which is not copied.
        Structures at distance 0 are the same.
    num_of_clusters : int or float
        The number wanted; below 1 a fraction of n, cut to a whole number and at least 1.
    seed : int
        Of the medoids to begin with and of the order in which others are tried.
    max_iter : int
        Most passes over the pool.
    threads : int, optional
        By default as many as this process has cores; the result does not depend on it.

    Returns
    -------
    Clustering
        Exemplars are the medoids, by rising rows; its preference is not a number. The same for the same distances
        and seed, and, but for equal row sums, for the same pool in another order.

    Raises
    ------
    InputError
        For an impossible option or distance matrix.
    RunFailed
        When there are fewer different structures than clusters wanted, or swaps still help after `max_iter` passes.

    Notes
    -----
    FasterPAM: Schubert and Rousseeuw, Information Systems 101, 101804 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from genarris_fw.clustering import kmedoids
    >>> points = np.array([0.0, 0.1, 5.0, 5.1, 9.0])
    >>> kmedoids(abs(points[:, None] - points), 3).n_clusters
    3
    """
    for name, value, least in (("seed", seed, 0), ("max_iter", max_iter, 1), ("threads", threads, 1)):
        if value is not None:
            check_whole(name, value, least)
    matrix = square_distances(distances)
    n = len(matrix)
    k = wanted_clusters(num_of_clusters, n)
    workers = min(default_threads() if threads is None else int(threads), n)
    sums, most = row_sums(matrix, workers)
    by_sum = np.argsort(sums, kind="stable")
    if k == 1:
        return _clustering(np.zeros(n, dtype=np.intp), by_sum[:1])
    generator = np.random.default_rng(int(seed))
    begin = seeds(matrix, by_sum, k, generator)
    if len(begin) < k:
        raise RunFailed(
            f"num_of_clusters is {k}, but only {len(begin)} of the {n} structures differ;"
            f" lower num_of_clusters to {len(begin)} at most"
        )
    medoids = kernel.Medoids(matrix, by_sum[generator.permutation(n)], begin, most)
    if not _descend(medoids, n, int(max_iter), workers):
        raise RunFailed(f"k-medoids could still improve after max_iter = {max_iter} passes; raise max_iter")
    medoids.sort()
    return _clustering(medoids.labels, medoids.rows)


def _clustering(labels: Rows, exemplars: Rows) -> Clustering:
    return Clustering(labels, exemplars, float("nan"), len(exemplars), True, [])
