"""The molecules of a crystal with their atoms in the order of a given molecule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import bonds
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

SAME = 0.05  # Å; distances within a molecule that differ by less are those of the same atoms
DEFORMED = (0.2, 0.5, np.inf)  # Å; tried one after the other where also the bonds must be the same
MOST_ORDERS = 500
MOST_STEPS = 50_000


def molecules_in_order(structure: Structure, molecule: Molecule) -> Floats:
    """Return the molecules of a crystal, each whole and with its atoms in the order of the given one.

    A molecule whose atoms come in that order, with the distances of the given molecule within 0.05 Å, is taken
    as it is. For any other, of all orders with the same distances and bonds the one is taken whose distances
    agree best: a mirror image, too, is recognised, and so is a deformed molecule by its bonds.

    Parameters
    ----------
    structure : Structure
        A crystal of Z molecules of one kind, its atoms in any order and wrapped into the cell in any way.
    molecule : Molecule
        The molecule of n atoms.

    Returns
    -------
    (Z, n, 3) ndarray
        Positions in Å.

    Raises
    ------
    InputError
        For a structure that has no cell or is not made of such molecules.
    """
    name = structure.struct_id or "a structure"
    if structure.lattice is None:
        raise InputError(f"{name} is a molecule: RCD vectors are made of crystals, give it a lattice")
    if len(structure) == 0 or len(structure) % len(molecule):
        raise InputError(
            f"{name}: {len(structure)} atoms do not make whole molecules of {len(molecule)} atoms "
            f"({molecule.formula}); set molecule_path to the molecule of these crystals"
        )
    found = _ordered(structure, molecule)
    if found is None:
        found = _ordered(whole_molecules(structure, molecule), molecule)
    if found is None:
        raise InputError(
            f"{name}: not all of its molecules have the atoms and bonds of the molecule {molecule.formula}; "
            "set molecule_path to the molecule of these crystals, or remove the structure"
        )
    return found


def _ordered(structure: Structure, molecule: Molecule) -> Floats | None:
    """The atoms molecule after molecule as they come, in the molecule's order; None where one does not match."""
    n = len(molecule)
    places = structure.positions.reshape(-1, n, 3)
    first, second = np.triu_indices(n, 1)
    wanted = np.linalg.norm(molecule.positions[first] - molecule.positions[second], axis=1)
    given = np.linalg.norm(places[:, first] - places[:, second], axis=2)
    same = (np.abs(given - wanted) <= SAME).all(axis=1)
    if same.all() and structure.species == molecule.species * len(places):
        return places
    ordered = np.empty_like(places)
    for m, points in enumerate(places):
        species = structure.species[m * n : (m + 1) * n]
        order: Sequence[int] | None = range(n)
        if not same[m] or species != molecule.species:
            order = _best_order(molecule, species, points)
        if order is None:
            return None
        ordered[m] = points[list(order)]
    return ordered


def _best_order(molecule: Molecule, species: list[str], points: Floats) -> list[int] | None:
    """The order of some atoms in which they agree best with the molecule; None where there is none."""
    if sorted(species) != sorted(molecule.species):
        return None
    wanted, given = _distances(molecule.positions), _distances(points)
    alike = np.array(molecule.species)[:, None] == np.array(species)[None]
    bonded, given_bonded = _bonded(molecule.species, molecule.positions), _bonded(species, points)
    nothing = np.zeros_like(bonded)
    sequence = _along_bonds(bonded)
    for tolerance in (SAME, *DEFORMED):
        graphs = (nothing, nothing) if tolerance == SAME else (bonded, given_bonded)
        orders = _orders(sequence, wanted, given, *graphs, alike, tolerance)
        best = min(orders, key=lambda order: float(((given[np.ix_(order, order)] - wanted) ** 2).sum()), default=None)
        if best is not None:
            return best
    return None


def _distances(points: Floats) -> Floats:
    return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=2))


def _bonded(species: list[str], points: Floats) -> NDArray[np.bool_]:
    table = np.zeros((len(species),) * 2, dtype=bool)
    for i, j in bonds(species, points):
        table[i, j] = table[j, i] = True
    return table


def _along_bonds(bonded: NDArray[np.bool_]) -> list[int]:
    """All atoms, each next to one before it where the bonds allow: an order that fails early when it fails."""
    sequence: list[int] = []
    for start in range(len(bonded)):
        if start in sequence:
            continue
        begin = len(sequence)
        sequence.append(start)
        while begin < len(sequence):
            new = set(np.flatnonzero(bonded[sequence[begin]]).tolist()) - set(sequence)
            sequence.extend(sorted(new))
            begin += 1
    return sequence


def _orders(
    sequence: list[int],
    wanted: Floats,
    given: Floats,
    bonded: NDArray[np.bool_],
    given_bonded: NDArray[np.bool_],
    alike: NDArray[np.bool_],
    tolerance: float,
) -> Iterator[list[int]]:
    """Orders that give the wanted distances within a tolerance, and the bonds (depth-first, no more than some)."""
    n = len(sequence)
    chosen: list[int] = []
    waiting = [_candidates(alike[sequence[0]], sequence[0])]
    found = steps = 0
    while waiting and found < MOST_ORDERS and steps < MOST_STEPS:
        steps += 1
        if not waiting[-1]:
            waiting.pop()
            if chosen:
                chosen.pop()
            continue
        chosen.append(waiting[-1].pop())
        k = len(chosen)
        if k == n:
            found += 1
            yield [atom for _, atom in sorted(zip(sequence, chosen, strict=True))]
            chosen.pop()
            continue
        atom, before = sequence[k], sequence[:k]
        free = alike[atom].copy()
        free[chosen] = False
        free &= (np.abs(given[chosen] - wanted[before, atom, None]) <= tolerance).all(axis=0)
        free &= (given_bonded[chosen] == bonded[before, atom, None]).all(axis=0)
        waiting.append(_candidates(free, atom))


def _candidates(free: NDArray[np.bool_], atom: int) -> list[int]:
    """Atoms to try, the last one first: the one of the same number, then by rising number."""
    atoms = np.flatnonzero(free)[::-1].tolist()
    return [*(k for k in atoms if k != atom), *(k for k in atoms if k == atom)]
