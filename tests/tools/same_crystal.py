"""Whether two descriptions in one cell are the same crystal."""

import numpy as np
from numpy.typing import ArrayLike


def farthest_atom(one, other) -> float:
    """Distance in Å of the atom of one that is farthest from all atoms of its element in the other, or the other way.

    Both are structures in the same cell, or the first is (species, fractional coordinates) in the cell of the second.
    """
    species, places = (one.species, one.fractional) if hasattr(one, "fractional") else one
    return _farthest(list(species), np.asarray(places), list(other.species), other.fractional, other.cell)


def _farthest(first: list[str], a: ArrayLike, second: list[str], b: ArrayLike, lattice: ArrayLike) -> float:
    if sorted(first) != sorted(second):
        return float("inf")
    found = 0.0
    for element in set(first):
        apart = np.asarray(a)[[name == element for name in first]][:, None]
        apart = apart - np.asarray(b)[[name == element for name in second]]
        between = np.linalg.norm((apart - np.rint(apart)) @ np.asarray(lattice), axis=2)
        found = max(found, between.min(axis=0).max(), between.min(axis=1).max())
    return float(found)
