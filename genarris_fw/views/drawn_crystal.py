"""A crystal as it is drawn: whole molecules, their bonds, the hydrogen bonds between them, any number of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule, Structure, cell_properties
from genarris_fw.crystal.bonds import connected_components
from genarris_fw.crystal.crystal_bonds import bonds_of_crystal
from genarris_fw.crystal.formats.chemiscope_json import chemiscope_structure
from genarris_fw.crystal.molecules import along_bonds
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# E. N. Baker, R. E. Hubbard, Prog. Biophys. Mol. Biol. 44, 97 (1984): a hydrogen on nitrogen or oxygen, less than
# 2.5 Å from another one, with an angle at the hydrogen of more than 120 degrees.
POLAR = ("N", "O")
FARTHEST_ACCEPTOR = 2.5  # Å
SMALLEST_ANGLE = 120.0  # degrees
# A centre that lies on a face of the cell belongs to one side of it, whatever the last digit says.
ON_THE_FACE = 1e-6
MOST_ATOMS = 20_000


@dataclass(frozen=True, eq=False)
class HydrogenBonds:
    """Hydrogen bonds of a crystal.

    Attributes
    ----------
    hydrogens, acceptors : (h,) ndarray of int
    images : (h, 3) ndarray of int
        The cell of the acceptor.
    lengths : (h,) ndarray
        From hydrogen to acceptor, Å.
    angles : (h,) ndarray
        At the hydrogen, degrees.
    """

    hydrogens: Integers
    acceptors: Integers
    images: Integers
    lengths: Floats
    angles: Floats


@dataclass(frozen=True, eq=False)
class WholeCrystal:
    """A crystal whose molecules are whole, each with its centre in the cell.

    Attributes
    ----------
    structure : Structure
        The same atoms in the same order.
    molecules : (n,) ndarray of int
        Of every atom the molecule, counted in the order of their first atoms.
    bonds : (b, 2) ndarray of int
    remarks : list of str
        What a person should know of the drawing.
    """

    structure: Structure
    molecules: Integers
    bonds: Integers
    remarks: list[str] = field(default_factory=list)


def whole_crystal(structure: Structure, molecule: Molecule | None = None) -> WholeCrystal:
    """Move the atoms of a crystal by lattice vectors until its molecules are whole and lie in the cell.

    Parameters
    ----------
    structure : Structure
        A crystal, wrapped in any way, or a molecule.
    molecule : Molecule, optional
        What it is made of, as of `genarris_fw.crystal.crystal_bonds.bonds_of_crystal`.

    Returns
    -------
    WholeCrystal
        Where bonds run from cell to cell without end, the atoms stay where they are, and only the bonds within the cell
        are drawn: a remark says so.
    """
    found = bonds_of_crystal(structure, molecule)
    pairs = np.column_stack([found.first, found.second])
    if structure.lattice is None:
        return WholeCrystal(structure, _numbered(len(structure), pairs), pairs)
    try:
        shifts, parts = along_bonds(structure, found)
    except InputError:
        inside = ~found.images.any(axis=1)
        remark = "bonds run from cell to cell without end: atoms are drawn where they are"
        return WholeCrystal(structure, _numbered(len(structure), pairs), pairs[inside], [remark])
    whole = structure.copy()
    fractional = structure.fractional + shifts
    for part in parts:
        fractional[part] -= np.floor(fractional[part].mean(axis=0) + ON_THE_FACE)
    whole.positions = fractional @ structure.lattice
    return WholeCrystal(whole, _numbered(len(structure), pairs), pairs)


def _numbered(n_atoms: int, pairs: Integers) -> Integers:
    numbers = np.zeros(n_atoms, dtype=np.int64)
    for number, part in enumerate(sorted(map(sorted, connected_components(n_atoms, pairs.tolist())))):
        numbers[part] = number
    return numbers


def hydrogen_bonds(whole: WholeCrystal) -> HydrogenBonds:
    """Find the hydrogen bonds of a crystal, within molecules and between them.

    Parameters
    ----------
    whole : WholeCrystal

    Returns
    -------
    HydrogenBonds
        From every hydrogen that is bonded to N or O to all N and O that are less than 2.5 Å away, with more than
        120 degrees at the hydrogen (Baker and Hubbard, 1984).
    """
    structure = whole.structure
    donors = _donors(structure.species, whole.bonds)
    hydrogens = np.array(sorted(donors), dtype=np.int64)
    acceptors = np.flatnonzero(np.isin(structure.species, POLAR))
    images = _cells_around(structure)
    shifts = images @ structure.lattice if structure.lattice is not None else np.zeros((1, 3))
    found: list[tuple[int, int, tuple[int, ...], float, float]] = []
    for hydrogen in hydrogens.tolist():
        donor = donors[hydrogen]
        at = structure.positions[hydrogen]
        to = structure.positions[acceptors][:, None] + shifts[None] - at  # (acceptors, cells, 3)
        lengths = np.linalg.norm(to, axis=2)
        for one, cell in np.argwhere(lengths < FARTHEST_ACCEPTOR).tolist():
            acceptor = int(acceptors[one])
            if acceptor == donor and not images[cell].any():
                continue
            angle = _angle(structure.positions[donor] - at, to[one, cell])
            if angle > SMALLEST_ANGLE:
                place = tuple(images[cell].tolist())
                found.append((hydrogen, acceptor, place, float(lengths[one, cell]), angle))
    found.sort()
    return HydrogenBonds(
        np.array([one[0] for one in found], dtype=np.int64),
        np.array([one[1] for one in found], dtype=np.int64),
        np.array([one[2] for one in found], dtype=np.int64).reshape(-1, 3),
        np.array([one[3] for one in found]),
        np.array([one[4] for one in found]),
    )


def _donors(species: Sequence[str], bonds: Integers) -> dict[int, int]:
    """Return hydrogen -> the N or O that it is bonded to."""
    pairs = [*bonds.tolist(), *bonds[:, ::-1].tolist()]
    return {one: other for one, other in pairs if species[one] == "H" and species[other] in POLAR}


def _cells_around(structure: Structure) -> Integers:
    """Return the cells that hold atoms near those of the drawn one, whose molecules may reach out of it."""
    if structure.lattice is None:
        return np.zeros((1, 3), dtype=np.int64)
    heights = abs(np.linalg.det(structure.lattice)) / np.linalg.norm(
        np.cross(np.roll(structure.lattice, -1, axis=0), np.roll(structure.lattice, -2, axis=0)), axis=1
    )
    reach = np.ptp(structure.fractional, axis=0) + FARTHEST_ACCEPTOR / heights
    ranges = [range(-int(np.floor(one)), int(np.floor(one)) + 1) for one in reach]
    return np.array(list(product(*ranges)), dtype=np.int64)


def _angle(one: Floats, other: Floats) -> float:
    cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def drawn_crystal(
    structure: Structure,
    molecule: Molecule | None = None,
    replicas: tuple[int, int, int] = (1, 1, 1),
    with_hydrogen_bonds: bool = True,
) -> dict[str, Any]:
    """Return a crystal, or a molecule, as plain JSON values for whoever draws it.

    Parameters
    ----------
    structure : Structure
    molecule : Molecule, optional
        What it is made of.
    replicas : (int, int, int), optional
        Cells along a, b and c.
    with_hydrogen_bonds : bool, optional
        Whether they are looked for.

    Returns
    -------
    dict
        ``id``; ``cell`` (3 vectors, Å) and ``parameters``, None of a molecule; ``atoms``: of each ``element``,
        ``position`` (Å), ``molecule`` and ``copy``; ``bonds``: pairs of atoms; ``hydrogen_bonds``: hydrogen, acceptor,
        length (Å), angle (degrees); ``ghosts``: ``element`` and ``position`` of acceptors beyond what is drawn, counted
        on from the atoms; ``molecules``: how many there are in a cell; ``spg``; ``remarks``.

    Raises
    ------
    InputError
        For more than 20,000 atoms.
    """
    cells = np.array(list(product(*map(range, replicas))), dtype=np.int64)
    if structure.lattice is None:
        cells = np.zeros((1, 3), dtype=np.int64)
    size = len(structure)
    if size * len(cells) > MOST_ATOMS:
        raise InputError(f"{size * len(cells)} atoms are too many to draw, at most {MOST_ATOMS}: ask for fewer cells")
    whole = whole_crystal(structure, molecule)
    lattice = np.zeros((3, 3)) if structure.lattice is None else structure.lattice
    positions = (whole.structure.positions[None] + (cells @ lattice)[:, None]).reshape(-1, 3)
    bonds = (np.arange(len(cells))[:, None, None] * size + whole.bonds[None]).reshape(-1, 2)
    found = hydrogen_bonds(whole) if with_hydrogen_bonds else None
    drawn, ghosts = ([], _no_ghosts()) if found is None else _drawn_hydrogen_bonds(whole, found, cells, lattice)
    return {
        "id": structure.struct_id,
        "cell": None if structure.lattice is None else _rounded(structure.lattice),
        "parameters": None if structure.lattice is None else _parameters(structure),
        "atoms": {
            "element": list(structure.species) * len(cells),
            "position": _rounded(positions),
            "molecule": np.tile(whole.molecules, len(cells)).tolist(),
            "copy": np.repeat(np.arange(len(cells)), size).tolist(),
        },
        "bonds": bonds.tolist(),
        "hydrogen_bonds": drawn,
        "ghosts": ghosts,
        "molecules": int(whole.molecules.max(initial=-1)) + 1,
        "spg": structure.properties.get("spg"),
        "remarks": whole.remarks,
    }


def _drawn_hydrogen_bonds(
    whole: WholeCrystal, found: HydrogenBonds, cells: Integers, lattice: Floats
) -> tuple[list[list[float]], dict[str, Any]]:
    """Return the hydrogen bonds of all cells, and the acceptors that lie in none of them, each once."""
    size, drawn = len(whole.structure), []
    numbers = {tuple(cell): number for number, cell in enumerate(cells.tolist())}
    beyond: dict[tuple[int, ...], int] = {}
    for number, cell in enumerate(cells.tolist()):
        for k in range(len(found.hydrogens)):
            place = tuple(int(a + b) for a, b in zip(cell, found.images[k], strict=True))
            acceptor = int(found.acceptors[k])
            if place in numbers:
                end = numbers[place] * size + acceptor
            else:
                end = size * len(cells) + beyond.setdefault((acceptor, *place), len(beyond))
            start = number * size + int(found.hydrogens[k])
            drawn.append([start, end, round(float(found.lengths[k]), 4), round(float(found.angles[k]), 2)])
    ghosts = _no_ghosts()
    for acceptor, *cell_of in beyond:
        ghosts["element"].append(whole.structure.species[acceptor])
        ghosts["position"].append(_rounded(whole.structure.positions[acceptor] + np.array(cell_of) @ lattice))
    return drawn, ghosts


def _no_ghosts() -> dict[str, list[Any]]:
    return {"element": [], "position": []}


def _parameters(structure: Structure) -> dict[str, float]:
    found = cell_properties(structure)
    return {name: round(float(found[name]), 5) for name in ("a", "b", "c", "alpha", "beta", "gamma")}


def _rounded(values: Floats) -> list[Any]:
    rounded: list[Any] = np.round(values, 5).tolist()
    return rounded


def for_chemiscope(structure: Structure, molecule: Molecule | None = None) -> dict[str, Any]:
    """Return a structure as chemiscope takes it, its molecules whole.

    Returns
    -------
    dict
        ``size``, ``names``, ``x``, ``y``, ``z`` (Å), and of a crystal ``cell`` (nine numbers, Å).
    """
    return chemiscope_structure(whole_crystal(structure, molecule).structure, 5)
