"""Intermolecular contacts by an independent neighbour list (matscipy), for comparison."""

import numpy as np
from matscipy.neighbours import neighbour_list

from genarris_fw.crystal import Structure


def smallest_margin(structure: Structure, cutoffs: np.ndarray, radius: float) -> float:
    """Smallest distance minus cutoff among contacts shorter than `radius` (inf if there is none)."""
    size = len(cutoffs)
    i, j, d, shift = neighbour_list("ijdS", structure.to_ase(), radius)
    # matscipy counts images from the atoms' own positions: inside a whole molecule nothing is shifted.
    between = (i // size != j // size) | shift.any(axis=1)
    margins = d[between] - cutoffs[i[between] % size, j[between] % size]
    return float(margins.min()) if len(margins) else np.inf
