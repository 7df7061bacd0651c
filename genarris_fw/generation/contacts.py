"""How close atoms of different molecules may come, and whether a crystal keeps to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from genarris_fw._kernels.contacts import smallest_margin
from genarris_fw.crystal.bonds import bonds, connected_components
from genarris_fw.crystal.radii import vdw_radius
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

# Shortest distances of hydrogen-bond contacts in Å by (donor, acceptor), for each set of rules; sr does not scale them.
# 2.0: the last code of Genarris 2.0. 3.x: gnrs/gnrsutil/h_bond.yaml of Genarris 3.1.
HYDROGEN_BONDS: dict[str, dict[tuple[str, str], float]] = {
    "2.0": {("O", "O"): 1.5, ("O", "N"): 1.6, ("N", "O"): 1.6, ("N", "N"): 1.75},
    "3.x": {("O", "O"): 1.40, ("O", "N"): 1.50, ("N", "O"): 1.50, ("N", "N"): 1.65},
    "vdw": {},
}
# Å. Genarris 3.x takes the radius that Rowland & Taylor found in crystals (J. Phys. Chem. 1996, 100, 7384); the other
# sets have that of the volume model (Bondi 1964).
HYDROGEN_RADIUS: dict[str, float] = {"2.0": 1.20, "3.x": 1.10, "vdw": 1.20}

# Bounds for what users give, in Å; the largest tabulated radius is 3.48 (Fr).
LARGEST_RADIUS = 5.0
LARGEST_DISTANCE = 10.0


@dataclass(frozen=True)
class ContactRules:
    """Which distances count as too close.

    Parameters
    ----------
    name : str
        ``2.0`` and ``3.x``: the rules of those versions of Genarris, with fixed distances for hydrogen bonds. They
        differ in these distances, in the radius of hydrogen and in which oxygen atoms accept a hydrogen bond.
        ``vdw``: van der Waals radii alone.
    radii : mapping, optional
        Element -> van der Waals radius in Å, in place of the tabulated one.
    pairs : mapping, optional
        Two elements, such as ``"O-H"`` -> the smallest distance in Å between such atoms of different molecules. It is
        used as it is: sr does not scale it, and it goes before radii and hydrogen bonds. The order of the two elements
        does not matter; they are kept in alphabetical order.

    Raises
    ------
    InputError
        For rules of another name, what is no element or no pair, and numbers that are not positive or too large.

    Notes
    -----
    Under every name atoms are bonded as `genarris_fw.crystal.bonds` finds them: covalent radii + 0.4 Å, and valences.
    """

    name: str = "2.0"
    radii: Mapping[str, float] = field(default_factory=dict, hash=False)
    pairs: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check the name of the rules, the radii and the pairs; InputError names what is wrong."""
        if self.name not in HYDROGEN_BONDS:
            raise InputError(f"contact_rules = {self.name!r}: expected one of {', '.join(HYDROGEN_BONDS)}")
        object.__setattr__(self, "radii", _checked_radii(self.radii))
        object.__setattr__(self, "pairs", _checked_pairs(self.pairs))

    def radius(self, element: str) -> float:
        """Return the van der Waals radius of an element in Å.

        Raises
        ------
        InputError
            For an element whose radius is neither given nor tabulated.
        """
        if element in self.radii:
            return self.radii[element]
        return HYDROGEN_RADIUS[self.name] if element == "H" else vdw_radius(element)

    def accepts(self, element: str, neighbours: Sequence[str]) -> bool:
        """Tell whether an atom bonded to `neighbours` (elements) accepts hydrogen bonds."""
        if element == "N":
            return len(neighbours) <= 2
        if element != "O":
            return False
        if len(neighbours) == 2:
            return set(neighbours) == {"C"} or (self.name == "3.x" and "H" in neighbours)
        return len(neighbours) == 1


def _checked_radii(given: Mapping[str, float]) -> dict[str, float]:
    for element, radius in given.items():
        _check_element("custom_radii", element, element)
        _check_length("custom_radii", element, radius, LARGEST_RADIUS)
    return {element: float(radius) for element, radius in given.items()}


def _checked_pairs(given: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, distance in given.items():
        elements = str(key).split("-")
        if len(elements) != 2:
            raise InputError(f'custom_radii_by_pairs: {key!r} is no pair; expected two elements, such as "O-H"')
        for element in elements:
            _check_element("custom_radii_by_pairs", key, element)
        _check_length("custom_radii_by_pairs", key, distance, LARGEST_DISTANCE)
        pair = _pair(*elements)
        if pair in found:
            raise InputError(f"custom_radii_by_pairs: {pair} is given twice; expected each pair in one order only")
        found[pair] = float(distance)
    return found


def _pair(one: str, other: str) -> str:
    return "-".join(sorted((one, other)))


def _check_element(option: str, key: object, element: object) -> None:
    if element == "X" or element not in atomic_numbers:
        raise InputError(f'{option}: {element!r} in {key!r} is no element; expected symbols, such as "H"')


def _check_length(option: str, key: str, length: object, largest: float) -> None:
    if isinstance(length, bool) or not isinstance(length, (int, float)) or not 0 < length <= largest:
        raise InputError(f"{option}: {key} = {length!r}: expected a number above 0 and not above {largest:g} (Å)")


GENARRIS_2 = ContactRules()


def check_fraction(sr: float) -> float:
    """Return `sr`, the fraction of the van der Waals distance that contacts must keep.

    The options of ``ui.conf`` allow no more than 2; a larger one is no error here.

    Raises
    ------
    InputError
        Unless it is a positive number.
    """
    if not (math.isfinite(sr) and sr > 0):
        raise InputError(f"sr = {sr}: the contact fraction must be above 0 and not above 2, such as 0.85")
    return float(sr)


def roles(species: Sequence[str], positions: NDArray[np.float64], rules: ContactRules = GENARRIS_2) -> list[str]:
    """Return what each atom is in a hydrogen bond.

    ``HO`` or ``HN`` is a hydrogen that O or N can donate; ``O`` or ``N`` is an acceptor: O with one neighbour, O
    between two carbons, N with at most two neighbours (the rule of Genarris 2.0; that of 3.x adds O with two neighbours
    of which at least one is H: hydroxyl groups and water); everything else is ``''``.
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
        elif rules.accepts(name, around):
            role = name
        found.append(role)
    return found


def kind_cutoffs(kinds: Sequence[tuple[str, str]], sr: float, rules: ContactRules = GENARRIS_2) -> NDArray[np.float64]:
    """Return the (t, t) cutoffs in Å between kinds of atoms, each given as (element, role)."""
    radii = np.array([rules.radius(name) for name, _ in kinds])
    cutoffs: NDArray[np.float64] = check_fraction(sr) * (radii[:, None] + radii[None])
    bonded = HYDROGEN_BONDS[rules.name]
    for i, (_, donated) in enumerate(kinds):
        for j, (_, acceptor) in enumerate(kinds):
            if donated[:1] == "H" and (donated[1:], acceptor) in bonded:
                cutoffs[i, j] = cutoffs[j, i] = bonded[donated[1:], acceptor]
    if rules.pairs:
        for i, (element, _) in enumerate(kinds):
            for j, (other, _) in enumerate(kinds):
                cutoffs[i, j] = rules.pairs.get(_pair(element, other), cutoffs[i, j])
    return cutoffs


def cutoff_matrix(molecule: Molecule, sr: float, rules: ContactRules = GENARRIS_2) -> NDArray[np.float64]:
    """Return the smallest distances allowed between atoms of two copies of a molecule.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    sr : float
        Fraction of the sum of van der Waals radii; pairs that can form a hydrogen bond have fixed distances instead.
    rules : ContactRules, optional
        Radii and fixed distances; by default those of Genarris 2.0.

    Returns
    -------
    (n, n) array
        Å, symmetric.

    Raises
    ------
    InputError
        For sr that is not positive, or an element of unknown radius.
    """
    atoms = list(zip(molecule.species, roles(molecule.species, molecule.positions, rules), strict=True))
    kinds = sorted(set(atoms))
    which = [kinds.index(atom) for atom in atoms]
    return kind_cutoffs(kinds, sr, rules)[np.ix_(which, which)]


def _molecules(structure: Structure, molecule_size: int | None) -> list[NDArray[np.intp]]:
    count = len(structure)
    size = molecule_size or structure.properties.get("number_of_atoms_in_molecule")
    if size is None:
        parts = connected_components(count, bonds(structure.species, structure.positions))
        return [np.array(sorted(part), dtype=np.intp) for part in parts]
    if int(size) < 1 or count % int(size):
        raise InputError(f"{count} atoms are not a whole number of molecules of {size} atoms")
    return list(np.arange(count).reshape(-1, int(size)))


def check_contacts(
    structure: Structure, sr: float, molecule_size: int | None = None, rules: ContactRules = GENARRIS_2
) -> float:
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
    rules : ContactRules, optional
        Radii and fixed distances; by default those of Genarris 2.0.

    Returns
    -------
    float
        Å; negative when something is too close.

    Raises
    ------
    InputError
        For a structure without atoms or lattice, one that is not made of molecules of that size, or an element of
        unknown radius.
    """
    if len(structure) == 0:
        raise InputError("a structure without atoms has no contacts")
    parts = _molecules(structure, molecule_size)
    labels: list[tuple[str, str]] = []
    for part in parts:
        names = [structure.species[i] for i in part]
        labels += zip(names, roles(names, structure.positions[part], rules), strict=True)
    kinds = sorted(set(labels))
    rows = np.array([kinds.index(label) for label in labels])
    return _margin(structure, parts, rows, kind_cutoffs(kinds, sr, rules))


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
