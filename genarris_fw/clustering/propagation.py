"""One fit of affinity propagation at one preference."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AffinityPropagation
from sklearn.exceptions import ConvergenceWarning

# The only randomness is a noise of one unit in the last place that breaks ties.
_RANDOM_STATE = 0


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
    """

    preference: float
    labels: NDArray[np.intp]
    exemplars: NDArray[np.intp]
    converged: bool
    damping: float

    @property
    def n_clusters(self) -> int:
        """Number of clusters found."""
        return len(self.exemplars)


def _unmerged(similarities: NDArray[np.float64], preference: float, n_clusters: int) -> bool:
    """Whether every row is a cluster although joining the most similar two would be better.

    Strong oscillations swing through this state and rest in it long enough to pass for converged.
    """
    n = len(similarities)
    if n_clusters < n:
        return False
    return bool(preference < similarities[~np.eye(n, dtype=bool)].max())


def fit(
    similarities: NDArray[np.float64],
    preference: float,
    damping: float = 0.5,
    convergence_iter: int = 15,
    max_iter: int = 1000,
) -> Fit:
    """Cluster by affinity propagation (Frey and Dueck, Science 315, 972 (2007)) with scikit-learn.

    Parameters
    ----------
    similarities : (n, n) ndarray
        The diagonal is not used.
    preference : float
        Similarity of every row to itself.
    damping, convergence_iter, max_iter
        As in `sklearn.cluster.AffinityPropagation`.

    Returns
    -------
    Fit
        Its `converged` says whether the messages settled, within `max_iter` iterations, on something
        better than every row for itself.
    """
    model = AffinityPropagation(
        affinity="precomputed",
        preference=preference,
        damping=damping,
        convergence_iter=convergence_iter,
        max_iter=max_iter,
        random_state=_RANDOM_STATE,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(similarities)
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    exemplars = np.asarray(model.cluster_centers_indices_, dtype=np.intp)
    return Fit(
        float(preference),
        np.asarray(model.labels_, dtype=np.intp),
        exemplars,
        converged and not _unmerged(similarities, preference, len(exemplars)),
        damping,
    )
