"""A crystal in the standard setting of its space group."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.cells import cell_properties
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.symmetry import symmetry_dataset
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


def standard_setting(structure: Structure, symprec: float = 1e-2) -> Structure:
    """Describe a crystal in the standard setting of International Tables A: its axes and its origin.

    Parameters
    ----------
    structure : Structure
        A crystal.
    symprec : float, optional
        Largest displacement in Å of an atom from the place that symmetry gives it.

    Returns
    -------
    Structure
        The same crystal, neither turned nor symmetrised. Unique axis b and cell choice 1 where it is monoclinic,
        hexagonal axes where it is rhombohedral, the origin at an inversion (choice 2) where there are two. Molecule
        after molecule, where there are molecules; the cell can hold another number of them. It has the properties
        ``spg``, ``Z``, ``number_of_atoms_in_molecule`` and those of the cell; others may depend on the cell.

    Raises
    ------
    InputError
        For a molecule, or where spglib finds no symmetry.

    Examples
    --------
    >>> from genarris_fw.crystal import read, standard_setting
    >>> [urea] = read("examples/urea/urea.cif")
    >>> [round(x, 3) for x in standard_setting(urea).cell_parameters]
    [5.565, 5.565, 4.684, 90.0, 90.0, 90.0]
    """
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id or 'the structure'} is a molecule: it has no space group")
    dataset = _dataset(structure, symprec)
    if dataset is None:
        raise InputError(f"{structure.struct_id or 'the structure'}: no space group is found; do atoms overlap")
    matrix: Floats = np.array(dataset.transformation_matrix, dtype=np.float64)  # x' = P x + p
    lattice = np.linalg.inv(matrix).T @ structure.lattice
    if np.linalg.det(lattice) < 0:
        lattice, matrix = -lattice, -matrix
        origin = -np.array(dataset.origin_shift)
    else:
        origin = np.array(dataset.origin_shift)
    cells = _cells(matrix)
    places = (structure.fractional @ matrix.T + origin)[:, None] + cells
    species = [name for name in structure.species for _ in cells]
    places, species = _once(places.reshape(-1, 3), species, lattice, symprec)
    result = Structure(lattice, species, places @ lattice, {"spg": int(dataset.number)}, structure.struct_id)
    try:
        result = whole_molecules(result)
    except InputError:  # no separate molecules
        result.positions = (places - np.floor(places + 1e-9)) @ lattice
    result.properties |= cell_properties(result)
    return result


def _dataset(structure: Structure, symprec: float) -> Any:
    """Return spglib's dataset for the standard setting; of two origins spglib itself takes the first."""
    dataset = symmetry_dataset(structure, symprec)
    if dataset is None or dataset.choice != "1":
        return dataset
    # In the database the second origin of a group stands behind the first.
    return symmetry_dataset(structure, symprec, int(dataset.hall_number) + 1)


def _cells(matrix: Floats) -> Floats:
    """The translations of the old lattice within the new cell, in its vectors; zero is the first."""
    number = max(1, round(1 / abs(np.linalg.det(matrix))))
    if number == 1:
        return np.zeros((1, 3))
    reach = range(number)
    found = np.array([matrix @ np.array(cell) for cell in product(reach, reach, reach)])
    wrapped = found - np.floor(found + 1e-6)
    _, first = np.unique(np.rint(wrapped * 1e4).astype(np.int64) % 10_000, axis=0, return_index=True)
    return np.asarray(wrapped[np.sort(first)])


def _once(places: Floats, species: list[str], lattice: Floats, symprec: float) -> tuple[Floats, list[str]]:
    """Leave out atoms that are images of earlier ones, as in a cell that was larger than it need be."""
    kept: list[int] = []
    for i, place in enumerate(places):
        same = [k for k in kept if species[k] == species[i]]
        apart = places[same] - place
        if not same or (((apart - np.rint(apart)) @ lattice) ** 2).sum(axis=1).min() > (2 * symprec) ** 2:
            kept.append(i)
    return places[kept], [species[i] for i in kept]
