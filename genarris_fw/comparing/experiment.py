"""The measured crystal: read, with what has to be said of it, and in which form a pool's crystals compare with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import gcd
from pathlib import Path

from genarris_fw.clustering.fingerprints import molecules_of
from genarris_fw.clustering.kinds import Kind
from genarris_fw.crystal import Molecule, Reading, Structure, read
from genarris_fw.crystal.pieces import formula, in_words
from genarris_fw.crystal.symmetry import symmetry_dataset
from genarris_fw.errors import InputError

REMARKS = "remarks"  # property of a measured crystal that is kept: what is to be said of it, one line each
SYMPREC = 0.05  # Å: a measured crystal's atoms lie so near where its symmetry puts them
EXPECTED = "expected a crystal of the molecule of the pool"


@dataclass(frozen=True, eq=False)
class Experiment:
    """A measured crystal.

    Attributes
    ----------
    crystal : Structure
    remarks : tuple of str
        What is to be said of it wherever it is compared: disorder, several independent molecules, what its reader
        noted; one line each.
    """

    crystal: Structure
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        return self.crystal.struct_id or "the experiment"


@dataclass(frozen=True, eq=False)
class Form:
    """In which form crystals are compared with the measured one.

    Attributes
    ----------
    experiment : Structure
        The measured crystal, in this form.
    heavy : bool
        Whether hydrogens are left out of all of them.
    kinds : frozenset of Kind
        The different molecules of the experiment.
    molecule : Molecule or None
        The molecule that says which atoms are bonded, where it is known.
    remarks : tuple of str
        Those of the experiment, and why hydrogens are left out.
    """

    experiment: Structure
    heavy: bool
    kinds: frozenset[Kind]
    molecule: Molecule | None
    remarks: tuple[str, ...]

    def of(self, structure: Structure) -> Structure:
        """Return a crystal in this form."""
        return without_hydrogens(structure) if self.heavy else structure


def read_experiment(path: str | Path, record: int | None = None) -> Experiment:
    """Read a measured crystal; of one with disorder, the largest part.

    Parameters
    ----------
    path : path
        A CIF, or a file of another format that is read.
    record : int, optional
        Which of several crystals in it, from 1.

    Returns
    -------
    Experiment

    Raises
    ------
    InputError
        For a file that cannot be read, one that does not hold one crystal, or disorder of which no part is the largest.

    Examples
    --------
    >>> from genarris_fw.comparing import read_experiment
    >>> len(read_experiment("examples/urea/urea.cif").crystal)
    16
    """
    reading = Reading(disorder="major", record=record)
    structures = read(path, reading=reading)
    if len(structures) != 1:
        raise InputError(f"{path}: holds {len(structures)} crystals; say which one (--record 1 to {len(structures)})")
    if structures[0].lattice is None:
        raise InputError(f"{path}: holds a structure without a cell; expected a crystal as it was measured")
    return of_crystal(structures[0], reading.notes)


def of_crystal(crystal: Structure | Experiment, notes: list[str] | tuple[str, ...] = ()) -> Experiment:
    """Return a crystal as an experiment, with what is to be said of it beside what its reader noted.

    Raises
    ------
    InputError
        For a molecule, or a crystal of which bonds run from cell to cell without end.
    """
    if isinstance(crystal, Experiment):
        return crystal
    said = list(notes)
    independent, Z_prime = independent_molecules(crystal)
    if independent > 1 or Z_prime > 1:
        said.append(f"Z' = {Z_prime:g}: {independent} independent molecules, each taken as the middle of a cluster")
    return Experiment(crystal, tuple(said))


def carry(experiment: Experiment) -> Structure:
    """Return a measured crystal with what is to be said of it as a property, so that it can be kept as plain values."""
    crystal = experiment.crystal.copy()
    crystal.properties[REMARKS] = list(experiment.remarks)
    return crystal


def carried(crystal: Structure) -> Experiment:
    """Return the measured crystal that `carry` made ready; of another crystal what can be said of it."""
    remarks = crystal.properties.get(REMARKS)
    return of_crystal(crystal) if remarks is None else Experiment(crystal, tuple(remarks))


def independent_molecules(crystal: Structure) -> tuple[int, float]:
    """Return how many molecules of a crystal no symmetry exchanges, and Z': molecules for each symmetry operation.

    Parameters
    ----------
    crystal : Structure
        Its atoms may come in any order and in any cell.

    Returns
    -------
    (int, float)
    """
    parts = molecules_of(crystal).atoms
    dataset = symmetry_dataset(crystal, SYMPREC)
    if dataset is None:
        return len(parts), float(len(parts))
    orbit = dataset.equivalent_atoms.tolist()
    return len({min(orbit[i] for i in part) for part in parts}), len(parts) / len(dataset.rotations)


def without_hydrogens(structure: Structure) -> Structure:
    """Return a crystal without its hydrogens; one of hydrogen alone stays as it is."""
    kept = [i for i, name in enumerate(structure.species) if name != "H"]
    if not kept or len(kept) == len(structure):
        return structure
    species, size = [structure.species[i] for i in kept], _size(structure)
    own = {"number_of_atoms_in_molecule": sum(name != "H" for name in structure.species[:size])} if size else {}
    return Structure(structure.lattice, species, structure.positions[kept], own, structure.struct_id)


def common_form(experiment: Experiment, structure: Structure, of: str = "the pool") -> Form:
    """Find the form in which a measured crystal and those of a pool can be compared.

    Parameters
    ----------
    experiment : Experiment
    structure : Structure
        One crystal of the pool.
    of : str, optional
        What the pool is called.

    Returns
    -------
    Form
        With all atoms where the molecules are the same; without hydrogens where they are the same but for these.

    Raises
    ------
    InputError
        Where they are not: of another composition (with both formulas), or of other bonds.
    """
    measured, own = experiment.crystal, structure
    molecule = _first_molecule(own)
    kinds, others = _kinds(measured, molecule), _kinds(own)
    remarks = experiment.remarks
    if set(kinds) == set(others):
        return Form(measured, False, frozenset(kinds), molecule, remarks)
    heavy, own_heavy = without_hydrogens(measured), without_hydrogens(own)
    bare = _first_molecule(own_heavy)
    heavy_kinds, other_heavy = _kinds(heavy, bare), _kinds(own_heavy)
    there, here = _formulas(kinds), _formulas(others)
    if _formulas(heavy_kinds) != _formulas(other_heavy):
        raise InputError(
            f"{experiment.name} is of {_told(kinds)}, {of} is of {_told(others)}: they cannot be compared; {EXPECTED}"
        )
    if set(heavy_kinds) != set(other_heavy):
        raise InputError(
            f"{experiment.name} is of {_told(kinds)}, {of} is of {_told(others)}, whose atoms are bonded in another "
            f"way: they cannot be compared; {EXPECTED}"
        )
    if there == here:
        why = "its hydrogens are bonded to other atoms than those of the pool"
    elif "H" not in measured.species:
        why = "it has no hydrogens"
    else:
        why = f"its hydrogens are not those of the pool ({_told(kinds)} here, {_told(others)} there)"
    return Form(heavy, True, frozenset(heavy_kinds), bare, (*remarks, f"{why}: compared by the other atoms"))


def _size(structure: Structure) -> int:
    size = int(structure.properties.get("number_of_atoms_in_molecule") or 0)
    return size if size and len(structure) % size == 0 else 0


def _first_molecule(structure: Structure) -> Molecule | None:
    size = _size(structure)
    return Molecule(structure.species[:size], structure.positions[:size]) if size else None


def _kinds(structure: Structure, molecule: Molecule | None = None) -> Counter[Kind]:
    """The molecules of a crystal, in the smallest whole numbers."""
    counts = Counter(molecules_of(structure, molecule).kinds)
    units = gcd(*counts.values())
    return Counter({kind: number // units for kind, number in counts.items()})


def _formulas(kinds: Counter[Kind]) -> Counter[str]:
    found: Counter[str] = Counter()
    for kind, number in kinds.items():
        found[formula(kind.species)] += number
    units = gcd(*found.values())
    return Counter({name: number // units for name, number in found.items()})


def _told(kinds: Counter[Kind]) -> str:
    """The molecules in words: ``C6H6``, ``a hydrate: 1 C4H5N3O and 1 H2O``."""
    found = _formulas(kinds)
    return next(iter(found)) if len(found) == 1 else in_words(sorted(found.items()))[0]
