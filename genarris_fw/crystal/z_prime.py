"""Z': how many molecules the asymmetric unit of a crystal has."""

from __future__ import annotations

import functools

import gemmi
import numpy as np

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

# Å: how far an atom may lie from the image of another, so that relaxed coordinates still count as symmetric.
TOLERANCE = 0.2
# A lattice is centred by translations of a half or a third; a cell may hold it twice as well.
ORDERS = (2, 3, 4)


@functools.cache
def point_operations(number: int) -> int:
    """Return the order of the point group of a space group.

    Raises
    ------
    InputError
        When it is no number of a space group.
    """
    return len(_operations(number).sym_ops)


@functools.cache
def is_centred(number: int) -> bool:
    """Tell whether the conventional cell of a space group holds its lattice several times.

    Raises
    ------
    InputError
        When it is no number of a space group.
    """
    return len(_operations(number).cen_ops) > 1


def z_prime(number: int, Z: int, translations: int = 1) -> float:
    """Return the molecules of the asymmetric unit.

    Parameters
    ----------
    number : int
        The space group, 1 to 230.
    Z : int
        Molecules in the cell that is at hand, conventional or primitive.
    translations : int
        Pure translations in that cell, the identity included: `pure_translations`. It is 1 for a primitive cell.

    Returns
    -------
    float
        Z / (translations x order of the point group); below 1 where molecules lie on elements of symmetry.

    Raises
    ------
    InputError
        When it is no number of a space group.
    """
    return Z / (translations * point_operations(number))


def pure_translations(structure: Structure, tolerance: float = TOLERANCE) -> int:
    """Return how often the cell of a crystal holds its lattice: 1 for a primitive cell, 2 for one centred in C.

    Parameters
    ----------
    structure : Structure
        A crystal, its atoms in any order.
    tolerance : float
        How far an atom may lie from the image of another, Å.

    Raises
    ------
    InputError
        For a structure without a lattice or without atoms.
    """
    if structure.lattice is None or not len(structure):
        raise InputError(f"{structure.struct_id}: no crystal, which has no translations")
    species = np.asarray(structure.species)
    names, counts = np.unique(species, return_counts=True)
    places = structure.positions @ np.linalg.inv(structure.lattice)
    rarest = places[species == names[np.argmin(counts)]]
    steps = rarest[1:] - rarest[0]
    near = [
        np.linalg.norm((n * steps - np.rint(n * steps)) @ structure.lattice, axis=1) < n * tolerance for n in ORDERS
    ]
    return 1 + sum(_maps(structure, places, species, step, tolerance) for step in steps[np.any(near, axis=0)])


def _maps(structure: Structure, places: np.ndarray, species: np.ndarray, step: np.ndarray, tolerance: float) -> bool:
    """Tell whether every atom comes to lie on one of its kind."""
    for name in np.unique(species):
        these = places[species == name]
        apart = these[:, None] + step - these[None]
        lengths = np.linalg.norm((apart - np.rint(apart)) @ structure.lattice, axis=2)
        if not (lengths.min(axis=1) < tolerance).all():
            return False
    return True


def _operations(number: int) -> gemmi.GroupOps:
    if not 1 <= number <= 230:
        raise InputError(f"{number} is no space group; they are numbered from 1 to 230")
    group = gemmi.find_spacegroup_by_number(number)
    assert group is not None
    return group.operations()
