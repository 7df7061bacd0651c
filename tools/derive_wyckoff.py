"""Derive the Wyckoff positions of the 230 space groups and write ``genarris_fw/generation/wyckoff.json``.

Everything follows from the symmetry operations in spglib's database: a Wyckoff position is a class of points with
conjugate stabilisers, hence a point, axis or plane fixed by some of the operations. All of them pass through points
whose coordinates are multiples of 1/24, so the derivation is exact in integers. The letters are spglib's labels for a
crystal with atoms on every position. Run ``python tools/derive_wyckoff.py`` from the project's root (about a minute).
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import spglib

GRID = 24
TARGET = Path(__file__).parents[1] / "genarris_fw" / "generation" / "wyckoff.json"
SMALL = np.array(sorted(itertools.product(range(-2, 3), repeat=3), key=lambda v: (sum(map(abs, v)), [-x for x in v])))
LATTICES = {
    "triclinic": [[17.0, 0, 0], [2.3, 19.0, 0], [3.1, 1.7, 23.0]],
    "monoclinic": [[17.0, 0, 0], [0, 19.0, 0], [4.1, 0, 23.0]],
    "orthorhombic": [[17.0, 0, 0], [0, 19.0, 0], [0, 0, 23.0]],
    "tetragonal": [[17.0, 0, 0], [0, 17.0, 0], [0, 0, 23.0]],
    "hexagonal": [[17.0, 0, 0], [-8.5, 17 * math.sqrt(0.75), 0], [0, 0, 23.0]],
    "cubic": [[29.0, 0, 0], [0, 29.0, 0], [0, 0, 29.0]],
}


def lattice_system(number: int) -> str:
    """Return the name of the lattice drawn for a space group (hexagonal axes for trigonal groups)."""
    bounds = [(2, "triclinic"), (15, "monoclinic"), (74, "orthorhombic"), (142, "tetragonal"), (194, "hexagonal")]
    return next((name for last, name in bounds if number <= last), "cubic")


def default_settings() -> dict[int, int]:
    """Return spglib's first (default) Hall number of every space group."""
    settings: dict[int, int] = {}
    for hall in range(1, 531):
        settings.setdefault(int(spglib.get_spacegroup_type(hall).number), hall)
    return settings


def perpendicular_pair(vector: np.ndarray) -> np.ndarray:
    """Return two integer vectors, perpendicular to a primitive one, that span all such integer vectors."""
    candidates = [v for v in SMALL if v.any() and v @ vector == 0]
    for first, second in itertools.combinations(candidates, 2):
        cross = np.cross(first, second)
        if (cross == vector).all() or (cross == -vector).all():
            return np.array([first, second])
    raise ValueError(f"no small pair perpendicular to {vector}")


def primitive(vector: np.ndarray) -> np.ndarray:
    """Divide an integer vector by the common divisor and make its first non-zero entry positive."""
    reduced = vector // math.gcd(*(int(x) for x in vector))
    return reduced if reduced[np.nonzero(reduced)[0][0]] > 0 else -reduced


def fixed_space(rotation: np.ndarray) -> np.ndarray:
    """Return integer vectors that span the points fixed by a rotation part: (0, 1, 2 or 3) rows."""
    moved = rotation - np.eye(3, dtype=int)
    rank = np.linalg.matrix_rank(moved)
    if rank == 0:
        return np.eye(3, dtype=int)
    if rank == 1:
        return perpendicular_pair(primitive(next(row for row in moved if row.any())))
    if rank == 2:
        crosses = (np.cross(moved[i], moved[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
        return primitive(next(v for v in crosses if v.any()))[None]
    return np.zeros((0, 3), dtype=int)


def functionals(basis: np.ndarray) -> np.ndarray:
    """Return integer rows that vanish on the span of `basis` and map the integer vectors onto all integers."""
    if len(basis) == 0:
        return np.eye(3, dtype=int)
    if len(basis) == 1:
        return perpendicular_pair(basis[0])
    return np.cross(basis[0], basis[1])[None] if len(basis) == 2 else np.zeros((0, 3), dtype=int)


class Position:
    """The points origin + u.basis (origin in units of 1/24), with their stabiliser in one space group."""

    def __init__(self, origin: np.ndarray, basis: np.ndarray, rotations: np.ndarray, translations: np.ndarray) -> None:
        self.origin, self.basis, self.rows = origin, basis, functionals(basis)
        parameters = np.array([0.193160131, 0.371780537, 0.117450233])[: len(basis)]
        self.point = origin / GRID + parameters @ basis
        moved = rotations @ self.point + translations / GRID - self.point
        self.stabiliser = np.nonzero((np.abs(moved - np.rint(moved)) < 1e-6).all(axis=1))[0]

    def holds(self, images: np.ndarray) -> bool:
        """Tell whether one of the points lies on this position (apart from lattice translations)."""
        offsets = (images - self.origin / GRID) @ self.rows.T
        return bool((np.abs(offsets - np.rint(offsets)) < 1e-6).all(axis=1).any())

    def same_as(self, positions: list[Position], images: np.ndarray) -> list[int]:
        """Return which positions, as symmetric as this one, hold one of the images of a point of this kind."""
        return [
            k
            for k, p in enumerate(positions)
            if len(p.basis) == len(self.basis) and len(p.stabiliser) == len(self.stabiliser) and p.holds(images)
        ]


def positions_of(rotations: np.ndarray, translations: np.ndarray) -> list[Position]:
    """Return every Wyckoff position of a group of operations, one representative each."""
    points = np.array(list(itertools.product(range(GRID), repeat=3)))
    images = np.einsum("gij,pj->gpi", rotations, points) + translations[:, None]
    fixing = ((images - points) % GRID == 0).all(axis=2)
    index = (images % GRID) @ np.array([GRID * GRID, GRID, 1])
    leaders = np.nonzero((index.min(axis=0) == np.arange(len(points))) & (fixing.sum(axis=0) > 1))[0]
    found = [Position(np.zeros(3, dtype=int), np.eye(3, dtype=int), rotations, translations)]
    for leader in sorted(leaders, key=lambda i: -fixing[:, i].sum()):
        spaces = {
            fixed_space(rotations[g]).tobytes(): fixed_space(rotations[g]) for g in np.nonzero(fixing[:, leader])[0]
        }
        spaces[b""] = np.zeros((0, 3), dtype=int)
        for basis in spaces.values():
            new = Position(points[leader], basis, rotations, translations)
            shared = rotations[new.stabiliser] - np.eye(3, dtype=int)
            if 3 - np.linalg.matrix_rank(shared.reshape(-1, 3)) != len(basis):
                continue
            orbit = rotations @ new.point + translations / GRID
            if not new.same_as(found, orbit):
                found.append(new)
    return found


def labels(
    number: int, hall: int, positions: list[Position], rotations: np.ndarray, translations: np.ndarray
) -> list[str]:
    """Return spglib's letter of every position, by labelling a crystal with atoms on all of them."""
    general = [[0.0611, 0.1373, 0.2179], [0.4127, 0.0839, 0.3181], [0.2843, 0.3719, 0.0427]]
    sites = [np.array(x) for x in general] + [p.point for p in positions]
    atoms, kinds, firsts = [], [], []
    for kind, site in enumerate(sites, start=1):
        orbit: list[np.ndarray] = []
        for image in (rotations @ site + translations / GRID) % 1:
            if not orbit or (np.abs((image - np.array(orbit) + 0.5) % 1 - 0.5).max(axis=1) > 1e-6).all():
                orbit.append(image)
        firsts.append(len(atoms))
        atoms += orbit
        kinds += [kind] * len(orbit)
    cell = (LATTICES[lattice_system(number)], atoms, kinds)
    data = spglib.get_symmetry_dataset(cell, symprec=1e-5, hall_number=hall)
    if data is None or data.number != number:
        raise ValueError(f"spglib does not confirm group {number}")
    named = [""] * len(positions)
    for first, position in zip(firsts[len(general) :], positions):
        standard = data.transformation_matrix @ atoms[first] + data.origin_shift
        same = position.same_as(positions, rotations @ standard + translations / GRID)
        if len(same) != 1:
            raise ValueError(f"group {number}: an atom lies on {len(same)} positions")
        named[same[0]] = data.wyckoffs[first]
    return named


def main() -> None:
    """Derive all positions, check them and write the file."""
    groups = {}
    for number, hall in default_settings().items():
        database = spglib.get_symmetry_from_database(hall)
        rotations = database["rotations"].astype(int)
        translations = np.rint(database["translations"] * GRID).astype(int)
        if np.abs(translations / GRID - database["translations"]).max() > 1e-8:
            raise ValueError(f"group {number}: a translation is not a multiple of 1/{GRID}")
        positions = positions_of(rotations, translations)
        letters = labels(number, hall, positions, rotations, translations)
        order = sorted(range(len(positions)), key=lambda k: (letters[k] == "A", letters[k]))
        expected = "abcdefghijklmnopqrstuvwxyzA"[: len(positions)]
        if "".join(letters[k] for k in order) != expected:
            raise ValueError(f"group {number}: letters {sorted(letters)}")
        groups[str(number)] = {
            "hall": hall,
            "positions": [
                [
                    letters[k],
                    len(rotations) // len(positions[k].stabiliser),
                    spglib.get_pointgroup(rotations[positions[k].stabiliser])[0].strip(),
                    positions[k].origin.tolist(),
                    positions[k].basis.tolist(),
                ]
                for k in order
            ],
        }
    about = (
        "Wyckoff positions of the 230 space groups in spglib's default settings, derived by tools/derive_wyckoff.py. "
        "A position is [letter, multiplicity, site symmetry, origin in 1/24, basis vectors of the free parameters]."
    )
    rows = ",\n".join(f'"{n}": {json.dumps(g, separators=(",", ":"))}' for n, g in groups.items())
    TARGET.write_text(f'{{"about": {json.dumps(about)},\n"groups": {{\n{rows}\n}}}}\n')


if __name__ == "__main__":
    main()
