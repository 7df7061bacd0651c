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


def argon() -> Molecule:
    return Molecule(["Ar"], [[0.3, 0.0, 0.0]])


def chiral() -> Molecule:
    """CHFClBr: tetrahedral, four different neighbours."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    lengths = np.array([1.09, 1.36, 1.76, 1.94])
    return Molecule(["C", "H", "F", "Cl", "Br"], np.concatenate([np.zeros((1, 3)), corners * lengths[:, None]]))


def bent(molecule: Molecule, amount: float, seed: int = 1) -> Molecule:
    """The molecule with every atom moved by `amount` (Å) in a random direction."""
    moves = np.random.default_rng(seed).normal(size=(len(molecule), 3))
    return Molecule(molecule.species, molecule.positions + amount * moves / np.linalg.norm(moves, axis=1)[:, None])
