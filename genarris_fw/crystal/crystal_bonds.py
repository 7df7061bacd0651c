"""Bonds in a crystal: those of its molecule where that is known, else found by distances, images included."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import BROKEN, LEAST_SLACK, Near, bonds, connected_components, longest_bond, possible
from genarris_fw.crystal.radii import covalent_radius
from genarris_fw.crystal.structure import Molecule, Structure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

UNCHANGED = 0.05  # Å: atoms whose order nobody vouches for are a molecule's where its bonds have its lengths
STRETCHED = 0.25  # Å: no bond of a molecule is by so much longer in one of its crystals


@dataclass(frozen=True, eq=False)
class CrystalBonds:
    """Bonds in a crystal, each once.

    Attributes
    ----------
    first, second : (b,) ndarray of int
        Atoms; first is not above second.
    images : (b, 3) ndarray of int
        The cell of the second atom.
    molecules : int
        How many molecules of one kind the atoms are, molecule after molecule, and their bonds too; 0 where that is not
        known.
    """

    first: Integers
    second: Integers
    images: Integers
    molecules: int = 0

    def as_set(self) -> set[tuple[int, int, int, int, int]]:
        """Return the bonds as (i, j, and the cell of j)."""
        rows = np.column_stack([self.first, self.second, self.images])
        return {(i, j, x, y, z) for i, j, x, y, z in rows.tolist()}

    def vectors(self, structure: Structure) -> Floats:
        """Return the vectors in Å from first to second atoms in a crystal of the same atoms, (b, 3)."""
        vectors = structure.positions[self.second] - structure.positions[self.first]
        return vectors if structure.lattice is None else np.asarray(vectors + self.images @ structure.lattice)

    def lengths(self, structure: Structure) -> Floats:
        """Return the lengths in Å of these bonds in a crystal of the same atoms, (b,)."""
        return np.asarray(np.linalg.norm(self.vectors(structure), axis=1))


def bonds_of_crystal(structure: Structure, molecule: Molecule | None = None) -> CrystalBonds:
    """Find the bonds of a crystal, or of a molecule.

    Parameters
    ----------
    structure : Structure
        Its atoms may come in any order and be wrapped into the cell in any way. One that says how many atoms its
        molecules have (``number_of_atoms_in_molecule``) comes molecule after molecule, and the first one is taken for
        the molecule where none is given.
    molecule : Molecule, optional
        What the crystal is made of. Where its atoms come molecule after molecule in the order of this one, its bonds
        are theirs, and no distances between molecules are looked at. Where they do not, bonds are found between
        elements that are bonded in it, up to 0.25 Å longer than there, and to no more neighbours than there.

    Returns
    -------
    CrystalBonds
        By distance alone (`genarris_fw.crystal.bonds.longest_bond`, and valences) where no molecule is known, or the
        crystal is not made of it.
    """
    known = bonds_by_order(structure, molecule)
    if known is None and molecule is not None:
        known = bonds_by_order(structure)
    if known is not None:
        return known
    if molecule is not None and len(molecule) and len(structure) % len(molecule) == 0:
        found = bonds_by_distance(structure, *_bonded_in(molecule))
        parts = connected_components(len(structure), zip(found.first.tolist(), found.second.tolist(), strict=True))
        formula = sorted(molecule.species)
        if all(sorted(structure.species[i] for i in part) == formula for part in parts):
            return found
    return bonds_by_distance(structure)


def bonds_by_order(structure: Structure, molecule: Molecule | None = None) -> CrystalBonds | None:
    """Return the bonds of a crystal whose atoms come molecule after molecule, in the order of a molecule.

    Parameters
    ----------
    structure, molecule
        As of `bonds_of_crystal`.

    Returns
    -------
    CrystalBonds or None
        None where the atoms do not come so, or a bond of the molecule is not there: it is longer than bonds of its
        elements are, or, in a crystal that does not say that it is sorted, than in the molecule.
    """
    one = molecule if molecule is not None else _first_molecule(structure)
    if one is None or not len(one) or len(structure) % len(one):
        return None
    Z = len(structure) // len(one)
    if structure.species != one.species * Z:
        return None
    pairs = np.array(_bonds_of(tuple(one.species), one.positions.tobytes()), dtype=np.int64).reshape(-1, 2)
    if molecule is None and len(connected_components(len(one), pairs.tolist())) > 1:
        return None
    if int(structure.properties.get("number_of_atoms_in_molecule") or 0) == len(one):
        limits = np.array([longest_bond(one.species[i], one.species[j]) for i, j in pairs.tolist()]) + BROKEN
    else:
        limits = np.linalg.norm(one.positions[pairs[:, 1]] - one.positions[pairs[:, 0]], axis=1) + UNCHANGED
    rows = (np.arange(Z)[:, None, None] * len(one) + pairs).reshape(-1, 2)
    vectors = structure.positions[rows[:, 1]] - structure.positions[rows[:, 0]]
    images = np.zeros((len(rows), 3), dtype=np.int64)
    if structure.lattice is not None and not (np.linalg.norm(vectors, axis=1) < np.tile(limits, Z)).all():
        vectors, images = _nearest(vectors, structure.lattice)
    if not (np.linalg.norm(vectors, axis=1) < np.tile(limits, Z)).all():
        return None
    return CrystalBonds(rows[:, 0], rows[:, 1], images, Z)


def bonds_by_distance(
    structure: Structure, reach: dict[tuple[str, str], float] | None = None, most: dict[str, int] | None = None
) -> CrystalBonds:
    """Find the bonds of a crystal, or of a molecule, by distances and valences.

    Parameters
    ----------
    structure : Structure
        Its atoms may come in any order and be wrapped into the cell in any way.
    reach : dict, optional
        Two elements in alphabetical order -> the length in Å below which they are bonded; elements that it lacks are
        not. By default `genarris_fw.crystal.bonds.longest_bond`.
    most : dict, optional
        Element -> its largest number of neighbours, as of `genarris_fw.crystal.bonds.possible`.

    Returns
    -------
    CrystalBonds
    """
    species = structure.species
    elements = sorted(set(species))
    table = np.array([[_length(a, b, reach) for b in elements] for a in elements])
    kinds = np.array([elements.index(name) for name in species], dtype=np.intp)
    first, second, images, lengths = _near_pairs(structure, float(table.max(initial=0.0)))
    # Each pair once: the second atom of the higher number, or an image of the first in one of two opposite directions.
    leading = images[np.arange(len(images)), (images != 0).argmax(axis=1)] if len(images) else np.zeros(0, int)
    rows = np.flatnonzero(
        (lengths < table[kinds[first], kinds[second]]) & ((first < second) | ((first == second) & (leading > 0)))
    )
    rows = rows[np.lexsort([*images[rows].T, second[rows], first[rows]])]
    near = [Near(*row) for row in zip(first[rows].tolist(), second[rows].tolist(), lengths[rows].tolist(), strict=True)]
    kept = rows[possible(species, near, most)]
    return CrystalBonds(first[kept], second[kept], images[kept])


def has_reacted(before: Structure, after: Structure, molecule: Molecule | None = None) -> bool:
    """Tell whether bonds were made or broken between two forms of a crystal, or of a molecule.

    Parameters
    ----------
    before, after : Structure
        The same atoms in the same order; no atom was moved by a lattice vector in between.
    molecule : Molecule, optional
        What the crystal is made of, as of `bonds_of_crystal`.

    Returns
    -------
    bool
        Whether a bond of the molecules is more than 0.1 Å longer than the longest bond of its elements, or there is a
        bond that is neither one of the molecules nor was as near as a bond before. Contacts between molecules that stay
        longer than bonds are none, whatever their change.
    """
    known = bonds_of_crystal(before, molecule)
    pairs = zip(known.first.tolist(), known.second.tolist(), strict=True)
    limits = np.array([longest_bond(after.species[i], after.species[j]) for i, j in pairs]) + BROKEN
    if (known.lengths(after) >= limits).any():
        return True
    made = bonds_by_distance(after).as_set() - known.as_set()
    return bool(made) and bool(made - bonds_by_distance(before).as_set())


@lru_cache(maxsize=16)
def _bonds_of(species: tuple[str, ...], positions: bytes) -> tuple[tuple[int, int], ...]:
    """The bonds of a molecule; the crystals of a pool are often of one."""
    return tuple(bonds(species, np.frombuffer(positions)))


def _first_molecule(structure: Structure) -> Molecule | None:
    size = int(structure.properties.get("number_of_atoms_in_molecule") or 0)
    return Molecule(structure.species[:size], structure.positions[:size]) if size else None


def _nearest(vectors: Floats, lattice: Floats) -> tuple[Floats, Integers]:
    """Vectors to the nearest images, and the cells of these."""
    # Only here: it is slow to import, and most structures come with their molecules whole.
    from ase.geometry import find_mic

    shortest = np.asarray(find_mic(vectors, lattice, pbc=True)[0])
    return shortest, np.rint((shortest - vectors) @ np.linalg.inv(lattice)).astype(np.int64)


def _near_pairs(structure: Structure, cutoff: float) -> tuple[Integers, Integers, Integers, Floats]:
    """Pairs of atoms nearer than `cutoff` (Å) in both directions: atoms, cell of the second, distance."""
    # Only here: most structures come with their molecules whole.
    from matscipy.neighbours import neighbour_list

    if not len(structure) or cutoff <= 0:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros((0, 3), dtype=np.int64), np.zeros(0)
    atoms = structure.to_ase()
    if structure.lattice is None:
        atoms.positions -= atoms.positions.min(axis=0) - cutoff
        atoms.cell = np.diag(atoms.positions.max(axis=0) + cutoff)
    i, j, images, lengths = neighbour_list("ijSd", atoms, cutoff=cutoff)
    return i.astype(np.int64), j.astype(np.int64), images.astype(np.int64), lengths


def _length(one: str, other: str, reach: dict[tuple[str, str], float] | None) -> float:
    if reach is None:
        return longest_bond(one, other)
    return reach.get((min(one, other), max(one, other)), 0.0)


def _bonded_in(molecule: Molecule) -> tuple[dict[tuple[str, str], float], dict[str, int]]:
    """Which elements are bonded in a molecule, and up to which length; how many neighbours each has at most."""
    reach: dict[tuple[str, str], float] = {}
    counts = [0] * len(molecule)
    for i, j in bonds(molecule.species, molecule.positions):
        counts[i] += 1
        counts[j] += 1
        one, other = sorted((molecule.species[i], molecule.species[j]))
        length = float(np.linalg.norm(molecule.positions[i] - molecule.positions[j])) + STRETCHED
        least = covalent_radius(one) + covalent_radius(other) + LEAST_SLACK  # the molecule may be drawn with short ones
        reach[one, other] = max(reach.get((one, other), 0.0), min(max(length, least), longest_bond(one, other)))
    most: dict[str, int] = {}
    for name, count in zip(molecule.species, counts, strict=True):
        most[name] = max(most.get(name, 0), count)
    return reach, most
