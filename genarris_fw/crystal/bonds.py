"""Bonds of a molecule from distances, and the graph they form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal.radii import VDW, covalent_radius
from genarris_fw.crystal.structure import Molecule

# Å. A bond is longer than the sum of the covalent radii by less than this, as in the Cambridge Structural Database
# (F. H. Allen, Acta Cryst. B 58, 380 (2002), section 2: r_i + r_j + 0.4 Å). A factor in its place makes bonds of the
# contacts between heavy atoms: 1.3 times the radii of I are 3.61 Å, where iodine atoms of two molecules touch at 3.4 Å.
SLACK = 0.4
# Molecules of a generated crystal come as near as this part of the sum of the van der Waals radii: no bond is so long,
CLOSEST_CONTACT = 0.85
# but a bond of the length of the covalent radii, and a little more (Å), always is one.
LEAST_SLACK = 0.05
BROKEN = 0.1  # Å: a bond that was there is broken when it is by so much longer than the longest one that is found
BRIDGE = 0.1  # Å: a second neighbour of a hydrogen that is farther than the first by more than this is not bonded to it
FEW_ATOMS = 200  # of these all pairs are looked at

# The largest number of neighbours that an element has in molecules; what is not here has no limit. Boron and metals are
# not counted: they bridge (diborane, carboranes, Al2(CH3)6, ferrocene). Examples of the limits: H2, CH4, NH4+, H3O+,
# Sb2F11-, SiF6 2-, PF6-, SF6, ClF5, AsF6-, SeF6, BrF5, TeF7-, IF7, XeF8 2-.
MOST_NEIGHBOURS: dict[str, int] = {
    **{"H": 1, "He": 1, "C": 4, "N": 4, "O": 3, "F": 2, "Ne": 1},
    **{"Si": 6, "P": 6, "S": 6, "Cl": 5, "Ar": 2, "Ge": 6, "As": 6, "Se": 6, "Br": 5, "Kr": 2},
    **{"Sb": 6, "Te": 7, "I": 7, "Xe": 8},
}


class Near(NamedTuple):
    """Two atoms that are near enough for a bond, by a key that tells images apart."""

    first: int
    second: int
    length: float  # Å


@lru_cache(maxsize=10_000)
def longest_bond(one: str, other: str) -> float:
    """Return the length in Å below which atoms of two elements are bonded, valences permitting.

    The sum of the covalent radii + 0.4 Å; less where the molecules of a crystal may touch at such a distance, which is
    0.85 times the sum of the van der Waals radii, but no less than the sum of the covalent radii + 0.05 Å.
    """
    radii = covalent_radius(one) + covalent_radius(other)
    if one in VDW and other in VDW:
        contact = CLOSEST_CONTACT * (VDW[one] + VDW[other])
        return min(radii + SLACK, max(contact, radii + LEAST_SLACK))
    return radii + SLACK


def bonds(species: Sequence[str], positions: ArrayLike) -> list[tuple[int, int]]:
    """Pairs of bonded atoms, without periodicity.

    Two atoms are bonded when they are nearer than `longest_bond`; of an atom that has more neighbours than it can have,
    the longest bonds are none (`possible`).

    Parameters
    ----------
    species : sequence of str
        Element symbols, n of them.
    positions : (n, 3) array_like
        Cartesian positions in Å.

    Returns
    -------
    list of (int, int)
        Pairs i < j, sorted.

    Examples
    --------
    >>> from genarris_fw.crystal import bonds
    >>> bonds(['O', 'H', 'H'], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    [(0, 1), (0, 2)]
    """
    points = np.asarray(positions, dtype=float).reshape(-1, 3)
    radii = np.array([covalent_radius(name) for name in species], dtype=float) + 0.5 * SLACK
    near = [
        Near(*pair) for pair in touching(points, radii) if pair[2] < longest_bond(species[pair[0]], species[pair[1]])
    ]
    return [(near[k].first, near[k].second) for k in possible(species, near)]


def possible(species: Sequence[str], near: Sequence[Near], most: Mapping[str, int] | None = None) -> list[int]:
    """Tell which of the near pairs of atoms are bonds, by how many neighbours an atom can have.

    Pairs are taken from the shortest on, as compared with the radii; one of which an atom has as many neighbours as it
    can have already (`MOST_NEIGHBOURS`) is none. A hydrogen has one neighbour, and a second one that is as near within
    0.1 Å: it is between both, as in [F-H-F]-, and not donated by one to the other.

    Parameters
    ----------
    species : sequence of str
        Element symbols, n of them.
    near : sequence of Near
        Pairs of atoms; the same two atoms may come more than once, for their images in a crystal.
    most : mapping, optional
        Element -> its largest number of neighbours, all of them counted, where the molecule tells it.

    Returns
    -------
    list of int
        Rows of `near`, rising.
    """
    limits = MOST_NEIGHBOURS if most is None else most
    room = [limits.get(name, len(near)) for name in species]
    counts = [0] * len(species)
    for i, j, _ in near:
        counts[i] += 1
        counts[j] += 1
    if all(count <= most for count, most in zip(counts, room, strict=True)):
        return list(range(len(near)))
    excess = [length - covalent_radius(species[i]) - covalent_radius(species[j]) for i, j, length in near]
    taken: list[list[float]] = [[] for _ in species]  # the excess of the bonds that count
    kept = []
    for row in sorted(range(len(near)), key=excess.__getitem__):
        ends = [a for a, b in (near[row][:2], near[row][1::-1]) if most is not None or species[b] in MOST_NEIGHBOURS]
        if all(_has_room(species[a], taken[a], room[a], excess[row], bridges=most is None) for a in ends):
            kept.append(row)
            for a in ends:
                taken[a].append(excess[row])
    return sorted(kept)


def _has_room(element: str, taken: list[float], most: int, excess: float, bridges: bool) -> bool:
    between = bridges and element == "H" and len(taken) == 1 and excess - taken[0] <= BRIDGE
    return len(taken) < most or between


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


def connected_components(n_atoms: int, pairs: Iterable[Sequence[int]]) -> list[list[int]]:
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

    Examples
    --------
    >>> from genarris_fw.crystal import connected_components
    >>> connected_components(4, [(0, 2), (1, 3)])
    [[0, 2], [1, 3]]
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


def same_bonds(a: Molecule, b: Molecule) -> bool:
    """Tell whether two molecules have the same atoms, in the same order, with the same bonds.

    Parameters
    ----------
    a, b : Molecule
        The molecules; atom i of one is compared with atom i of the other. The bonds of `a` count as kept while they are
        no more than 0.1 Å longer than the longest bond of these elements.

    Returns
    -------
    bool
    """
    if a.species != b.species:
        return False
    known = bonds(a.species, a.positions)
    kept = all(
        np.linalg.norm(b.positions[i] - b.positions[j]) < longest_bond(a.species[i], a.species[j]) + BROKEN
        for i, j in known
    )
    return kept and set(bonds(b.species, b.positions)) <= set(known)
