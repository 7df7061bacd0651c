"""Space groups and Niggli cells of molecular crystals, through spglib."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import spglib
from ase.data import atomic_numbers
from numpy.typing import NDArray

from genarris_fw.crystal.cells import cell_properties
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


def space_group(structure: Structure, symprec: float = 1e-2) -> int:
    """Return the number of the space group that spglib finds.

    Parameters
    ----------
    structure : Structure
        A crystal.
    symprec : float, optional
        Largest displacement in Å of an atom from the place that symmetry gives it.

    Returns
    -------
    int
        1 to 230, or 0 where spglib finds none (for example where atoms overlap).

    Raises
    ------
    InputError
        For a molecule.

    Examples
    --------
    >>> from genarris_fw.crystal import read, space_group
    >>> [urea] = read("examples/urea/urea.cif")
    >>> space_group(urea)
    113
    """
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id or 'the structure'} is a molecule: it has no space group")
    dataset = symmetry_dataset(structure, symprec)
    return 0 if dataset is None else int(dataset.number)


def symmetry_dataset(structure: Structure, symprec: float, hall_number: int = 0) -> Any:
    """Return spglib's dataset of a crystal, or None where it finds no symmetry (as where atoms overlap).

    `hall_number` asks for a setting of spglib's 530; 0 is the first one of the group.
    """
    numbers = [atomic_numbers[name] for name in structure.species]
    cell: Any = (structure.lattice, structure.fractional, numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return spglib.get_symmetry_dataset(cell, symprec=symprec, hall_number=hall_number)
        except Exception:  # the class of spglib's errors differs between its versions
            return None


def niggli_reduce(structure: Structure, n_molecules: int) -> Structure:
    """Describe a crystal in its Niggli cell, whole molecule by whole molecule.

    The cell keeps its volume and all its molecules: a centred cell is not made primitive. The crystal is
    turned, never mirrored, so that the lattice is lower triangular with a positive diagonal: a along x, b in
    the xy plane, right-handed.

    Parameters
    ----------
    structure : Structure
        A crystal whose atoms come molecule after molecule, each molecule whole.
    n_molecules : int
        Number of molecules in the cell.

    Returns
    -------
    Structure
        The same atoms in the same order. Each molecule is moved by lattice vectors so that the mean of its
        positions lies in the cell. The properties of the cell (``a`` ... ``cell_vol``) are those of the new
        one.

    Raises
    ------
    InputError
        Where the atoms cannot be shared out evenly to the molecules, or the cell has no Niggli form.
    """
    n_atoms = len(structure)
    if n_molecules < 1 or n_atoms % n_molecules:
        raise InputError(f"{structure.struct_id or 'structure'}: {n_atoms} atoms do not make {n_molecules} molecules")
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id or 'the structure'} is a molecule: it has no Niggli cell")
    [reduced] = niggli_lattices(structure.lattice[None], structure.struct_id)
    lattice = np.linalg.cholesky(reduced @ reduced.T)
    positions = structure.positions @ np.linalg.solve(reduced, lattice)
    molecules = positions.reshape(n_molecules, -1, 3)
    centres = molecules.mean(axis=1) @ np.linalg.inv(lattice)
    molecules = molecules - (np.floor(centres + 1e-6) @ lattice)[:, None]
    result = structure.copy()
    result.lattice = np.asarray(lattice, dtype=float)
    result.positions = molecules.reshape(-1, 3)
    result.properties |= cell_properties(result)
    return result


def niggli_lattices(lattices: Floats, name: str = "") -> Floats:
    """Return the right-handed Niggli vectors of some lattices as exact whole-number combinations of the given ones.

    Parameters
    ----------
    lattices : (m, 3, 3) array
        Rows are lattice vectors, Å.
    name : str, optional
        What an error calls the crystal.

    Returns
    -------
    (m, 3, 3) array
        Å.

    Raises
    ------
    InputError
        Where spglib finds no Niggli form.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reduced = [spglib.niggli_reduce(lattice) for lattice in lattices]
        except Exception:  # the class of spglib's errors differs between its versions
            reduced = [None]
    if all(found is not None for found in reduced):
        combinations = np.rint(np.array(reduced) @ np.linalg.inv(lattices))
        signs = np.linalg.det(combinations)
        if (np.abs(np.abs(signs) - 1.0) < 1e-6).all():
            vectors = combinations @ lattices
            return np.asarray(vectors * np.sign(np.linalg.det(vectors))[:, None, None])
    raise InputError(f"{name or 'structure'}: the cell has no Niggli form; its vectors are almost in a plane")
