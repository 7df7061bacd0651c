"""Which member of a cluster stands for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError


def choose_by_energy(labels: ArrayLike, energies: Sequence[float | None] | NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose the row with the lowest energy of every cluster.

    Parameters
    ----------
    labels : (n,) array_like of int
        Cluster of every row, 0 to k - 1.
    energies : (n,) sequence of float or None
        Energies in any unit; None or NaN where a structure has none: such a row is never chosen.

    Returns
    -------
    (k,) ndarray of int
        The row chosen for each cluster; of equal energies the first.

    Raises
    ------
    InputError
        When the lengths differ, no row has an energy, or a whole cluster has none.

    Examples
    --------
    >>> from genarris_fw.clustering import choose_by_energy
    >>> choose_by_energy([0, 0, 1], [-1.0, -2.0, -0.5]).tolist()
    [1, 2]
    """
    clusters = np.asarray(labels, dtype=np.intp)
    values = np.array([np.nan if energy is None else float(energy) for energy in energies])
    if clusters.shape != values.shape or clusters.ndim != 1 or len(clusters) == 0:
        raise InputError(f"{len(values)} energies for {len(clusters)} clustered structures; give one per structure")
    values = np.where(np.isfinite(values), values, np.inf)
    if np.isinf(values).all():
        raise InputError("cluster_on_energy: no structure has an energy under energy_name; evaluate energies first")
    chosen = np.empty(clusters.max() + 1, dtype=np.intp)
    for cluster in range(len(chosen)):
        members = np.flatnonzero(clusters == cluster)
        if len(members) == 0 or np.isinf(values[members]).all():
            raise InputError(f"cluster_on_energy: no structure of cluster {cluster} has an energy under energy_name")
        chosen[cluster] = members[np.argmin(values[members])]
    return chosen
