"""A crystal at another volume."""

from __future__ import annotations

import numpy as np

from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError


def at_volume(structure: Structure, scale: float, rigid_molecules: bool = False) -> Structure:
    """Return a crystal with its cell enlarged or reduced alike in all directions.

    Parameters
    ----------
    structure : Structure
        A crystal.
    scale : float
        New volume in units of the old one.
    rigid_molecules : bool, optional
        Move every molecule as a whole, by the mean of its positions, so that its bonds keep their lengths; by default
        every atom keeps its fractional coordinates.

    Returns
    -------
    Structure
        With the struct_id and no properties.

    Raises
    ------
    InputError
        For a molecule; with rigid molecules for a crystal that is not made of molecules.
    """
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id or 'the structure'} is a molecule: it has no volume")
    factor = float(np.cbrt(scale))
    if not rigid_molecules:
        return Structure(
            structure.lattice * factor, structure.species, structure.positions * factor, {}, structure.struct_id
        )
    whole = whole_molecules(structure)
    if "number_of_atoms_in_molecule" not in whole.properties:
        raise InputError(f"{structure.struct_id or 'the structure'} is of several kinds of molecules")
    molecules = whole.positions.reshape(-1, whole.properties["number_of_atoms_in_molecule"], 3)
    centres = molecules.mean(axis=1, keepdims=True)
    positions = (molecules + (factor - 1) * centres).reshape(-1, 3)
    return Structure(structure.lattice * factor, whole.species, positions, {}, structure.struct_id)
