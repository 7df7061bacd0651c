"""The molecules of a crystal: each made whole, one after the other, their atoms in one order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.atom_properties import permuted
from genarris_fw.crystal.crystal_bonds import CrystalBonds, bonds_of_crystal
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


def whole_molecules(structure: Structure, molecule: Molecule | None = None) -> Structure:
    """Bring the atoms of a crystal molecule after molecule, each molecule whole.

    Parameters
    ----------
    structure : Structure
        A crystal with its atoms in any order and wrapped into the cell in any way.
    molecule : Molecule, optional
        The molecule of the crystal, where it is known: atoms are bonded as in it (`bonds_of_crystal`).

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

    Examples
    --------
    >>> from genarris_fw.crystal import read, whole_molecules
    >>> [urea] = read("examples/urea/urea.cif")
    >>> whole_molecules(urea).properties["Z"]
    2
    """
    places, parts = _unwrapped(structure, molecule)
    ordered = [parts[0], *(_in_order_of(parts[0], part, structure.species, places) for part in parts[1:])]
    sequence = [i for part in ordered for i in part]
    result = structure.copy()
    result.species = [structure.species[i] for i in sequence]
    result.positions = places[sequence]
    result.properties |= permuted(structure.properties, sequence)
    compositions = {tuple(sorted(structure.species[i] for i in part)) for part in parts}
    if len(compositions) == 1:
        result.properties |= {"Z": len(parts), "number_of_atoms_in_molecule": len(parts[0])}
    return result


def molecules_of(structure: Structure, molecule: Molecule | None = None) -> tuple[Floats, list[list[int]]]:
    """Return the positions with every molecule whole, and the atoms of each molecule.

    A structure with the property ``number_of_atoms_in_molecule`` is taken to be sorted, molecule after whole molecule;
    else molecules are what is bonded together (`whole_molecules`).
    """
    size = int(structure.properties.get("number_of_atoms_in_molecule") or 0)
    if size and len(structure) % size == 0:
        return structure.positions, [list(range(k, k + size)) for k in range(0, len(structure), size)]
    return _unwrapped(structure, molecule)


# Å by which distances in two forms of a molecule may differ. From exact on: the molecule of a measured crystal is
# nearly symmetric, and which of its atoms is which counts.
_TOLERANCES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3)
_HEAVY_TOLERANCES = (0.03, 0.1, 0.3, 0.6)
_FARTHEST_HYDROGEN = 0.6  # Å: X-rays put hydrogens by 0.1 to 0.3 Å too near to their neighbours


def order_like(wanted_species: list[str], wanted: Floats, species: list[str], positions: Floats) -> list[int] | None:
    """Return in which order a molecule's atoms are those of another one, or None.

    All distances are the same within 0.3 Å; or else those of the other atoms than hydrogen within 0.6 Å, with the
    hydrogens within 0.6 Å of each other once these lie on each other.
    """
    alike = np.array([[one == other for other in species] for one in wanted_species])
    match = _order(wanted, positions, alike, _TOLERANCES)
    if match is not None or not alike.any(axis=1).all():
        return match
    heavy = np.array([name != "H" for name in wanted_species])
    given = np.array([name != "H" for name in species])
    if heavy.all() or heavy.sum() != given.sum() or heavy.sum() < 3:
        return None
    kept = _order(wanted[heavy], positions[given], alike[np.ix_(heavy, given)], _HEAVY_TOLERANCES)
    if kept is None:
        return None
    from scipy.optimize import linear_sum_assignment  # it is slow to import, and this is rare

    order = np.zeros(len(species), dtype=np.intp)
    order[heavy] = np.flatnonzero(given)[kept]
    laid = _laid_on(wanted, wanted[heavy], positions[order[heavy]])
    apart = np.linalg.norm(laid[:, ~heavy, None] - positions[~given], axis=3)
    pairs = [linear_sum_assignment(one) for one in apart]
    best = int(np.argmin([one[pair].sum() for one, pair in zip(apart, pairs, strict=True)]))
    if apart[best][pairs[best]].max() > _FARTHEST_HYDROGEN:
        return None
    order[~heavy] = np.flatnonzero(~given)[pairs[best][1]]
    return [int(k) for k in order]


def _order(wanted: Floats, given: Floats, alike: NDArray[np.bool_], tolerances: Sequence[float]) -> list[int] | None:
    """The order for the first of the tolerances within which all distances agree."""
    first, second = (np.linalg.norm(one[:, None] - one, axis=2) for one in (wanted, given))
    found = (_match(first, second, alike, tol) for tol in tolerances)
    return next((match for match in found if match is not None), None)


def _laid_on(points: Floats, reference: Floats, positions: Floats) -> Floats:
    """Points moved as lays a reference on positions, properly and as a mirror image; (2, n, 3)."""
    middle, centre = reference.mean(axis=0), positions.mean(axis=0)
    u, _, vt = np.linalg.svd((reference - middle).T @ (positions - centre))
    turns = [u @ np.diag([1.0, 1.0, sign * np.linalg.det(u @ vt)]) @ vt for sign in (1.0, -1.0)]
    return np.array([(points - middle) @ turn + centre for turn in turns])


def shifts_to_whole(
    structure: Structure, molecule: Molecule | None = None
) -> tuple[NDArray[np.int64], list[list[int]]]:
    """Find the molecules of a crystal, and by how many cells their atoms are moved to make each whole.

    Parameters
    ----------
    structure, molecule
        As of `whole_molecules`.

    Returns
    -------
    shifts : (n, 3) ndarray of int
        Cells by which each atom is moved: ``positions + shifts @ lattice`` are molecules in one piece.
    parts : list of list of int
        The atoms of each molecule, ascending.

    Raises
    ------
    InputError
        As of `whole_molecules`.
    """
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id or 'the structure'} is a molecule: it has no cell")
    return along_bonds(structure, bonds_of_crystal(structure, molecule))


def along_bonds(structure: Structure, found: CrystalBonds) -> tuple[NDArray[np.int64], list[list[int]]]:
    """Return what `shifts_to_whole` does, for bonds that are known."""
    neighbours: list[list[tuple[int, list[int]]]] = [[] for _ in range(len(structure))]
    for i, j, image in zip(found.first.tolist(), found.second.tolist(), found.images.tolist(), strict=True):
        neighbours[i].append((j, image))
        neighbours[j].append((i, [-x for x in image]))
    shifts: dict[int, list[int]] = {}
    parts = []
    for start in range(len(structure)):
        if start in shifts:
            continue
        shifts[start] = [0, 0, 0]
        part = [start]
        for i in part:
            for j, image in neighbours[i]:
                shift = [x + y for x, y in zip(shifts[i], image, strict=True)]
                if j not in shifts:
                    shifts[j] = shift
                    part.append(j)
                elif shifts[j] != shift:
                    raise InputError(
                        f"{structure.struct_id or 'the crystal'}: bonds run from cell to cell at atom {j + 1}; "
                        "only crystals of separate molecules can be used"
                    )
        parts.append(sorted(part))
    return np.array([shifts[i] for i in range(len(structure))], dtype=np.int64), parts


def _unwrapped(structure: Structure, molecule: Molecule | None) -> tuple[Floats, list[list[int]]]:
    """Positions with every molecule whole, and the atoms of each molecule."""
    shifts, parts = shifts_to_whole(structure, molecule)
    assert structure.lattice is not None
    return structure.positions + shifts @ structure.lattice, parts


def _in_order_of(reference: list[int], part: list[int], species: list[str], places: Floats) -> list[int]:
    """Atoms of a molecule, ordered to have the distances of the reference where that is possible."""
    if sorted(species[i] for i in part) != sorted(species[i] for i in reference):
        return part
    wanted = np.linalg.norm(places[reference][:, None] - places[reference][None], axis=2)
    given = np.linalg.norm(places[part][:, None] - places[part][None], axis=2)
    if [species[i] for i in part] == [species[i] for i in reference] and (np.abs(given - wanted) <= 0.01).all():
        return part  # what the search would find first
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
