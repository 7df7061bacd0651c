"""Numbers that tell crystals apart before they are compared: what depends neither on the cell nor on its size."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

import genarris_fw._kernels.molecules as kernel
from genarris_fw.clustering.kinds import Kind, kind_of
from genarris_fw.crystal.bonds import MOST_NEIGHBOURS, connected_components, longest_bond
from genarris_fw.crystal.crystal_bonds import CrystalBonds, bonds_by_order, bonds_of_crystal
from genarris_fw.crystal.molecules import along_bonds
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.crystal.symmetry import niggli_lattices
from genarris_fw.descriptors.amd import nearest_distances
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

AMD_NEIGHBOURS = 100
# Of the pointwise distances, these neighbours: few numbers, which a database can hold, over the same distances.
PDD_NEIGHBOURS = (1, 3, 6, 10, 15, 21, 29, 40, 55, 75, 100)


@dataclass(frozen=True, eq=False)
class Molecules:
    """A crystal taken apart into molecules.

    Attributes
    ----------
    lattice : (3, 3) ndarray
        Niggli vectors of the given lattice, Å, in the given setting.
    positions : (n, 3) ndarray
        Of the atoms of the structure, in its order, moved by lattice vectors so that every molecule is whole, Å.
    kinds : list of Kind
        Of every molecule.
    atoms : list of list of int
        Of every molecule, in the order of its kind.
    """

    lattice: Floats
    positions: Floats
    kinds: list[Kind]
    atoms: list[list[int]]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is compared first: equal, up to the tolerances, for duplicates.

    Attributes
    ----------
    compound : str
        Kinds of molecules and their ratio.
    volume : float
        Å3 for the smallest set of molecules with that ratio: per molecule where there is one kind.
    amd : (100,) ndarray
        Average minimum distances, Å.
    pdd : (m, 11) ndarray
        Rows of the pointwise distance distribution, averaged over the atoms of one sort (element and surroundings in
        the graph of the molecule), sorts in a fixed order; the columns are the neighbours `PDD_NEIGHBOURS`, Å.

    Notes
    -----
    Moving every atom by no more than e changes no number of `amd` and `pdd` by more than 2 e, because that is true of
    the distance from any atom to its k-th neighbour, and of means of such. (Widdowson, Mosca, Pulte, Kurlin and Cooper,
    MATCH Commun. Math. Comput. Chem. 87, 529 (2022); Widdowson and Kurlin, NeurIPS 35 (2022).) The difference between
    two `pdd` is never more than the earth mover's distance between the distributions over atoms of one sort.
    """

    compound: str
    volume: float
    amd: Floats
    pdd: Floats

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as json and MongoDB take them."""
        return {
            "compound": self.compound,
            "volume": self.volume,
            "amd": self.amd.tolist(),
            "pdd": self.pdd.tolist(),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Fingerprint:
        """Make a fingerprint of what `to_dict` gave."""
        return cls(record["compound"], record["volume"], np.array(record["amd"]), np.array(record["pdd"]))


def fingerprint(structure: Structure, molecule: Molecule | None = None) -> Fingerprint:
    """Return the fingerprint of a crystal.

    Parameters
    ----------
    structure : Structure
        A crystal of separate molecules; its atoms may come in any order and in any cell.
    molecule : Molecule, optional
        The molecule, where it is known: its bonds are those of the crystal.

    Returns
    -------
    Fingerprint

    Raises
    ------
    InputError
        For a molecule, a crystal without atoms, one with bonds from cell to cell without end, or numbers that are not
        finite.
    """
    return fingerprint_of(molecules_of(structure, molecule), structure)


def fingerprint_of(crystal: Molecules, structure: Structure) -> Fingerprint:
    """Return the fingerprint of a crystal that has been taken apart (see `fingerprint`)."""
    distances = nearest_distances(crystal.lattice, crystal.positions, np.arange(len(structure)), AMD_NEIGHBOURS)
    columns = np.array(PDD_NEIGHBOURS) - 1
    sorts: dict[tuple[str, str], list[int]] = {}
    for kind, atoms in zip(crystal.kinds, crystal.atoms):
        for colour, atom in zip(kind.colours, atoms):
            sorts.setdefault((kind.name, colour), []).append(atom)
    number = Counter(kind.name for kind in crystal.kinds)
    units = gcd(*number.values())
    return Fingerprint(
        compound=" ".join(f"{count // units}x{name}" for name, count in sorted(number.items())),
        volume=structure.cell_volume / units,
        amd=distances.mean(axis=0),
        pdd=np.array([distances[sorts[sort]].mean(axis=0)[columns] for sort in sorted(sorts)]),
    )


def molecules_of(structure: Structure, molecule: Molecule | None = None) -> Molecules:
    """Take a crystal apart into molecules.

    Parameters
    ----------
    structure : Structure
        A crystal; its atoms may come in any order and in any cell.
    molecule : Molecule, optional
        What it is made of (see `genarris_fw.crystal.crystal_bonds.bonds_of_crystal`).

    Returns
    -------
    Molecules

    Raises
    ------
    InputError
        For a molecule, a crystal without atoms, one with bonds from cell to cell without end, or numbers that are not
        finite.
    """
    name = structure.struct_id or "a structure"
    if structure.lattice is None:
        raise InputError(f"{name} is a molecule: duplicates are sought among crystals, give it a lattice")
    if len(structure) == 0:
        raise InputError(f"{name} has no atoms")
    if not (np.isfinite(structure.lattice).all() and np.isfinite(structure.positions).all()):
        raise InputError(f"{name}: a lattice vector or position is not a finite number")
    lattice = np.ascontiguousarray(niggli_lattices(structure.lattice[None], structure.struct_id)[0])
    known = bonds_by_order(structure, molecule)
    if known is not None and not known.images.any() and (one := _repeated(structure, known)) is not None:
        kind, places = one
        return Molecules(lattice, structure.positions.copy(), [kind] * len(places), places)
    positions, label, bonded = _whole(structure, molecule, lattice, known)
    kinds, atoms = [], []
    for rows in np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label))[:-1]):
        own = [structure.species[i] for i in rows]
        pairs = np.argwhere(np.triu(bonded[np.ix_(rows, rows)])).tolist()
        kind, order = kind_of(tuple(own), tuple(map(tuple, pairs)))
        kinds.append(kind)
        atoms.append([int(rows[k]) for k in order])
    return Molecules(lattice, positions, kinds, atoms)


def _repeated(structure: Structure, known: CrystalBonds) -> tuple[Kind, list[list[int]]] | None:
    """The kind of the molecules that follow each other in a crystal, and the atoms of each; None where some are in
    several pieces.

    What is done for crystals of other bonds does the same, and takes longer.
    """
    Z = known.molecules
    size = len(structure) // Z
    pairs = tuple(zip(known.first.tolist(), known.second.tolist()))[: len(known.first) // Z]
    if not _is_one_piece(size, pairs):
        return None
    kind, order = kind_of(tuple(structure.species[:size]), pairs)
    return kind, [[first + k for k in order] for first in range(0, len(structure), size)]


@lru_cache(maxsize=100)
def _is_one_piece(size: int, pairs: tuple[tuple[int, int], ...]) -> bool:
    return len(connected_components(size, pairs)) == 1


def _whole(
    structure: Structure, molecule: Molecule | None, lattice: Floats, known: CrystalBonds | None
) -> tuple[Floats, NDArray[np.intp], NDArray[np.uint8]]:
    """Positions with molecules whole, the molecule of each atom, and which atoms are bonded."""
    if known is not None:
        return _along(structure, known)
    if molecule is None:
        # What follows does the same for any crystal, and takes longer.
        species = structure.species
        elements = sorted(set(species))
        reach = np.array([[longest_bond(one, other) for other in elements] for one in elements])
        positions = np.array(structure.positions, dtype=float)
        label = np.empty(len(species), dtype=np.intp)
        bonded = np.zeros((len(species), len(species)), dtype=np.uint8)
        kinds = np.array([elements.index(one) for one in species], dtype=np.intp)
        count = kernel.make_whole(lattice, positions, kinds, reach, label, bonded)
        most = np.array([MOST_NEIGHBOURS.get(one, len(species)) for one in elements])
        if count >= 0 and (bonded.sum(axis=1) <= most[kinds]).all():
            return positions, label, bonded
    return _along(structure, bonds_of_crystal(structure, molecule))


def _along(structure: Structure, found: CrystalBonds) -> tuple[Floats, NDArray[np.intp], NDArray[np.uint8]]:
    """What `_whole` returns, for these bonds."""
    shifts, parts = along_bonds(structure, found)
    label = np.empty(len(structure), dtype=np.intp)
    for number, part in enumerate(parts):
        label[part] = number
    bonded = np.zeros((len(structure), len(structure)), dtype=np.uint8)
    bonded[found.first, found.second] = bonded[found.second, found.first] = 1
    return structure.positions + shifts @ structure.cell, label, bonded
