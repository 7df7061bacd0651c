"""The primitive cell of a crystal whose given cell holds it several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.symmetry import symmetry_dataset

# Å; atoms nearer to a translation's image than this are the same.
SYMPREC = 1e-4


def primitive_cell(structure: Structure, symprec: float = SYMPREC) -> tuple[Structure, NDArray[np.int64]]:
    """Return the primitive cell and, for each atom of the given cell, the number of its atom there.

    Orientation and positions are kept: each atom of the primitive cell is the first of those it stands for.

    Parameters
    ----------
    structure : Structure
        A crystal.
    symprec : float
        Å.

    Returns
    -------
    primitive : Structure
    atoms : (n,) ndarray of int
    """
    dataset = symmetry_dataset(structure, symprec)
    assert structure.lattice is not None
    everyone = np.arange(len(structure))
    if dataset is None:
        return structure, everyone
    first, atoms = np.unique(np.asarray(dataset.mapping_to_primitive), return_inverse=True)[:2]
    if len(first) == len(structure):
        return structure, everyone
    # The given vectors are whole-number combinations of the primitive ones: rounding takes spglib's noise out.
    combinations = np.round(structure.lattice @ np.linalg.inv(np.asarray(dataset.primitive_lattice)))
    kept = [int(np.flatnonzero(atoms == number)[0]) for number in range(len(first))]
    return (
        Structure(
            np.linalg.inv(combinations) @ structure.lattice,
            [structure.species[i] for i in kept],
            structure.positions[kept],
            struct_id=structure.struct_id,
        ),
        np.asarray(atoms, dtype=np.int64).reshape(-1),
    )


def primitive_cell_of_molecules(structure: Structure, size: int, symprec: float = SYMPREC) -> Structure:
    """Return the primitive cell of a crystal whose molecules, of `size` atoms, follow each other; they stay whole."""
    primitive, atoms = primitive_cell(structure, symprec)
    if primitive is structure:
        return structure
    # A molecule may be turned onto another: which atoms it has tells, not the order that they have.
    _, kept = np.unique(atoms.reshape(-1, size).min(axis=1), return_index=True)
    rows = (np.sort(kept)[:, None] * size + np.arange(size)).ravel()
    if len(rows) != len(primitive):  # a translation of the atoms is none of the molecules
        return structure
    species = [structure.species[i] for i in rows]
    return Structure(primitive.lattice, species, structure.positions[rows], {"number_of_atoms_in_molecule": size})
