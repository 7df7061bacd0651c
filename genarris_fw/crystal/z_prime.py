"""Z': how many molecules the asymmetric unit of a crystal has."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Å: how far an atom may lie from the image of another, so that relaxed coordinates still count as symmetric.
TOLERANCE = 0.2
# Pairs of atoms that are looked at together.
AT_ONCE = 200_000


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
    return int(
        translations_of_many(structure.species, structure.lattice[None], structure.positions[None], tolerance)[0]
    )


def translations_of_many(
    species: Sequence[str], lattices: Floats, positions: Floats, tolerance: float = TOLERANCE
) -> NDArray[np.int64]:
    """Return what `pure_translations` does of m crystals of the same n atoms in one order.

    Parameters
    ----------
    species : sequence of str
        n elements.
    lattices : (m, 3, 3) ndarray
        Rows are lattice vectors, Å.
    positions : (m, n, 3) ndarray
        Cartesian, Å.
    tolerance : float
        As of `pure_translations`.

    Returns
    -------
    (m,) ndarray of int
    """
    _, kinds, counts = np.unique(np.asarray(species), return_inverse=True, return_counts=True)
    rarest = kinds == np.argmin(counts)
    places = positions @ np.linalg.inv(lattices)
    # A translation brings the first atom of the rarest kind to one of the others.
    steps = places[:, rarest][:, 1:] - places[:, rarest][:, :1]
    which, step = (rows.ravel() for rows in np.indices(steps.shape[:2]))
    for alike in (rarest, np.ones(len(kinds), dtype=bool)):  # the few atoms of one kind tell most that are none
        kept = np.zeros(len(which), dtype=bool)
        at_once = max(1, AT_ONCE // int(alike.sum()) ** 2)
        for first in range(0, len(which), at_once):
            some = slice(first, first + at_once)
            kept[some] = _maps(places[which[some]][:, alike], kinds[alike], steps[which[some], step[some]],
                               lattices[which[some]], tolerance)  # fmt: skip
        which, step = which[kept], step[kept]
    return 1 + np.bincount(which, minlength=len(lattices))


def _maps(places: Floats, kinds: NDArray[np.int64], steps: Floats, lattices: Floats, tolerance: float) -> Mask:
    """Tell of each of p crystals whether its step brings every atom to lie on one of its kind."""
    p, n = places.shape[:2]
    apart = places[:, :, None] - places[:, None] + steps[:, None, None]
    apart -= np.rint(apart)
    squares = ((apart.reshape(p, n * n, 3) @ lattices) ** 2).sum(axis=-1).reshape(p, n, n)
    squares[:, kinds[:, None] != kinds[None]] = np.inf
    return np.asarray((squares.min(axis=2) < tolerance**2).all(axis=1))


def _operations(number: int) -> gemmi.GroupOps:
    if not 1 <= number <= 230:
        raise InputError(f"{number} is no space group; they are numbered from 1 to 230")
    group = gemmi.find_spacegroup_by_number(number)
    assert group is not None
    return group.operations()
