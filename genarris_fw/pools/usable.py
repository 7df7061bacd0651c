"""Whether a structure that somebody brings can be used: the checks of a molecule's file, for whole crystals."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.documents import NewStructure, RunDocument
from genarris_fw.crystal.bonds import touching
from genarris_fw.crystal.molecules import molecules_of
from genarris_fw.crystal.pieces import formula
from genarris_fw.crystal.plausible import check_contacts, check_hydrogens_there
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]
OVERLAP = 0.5  # part of the sum of two covalent radii, as in a molecule's file
# Formats of pools that programs wrote with all atoms; what comes in others was measured, or drawn.
OF_PROGRAMS = frozenset({"json", "geometry", "geo", "both", "geometry_out", "extxyz", "aims"}) | {
    "ase_database",
    "ase_trajectory",
}
OF_THE_CSD = "csd_code"  # the property that a database has of crystals which were measured


def refuse_unusable(structure: Structure, kind: str) -> None:
    """Refuse a structure whose atoms overlap; of a format that people write, molecules that there are not, too.

    Parameters
    ----------
    structure : Structure
        A crystal or a molecule.
    kind : str
        The name of the format that it was read from.

    Raises
    ------
    InputError
        Which atoms, without a path.
    """
    refuse_overlaps(structure)
    if kind in OF_PROGRAMS and OF_THE_CSD not in structure.properties:
        return
    if structure.lattice is None:
        _check(structure, "the molecule")
        return
    try:
        positions, parts = molecules_of(structure)
    except InputError:  # bonds without end: no crystal of molecules, of which nothing is known here
        return
    kinds = {tuple(sorted(structure.species[atom] for atom in part)): part for part in reversed(parts)}
    for part in kinds.values():
        one = Structure(None, [structure.species[atom] for atom in part], positions[part])
        _check(one, f"a molecule {formula(one.species)} of the crystal")


def _check(molecule: Structure, what: str) -> None:
    check_contacts(molecule, what)
    check_hydrogens_there(molecule, what)


def refuse_overlaps(structure: Structure) -> None:
    """Refuse atoms that are nearer than half the sum of their covalent radii, in any image of the cell.

    Raises
    ------
    InputError
        Which two, and their distance.
    """
    radii = natural_cutoffs(structure.species, OVERLAP)
    if structure.lattice is None:
        pairs = touching(structure.positions, radii)
    else:
        pairs = _touching_in_crystal(structure, radii)
    if not pairs:
        return
    i, j, distance = min(pairs, key=lambda pair: pair[2])
    other = "its own image" if i == j else f"{structure.species[j]}{j + 1}"
    raise InputError(
        f"atoms overlap: {structure.species[i]}{i + 1} and {other} are {distance:.2f} Å apart; correct the "
        "positions or the cell"
    )


def _touching_in_crystal(structure: Structure, radii: Floats) -> list[tuple[int, int, float]]:
    # Only here: it is slow to import.
    from matscipy.neighbours import neighbour_list

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells with much empty space, which only cost time
        first, second, distances = neighbour_list(
            "ijd", positions=structure.positions, cell=structure.cell, pbc=[True] * 3, cutoff=radii
        )
    return [
        (min(i, j), max(i, j), d) for i, j, d in zip(first.tolist(), second.tolist(), distances.tolist(), strict=True)
    ]


def other_molecules(record: RunDocument | None, documents: list[NewStructure]) -> dict[str, str]:
    """Return struct_id -> reason of the structures that are not made of the molecule of a run, which has one.

    Parameters
    ----------
    record : RunDocument or None
        The run, if it is there.
    documents : list of NewStructure
        What is to be imported.
    """
    molecules = {
        formula(molecule["species"]): Counter(molecule["species"])
        for molecule in ((record or {}).get("molecules") or {}).values()
        if molecule.get("species")
    }
    if not molecules:
        return {}
    found = {}
    for document in documents:
        atoms = Counter(document["geometry"]["species"])
        if not any(_is_multiple(atoms, molecule, document["Z"]) for molecule in molecules.values()):
            said = formula(document["geometry"]["species"])
            found[document["struct_id"]] = f"{said} is not made of the run's molecule {' or '.join(molecules)}"
    return found


def _is_multiple(atoms: Counter[str], molecule: Counter[str], Z: int) -> bool:
    """Whether atoms are a whole number of molecules, of Z if that is known."""
    times, rest = divmod(sum(atoms.values()), sum(molecule.values()))
    return not rest and Z in (0, times) and all(atoms[name] == times * molecule[name] for name in molecule)
