"""Crystals of high symmetry from experiments, made from their independent atoms."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ase.geometry import cellpar_to_cell

from genarris_fw.crystal import Structure
from genarris_fw.generation.space_groups import space_group

DATA = Path(__file__).resolve().parents[1] / "data" / "generation_crystals.json"
SAME = 1e-3  # of a cell's edge


@cache
def _stored() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(DATA.read_text())
    del stored["origin"]
    return stored


def names() -> list[str]:
    return sorted(_stored())


def group_of(name: str) -> int:
    return int(_stored()[name]["group"])


def molecules_of(name: str) -> int:
    return int(_stored()[name]["Z"])


def crystal(name: str) -> Structure:
    """The whole cell, its atoms in any order."""
    entry = _stored()[name]
    operations = space_group(entry["group"])
    species, points = [], []
    for element, *point in entry["atoms"]:
        images = operations.images(np.array(point))
        kept: list[np.ndarray] = []
        for image in images:
            if all(np.abs((image - other) - np.rint(image - other)).max() > SAME for other in kept):
                kept.append(image % 1.0)
        species += [element] * len(kept)
        points += kept
    lattice = cellpar_to_cell(entry["cell"])
    return Structure(lattice, species, np.array(points) @ lattice)
