"""Bonds of a molecule from distances, and the graph they form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as _components
from scipy.spatial import cKDTree

from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import Molecule

BOND_FACTOR = 1.3


def bonds(species: Sequence[str], positions: ArrayLike, factor: float = BOND_FACTOR) -> list[tuple[int, int]]:
    """Pairs of bonded atoms, without periodicity.

    Two atoms are bonded when their distance is below ``factor`` times the sum of their covalent radii.

    Parameters
    ----------
    species : sequence of str
        Element symbols, n of them.
    positions : (n, 3) array_like
        Cartesian positions in Å.
    factor : float, optional
        Multiplies the covalent radii.

    Returns
    -------
    list of (int, int)
        Pairs i < j, sorted.
    """
    points = np.asarray(positions, dtype=float).reshape(-1, 3)
    if len(points) < 2:
        return []
    radii = natural_cutoffs(species, factor)
    pairs = cKDTree(points).query_pairs(2.0 * radii.max(), output_type="ndarray")
    distances = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    near = distances < radii[pairs[:, 0]] + radii[pairs[:, 1]]
    return sorted((int(min(i, j)), int(max(i, j))) for i, j in pairs[near])


def connected_components(n_atoms: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Sets of atoms that a graph of bonds holds together.

    Parameters
    ----------
    n_atoms : int
        Number of atoms.
    pairs : iterable of (int, int)
        Bonded atoms.

    Returns
    -------
    list of list of int
        Atoms of each component in rising order; components in the order of their first atoms.
    """
    edges = np.array(list(pairs), dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n_atoms, n_atoms))
    count, labels = _components(graph, directed=False)
    components = [[int(i) for i in np.flatnonzero(labels == label)] for label in range(count)]
    return sorted(components)


def same_bonds(a: Molecule, b: Molecule, factor: float = BOND_FACTOR) -> bool:
    """Tell whether two molecules have the same atoms, in the same order, with the same bonds.

    Parameters
    ----------
    a, b : Molecule
        The molecules; atom i of one is compared with atom i of the other.
    factor : float, optional
        As in `bonds`.

    Returns
    -------
    bool
    """
    if a.species != b.species:
        return False
    return bonds(a.species, a.positions, factor) == bonds(b.species, b.positions, factor)
