"""The molecules that the tests of the generation room use."""

from pathlib import Path

import numpy as np
from ase.build import molecule as ase_molecule

from genarris_fw.crystal import Molecule

DATA = Path(__file__).resolve().parents[1] / "data"


def stored(name: str) -> Molecule:
    rows = [
        line.split() for line in (DATA / f"generation_{name}.in").read_text().splitlines() if line.startswith("atom")
    ]
    return Molecule([row[4] for row in rows], np.array([row[1:4] for row in rows], dtype=float))


def from_ase(name: str) -> Molecule:
    atoms = ase_molecule(name)
    return Molecule(atoms.get_chemical_symbols(), atoms.positions)
