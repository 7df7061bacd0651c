"""The 230 space groups: operations (spglib's default settings), Wyckoff positions, lattice systems."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.generation.freedom import GENERIC, Operations

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

    @property
    def point(self) -> NDArray[np.float64]:
        """A point without any special value or relation of its free parameters: one for the whole position."""
        return np.asarray(self.origin + GENERIC[: len(self.basis)] @ self.basis)


@dataclass(frozen=True, eq=False)
class SpaceGroup(Operations):
    """A space group in its conventional cell, all centring translations included.

    Attributes
    ----------
    rotations, translations, turns : arrays
        As of `Operations`. Cartesian coordinates have a along x and b in the xy plane; the turns are the same for every
        cell of the lattice system.
    number : int
        1 to 230.
    lattice_system : int
        Index into `LATTICE_SYSTEMS`.
    positions : list of WyckoffPosition
        By letter.
    """

    number: int
    lattice_system: int
    positions: list[WyckoffPosition]


@cache
def _tables() -> dict[str, dict[str, Any]]:
    text = files("genarris_fw.generation").joinpath("wyckoff.json").read_text(encoding="utf-8")
    groups: dict[str, dict[str, Any]] = json.loads(text)["groups"]
    return groups


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
    return SpaceGroup(rotations, translations, turns, number, system, positions)


def candidates(multiplicity: int) -> list[tuple[int, str]]:
    """Return (space group, letter) of all Wyckoff positions with this multiplicity, in ascending order."""
    return [
        (int(number), position[0])
        for number, table in _tables().items()
        for position in table["positions"]
        if position[1] == multiplicity
    ]
