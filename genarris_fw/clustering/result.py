"""What every clustering method takes and gives: a wanted number of clusters, a pool divided into clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError


@dataclass(frozen=True)
class Clustering:
    """A pool divided into clusters.

    Attributes
    ----------
    labels : (n,) ndarray of int
        Cluster of every row, 0 to n_clusters - 1.
    exemplars : (n_clusters,) ndarray of int
        Row of every cluster's exemplar.
    preference : float
        The preference of the accepted fit.
    n_clusters : int
    converged : bool
        False only where the caller asked for the closest outcome at any price.
    tried : list of (preference, n_clusters, converged)
        Every fit in order.
    reached : bool
        Whether the wanted number of clusters was met within its tolerance; True for a given preference.
    damping : float
        The damping of the accepted fit.
    """

    labels: NDArray[np.intp]
    exemplars: NDArray[np.intp]
    preference: float
    n_clusters: int
    converged: bool
    tried: list[tuple[float, int, bool]]
    reached: bool = True
    damping: float = 0.5


def wanted_clusters(num_of_clusters: float, n: int) -> int:
    """Resolve `num_of_clusters` for a pool of n structures.

    Parameters
    ----------
    num_of_clusters : int or float
        Below 1 a fraction of the pool, cut to a whole number and at least 1.
    n : int

    Returns
    -------
    int

    Raises
    ------
    InputError
        For a value that is not above 0, not whole, or larger than the pool.
    """
    value = float(num_of_clusters)
    if not (np.isfinite(value) and value > 0) or (value >= 1 and value != int(value)):
        raise InputError(f"num_of_clusters is {num_of_clusters}; give a whole number or a fraction between 0 and 1")
    if value < 1:
        # 0.29 of 100 is 29, whatever the last bit of the product.
        return max(1, int(value * n + 1e-9))
    if value > n:
        raise InputError(f"num_of_clusters is {int(value)}, but there are only {n} structures to cluster")
    return int(value)
