"""Whether two documents hold one structure, however its cell, its origin and the order of its atoms were written."""

from __future__ import annotations

from collections import Counter

import numpy as np

from genarris_fw.catalogue.documents import Geometry
from genarris_fw.descriptors.amd import nearest_distances
from genarris_fw.errors import InputError

NEIGHBOURS = 30
NEARLY = 0.01  # Å; files round coordinates to some 1e-3 Å at worst


def same_crystal(one: Geometry, other: Geometry) -> bool:
    """Tell whether two geometries are the same crystal, or the same molecule, within the rounding of files.

    Compared are the elements and, of all atoms, the sorted distances to their neighbours (averaged over the atoms of a
    crystal: its AMD), which no choice of cell, origin or order changes.
    """
    if one == other:
        return True
    if (one["lattice"] is None) != (other["lattice"] is None):
        return False
    counts = Counter(one["species"]), Counter(other["species"])
    shares = [{name: number / sum(count.values()) for name, number in count.items()} for count in counts]
    if shares[0].keys() != shares[1].keys() or any(abs(shares[0][name] - shares[1][name]) > 1e-9 for name in shares[0]):
        return False
    if one["lattice"] is None and counts[0] != counts[1]:
        return False
    try:
        difference = _distances(one) - _distances(other)
    except InputError:
        return False
    return bool(np.abs(difference).max(initial=0.0) < NEARLY)


def _distances(geometry: Geometry) -> np.ndarray:
    positions = np.array(geometry["positions"])
    if geometry["lattice"] is not None:
        rows = np.arange(len(positions))
        return np.asarray(nearest_distances(geometry["lattice"], positions, rows, NEIGHBOURS).mean(axis=0))
    return np.sort(np.linalg.norm(positions[:, None] - positions[None], axis=-1), axis=None)
