"""A crystal that is symmetric within some hundredths of an Å, made exactly so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


def symmetrised(structure: Structure, rotations: NDArray[np.int64], translations: Floats) -> tuple[Structure, float]:
    """Put lattice and atoms of a crystal where the operations of a space group have them.

    The metric of the lattice becomes its mean over the rotations, and every atom the mean of its images under all
    operations, as in R. W. Grosse-Kunstleve, P. D. Adams, Acta Cryst. A58, 60 (2002).

    Parameters
    ----------
    structure : Structure
        A crystal.
    rotations : (m, 3, 3) array of int
        Of all operations of the group, in the crystal's cell.
    translations : (m, 3) array
        Fractional.

    Returns
    -------
    (Structure, float)
        The crystal, a along x and b in the xy plane, with the same properties, and the largest displacement in Å.

    Raises
    ------
    InputError
        Where an operation puts an atom nearer to none of its kind than to two: the group is none of the crystal.
    """
    metric = structure.cell @ structure.cell.T
    # x' = W x: distances stay where W^T G W is G, with the lattice vectors in rows of the cell.
    mean = np.mean(rotations.transpose(0, 2, 1) @ metric @ rotations, axis=0)
    lattice = np.linalg.cholesky(mean)
    places = structure.fractional
    kinds = np.unique(structure.species, return_inverse=True)[1]
    total = np.zeros_like(places)
    farthest = 0.0
    for kind in range(kinds.max(initial=-1) + 1):
        atoms = np.flatnonzero(kinds == kind)
        own = places[atoms]
        for rotation, translation in zip(rotations, translations, strict=True):
            apart = (own @ rotation.T + translation)[:, None] - own
            apart -= np.rint(apart)
            nearest = ((apart @ lattice) ** 2).sum(axis=2).argmin(axis=1)
            if len(set(nearest.tolist())) < len(atoms):
                raise InputError(f"{structure.struct_id or 'the structure'}: its atoms do not have this symmetry")
            total[atoms[nearest]] += apart[np.arange(len(atoms)), nearest]
    moved = total / len(rotations)
    if len(moved):
        farthest = float(np.sqrt(((moved @ lattice) ** 2).sum(axis=1)).max())
    result = structure.copy()
    result.lattice, result.positions = lattice, (places + moved) @ lattice
    return result, farthest
