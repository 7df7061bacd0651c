"""Bonds of a molecule from distances, and the graph they form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import Molecule

BOND_FACTOR = 1.3
FEW_ATOMS = 200  # of these all pairs are looked at


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
    return [(i, j) for i, j, _ in touching(points, natural_cutoffs(species, factor))]


def touching(points: NDArray[np.float64], radii: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """Pairs of spheres that overlap, without periodicity.

    Parameters
    ----------
    points : (n, 3) ndarray
        Centres in Å.
    radii : (n,) ndarray
        Å.

    Returns
    -------
    list of (int, int, float)
        Pairs i < j, sorted, and their distance in Å: it is below the sum of the radii.
    """
    if len(points) <= FEW_ATOMS:
        i, j = np.triu_indices(len(points), 1)
    else:
        # Only here: it is slow to import, and a molecule does not need it.
        from scipy.spatial import cKDTree

        pairs = cKDTree(points).query_pairs(2.0 * radii.max(), output_type="ndarray")
        i, j = pairs[np.lexsort(pairs.T[::-1])].T
    distances = np.linalg.norm(points[i] - points[j], axis=1)
    near = distances < radii[i] + radii[j]
    return list(zip(i[near].tolist(), j[near].tolist(), distances[near].tolist(), strict=True))


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
    neighbours: list[list[int]] = [[] for _ in range(n_atoms)]
    for i, j in pairs:
        neighbours[i].append(int(j))
        neighbours[j].append(int(i))
    seen: set[int] = set()
    components = []
    for start in range(n_atoms):
        if start in seen:
            continue
        seen.add(start)
        component = [start]
        for i in component:  # it grows while it is walked
            new = set(neighbours[i]) - seen
            seen |= new
            component.extend(new)
        components.append(sorted(component))
    return components


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
