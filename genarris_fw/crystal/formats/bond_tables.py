"""What mol, sdf and mol2 files know beside the atoms: bonds, charges, radicals; and whether the places fit them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.plausible import GEOMETRY_WANTED, HYDROGENS_WANTED, RADICAL, atom_name, has_drawn_lengths
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import LARGEST_POSITION
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 0.6, 1.5  # of the sum of the covalent radii; stretched bonds of metals reach 1.3
AROMATIC = 1.5  # order of a bond that a file calls aromatic
# Electrons that an atom shares in its bonds when it is neutral; of others nothing is said.
_VALENCES = {"C": 4}


@dataclass
class BondTable:
    """Atoms and bonds as a file lists them.

    Attributes
    ----------
    species : list of str
        Elements.
    positions : (n, 3) array
        Å.
    bonds : list of (int, int, float)
        Two atoms, from 0, and the order of their bond; 0 where the file gives none (coordination, unknown).
    charges, unpaired : dict of int to int
        Formal charge (e) and unpaired electrons of atoms that have any.
    flat : bool
        Whether the file says that it is a drawing (2D).
    """

    species: list[str]
    positions: Floats
    bonds: list[tuple[int, int, float]]
    charges: dict[int, int] = field(default_factory=dict)
    unpaired: dict[int, int] = field(default_factory=dict)
    flat: bool = False


def check_places(table: BondTable, where: str) -> None:
    """Refuse a drawing, and bonds that no molecule has.

    Parameters
    ----------
    table : BondTable
    where : str
        The file, and the record, for errors.

    Raises
    ------
    InputError
        For a drawing; for a bond shorter than 0.6 or longer than 1.5 times the sum of the covalent radii; for places
        that no structure has.
    """
    n_atoms = len(table.species)
    if not np.abs(table.positions).max(initial=0.0) <= LARGEST_POSITION:
        raise InputError(f"{where}: an atom lies more than {LARGEST_POSITION} Å from the origin")
    if n_atoms > 1 and not np.any(table.positions):
        raise InputError(f"{where}: all atoms lie at 0 0 0: a table of bonds, not a geometry; {GEOMETRY_WANTED}")
    level = bool((table.positions[:, 2] == 0.0).all())
    if n_atoms > 1 and level and (table.flat or _drawn(table) or (n_atoms > 3 and missing_hydrogens(table))):
        raise InputError(f"{where}: a drawing (2D), not a geometry; {GEOMETRY_WANTED}")
    radii = natural_cutoffs(table.species)
    for i, j, _ in table.bonds:
        length = float(np.linalg.norm(table.positions[i] - table.positions[j]))
        usual = float(radii[i] + radii[j])
        if not SHORTEST * usual <= length <= LONGEST * usual:
            names = f"{atom_name(table.species, i)}-{atom_name(table.species, j)}"
            raise InputError(f"{where}: the bond {names} is {length:.2f} Å long; expected about {usual:.2f} Å")


def _drawn(table: BondTable) -> bool:
    """Tell whether the bonds of the table have the lengths of a drawing."""
    bonds = [(i, j, float(np.linalg.norm(table.positions[i] - table.positions[j]))) for i, j, _ in table.bonds]
    return bool(bonds) and has_drawn_lengths(table.species, bonds)


def missing_hydrogens(table: BondTable) -> list[int]:
    """Return the carbons whose bonds, with their orders, leave valences open: hydrogens are missing there."""
    orders = [0.0] * len(table.species)
    aromatic = [0] * len(table.species)
    known = [True] * len(table.species)
    for i, j, order in table.bonds:
        for atom in (i, j):
            orders[atom] += order
            aromatic[atom] += order == AROMATIC
            known[atom] &= order > 0
    found = []
    for atom, name in enumerate(table.species):
        if name not in _VALENCES or not known[atom]:
            continue
        wanted = _VALENCES[name] - abs(table.charges.get(atom, 0)) - table.unpaired.get(atom, 0)
        # Three aromatic bonds are 4.5, two aromatic and a single one 4, two with one of an oxide 4 or 5.
        if orders[atom] < wanted - (0.5 if aromatic[atom] else 0.0) and orders[atom] + 0.9 < wanted:
            found.append(atom)
    return found


def check_hydrogens(table: BondTable, where: str) -> None:
    """Refuse a table whose carbons lack hydrogens.

    Raises
    ------
    InputError
        With the names of the atoms.
    """
    if not (atoms := missing_hydrogens(table)):
        return
    names = ", ".join(atom_name(table.species, atom) for atom in atoms[:5]) + (", ..." if len(atoms) > 5 else "")
    raise InputError(f"{where}: hydrogens are missing at {names}; {HYDROGENS_WANTED}; {RADICAL}")
