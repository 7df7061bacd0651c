"""The molecules of a crystal: each made whole, one after the other, their atoms in one order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import BOND_FACTOR
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


def whole_molecules(structure: Structure, factor: float = BOND_FACTOR) -> Structure:
    """Bring the atoms of a crystal molecule after molecule, each molecule whole.

    Parameters
    ----------
    structure : Structure
        A crystal with its atoms in any order and wrapped into the cell in any way.
    factor : float, optional
        Two atoms are bonded when they are closer than this times the sum of their covalent radii.

    Returns
    -------
    Structure
        Where all molecules have the same composition, the properties ``Z`` and
        ``number_of_atoms_in_molecule`` are set; the atoms of every molecule come in the order of the first
        one as far as the molecules are congruent or mirror images (distances within 0.3 Å).

    Raises
    ------
    InputError
        Where the bonds form a chain, layer or network without end.
    """
    places, parts = _unwrapped(structure, factor)
    ordered = [parts[0], *(_in_order_of(parts[0], part, structure.species, places) for part in parts[1:])]
    sequence = [i for part in ordered for i in part]
    result = structure.copy()
    result.species = [structure.species[i] for i in sequence]
    result.positions = places[sequence]
    compositions = {tuple(sorted(structure.species[i] for i in part)) for part in parts}
    if len(compositions) == 1:
        result.properties |= {"Z": len(parts), "number_of_atoms_in_molecule": len(parts[0])}
    return result


def _unwrapped(structure: Structure, factor: float) -> tuple[Floats, list[list[int]]]:
    """Positions with every molecule whole, and the atoms of each molecule."""
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id or 'the structure'} is a molecule: it has no cell")
    # Only here: it is slow to import, and most structures come with their molecules whole.
    from ase.neighborlist import neighbor_list

    radii = natural_cutoffs(structure.species, factor)
    first, second, images = neighbor_list("ijS", structure.to_ase(), radii)
    neighbours: list[list[tuple[int, NDArray[np.int64]]]] = [[] for _ in range(len(structure))]
    for i, j, image in zip(first, second, images):
        neighbours[i].append((int(j), image))
    shifts: dict[int, NDArray[np.int64]] = {}
    parts = []
    for start in range(len(structure)):
        if start in shifts:
            continue
        shifts[start] = np.zeros(3, dtype=np.int64)
        part = [start]
        for i in part:
            for j, image in neighbours[i]:
                shift = shifts[i] + image
                if j not in shifts:
                    shifts[j] = shift
                    part.append(j)
                elif (shifts[j] != shift).any():
                    raise InputError(
                        f"{structure.struct_id or 'the crystal'}: bonds run from cell to cell at atom {j + 1}; "
                        "only crystals of separate molecules can be used"
                    )
        parts.append(sorted(part))
    moves = np.array([shifts[i] for i in range(len(structure))])
    return structure.positions + moves @ structure.lattice, parts


def _in_order_of(reference: list[int], part: list[int], species: list[str], places: Floats) -> list[int]:
    """Atoms of a molecule, ordered to have the distances of the reference where that is possible."""
    if sorted(species[i] for i in part) != sorted(species[i] for i in reference):
        return part
    wanted = np.linalg.norm(places[reference][:, None] - places[reference][None], axis=2)
    given = np.linalg.norm(places[part][:, None] - places[part][None], axis=2)
    alike = np.array([[species[i] == species[j] for j in part] for i in reference])
    for tol in (0.01, 0.1, 0.3):
        match = _match(wanted, given, alike, tol)
        if match is not None:
            return [part[k] for k in match]
    return part


def _match(wanted: Floats, given: Floats, alike: NDArray[np.bool_], tol: float) -> list[int] | None:
    """Depth-first search for an order in which the given distances are the wanted ones within ``tol``."""
    n_atoms, steps = len(wanted), 0
    chosen: list[int] = []
    waiting = [list(np.flatnonzero(alike[0])[::-1])]
    while waiting and steps < 1000 * n_atoms:
        steps += 1
        if not waiting[-1]:
            waiting.pop()
            if chosen:
                chosen.pop()
            continue
        chosen.append(int(waiting[-1].pop()))
        k = len(chosen)
        if k == n_atoms:
            return chosen
        free = alike[k].copy()
        free[chosen] = False
        free &= (np.abs(given[chosen] - wanted[k, :k, None]) <= tol).all(axis=0)
        waiting.append(list(np.flatnonzero(free)[::-1]))
    return None
