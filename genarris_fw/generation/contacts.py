"""How close atoms of different molecules may come, and whether a crystal keeps to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genarris_fw._kernels.contacts import smallest_margin
from genarris_fw.crystal.bonds import bonds, connected_components
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.volume import van_der_waals_radii

# Genarris 2.0: shortest distances of hydrogen-bond contacts in Å by (donor, acceptor); they are not scaled by sr.
HYDROGEN_BONDS: dict[tuple[str, str], float] = {
    ("O", "O"): 1.5,
    ("O", "N"): 1.6,
    ("N", "O"): 1.6,
    ("N", "N"): 1.75,
}


def check_fraction(sr: float) -> float:
    """Return `sr`, the fraction of the van der Waals distance that contacts must keep.

    Raises
    ------
    InputError
        Unless it is a positive number.
    """
    if not (math.isfinite(sr) and sr > 0):
        raise InputError(f"sr = {sr}: the contact fraction must be a positive number, such as 0.85")
    return float(sr)


def roles(species: Sequence[str], positions: NDArray[np.float64]) -> list[str]:
    """Return what each atom is in a hydrogen bond.

    ``HO`` or ``HN`` is a hydrogen that O or N can donate; ``O`` or ``N`` is an acceptor: O with one neighbour, O
    between two carbons, N with at most two neighbours (the rule of Genarris 2.0); everything else is ``''``.
    """
    neighbours: list[list[str]] = [[] for _ in species]
    for i, j in bonds(species, positions):
        neighbours[i].append(species[j])
        neighbours[j].append(species[i])
    found = []
    for name, around in zip(species, neighbours, strict=True):
        role = ""
        if name == "H":
            role = next(("H" + x for x in ("O", "N") if x in around), "")
        elif (name == "O" and (len(around) == 1 or around == ["C", "C"])) or (name == "N" and len(around) <= 2):
            role = name
        found.append(role)
    return found


def kind_cutoffs(kinds: Sequence[tuple[str, str]], sr: float) -> NDArray[np.float64]:
    """Return the (t, t) cutoffs in Å between kinds of atoms, each given as (element, role)."""
    radii = van_der_waals_radii([name for name, _ in kinds])
    cutoffs = check_fraction(sr) * (radii[:, None] + radii[None])
    for i, (_, donated) in enumerate(kinds):
        for j, (_, acceptor) in enumerate(kinds):
            if donated[:1] == "H" and (donated[1:], acceptor) in HYDROGEN_BONDS:
                cutoffs[i, j] = cutoffs[j, i] = HYDROGEN_BONDS[donated[1:], acceptor]
    return cutoffs


def cutoff_matrix(molecule: Molecule, sr: float) -> NDArray[np.float64]:
    """Return the smallest distances allowed between atoms of two copies of a molecule.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    sr : float
        Fraction of the sum of van der Waals radii; pairs that can form a hydrogen bond have fixed distances instead.

    Returns
    -------
    (n, n) array
        Å, symmetric.

    Raises
    ------
    InputError
        For sr that is not positive, or an element of unknown radius.
    """
    return kind_cutoffs(list(zip(molecule.species, roles(molecule.species, molecule.positions), strict=True)), sr)


def _molecules(structure: Structure, molecule_size: int | None) -> list[NDArray[np.intp]]:
    count = len(structure)
    size = molecule_size or structure.properties.get("number_of_atoms_in_molecule")
    if size is None:
        parts = connected_components(count, bonds(structure.species, structure.positions))
        return [np.array(sorted(part), dtype=np.intp) for part in parts]
    if int(size) < 1 or count % int(size):
        raise InputError(f"{count} atoms are not a whole number of molecules of {size} atoms")
    return list(np.arange(count).reshape(-1, int(size)))


def check_contacts(structure: Structure, sr: float, molecule_size: int | None = None) -> float:
    """Return the smallest distance minus cutoff between atoms of different molecules.

    All periodic images are taken into account, those of a molecule by itself too; double precision.

    Parameters
    ----------
    structure : Structure
        A crystal of whole molecules.
    sr : float
        Fraction of the van der Waals distance, see `cutoff_matrix`.
    molecule_size : int, optional
        Atoms per molecule, the structure being sorted molecule after molecule. By default the structure's
        ``number_of_atoms_in_molecule``; without it, molecules are what is bonded together.

    Returns
    -------
    float
        Å; negative when something is too close.

    Raises
    ------
    InputError
        For a structure without atoms or lattice, or one that is not made of molecules of that size.
    """
    if len(structure) == 0:
        raise InputError("a structure without atoms has no contacts")
    parts = _molecules(structure, molecule_size)
    labels: list[tuple[str, str]] = []
    for part in parts:
        names = [structure.species[i] for i in part]
        labels += zip(names, roles(names, structure.positions[part]), strict=True)
    kinds = sorted(set(labels))
    return _margin(structure, parts, np.array([kinds.index(label) for label in labels]), kind_cutoffs(kinds, sr))


def contact_margin(structure: Structure, cutoffs: NDArray[np.float64]) -> float:
    """Return the smallest distance minus cutoff for a crystal of one kind of molecule with given cutoffs.

    Parameters
    ----------
    structure : Structure
        Sorted molecule after molecule, n atoms each, all in the same order.
    cutoffs : (n, n) array
        Å, as of `cutoff_matrix`.

    Returns
    -------
    float
        Å.
    """
    parts = _molecules(structure, len(cutoffs))
    return _margin(structure, parts, np.tile(np.arange(len(cutoffs)), len(parts)), cutoffs)


def _margin(
    structure: Structure,
    parts: list[NDArray[np.intp]],
    kinds: NDArray[np.int_],
    cutoffs: NDArray[np.float64],
) -> float:
    """The smallest margin; `kinds` counts atoms in the order of the parts."""
    if structure.lattice is None:
        raise InputError("contacts are checked in a crystal; this structure has no lattice")
    # Turn the crystal until the lattice is lower triangular.
    q, r = np.linalg.qr(structure.lattice.T)
    q = q * np.sign(np.diag(r))
    lattice, positions = structure.lattice @ q, structure.positions[np.concatenate(parts)] @ q
    starts = np.cumsum([0, *(len(part) for part in parts)])
    centres = np.array([positions[a:b].mean(axis=0) for a, b in pairwise(starts)])
    radii = [np.linalg.norm(positions[a:b] - c, axis=1).max() for a, b, c in zip(starts[:-1], starts[1:], centres)]
    # An atom and its own image along the shortest edge.
    bound = np.linalg.norm(lattice, axis=1).min() - cutoffs[kinds, kinds].max()
    return float(
        smallest_margin(
            np.ascontiguousarray(positions),
            np.ascontiguousarray(np.tril(lattice)),
            starts.astype(np.intc),
            kinds.astype(np.intc),
            np.ascontiguousarray(cutoffs, dtype=float),
            centres,
            np.array(radii),
            float(bound),
        )
    )
