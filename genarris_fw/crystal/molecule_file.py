"""The user's molecule file: one whole, non-periodic molecule, or one line that says what it is instead."""

from __future__ import annotations

from genarris_fw.crystal.bonds import bonds, connected_components, touching
from genarris_fw.crystal.formats import PathLike, read
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

OVERLAP_FACTOR = 0.5


def read_molecule(path: PathLike, format: str | None = None) -> Molecule:
    """Read a file that holds one molecule.

    Parameters
    ----------
    path : path
        The file, in any format of `genarris_fw.crystal.read`.
    format : str, optional
        The format, where the name does not tell it.

    Returns
    -------
    Molecule

    Raises
    ------
    InputError
        One line with the path: for a file that is missing, empty or unreadable, several structures, a
        lattice, atoms that overlap, or atoms that form more than one molecule.
    """
    structures = read(path, format)
    if len(structures) != 1:
        raise InputError(f"{path}: {len(structures)} structures; a molecule file holds one molecule")
    return checked_molecule(structures[0], str(path))


def checked_molecule(structure: Structure, where: str) -> Molecule:
    """Return a structure without a lattice as a molecule, when it is one molecule.

    Parameters
    ----------
    structure : Structure
        What a file holds.
    where : str
        What an error calls it, for example the path.

    Returns
    -------
    Molecule

    Raises
    ------
    InputError
        For a lattice, atoms that overlap, or more than one molecule.
    """
    if structure.lattice is not None:
        raise InputError(f"{where}: periodic (it has lattice vectors); give the molecule alone, without a lattice")
    overlapping = _overlap(structure)
    if overlapping is not None:
        i, j, distance = overlapping
        raise InputError(
            f"{where}: atoms {i + 1} ({structure.species[i]}) and {j + 1} ({structure.species[j]}) overlap: "
            f"{distance:.3f} Å apart; remove one or correct the positions"
        )
    parts = connected_components(len(structure), bonds(structure.species, structure.positions))
    if len(parts) > 1:
        sizes = ", ".join(str(len(part)) for part in parts[:5]) + (", ..." if len(parts) > 5 else "")
        raise InputError(
            f"{where}: {len(parts)} molecules that no bond joins (of {sizes} atoms); a molecule file holds one molecule"
        )
    return Molecule(structure.species, structure.positions)


def _overlap(structure: Structure) -> tuple[int, int, float] | None:
    """The pair of atoms that overlaps most: closer than half the sum of their covalent radii."""
    radii = natural_cutoffs(structure.species, OVERLAP_FACTOR)
    pairs = touching(structure.positions, radii)
    return min(pairs, key=lambda pair: pair[2] / (radii[pair[0]] + radii[pair[1]]), default=None)
