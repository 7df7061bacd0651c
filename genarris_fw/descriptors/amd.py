"""Average minimum distances and pointwise distance distributions: what tells crystals apart whatever their cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

import genarris_fw._kernels.amd as kernel
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Array = NDArray[np.float64]

FARTHEST = 1e7  # Å; beyond it, double precision no longer resolves a position within a cell to 1e-9 Å
SAME = 1e-8  # Å; distances that differ by less are one number, rounded differently in another cell


def nearest_distances(lattice: ArrayLike, positions: ArrayLike, rows: ArrayLike, k: int) -> Array:
    """Return the sorted distances from some atoms of a crystal to their k nearest neighbours.

    Neighbours are all other atoms of the crystal, of every element, and all periodic images, the atom's own
    ones included.

    Parameters
    ----------
    lattice : (3, 3) array_like
        Rows are the lattice vectors in Å; any cell will do, however skewed.
    positions : (n, 3) array_like
        Cartesian positions in Å of all atoms of the cell; they need not lie in it.
    rows : (m,) array_like of int
        The atoms that are looked from: rows of `positions`.
    k : int
        Number of neighbours.

    Returns
    -------
    (m, k) ndarray
        Distances in Å, rising along each row.

    Raises
    ------
    InputError
        For arrays of other shapes, numbers that are not finite, a cell without volume, no atoms, rows that are
        no atoms, or k below 1.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise InputError(f"k is {k}; give a whole number of neighbours, at least 1")
    cell = np.ascontiguousarray(lattice, dtype=np.float64)
    points = np.ascontiguousarray(positions, dtype=np.float64)
    centres = np.asarray(rows)
    if cell.shape != (3, 3) or points.ndim != 2 or points.shape[1] != 3 or centres.ndim != 1:
        raise InputError(
            f"lattice {cell.shape}, positions {points.shape} and rows {centres.shape} have the wrong shapes; "
            "give (3, 3), (n, 3) and (m,)"
        )
    if len(points) == 0 or len(centres) == 0:
        raise InputError("a crystal without atoms has no distances; give at least one atom to look from")
    if centres.dtype.kind not in "iu":
        raise InputError(f"rows are {centres.dtype}; give the numbers of the atoms, from 0")
    # Asked in this way, a number that is none fails too.
    if not (np.abs(cell).max() < FARTHEST and np.abs(points).max() < FARTHEST):
        raise InputError(f"a lattice vector or position is not finite or beyond {FARTHEST:g} Å; bring it near the cell")
    try:
        out = np.empty((len(centres), int(k)))
        kernel.nearest(cell, points, np.ascontiguousarray(centres, dtype=np.intp), out)
    except (ValueError, MemoryError) as error:
        raise InputError(f"no neighbour distances: {error}; correct the lattice, the rows or k") from None
    return out


def _all_distances(structure: Structure, k: int) -> Array:
    if structure.lattice is None:
        label = structure.struct_id or "a structure"
        raise InputError(f"{label} is a molecule: AMD and PDD are made of crystals, give it a lattice")
    return nearest_distances(structure.lattice, structure.positions, np.arange(len(structure)), k)


def amd(structure: Structure, k: int = 100) -> Array:
    """Return the average minimum distances of a crystal.

    AMD_j is the distance from an atom to its j-th nearest neighbour, averaged over the atoms of a cell. It does
    not depend on how the crystal is described (cell, origin, order of atoms) and changes by no more than twice
    the largest displacement when atoms move. It sees no elements.

    Parameters
    ----------
    structure : Structure
        A crystal.
    k : int
        Number of neighbours.

    Returns
    -------
    (k,) ndarray
        Å, rising.

    Raises
    ------
    InputError
        For a structure without a cell or without atoms, or k below 1.

    Notes
    -----
    Widdowson, Mosca, Pulte, Kurlin and Cooper, MATCH Commun. Math. Comput. Chem. 87, 529 (2022), definition of AMD.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.descriptors import amd
    >>> [urea] = read("examples/urea/urea.cif")
    >>> amd(urea, k=3).round(2)
    array([1.08, 1.55, 1.76])
    """
    return np.asarray(_all_distances(structure, k).mean(axis=0))


def amd_of_rows(lattice: ArrayLike, positions: ArrayLike, rows: ArrayLike, k: int = 100) -> Array:
    """Return the average minimum distances of a crystal seen from some of its atoms.

    In a crystal whose molecules are all equivalent by symmetry, the atoms of one molecule give what all atoms of
    the cell would (`amd`), for a fraction of the work.

    Parameters
    ----------
    lattice : (3, 3) array_like
        Rows are the lattice vectors in Å; any cell will do.
    positions : (n, 3) array_like
        Cartesian positions in Å of all atoms of the cell.
    rows : (m,) array_like of int
        The atoms to average over: rows of `positions`.
    k : int
        Number of neighbours.

    Returns
    -------
    (k,) ndarray
        Å, rising.

    Raises
    ------
    InputError
        As in `nearest_distances`.
    """
    distances = nearest_distances(lattice, positions, rows, k)
    return np.asarray(np.add.reduce(distances) / len(distances))  # `mean`, without its half of the time


def pdd(structure: Structure, k: int = 100, collapse_tol: float = 1e-4) -> Array:
    """Return the pointwise distance distribution of a crystal.

    Atoms whose distances agree make one row; its weight is their share of the cell. The mean of the rows by
    their weights is `amd`.

    Parameters
    ----------
    structure : Structure
        A crystal of n atoms.
    k : int
        Number of neighbours.
    collapse_tol : float
        Rows that differ nowhere by more than this, in Å, are merged into their mean, and so are rows that a chain
        of such rows joins: the result then does not depend on the order of the atoms.

    Returns
    -------
    (m, k + 1) ndarray
        m <= n rows, sorted by the first distance, then the second, and so on: the weight (their sum is 1), then
        the k distances in Å, rising.

    Raises
    ------
    InputError
        For a structure without a cell or without atoms, k below 1, or a negative tolerance.

    Notes
    -----
    Widdowson and Kurlin, Advances in Neural Information Processing Systems 35 (2022), definition of PDD.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.descriptors import pdd
    >>> [urea] = read("examples/urea/urea.cif")
    >>> pdd(urea, k=10).shape
    (5, 11)
    """
    if not collapse_tol >= 0:
        raise InputError(f"collapse_tol is {collapse_tol}; give a distance in Å, 0 or more")
    distances = _all_distances(structure, k)
    groups = _groups(distances, collapse_tol)
    count = np.bincount(groups)
    merged = np.zeros((len(count), distances.shape[1]))
    np.add.at(merged, groups, distances)
    merged /= count[:, None]
    order = _rising(merged)
    return np.column_stack([count[order] / len(distances), merged[order]])


def _groups(rows: Array, tolerance: float) -> NDArray[np.intp]:
    """Number each row by its group: what differs nowhere by more than the tolerance is one (single linkage)."""
    if len(rows) == 1:
        return np.zeros(1, dtype=np.intp)
    # Only here: it is slow to import.
    from scipy.cluster.hierarchy import fclusterdata

    found = fclusterdata(rows, tolerance, criterion="distance", metric="chebyshev", method="single")
    return np.asarray(found, dtype=np.intp) - 1


def _rising(rows: Array) -> NDArray[np.intp]:
    """Order of the rows by their first number, then the second, and so on, whatever rounding did to them."""
    order = np.argsort(rows, axis=0, kind="stable")
    rising = np.take_along_axis(rows, order, axis=0)
    levels = np.zeros(rows.shape, dtype=np.intp)
    # In each column, numbers that hardly differ get one level.
    np.put_along_axis(levels, order[1:], np.cumsum(np.diff(rising, axis=0) > SAME, axis=0), axis=0)
    return np.lexsort(levels.T[::-1])
