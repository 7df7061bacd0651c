"""The independent molecules of a crystal and the operations that make the others, made exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.crystal.symmetry import niggli_reduce, symmetry_dataset
from genarris_fw.errors import InputError
from genarris_fw.generation.freedom import Operations
from genarris_fw.generation.sites import symmetrised

Floats = NDArray[np.float64]

MOST_PARTS = 2
LOOSER = (1e-2, 5e-2)  # Å: as exact as symmetry is in relaxed crystals, and in files that give three decimals
_GRID = 24  # translations of the standard settings are multiples of 1/24


@dataclass(frozen=True, eq=False)
class AsymmetricUnit:
    """A crystal as independent molecules and operations.

    Attributes
    ----------
    lattice : (3, 3) array
        Rows, Å, right-handed; exactly as symmetric as the operations say.
    operations : Operations
        Of the cell at hand, all its lattice centrings included.
    space_group : int
        1 to 230.
    coordinates, centres : (parts, n, 3), (parts, 3) arrays
        The independent molecules about their centres (Å) and their fractional centres, on their sites exactly.
    origin : list of (int, int)
        For every molecule of the cell, in the structure's order: its part and the operation that makes it.
    species : list of str
        Of one molecule.
    """

    lattice: Floats
    operations: Operations
    space_group: int
    coordinates: Floats
    centres: Floats
    origin: list[tuple[int, int]]
    species: list[str]

    @property
    def molecule(self) -> Molecule:
        """The first independent molecule."""
        return Molecule(self.species, self.coordinates[0])

    def structure(self, lattice: Floats, rotations: Floats, centres: Floats) -> Structure:
        """Return the crystal in a strained cell, its independent molecules turned and moved.

        Parameters
        ----------
        lattice, rotations, centres : (3, 3), (parts, 3, 3), (parts, 3) arrays
            As in the attributes; a strain must commute with the operations.
        """
        positions = []
        for part, k in self.origin:
            atoms = self.coordinates[part] @ rotations[part].T @ self.operations.turns[k].T
            centre = self.operations.rotations[k] @ centres[part] + self.operations.translations[k]
            positions.append(atoms + (centre % 1.0) @ lattice)
        return Structure(lattice, self.species * len(self.origin), np.concatenate(positions))


def asymmetric_unit(structure: Structure, symprec: float = 1e-3) -> AsymmetricUnit:
    """Find the independent molecules of a crystal of one kind of molecule.

    Parameters
    ----------
    structure : Structure
        A crystal; with the property ``number_of_atoms_in_molecule`` it is taken to be sorted molecule after molecule,
        else molecules are what is bonded together.
    symprec : float
        How exactly the symmetry must be there, Å. Only where more than two molecules are independent then, as in
        crystals whose atoms somebody moved or rounded, is symmetry looked for that is there less exactly (`LOOSER`).

    Raises
    ------
    InputError
        For a structure without a lattice, of different molecules, with more than two independent ones, or whose
        symmetry spglib cannot find.
    """
    name = structure.struct_id or "the structure"
    whole, size = _sorted(structure, name)
    Z = len(whole) // size
    if whole.lattice is not None and np.linalg.det(whole.lattice) < 0:
        whole = niggli_reduce(whole, Z)  # right-handed
    first: InputError | None = None
    for tolerance in (symprec, *(looser for looser in LOOSER if looser > symprec)):
        try:
            return _unit(whole, size, tolerance, name)
        except InputError as error:
            first = first or error
    assert first is not None
    raise first


def _unit(whole: Structure, size: int, symprec: float, name: str) -> AsymmetricUnit:
    """The asymmetric unit by the symmetry that is there so exactly."""
    Z = len(whole) // size
    rotations, translations, number = exact_operations(whole, symprec, name)
    assert whole.lattice is not None
    lattice = exact_lattice(whole.lattice, rotations)
    turns = lattice.T @ rotations @ np.linalg.inv(lattice.T)
    operations = Operations(rotations, translations, turns)
    molecules = (whole.fractional @ lattice).reshape(Z, size, 3)
    centres = molecules.mean(axis=1) @ np.linalg.inv(lattice)
    tol = 10 * symprec / np.linalg.norm(lattice, axis=1).min()
    parts: list[int] = []
    origin: list[tuple[int, int]] = [(-1, -1)] * Z
    for m in range(Z):
        if origin[m][0] >= 0:
            continue
        for k, image in enumerate(operations.images(centres[m])):
            offset = centres - image
            near = np.flatnonzero((np.abs(offset - np.rint(offset)) < tol).all(axis=1))
            if len(near) != 1:
                raise InputError(f"{name}: an operation of group {number} does not map molecules onto molecules")
            if origin[near[0]][0] < 0:
                origin[near[0]] = (len(parts), k)
        parts.append(m)
    if len(parts) > MOST_PARTS:
        raise InputError(f"{name}: {len(parts)} independent molecules; at most {MOST_PARTS} can be handled")
    species = whole.species[:size]
    coordinates, exact = [], []
    for m in parts:
        stabiliser = operations.stabiliser(centres[m], tol)
        images = operations.images(centres[m])[stabiliser]
        exact.append((images - np.rint(images - centres[m])).mean(axis=0))
        molecule = Molecule(species, molecules[m])
        coordinates.append(symmetrised(molecule, turns[stabiliser], np.eye(3)[None])[0])
    return AsymmetricUnit(lattice, operations, number, np.array(coordinates), np.array(exact), origin, species)


def _sorted(structure: Structure, name: str) -> tuple[Structure, int]:
    """The crystal molecule after molecule, and the atoms of one; all molecules must have the same atoms in order."""
    if structure.lattice is None:
        raise InputError(f"{name} is a molecule: it has no symmetry operations of a crystal")
    size = structure.properties.get("number_of_atoms_in_molecule")
    if not size:
        structure = whole_molecules(structure)
        size = structure.properties.get("number_of_atoms_in_molecule")
    if not size or len(structure) % int(size):
        raise InputError(f"{name}: not a crystal of one kind of molecule")
    size = int(size)
    kinds = [structure.species[k : k + size] for k in range(0, len(structure), size)]
    if any(kind != kinds[0] for kind in kinds):
        raise InputError(f"{name}: its molecules differ in their atoms or in the order of these")
    return structure, size


def exact_operations(structure: Structure, symprec: float, name: str) -> tuple[Floats, Floats, int]:
    """Return rotations, exact translations and the number of the space group, for the cell of the structure.

    Raises
    ------
    InputError
        Where spglib finds no group within `symprec` (Å); `name` is what the message calls the structure.
    """
    data = symmetry_dataset(structure, symprec)
    if data is None:
        raise InputError(f"{name}: spglib finds no space group; do atoms overlap?")
    rotations, translations = np.array(data.rotations, dtype=float), np.array(data.translations)
    # In the standard setting translations are exact fractions.
    to_standard, shift = np.array(data.transformation_matrix), np.array(data.origin_shift)
    back = np.linalg.inv(to_standard)
    standard = to_standard @ rotations @ back
    exact = translations @ to_standard.T + shift - standard @ shift
    exact = np.rint(exact * _GRID) / _GRID
    translations = (exact - shift + standard @ shift) @ back.T
    identity = (rotations == np.eye(3)).all(axis=(1, 2))
    identity &= (np.abs(translations - np.rint(translations)) < 1e-6).all(axis=1)
    first = int(np.flatnonzero(identity)[0])
    order = [first, *(k for k in range(len(rotations)) if k != first)]
    return rotations[order], translations[order] % 1.0, int(data.number)


def exact_lattice(lattice: Floats, rotations: Floats) -> Floats:
    """Return the lattice with the metric averaged over fractional rotations (g, 3, 3); lower triangular."""
    metric = lattice @ lattice.T
    return np.asarray(np.linalg.cholesky((rotations.transpose(0, 2, 1) @ metric @ rotations).mean(axis=0)))
