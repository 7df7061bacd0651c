"""Crystals, molecules and a small potential for the tests of the engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genarris_fw.crystal import Molecule, Structure
from genarris_fw.crystal.formats.geometry_in import parse_geometry_in

DATA = Path(__file__).parents[1] / "data" / "engines_tblite"
KJ_PER_MOL = 96.48533212331


def crystal(name: str) -> Structure:
    return parse_geometry_in((DATA / f"{name}.in").read_text().splitlines(), name, name)


def molecule(name: str) -> Molecule:
    found = crystal(f"{name}_molecule")
    return Molecule(found.species, found.positions)


def rattled(structure: Structure, size: float, seed: int = 0) -> Structure:
    """The structure with every coordinate and, of a crystal, the lattice disturbed."""
    rng = np.random.default_rng(seed)
    moved = structure.copy()
    if moved.lattice is not None:
        strain = np.eye(3) + 0.3 * size * rng.normal(size=(3, 3))
        moved.lattice, moved.positions = moved.lattice @ strain, moved.positions @ strain
    moved.positions = moved.positions + size * rng.normal(size=moved.positions.shape)
    return moved
