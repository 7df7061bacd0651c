"""Small pools of generated crystals, and one of them in other words: turned, in another cell, shaken, mirrored."""

from functools import cache

import numpy as np
from generation_molecules import chiral, from_ase, stored

from genarris_fw.crystal import Structure
from genarris_fw.generation import estimate_volume, generate


@cache
def pool(name, group=14, n=6, Z=4):
    molecule = {"chiral": chiral, "CO2": lambda: from_ase("CO2"), "H2O": lambda: from_ase("H2O")}.get(name)
    molecule = molecule() if molecule else stored(name)
    volume = Z * estimate_volume(molecule)
    return generate(molecule, Z, group, n, volume, 0.02 * volume, mode="auto", confirm=False).structures


def n_atoms(structure):
    return structure.properties["number_of_atoms_in_molecule"]


def turned(structure, rng, noise=0.0, mirror=False, cell=None, repeat=(1, 1, 1), by_molecule=True):
    """The crystal turned and moved, in another cell, its atoms in another order."""
    n, lattice = n_atoms(structure), structure.lattice
    molecules = structure.positions.reshape(-1, n, 3)
    shifts = np.array(list(np.ndindex(*repeat))) @ lattice
    molecules = np.concatenate([molecules + shift for shift in shifts])
    lattice = np.array(repeat)[:, None] * lattice
    molecules = molecules[rng.permutation(len(molecules))]
    species = list(structure.species[:n]) * len(molecules)
    positions = molecules.reshape(-1, 3) + rng.normal(0, 5, 3) + rng.normal(0, noise, (molecules.size // 3, 3))
    if by_molecule:
        order = (np.arange(len(molecules))[:, None] * n + rng.permutation(n)).ravel()
    else:  # all atoms mixed and thrown into the cell
        order = rng.permutation(len(positions))
        positions = positions + rng.integers(-2, 3, positions.shape) @ lattice
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn)) * (-1 if mirror else 1)
    if cell is not None:
        lattice = np.array(cell) @ lattice
    return Structure(lattice @ turn, [species[i] for i in order], positions[order] @ turn)
