"""The 230 space groups: operations (spglib's default settings), Wyckoff positions, lattice systems."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import spglib
from numpy.typing import NDArray

from genarris_fw.errors import InputError

# The last group of each lattice; trigonal groups, rhombohedral ones too, are drawn on hexagonal axes.
LATTICE_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")
_LAST_GROUP = (2, 15, 74, 142, 194, 230)
_ORIGIN_UNIT = 24  # origins in wyckoff.json are in 1/24


@dataclass(frozen=True, eq=False)
class WyckoffPosition:
    """A Wyckoff position: the points origin + u . basis, with u in [0, 1).

    Attributes
    ----------
    letter : str
        Wyckoff letter.
    multiplicity : int
        Points in the conventional cell.
    site_symmetry : str
        Hermann-Mauguin symbol of the site's point group.
    origin : (3,) array
        Fractional.
    basis : (d, 3) array
        Fractional lattice vectors along the d free parameters.
    """

    letter: str
    multiplicity: int
    site_symmetry: str
    origin: NDArray[np.float64]
    basis: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpaceGroup:
    """A space group in its conventional cell, all centring translations included.

    Attributes
    ----------
    number : int
        1 to 230.
    lattice_system : int
        Index into `LATTICE_SYSTEMS`.
    rotations : (g, 3, 3) array
        Rotation parts in fractional coordinates; the first operation is the identity.
    translations : (g, 3) array
        Fractional translations in [0, 1).
    turns : (g, 3, 3) array
        The rotation parts in Cartesian coordinates, with a along x and b in the xy plane. They are the same for every
        cell of the lattice system.
    positions : list of WyckoffPosition
        By letter.
    """

    number: int
    lattice_system: int
    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]
    turns: NDArray[np.float64]
    positions: list[WyckoffPosition]

    def __len__(self) -> int:
        return len(self.rotations)

    def stabiliser(self, position: WyckoffPosition) -> NDArray[np.intp]:
        """Return which operations keep a Wyckoff position's points in place (apart from lattice translations)."""
        # Parameters without any special value or relation.
        parameters = np.array([0.193160131, 0.371780537, 0.117450233])[: len(position.basis)]
        offset = self.images(position.origin + parameters @ position.basis) - (
            position.origin + parameters @ position.basis
        )
        return np.flatnonzero((np.abs(offset - np.rint(offset)) < 1e-6).all(axis=1))

    def images(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (g, 3) images of a fractional point under the operations."""
        return np.asarray(self.rotations @ point + self.translations)


@cache
def _tables() -> dict[str, dict]:
    text = files("genarris_fw.generation").joinpath("wyckoff.json").read_text(encoding="utf-8")
    return json.loads(text)["groups"]


def check_space_group(number: int) -> int:
    """Return the number of a space group.

    Raises
    ------
    InputError
        Unless it is one of 1 to 230.
    """
    if isinstance(number, bool) or int(number) != number or not 1 <= number <= 230:
        raise InputError(f"space group {number}: the number must be between 1 and 230")
    return int(number)


@cache
def space_group(number: int) -> SpaceGroup:
    """Return a space group by its number.

    Raises
    ------
    InputError
        Unless the number is one of 1 to 230.
    """
    number = check_space_group(number)
    table = _tables()[str(number)]
    database = spglib.get_symmetry_from_database(table["hall"])
    if database is None:
        raise InputError(f"space group {number}: spglib's database lacks Hall number {table['hall']}")
    rotations = np.array(database["rotations"], dtype=np.float64)
    translations = np.rint(np.array(database["translations"]) * _ORIGIN_UNIT) / _ORIGIN_UNIT % 1.0
    system = next(k for k, last in enumerate(_LAST_GROUP) if number <= last)
    columns = {
        "monoclinic": [[1.0, 0.0, -0.3], [0.0, 1.2, 0.0], [0.0, 0.0, 1.4]],
        "hexagonal": [[1.0, -0.5, 0.0], [0.0, np.sqrt(0.75), 0.0], [0.0, 0.0, 1.0]],
    }.get(LATTICE_SYSTEMS[system], np.eye(3))
    turns = np.array(columns) @ rotations @ np.linalg.inv(columns)
    positions = [
        WyckoffPosition(
            letter, multiplicity, symbol, np.array(origin) / _ORIGIN_UNIT, np.array(basis, dtype=float).reshape(-1, 3)
        )
        for letter, multiplicity, symbol, origin, basis in table["positions"]
    ]
    return SpaceGroup(number, system, rotations, translations, turns, positions)


def candidates(multiplicity: int) -> list[tuple[int, str]]:
    """Return (space group, letter) of all Wyckoff positions with this multiplicity, in ascending order."""
    return [
        (int(number), position[0])
        for number, table in _tables().items()
        for position in table["positions"]
        if position[1] == multiplicity
    ]
