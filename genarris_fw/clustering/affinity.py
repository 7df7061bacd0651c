"""Clustering of a pool into a wanted number of clusters by affinity propagation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.clustering.preference_search import PreferenceSearch, Sample
from genarris_fw.clustering.propagation import Fit, fit
from genarris_fw.clustering.result import Clustering, wanted_clusters
from genarris_fw.errors import InputError, RunFailed

AFFINITY_TYPES = ("exponential", "power", "multiplicative")


def affinity_matrix(
    distances: ArrayLike, affinity_type: Sequence[str | float] = ("multiplicative", 1000)
) -> NDArray[np.float64]:
    """Turn distances D into similarities S.

    Parameters
    ----------
    distances : (n, n) array_like
    affinity_type : (name, a)
        ``exponential``: S = -exp(a D); ``power``: S = -D^a; ``multiplicative``: S = -a D; a above 0.

    Returns
    -------
    (n, n) ndarray

    Raises
    ------
    InputError
        For distances that are not a square matrix of finite numbers of at least 0, an unknown
        affinity type, or similarities too large for a number.
    """
    matrix = np.asarray(distances, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) == 0:
        raise InputError(f"the distance matrix is not a square matrix: its shape is {matrix.shape}")
    if not np.isfinite(matrix).all() or matrix.min() < 0:
        raise InputError("the distance matrix holds a number that is negative or not finite; compute it again")
    try:
        name, value = affinity_type
        name, a = str(name).lower(), float(value)
    except (TypeError, ValueError):
        name, a = "", 0.0
    if name not in AFFINITY_TYPES or not (np.isfinite(a) and a > 0):
        raise InputError(
            f"affinity_type is {affinity_type!r}; give [name, a] with a > 0, name one of {', '.join(AFFINITY_TYPES)}"
        )
    with np.errstate(over="ignore"):
        if name == "exponential":
            similarities = -np.exp(a * matrix)
        elif name == "power":
            similarities = -(matrix**a)
        else:
            similarities = -a * matrix
    if not np.isfinite(similarities).all():
        raise InputError(f"affinity_type [{name}, {a:g}] makes similarities too large for a number; lower {a:g}")
    return similarities


def _others(similarities: NDArray[np.float64]) -> NDArray[np.float64]:
    """All similarities but those of the diagonal."""
    return similarities[~np.eye(len(similarities), dtype=bool)]


def derived_preference_range(similarities: NDArray[np.float64]) -> tuple[float, float]:
    """Return where to look for a preference when nobody says: ten times the 5th percentile, and the median.

    Parameters
    ----------
    similarities : (n, n) ndarray
        n at least 2; the diagonal is not used.

    Returns
    -------
    low, high : float
    """
    fifth, median = np.percentile(_others(similarities), [5, 50])
    return float(min(10 * fifth, median)), float(median)


def _preference_range(given: Sequence[float] | None, similarities: NDArray[np.float64]) -> tuple[float, float]:
    if given is None:
        return derived_preference_range(similarities)
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        raise InputError(f"preference_range is {given!r}; give two numbers [low, high]") from None
    if not (np.isfinite([low, high]).all() and low <= high):
        raise InputError(f"preference_range is [{low:g}, {high:g}]; give finite numbers, the lower one first")
    return low, high


def _check_fit_options(
    tolerance: float, damping: float, convergence_iter: int, max_iter: int, max_sampled_preferences: int
) -> None:
    if not tolerance >= 0:
        raise InputError(f"num_of_clusters_tolerance is {tolerance}; give 0 or more")
    if not 0.5 <= damping < 1:
        raise InputError(f"damping is {damping}; give at least 0.5 and below 1")
    counts = {
        "convergence_iter": convergence_iter,
        "max_iter": max_iter,
        "max_sampled_preferences": max_sampled_preferences,
    }
    for name, value in counts.items():
        if value != int(value) or value < 1:
            raise InputError(f"{name} is {value}; give a whole number, at least 1")


def _account(search: PreferenceSearch) -> str:
    """One line on a search that failed."""
    below = [s for s in search.samples if s.converged and s.n_clusters < search.target]
    above = [s for s in search.samples if s.converged and s.n_clusters > search.target]
    nearest = [min(side, key=search.rank) for side in (below, above) if side]
    text = (
        f"no preference gave {search.target} clusters (num_of_clusters_tolerance {search.tolerance})"
        f" at {len(search.samples)} preferences"
    )
    if nearest:
        text += "; nearest: " + ", ".join(f"{s.n_clusters} at preference {s.preference:.6g}" for s in nearest)
    failed = sum(not s.converged for s in search.samples)
    if failed:
        text += f"; {failed} fits did not converge at any damping tried, raise max_iter"
    return text + "; change num_of_clusters, raise its tolerance, or set output_without_success"


def _settled_fit(
    similarities: NDArray[np.float64], preference: float, damping: float, convergence_iter: int, max_iter: int
) -> Fit:
    """Fit, and where the messages oscillate, fit again with stronger damping; the last outcome counts."""
    for strength in (damping, (1 + damping) / 2, (3 + damping) / 4):
        outcome = fit(similarities, preference, strength, convergence_iter, max_iter)
        if outcome.converged:
            break
    return outcome


def _clustering(result: Fit, samples: Sequence[Sample], reached: bool) -> Clustering:
    tried = [(s.preference, s.n_clusters, s.converged) for s in samples]
    return Clustering(
        result.labels,
        result.exemplars,
        result.preference,
        result.n_clusters,
        result.converged,
        tried,
        reached,
        result.damping,
    )


def affinity_propagation(
    distances: ArrayLike,
    num_of_clusters: float = 0.1,
    tolerance: int = 0,
    preference_range: Sequence[float] | None = None,
    affinity_type: Sequence[str | float] = ("multiplicative", 1000),
    damping: float = 0.5,
    convergence_iter: int = 15,
    max_iter: int = 1000,
    max_sampled_preferences: int = 100,
    preference: float | None = None,
    output_without_success: bool = False,
) -> Clustering:
    """Cluster a pool into a wanted number of clusters.

    Parameters
    ----------
    distances : (n, n) array_like
        Distances of at least 0.
    num_of_clusters : int or float
        The number wanted; below 1 a fraction of n, cut to a whole number and at least 1.
    tolerance : int
        How far the number may be off.
    preference_range : (2,) sequence of float, optional
        Where the search begins; it leaves the range when the number does not lie inside.
        By default derived from the similarities, see `derived_preference_range`.
    affinity_type : (name, a)
        See `affinity_matrix`.
    damping, convergence_iter, max_iter
        As in `sklearn.cluster.AffinityPropagation`. In a search, a fit that does not converge is repeated
        at the same preference with half, then a quarter of the step 1 - damping.
    max_sampled_preferences : int
        Most preferences of the search.
    preference : float, optional
        One fit at this preference instead of a search, whatever number of clusters it gives.
    output_without_success : bool
        Return the closest outcome when the search fails, converged ones first.

    Returns
    -------
    Clustering
        The same for the same input, always.

    Raises
    ------
    InputError
        For an impossible option or distance matrix.
    RunFailed
        When no fit gives the wanted number, or the one at `preference` does not converge.
    """
    _check_fit_options(tolerance, damping, convergence_iter, max_iter, max_sampled_preferences)
    similarities = affinity_matrix(distances, affinity_type)
    n = len(similarities)
    if preference is not None and not np.isfinite(preference):
        raise InputError(f"preference is {preference}; give a finite number")
    target = wanted_clusters(num_of_clusters, n) if preference is None else 0
    if n == 1:
        only = np.zeros(1, dtype=np.intp)
        return Clustering(only, only.copy(), float(preference or 0.0), 1, True, [], damping=damping)

    if preference is not None:
        single = fit(similarities, float(preference), damping, convergence_iter, max_iter)
        if not single.converged and not (output_without_success and single.n_clusters > 0):
            raise RunFailed(
                f"affinity propagation did not converge at preference {preference:g}"
                f" in {max_iter} iterations; raise damping or max_iter, or choose another preference"
            )
        return _clustering(single, [Sample(single.preference, single.n_clusters, single.converged)], True)

    low, high = _preference_range(preference_range, similarities)
    strength = np.abs(_others(similarities))
    search = PreferenceSearch(
        target,
        int(tolerance),
        low,
        high,
        # One cluster around the best row beats any other division when the preference is below the sum
        # of all similarities to that row; twice the sum is safely there.
        lowest=2.0 * float((similarities.sum(axis=0) - similarities.diagonal()).max()),
        scale=1e-3 * float(np.median(strength) or strength.max() or 1.0),
        n=n,
        max_sampled=int(max_sampled_preferences),
    )
    best: Fit | None = None
    while (candidate := search.ask()) is not None:
        outcome = _settled_fit(similarities, candidate, damping, convergence_iter, max_iter)
        search.tell(candidate, outcome.n_clusters, outcome.converged)
        if search.closest is search.samples[-1]:
            best = outcome
    if best is None or (search.found is None and not output_without_success):
        raise RunFailed(_account(search))
    return _clustering(best, search.samples, search.found is not None)
