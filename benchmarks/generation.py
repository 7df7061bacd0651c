"""Rates of the generator: draws and accepted structures per CPU-second, beside this machine's yardstick.

    python benchmarks/generation.py [folder of geometry.in molecules] [--seconds 2]

The yardstick Y is scipy's cdist of two fixed 2000 x 3 arrays, in pairs/s. Without a folder, benzene and ethanol of ASE.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from ase.build import molecule as ase_molecule
from scipy.spatial.distance import cdist

from genarris_fw.crystal import Molecule
from genarris_fw.generation import compatible_sites, cutoff_matrix
from genarris_fw.generation.placement import Placement

# Molecule (file name), Z, volume of the cell, space groups.
STORED = [
    ("glycine", 4, 310.0, [14, 19, 33, 76]),
    ("aspirin", 4, 854.0, [14, 19, 33]),
    ("urea_in_crystal", 2, 145.0, [4, 113]),
    ("benzene", 4, 474.0, [14, 19, 61]),
    ("tetracene", 2, 583.0, [2, 4]),
]
BUILT = [("C6H6", 4, 474.0, [14, 19, 61]), ("CH3CH2OH", 4, 280.0, [14, 19])]


def yardstick() -> float:
    random = np.random.default_rng(0)
    first, second = random.random((2, 2000, 3))
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        cdist(first, second)
        best = min(best, time.perf_counter() - start)
    return 4e6 / best


def load(name: str, folder: Path | None) -> Molecule:
    if folder is None:
        atoms = ase_molecule(name)
        return Molecule(atoms.get_chemical_symbols(), atoms.positions)
    lines = (folder / f"{name}.in").read_text().splitlines()
    rows = [line.split() for line in lines if line.startswith("atom")]
    return Molecule([row[4] for row in rows], np.array([row[1:4] for row in rows], dtype=float))


def rate(molecule: Molecule, Z: int, volume: float, group: int, seconds: float) -> tuple[float, float]:
    sites = compatible_sites(molecule, Z, 1e-2, [group])
    sampler = Placement(molecule, Z, sites, cutoff_matrix(molecule, 0.85)).sampler
    made = accepted = 0
    start = time.process_time()
    while (used := time.process_time() - start) < seconds:
        draws, numbers, *_ = sampler.draw(0, made, 100_000, 100_000, volume, 0.0)
        made, accepted = made + draws, accepted + len(numbers)
    return made / used, accepted / used


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path)
    arguments.add_argument("--seconds", type=float, default=2.0)
    chosen = arguments.parse_args()
    y = yardstick()
    print(f"Y = {y / 1e6:.0f} million pairs/s")
    print(f"{'molecule':18}{'Z':>3}{'group':>7}{'draws/s':>12}{'/ Y':>12}{'accepted/s':>12}")
    rows = []
    for name, Z, volume, groups in STORED if chosen.folder else BUILT:
        molecule = load(name, chosen.folder)
        for group in groups:
            draws, accepted = rate(molecule, Z, volume, group, chosen.seconds)
            rows.append({"molecule": name, "Z": Z, "space_group": group, "draws": draws, "accepted": accepted})
            print(f"{name:18}{Z:3d}{group:7d}{draws:12.3g}{draws / y:12.2e}{accepted:12.3g}")
    print(json.dumps({"yardstick": y, "rates": rows}))


if __name__ == "__main__":
    main()
