"""Fits of affinity propagation at one preference, compiled or by scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import genarris_fw._kernels.affinity as kernel
from genarris_fw.threads import default_threads

SOLVERS = ("compiled", "scikit-learn")

# Equal similarities leave more than one best division, between which messages could swing for ever. Preferences
# that differ by less than this part of the largest number in play decide; similarities stay what they are.
_TIE_BREAK = 1e-13

# Rows of less work than this are not worth a second thread.
_ROWS_PER_THREAD = 256

_STRIP = 512
# Of so many equally good members the one that others would rather join is looked for.
_TIED = 8

# Iterations in which messages are watched for swinging.
_WINDOW = 40

Shares = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]


@dataclass(frozen=True)
class Fit:
    """The outcome of one fit.

    Attributes
    ----------
    preference : float
        In the units of the similarities.
    labels : (n,) ndarray of int
        Cluster of every row, 0 to n_clusters - 1; -1 everywhere when there is none.
    exemplars : (n_clusters,) ndarray of int
        Row of every cluster's exemplar, ascending.
    converged : bool
    damping : float
        The last one that was tried.
    iterations : int
        Of all dampings together.
    """

    preference: float
    labels: NDArray[np.intp]
    exemplars: NDArray[np.intp]
    converged: bool
    damping: float
    iterations: int = 0

    @property
    def n_clusters(self) -> int:
        """Number of clusters found."""
        return len(self.exemplars)


class Similarities:
    """Similarities between all rows of a pool, as fits need them.

    Parameters
    ----------
    matrix : (n, n) ndarray of float32
        Element (i, k) tells how well k would stand for i. The diagonal is set to 0 in place.

    Attributes
    ----------
    matrix : (n, n) ndarray of float32
    largest, smallest : float
        Off the diagonal; 0 for a single row.
    """

    def __init__(self, matrix: NDArray[np.float32]) -> None:
        np.fill_diagonal(matrix, 0)
        self.matrix = matrix
        self.largest, self.smallest = 0.0, 0.0
        if len(matrix) > 1:
            extremes = [_extremes(matrix, row) for row in range(len(matrix))]
            self.smallest = min(low for low, _ in extremes)
            self.largest = max(high for _, high in extremes)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.matrix)


def _extremes(matrix: NDArray[np.float32], row: int) -> tuple[float, float]:
    others = [part for part in (matrix[row, :row], matrix[row, row + 1 :]) if len(part)]
    return min(float(part.min()) for part in others), max(float(part.max()) for part in others)


def fit(
    similarities: Similarities,
    preference: float,
    damping: float = 0.5,
    convergence_iter: int = 15,
    max_iter: int = 1000,
    *,
    solver: str = "compiled",
    threads: int | None = None,
    patient: bool = False,
) -> Fit:
    """Cluster by affinity propagation (Frey and Dueck, Science 315, 972 (2007)).

    Parameters
    ----------
    similarities : Similarities
    preference : float
        Similarity of every row to itself.
    damping, convergence_iter, max_iter
        As in `sklearn.cluster.AffinityPropagation`.
    solver : str
        ``compiled``, or ``scikit-learn``, which takes much more memory and time.
    threads : int, optional
        Threads of the compiled solver, by default as many as the process may use. The outcome does not depend
        on it.
    patient : bool
        Where the messages do not settle, begin again with half, then a quarter of the step 1 - damping; the
        compiled solver does so as soon as it sees them swing.

    Returns
    -------
    Fit
        Its `converged` says whether the messages settled, within `max_iter` iterations of one damping, on
        something better than every row for itself.
    """
    dampings = [damping, (1 + damping) / 2, (3 + damping) / 4] if patient else [damping]
    trivial = _trivial(similarities, preference)
    if trivial is not None:
        labels, exemplars = trivial
        return Fit(float(preference), labels, exemplars, True, damping)
    if solver == "scikit-learn":
        return _fit_with_scikit_learn(similarities, preference, dampings, convergence_iter, max_iter)
    return _fit_compiled(similarities, preference, dampings, convergence_iter, max_iter, threads)


def _trivial(similarities: Similarities, preference: float) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Labels and exemplars where all similarities are the same and messages would not say anything."""
    n = len(similarities)
    if n > 1 and similarities.smallest < similarities.largest:
        return None
    if n == 1 or preference > similarities.largest:
        return np.arange(n), np.arange(n)
    return np.zeros(n, dtype=np.intp), np.zeros(1, dtype=np.intp)


def _plausible(similarities: Similarities, preference: float, n_clusters: int) -> bool:
    """Whether messages may rest at this number of clusters.

    Not where every row is a cluster although joining the most similar two would be better: strong oscillations swing
    through this state, and rest in it long enough to pass for converged.
    """
    return 0 < n_clusters < len(similarities) or (n_clusters > 0 and preference >= similarities.largest)


@contextmanager
def _shares(n: int, threads: int | None) -> Iterator[tuple[int, Shares]]:
    """Number of workers for n rows, and what maps over them."""
    workers = max(1, min(default_threads() if threads is None else threads, n // _ROWS_PER_THREAD))
    if workers == 1:
        yield 1, map
        return
    with ThreadPoolExecutor(workers) as pool:
        yield workers, pool.map


def _iterate(messages: kernel.Messages, damping: float, workers: int, share: Shares) -> int:
    """Send all messages once; return how many rows became, or ceased to be, exemplars."""
    list(share(partial(messages.rows, damping, n_workers=workers), range(workers)))
    messages.finish_iteration(damping)
    return sum(share(partial(messages.columns, damping, n_workers=workers), range(workers)))


def _settle(
    messages: kernel.Messages,
    damping: float,
    convergence_iter: int,
    max_iter: int,
    plausible: Callable[[int], bool],
    give_up: bool,
    workers: int,
    share: Shares,
) -> tuple[int, bool]:
    """Iterate until the same rows have been exemplars for `convergence_iter` iterations; count the iterations.

    Their number must be `plausible`. With `give_up`, messages that have begun to swing for ever are not followed
    to `max_iter`.
    """
    unchanged = 0
    changes: list[int] = []
    for iteration in range(1, max_iter + 1):
        changes.append(_iterate(messages, damping, workers, share))
        unchanged = 1 if changes[-1] else unchanged + 1
        if iteration > convergence_iter and unchanged >= convergence_iter and plausible(len(messages.exemplars)):
            return iteration, True
        if give_up and iteration % _WINDOW == 0 and _swings(changes):
            return iteration, False
    return max_iter, False


def _swings(changes: list[int]) -> bool:
    """Whether lately as many rows changed their mind as some time before: at least half as many."""
    if len(changes) < 3 * _WINDOW:
        return False
    before, now = sum(changes[-3 * _WINDOW : -2 * _WINDOW]), sum(changes[-_WINDOW:])
    return now > 0 and 2 * now >= before


def _fit_compiled(
    similarities: Similarities,
    preference: float,
    dampings: list[float],
    convergence_iter: int,
    max_iter: int,
    threads: int | None,
) -> Fit:
    n = len(similarities)
    scale = max(abs(preference), abs(similarities.largest), abs(similarities.smallest))
    # A stream that no version of numpy will change.
    ties = np.random.RandomState(0).random_sample(n)
    preferences = preference + _TIE_BREAK * scale * ties
    plausible = partial(_plausible, similarities, preference)
    iterations = 0
    with _shares(n, threads) as (workers, share):
        for damping in dampings:
            messages = kernel.Messages(similarities.matrix, preferences)
            give_up = damping < dampings[-1]
            done, converged = _settle(messages, damping, convergence_iter, max_iter, plausible, give_up, workers, share)
            iterations += done
            chosen = messages.exemplars
            del messages  # before the next ones take as much room
            if converged:
                break
    labels, exemplars = _refined(similarities.matrix, chosen)
    return Fit(float(preference), labels, exemplars, converged, damping, iterations)


def _assigned(matrix: NDArray[np.float32], exemplars: NDArray[np.intp]) -> NDArray[np.intp]:
    """For every row the number of the exemplar that is most similar; exemplars stand for themselves."""
    labels = np.empty(len(matrix), dtype=np.intp)
    for start in range(0, len(matrix), _STRIP):
        labels[start : start + _STRIP] = np.argmax(matrix[start : start + _STRIP, exemplars], axis=1)
    labels[exemplars] = np.arange(len(exemplars))
    return labels


def _refined(matrix: NDArray[np.float32], exemplars: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Assign the rows, let the best member of every cluster stand for it, and assign them again.

    Of equally good members (two of a pair always are) that is taken which other rows would rather join.
    """
    n = len(matrix)
    if len(exemplars) == 0:
        return np.full(n, -1), np.empty(0, dtype=np.intp)
    labels = _assigned(matrix, exemplars)
    similar = matrix[np.arange(n), exemplars[labels]]
    order = np.argsort(labels, kind="stable").astype(np.int32)
    for members in np.split(order, np.searchsorted(labels[order], np.arange(1, len(exemplars)))):
        sums = np.empty(len(members))
        kernel.sums_within(matrix, members, sums)
        best = members[sums == sums.max()][:_TIED]
        exemplars[labels[members[0]]] = (
            best[np.argmax(_attractions(matrix, best, similar))] if len(best) > 1 else best[0]
        )
    exemplars.sort()
    return _assigned(matrix, exemplars), exemplars


def _attractions(
    matrix: NDArray[np.float32], candidates: NDArray[np.int32], similar: NDArray[np.float32]
) -> list[float]:
    """For each candidate, how much more similar it is to the rows than their exemplars are, where it is."""
    return [float(np.maximum(matrix[:, row] - similar, 0.0).sum(dtype=np.float64)) for row in candidates]


def _fit_with_scikit_learn(
    similarities: Similarities, preference: float, dampings: list[float], convergence_iter: int, max_iter: int
) -> Fit:
    from sklearn.cluster import AffinityPropagation
    from sklearn.exceptions import ConvergenceWarning

    iterations = 0
    for damping in dampings:
        model = AffinityPropagation(
            affinity="precomputed",
            preference=preference,
            damping=damping,
            convergence_iter=convergence_iter,
            max_iter=max_iter,
            copy=False,
            random_state=0,
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(similarities.matrix.astype(np.float64))
        exemplars = np.asarray(model.cluster_centers_indices_, dtype=np.intp)
        iterations += model.n_iter_
        converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
        converged = converged and _plausible(similarities, preference, len(exemplars))
        if converged:
            break
    return Fit(float(preference), np.asarray(model.labels_, dtype=np.intp), exemplars, converged, damping, iterations)
