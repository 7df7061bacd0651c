"""The user's molecule, from a file of molecules, a crystal, or SMILES; or one line that says what is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from genarris_fw.crystal.atom_properties import permuted
from genarris_fw.crystal.bonds import bonds, connected_components, touching
from genarris_fw.crystal.conformers import from_smiles
from genarris_fw.crystal.formats.conformer_energies import EV
from genarris_fw.crystal.formats.files import PathLike, read
from genarris_fw.crystal.molecules import shifts_to_whole
from genarris_fw.crystal.pieces import different, in_words
from genarris_fw.crystal.plausible import check_contacts, check_hydrogens_there, in_bohr, stretched, torn
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.names import SCHEME, is_smiles

OVERLAP_FACTOR = 0.5
# What a molecule keeps of the properties in its file, beside those of atoms.
KEPT = ("charge", "multiplicity", "smiles", "conformer_energy")
CONGRUENT = 0.1  # Å: molecules of a crystal whose distances differ by more are different conformers


def read_molecule(path: PathLike, format: str | None = None, reading: Reading | None = None) -> Molecule:
    """Read one molecule.

    Parameters
    ----------
    path : path
        A file in any format of `genarris_fw.crystal.read`; of a crystal its molecule is taken. Or the text
        ``smiles: CC(=O)O``.
    format : str, optional
        The format, where the name does not tell it.
    reading : Reading, optional
        ``record`` chooses one of several records, ``component`` one of different molecules; without it, notes are
        warnings.

    Returns
    -------
    Molecule
        Its properties hold what the file says of single atoms, its charge, and the energy of a conformer.

    Raises
    ------
    InputError
        One line with the path: for a file that is missing, empty or unreadable; several records without a choice;
        atoms that overlap, a drawing, impossible bonds or valences, missing hydrogens; a salt, or different molecules
        without a choice; a charge.

    Examples
    --------
    >>> from genarris_fw.crystal import read_molecule
    >>> read_molecule("examples/urea/urea.in").formula
    'CH4N2O'
    """
    choices = reading or Reading()
    structures = _structures(path, format, choices)
    if len(structures) > 1:
        if not structures[0].properties.get("smiles"):
            raise InputError(
                f"{path}: {len(structures)} records; a run has one molecule: choose by record = n, from 1 to "
                f"{len(structures)}{_lowest(structures)}; `genarris-fw predict` searches several conformers together"
            )
        choices.note(f"the lowest of {len(structures)} conformers is taken; record = n takes another one")
    molecule = _molecule(structures[0], str(path), choices)
    if reading is None:
        choices.warn(str(path))
    return molecule


def read_molecules(path: PathLike, format: str | None = None, reading: Reading | None = None) -> list[Molecule]:
    """Read the conformers of one molecule.

    Parameters
    ----------
    path, format, reading
        As of `read_molecule`.

    Returns
    -------
    list of Molecule
        In the order of the file; where all state an energy, each has the property ``relative_energy`` (kJ/mol above
        the lowest).

    Raises
    ------
    InputError
        As of `read_molecule`; and for records that are not the same molecule.
    """
    choices = reading or Reading()
    structures = _structures(path, format, choices)
    several = len(structures) > 1
    found = [
        _molecule(one, f"{path}, record {number}" if several else str(path), choices)
        for number, one in enumerate(structures, start=1)
    ]
    kinds = {different(one.to_structure(), [range(len(one))])[0][0]: None for one in found}
    if len(kinds) > 1:
        raise InputError(
            f"{path}: records of different molecules ({', '.join(list(kinds)[:5])}); choose one by record = n, from 1 "
            f"to {len(found)}"
        )
    energies = [float(one.properties.get("conformer_energy", math.nan)) for one in found]
    if several and all(map(math.isfinite, energies)):
        for one, energy in zip(found, energies, strict=True):
            one.properties["relative_energy"] = energy - min(energies)
    elif several:
        choices.note(f"{len(found)} conformers without energies of all: only their crystals are compared")
    if reading is None:
        choices.warn(str(path))
    return found


def _structures(path: PathLike, format: str | None, choices: Reading) -> list[Structure]:
    if not is_smiles(path):
        structures = read(path, format, choices)
        for one in structures:  # the energies of json, extxyz and geometry.in files are in eV
            energy = one.properties.get("energy")
            alone = one.lattice is None and "conformer_energy" not in one.properties
            if alone and isinstance(energy, int | float):
                one.properties["conformer_energy"] = energy * EV
        return structures
    found, notes = from_smiles(str(path).strip()[len(SCHEME) :].strip(), "smiles")
    for note in notes:
        choices.note(note)
    if choices.record is None:
        return found
    if choices.record > len(found):
        raise InputError(f"{path}: record = {choices.record}, but there are {len(found)} conformers")
    return [found[choices.record - 1]]


def _lowest(structures: Sequence[Structure]) -> str:
    """Say which record has the lowest energy, where all state one."""
    energies = [float(one.properties.get("conformer_energy", math.nan)) for one in structures]
    if not all(map(math.isfinite, energies)):
        return ""
    return f" ({int(np.argmin(energies)) + 1} has the lowest energy)"


def checked_molecule(structure: Structure, where: str, reading: Reading | None = None) -> Molecule:
    """Return a structure without a lattice as a molecule, when it is one molecule.

    Parameters
    ----------
    structure : Structure
        What a file holds.
    where : str
        What an error calls it, for example the path.
    reading : Reading, optional
        ``component`` chooses one of different molecules.

    Returns
    -------
    Molecule

    Raises
    ------
    InputError
        For a lattice, atoms that overlap, more than one molecule, and a geometry that no molecule has.
    """
    if structure.lattice is not None:
        raise InputError(f"{where}: periodic (it has lattice vectors); give the molecule alone, without a lattice")
    return _molecule(structure, where, reading or Reading())


def _molecule(structure: Structure, where: str, reading: Reading) -> Molecule:
    overlapping = _overlap(structure)
    if overlapping is not None:
        i, j, distance = overlapping
        raise InputError(
            f"{where}: atoms {i + 1} ({structure.species[i]}) and {j + 1} ({structure.species[j]}) overlap: "
            f"{distance:.3f} Å apart; remove one or correct the positions"
        )
    if structure.lattice is None:
        check_contacts(structure, where)  # before bonds are chosen by valences
        positions = structure.positions
        parts = connected_components(len(structure), bonds(structure.species, positions))
    else:
        positions, parts = _of_crystal(structure, where)
    part = _chosen(structure, positions, parts, where, reading)
    one = Structure(
        None,
        [structure.species[atom] for atom in part],
        positions[list(part)],
        {name: structure.properties[name] for name in KEPT if structure.properties.get(name) is not None}
        | permuted(structure.properties, part),
    )
    if structure.lattice is not None:
        check_contacts(one, where)
    check_hydrogens_there(one, where)
    for line in stretched(one):
        reading.note(line)
    _check_charge(one.properties.get("charge"), where)
    return Molecule(one.species, one.positions, one.properties)


def _of_crystal(structure: Structure, where: str) -> tuple[Any, list[list[int]]]:
    """Positions with whole molecules, and the atoms of each."""
    try:
        shifts, parts = shifts_to_whole(structure)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return structure.positions + shifts @ structure.cell, parts


def _chosen(
    structure: Structure, positions: Any, parts: list[list[int]], where: str, reading: Reading
) -> Sequence[int]:
    """Return the atoms of the molecule that is meant; say how to choose where there are different ones."""
    whole = Structure(None, structure.species, positions)
    kinds = different(whole, parts)
    alone = len(kinds) == 1 and (len(parts) == 1 or structure.lattice is not None)
    if not alone and in_bohr(structure) and structure.lattice is None:
        raise InputError(f"{where}: no two atoms are near enough for a bond; are the positions in Bohr? Expected Å")
    names = [name for name, _ in kinds]
    if reading.component is not None:
        if reading.component > len(kinds):
            holds = f"one molecule, {names[0]}" if len(kinds) == 1 else f"{len(kinds)} different molecules"
            raise InputError(f"{where}: component = {reading.component}, but it holds {holds}")
        kinds = [kinds[reading.component - 1]]
    elif not alone:
        raise InputError(f"{where}: {_several(structure, parts, kinds)}")
    [(name, those)] = kinds
    if structure.lattice is not None:
        _note_conformers(whole, name, those, reading)
    return those[0]


def _several(structure: Structure, parts: list[list[int]], kinds: Sequence[tuple[str, Sequence[Any]]]) -> str:
    """Say what a file of several molecules is, and what can be done with it."""
    words, separable = in_words([(name, len(those)) for name, those in kinds])
    sizes = ", ".join(str(len(part)) for part in parts[:5]) + (", ..." if len(parts) > 5 else "")
    begin = ""
    if structure.lattice is None:
        begin = f"{len(parts)} molecules that no bond joins (of {sizes} atoms): {torn(structure, parts)}"
    if not separable:
        return f"{begin}{words}; crystals of ions cannot be searched yet: give a neutral molecule"
    listed = ", ".join(f"{number} = {name}" for number, (name, _) in enumerate(kinds, start=1))
    if len(kinds) == 1:
        return f"{begin}{words}; a molecule file holds one molecule: take one by component = 1"
    return (
        f"{begin}{words}; crystals of several kinds of molecules cannot be searched yet: give one molecule by "
        f"component = n ({listed})"
    )


def _note_conformers(whole: Structure, name: str, those: Sequence[Sequence[int]], reading: Reading) -> None:
    """Say that the molecules of a crystal have different forms, of which the first is taken."""
    forms: list[Any] = []
    for part in those:
        form = _distances(whole, part)
        if all(np.abs(form - one).max(initial=0.0) > CONGRUENT for one in forms):
            forms.append(form)
    if len(forms) > 1:
        reading.note(f"{len(forms)} independent molecules {name} of different form: the first is taken")
    else:
        reading.note(f"the molecule {name} of the crystal taken")


def _distances(whole: Structure, part: Sequence[int]) -> Any:
    """Distances of a molecule's atoms, by their elements: the same for congruent ones and mirror images."""
    order = sorted(part, key=lambda atom: whole.species[atom])
    points = whole.positions[order]
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    elements = np.array([whole.species[atom] for atom in order])
    kinds = sorted(set(elements))
    return np.concatenate(
        [np.sort(distances[np.ix_(elements == one, elements == other)].ravel()) for one in kinds for other in kinds]
    )


def _check_charge(charge: object, where: str) -> None:
    """Refuse the charge of an ion: its crystal alone would not be neutral."""
    if charge is None or charge == 0:
        return
    if not isinstance(charge, int | float) or isinstance(charge, bool) or charge != round(charge):
        raise InputError(f"{where}: charge = {charge}; expected a whole number of elementary charges")
    raise InputError(
        f"{where}: an ion of charge {int(charge):+d}; its crystal needs another ion, and crystals of ions cannot be "
        "searched yet: give a neutral molecule (a zwitterion is one)"
    )


def _overlap(structure: Structure) -> tuple[int, int, float] | None:
    """The pair of atoms that overlaps most: closer than half the sum of their covalent radii."""
    radii = natural_cutoffs(structure.species, OVERLAP_FACTOR)
    pairs = touching(structure.positions, radii)
    return min(pairs, key=lambda pair: pair[2] / (radii[pair[0]] + radii[pair[1]]), default=None)
