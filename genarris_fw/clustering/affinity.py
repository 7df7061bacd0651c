"""Clustering of a pool into a wanted number of clusters by affinity propagation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.clustering.preference_search import Axis, PreferenceSearch, TriedPreference, greedy_gains
from genarris_fw.clustering.propagation import SOLVERS, Fit, Similarities, fit
from genarris_fw.clustering.result import Clustering, wanted_clusters
from genarris_fw.errors import InputError, RunFailed

# How an affinity follows from a distance.
AFFINITY_TYPES = ("exponential", "power", "multiplicative")

_STRIP = 64


def _affinity_type(given: Sequence[str | float]) -> tuple[str, float]:
    try:
        name, value = given
        name, a = str(name).lower(), float(value)
    except (TypeError, ValueError):
        name, a = "", 0.0
    if name not in AFFINITY_TYPES or not (np.isfinite(a) and a > 0):
        raise InputError(
            f"affinity_type is {given!r}; give [name, a] with a > 0, name one of {', '.join(AFFINITY_TYPES)}"
        )
    return name, a


def _check_square(distances: NDArray[Any]) -> None:
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1] or len(distances) == 0:
        raise InputError(f"the distance matrix is not a square matrix: its shape is {distances.shape}")


def _transformed(distances: ArrayLike, affinity_type: Sequence[str | float]) -> NDArray[np.float64]:
    name, a = _affinity_type(affinity_type)
    block = np.asarray(distances, dtype=np.float64)
    # Asked in this way, a number that is none fails too.
    if block.size and not (block.min() >= 0 and block.max() < np.inf):
        raise InputError("the distance matrix holds a number that is negative or not finite; compute it again")
    with np.errstate(over="ignore"):
        if name == "exponential":
            similarities = -np.exp(a * block)
        elif name == "power":
            similarities = -(block**a)
        else:
            similarities = -a * block
    return np.asarray(similarities)


def _check_size(similarities: NDArray[Any], affinity_type: Sequence[str | float]) -> None:
    if not np.isfinite(similarities).all():
        name, a = _affinity_type(affinity_type)
        raise InputError(f"affinity_type [{name}, {a:g}] makes similarities too large for a number; lower {a:g}")


def affinities(
    distances: ArrayLike, affinity_type: Sequence[str | float] = ("multiplicative", 1000)
) -> NDArray[np.float32]:
    """Turn a block of distances D into similarities S.

    Parameters
    ----------
    distances : array_like
        Of any shape: a strip of a matrix that is too large to have twice.
    affinity_type : (name, a)
        ``exponential``: S = -exp(a D); ``power``: S = -D^a; ``multiplicative``: S = -a D; a above 0.

    Returns
    -------
    ndarray of float32
        Of the same shape.

    Raises
    ------
    InputError
        For distances that are not finite numbers of at least 0, an unknown affinity type, or similarities too large
        for a number.
    """
    with np.errstate(over="ignore"):
        block = _transformed(distances, affinity_type).astype(np.float32)
    _check_size(block, affinity_type)
    return block


def affinity_matrix(
    distances: ArrayLike, affinity_type: Sequence[str | float] = ("multiplicative", 1000)
) -> NDArray[np.float64]:
    """Turn a matrix of distances into similarities in double precision.

    Parameters
    ----------
    distances : (n, n) array_like
    affinity_type : (name, a)
        See `affinities`.

    Returns
    -------
    (n, n) ndarray

    Raises
    ------
    InputError
        As `affinities`, and for distances that are not a square matrix.
    """
    matrix = np.asarray(distances, dtype=np.float64)
    _check_square(matrix)
    similarities = _transformed(matrix, affinity_type)
    _check_size(similarities, affinity_type)
    return similarities


def _similarities(distances: NDArray[Any], affinity_type: Sequence[str | float]) -> Similarities:
    """All similarities in single precision, made strip by strip."""
    matrix = np.empty(distances.shape, dtype=np.float32)
    for start in range(0, len(matrix), _STRIP):
        matrix[start : start + _STRIP] = affinities(distances[start : start + _STRIP], affinity_type)
    return Similarities(matrix)


def _preference_range(given: Sequence[float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        raise InputError(f"preference_range is {given!r}; give two numbers [low, high]") from None
    if not (np.isfinite([low, high]).all() and low <= high):
        raise InputError(f"preference_range is [{low:g}, {high:g}]; give finite numbers, the lower one first")
    return low, high


def _check_options(options: Mapping[str, Any]) -> None:
    if not options["tolerance"] >= 0:
        raise InputError(f"num_of_clusters_tolerance is {options['tolerance']}; give 0 or more")
    if not 0.5 <= options["damping"] < 1:
        raise InputError(f"damping is {options['damping']}; give at least 0.5 and below 1")
    counts = ["convergence_iter", "max_iter", "max_sampled_preferences"]
    counts += ["threads"] if options["threads"] is not None else []
    for name in counts:
        # Asked in this way, infinity and a number that is none fail too.
        if not (options[name] >= 1 and options[name] % 1 == 0):
            raise InputError(f"{name} is {options[name]}; give a whole number, at least 1")
    if options["solver"] not in SOLVERS:
        raise InputError(f"solver is {options['solver']!r}; give one of {', '.join(SOLVERS)}")
    if options["preference"] is not None and not np.isfinite(options["preference"]):
        raise InputError(f"preference is {options['preference']}; give a finite number")


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


def _axis(similarities: Similarities, target: int) -> Axis:
    """Where to look for preferences."""
    n = len(similarities)
    total = sum(float(row.sum(dtype=float)) for row in similarities.matrix)
    scale = 1e-3 * abs(total) / (n * (n - 1)) or 1.0
    gains = greedy_gains(similarities.matrix, min(n, 2 * target + 10))
    return Axis(gains, similarities.largest, scale, n)


class ClusterSearch:
    """The clustering of a pool as a sequence of fits that many processes can share.

    What is asked for depends on nothing but the pool, the options and what was told. So a process may fit ahead of
    the search, and another may rebuild the search from what was told and go on::

        search = ClusterSearch(distances, 200)
        while ahead := search.ask_ahead(1):
            search.tell(search.fit(ahead[0]))
        clustering = search.result()

    Parameters
    ----------
    distances : (n, n) array_like
        Also a memory map: it is read in strips.
    num_of_clusters, tolerance, ...
        See `affinity_propagation`.

    Raises
    ------
    InputError
        For an impossible option or distance matrix.
    """

    def __init__(
        self,
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
        solver: str = "compiled",
        threads: int | None = None,
    ) -> None:
        _check_options(locals())
        matrix = np.asanyarray(distances)
        _check_square(matrix)
        given_range = _preference_range(preference_range)
        n = len(matrix)
        target = wanted_clusters(num_of_clusters, n) if preference is None else 0
        self._similarities = _similarities(matrix, affinity_type)
        self._preference = None if preference is None else float(preference)
        self._damping, self._max_iter = float(damping), int(max_iter)
        self._fit_options: dict[str, Any] = {
            "convergence_iter": int(convergence_iter),
            "solver": solver,
            "threads": threads,
        }
        self._accept_any = output_without_success
        self._fits: dict[float, Fit] = {}
        self.samples: list[TriedPreference] = []
        self._search: PreferenceSearch | None = None
        if n > 1 and preference is None:
            axis = _axis(self._similarities, target)
            limit = int(max_sampled_preferences)
            self._search = PreferenceSearch(target, int(tolerance), axis, n, given_range, limit, samples=self.samples)

    def ask_ahead(self, k: int = 1) -> list[float]:
        """Return at most k preferences to fit; the first is the next of the search, the others may be asked for later.

        Returns
        -------
        list of float
            Empty when the search is over.
        """
        if self._search is not None:
            return self._search.ask_ahead(k)
        if self._preference is None or self.samples or len(self._similarities) == 1:
            return []
        return [self._preference]

    def fit(self, preference: float) -> Fit:
        """Return the fit at a preference; it does not depend on what was told or fitted before.

        In a search, a fit that does not converge is repeated with half, then a quarter of the step 1 - damping.
        """
        if preference not in self._fits:
            self._fits[preference] = fit(
                self._similarities,
                preference,
                self._damping,
                max_iter=self._max_iter,
                patient=self._preference is None,
                **self._fit_options,
            )
        return self._fits[preference]

    def tell(self, outcome: Fit | TriedPreference) -> None:
        """Take in the outcome of the fit that was asked for first, made here or in another process.

        A `Fit` is kept, so that `result` need not make it again.
        """
        if isinstance(outcome, Fit):
            self._fits[outcome.preference] = outcome
        self.samples.append(TriedPreference(outcome.preference, outcome.n_clusters, outcome.converged))

    def result(self) -> Clustering:
        """Return the clustering that was found; where its fit was only told of, it is made here.

        Raises
        ------
        RunFailed
            When no fit gave the wanted number, or the one at the given preference did not converge.
        """
        if len(self._similarities) == 1:
            only = np.zeros(1, dtype=np.intp)
            return Clustering(only, only.copy(), self._preference or 0.0, 1, True, [], damping=self._damping)
        reached = self._search is None or self._search.found is not None
        best = self._best()
        chosen = self.fit(best.preference)
        return Clustering(
            chosen.labels,
            chosen.exemplars,
            chosen.preference,
            chosen.n_clusters,
            chosen.converged,
            [(s.preference, s.n_clusters, s.converged) for s in self.samples],
            reached,
            chosen.damping,
        )

    def _best(self) -> TriedPreference:
        """The sample to return, if there is one that may be returned."""
        if self._search is not None:
            best = self._search.found or (self._search.closest if self._accept_any else None)
            if best is None:
                raise RunFailed(_account(self._search))
            return best
        single = self.samples[0]
        if not single.converged and not (self._accept_any and single.n_clusters > 0):
            raise RunFailed(
                f"affinity propagation did not converge at preference {single.preference:g}"
                f" in {self._max_iter} iterations; raise damping or max_iter, or choose another preference"
            )
        return single


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
    solver: str = "compiled",
    threads: int | None = None,
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
        Where the search begins; it leaves the range when the number does not lie inside. By default it begins where
        a greedy choice of as many exemplars expects them to pay.
    affinity_type : (name, a)
        See `affinities`.
    damping, convergence_iter, max_iter
        As in `sklearn.cluster.AffinityPropagation`. In a search, a fit that does not converge is repeated
        at the same preference with half, then a quarter of the step 1 - damping.
    max_sampled_preferences : int
        Most preferences of the search.
    preference : float, optional
        One fit at this preference instead of a search, whatever number of clusters it gives.
    output_without_success : bool
        Return the closest outcome when the search fails, converged ones first.
    solver : str
        ``compiled`` or ``scikit-learn``.
    threads : int, optional
        Threads of the compiled solver, by default as many as the process may use; the outcome is the same for any
        number.

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

    Examples
    --------
    >>> import numpy as np
    >>> from genarris_fw.clustering import affinity_propagation
    >>> points = np.array([0.0, 0.1, 5.0, 5.1, 9.0])
    >>> affinity_propagation(abs(points[:, None] - points), 3, affinity_type=("multiplicative", 1000)).labels
    array([0, 0, 1, 1, 2])
    """
    search = ClusterSearch(
        distances,
        num_of_clusters,
        tolerance,
        preference_range,
        affinity_type,
        damping,
        convergence_iter,
        max_iter,
        max_sampled_preferences,
        preference,
        output_without_success,
        solver,
        threads,
    )
    while ahead := search.ask_ahead(1):
        search.tell(search.fit(ahead[0]))
    return search.result()
