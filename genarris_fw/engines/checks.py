"""What is looked at before and after a calculation: overlapping atoms, finite numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from matscipy.neighbours import neighbour_list
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import EngineError

# Atoms nearer than this part of the sum of their covalent radii lie on top of each other.
OVERLAP_FACTOR = 0.5
# A relaxed cell below this part of its volume before is flagged as collapsed.
COLLAPSED_PART = 0.6
# Atoms per Å3 that no molecular crystal reaches (urea 0.11, ice 0.1, diamond 0.18).
HIGHEST_ATOM_DENSITY = 0.35

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]


def neighbours(structure: Structure, cutoff: float) -> tuple[Integers, Integers, Integers, Floats]:
    """All pairs of atoms nearer than ``cutoff`` (Å), periodic images included, in both directions.

    Returns
    -------
    first, second, shifts, vectors : ndarray
        As of `near_pairs`.
    """
    atoms = structure.to_ase()
    if structure.lattice is None:
        atoms.positions -= atoms.positions.min(axis=0) - cutoff
        atoms.cell = np.diag(atoms.positions.max(axis=0) + cutoff)
    i, j, shifts, vectors = neighbour_list("ijSD", atoms, cutoff=cutoff)
    return i, j, shifts, vectors


def near_pairs(structure: Structure, factor: float) -> tuple[Integers, Integers, Integers, Floats]:
    """Pairs of atoms within ``factor`` times the sum of their covalent radii, periodic images included.

    Parameters
    ----------
    structure : Structure
        A crystal or a molecule.
    factor : float
        Multiplies the radii.

    Returns
    -------
    first, second : (p,) ndarray of int
        Atom numbers; each pair comes in both directions.
    shifts : (p, 3) ndarray of int
        The cell that the second atom lies in.
    vectors : (p, 3) ndarray
        Å, from the first to the second atom.
    """
    numbers = np.array([atomic_numbers[name] for name in structure.species])
    radii = factor * covalent_radii[numbers]
    i, j, shifts, vectors = neighbours(structure, 2.0 * float(radii.max()))
    near = np.linalg.norm(vectors, axis=1) < radii[i] + radii[j]
    return i[near], j[near], shifts[near], vectors[near]


def refuse_overlaps(structure: Structure) -> None:
    """Refuse a structure that no engine can compute.

    Raises
    ------
    EngineError
        Kind ``input``, permanent: no atoms, atoms on top of each other, or a cell without room for its atoms.
    """
    name = structure.struct_id or "the structure"
    if not len(structure):
        raise EngineError(f"{name}: there are no atoms to compute", kind="input", permanent=True)
    if structure.lattice is not None and len(structure) > HIGHEST_ATOM_DENSITY * structure.cell_volume:
        raise EngineError(
            f"{name}: {len(structure)} atoms in {structure.cell_volume:.4g} Å3; check the lattice vectors",
            kind="input",
            permanent=True,
        )
    i, j, _, vectors = near_pairs(structure, OVERLAP_FACTOR)
    if len(i):
        worst = int(np.argmin(np.linalg.norm(vectors, axis=1)))
        a, b = int(i[worst]), int(j[worst])
        raise EngineError(
            f"{name}: atoms {a + 1} ({structure.species[a]}) and {b + 1} ({structure.species[b]}) overlap, "
            f"{np.linalg.norm(vectors[worst]):.3f} Å apart; such a structure has no usable energy",
            kind="input",
            permanent=True,
        )


def refuse_not_finite(name: str, energy: float, *arrays: NDArray[np.float64] | None) -> None:
    """Refuse numbers that are not finite.

    Raises
    ------
    EngineError
        Kind ``crash``, permanent.
    """
    if not np.isfinite(energy) or any(a is not None and not np.isfinite(a).all() for a in arrays):
        raise EngineError(
            f"{name}: the engine gave an energy, force or stress that is not a finite number; "
            "look at the structure, or take another engine",
            kind="crash",
            permanent=True,
        )
