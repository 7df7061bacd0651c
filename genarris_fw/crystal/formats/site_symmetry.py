"""How many operations leave a site where it is: what an occupancy that counts images must be multiplied by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.formats.operations import Floats, Operations

# Å: SHELXL takes an atom to be on a special position when it and its image are nearer than this (SPEC).
SPECIAL = 0.2


def site_orders(places: Floats, operations: Operations, lattice: Floats, within: float = SPECIAL) -> NDArray[np.intp]:
    """Return the orders of the site symmetries.

    Parameters
    ----------
    places : (n, 3) ndarray
        Fractional coordinates.
    operations : Operations
        A group.
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, Å.
    within : float, optional
        An image that is nearer to its site than this (Å) is the site.

    Returns
    -------
    (n,) ndarray of int
    """
    rotations, translations = operations
    apart = np.einsum("oij,nj->noi", rotations, places) + translations - places[:, None]
    apart -= np.rint(apart)
    return np.asarray((np.linalg.norm(apart @ lattice, axis=2) < within).sum(axis=1))
