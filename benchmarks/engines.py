"""Measure the engines: energies and times of the reference crystals, and calls of a relaxation.

python benchmarks/engines.py            # single points, and one relaxation
python benchmarks/engines.py --plain    # also the same relaxation by ASE's own BFGS (minutes)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from engine_data import KJ_PER_MOL, crystal, molecule

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines.relaxation import PotentialCalculator
from genarris_fw.generation import generate

REFERENCE = {"urea": (2, -109.62), "benzene": (4, -41.03)}
FMAX = 0.05


def single_points() -> None:
    print(f"{'crystal':<10} {'supercell':<10} {'cells':>5} {'kJ/mol':>9} {'ENGINES.md':>10} {'CPU s':>6}")
    for supercell in ("diagonal", "smallest"):
        engine = engines.get("tblite", supercell=supercell)
        for name, (Z, reference) in REFERENCE.items():
            alone = engine.evaluate(molecule(name)).energy
            began = time.process_time()
            found = engine.evaluate(crystal(name))
            seconds = time.process_time() - began
            value = (found.energy / Z - alone) * KJ_PER_MOL
            cells = found.details["cells_computed"]
            print(f"{name:<10} {supercell:<10} {cells:>5} {value:>9.2f} {reference:>10.2f} {seconds:>6.1f}")


def plain_relaxation(start: Structure, steps: int = 150) -> tuple[int, float]:
    """Calls and energy of ASE's BFGS on the same potential, cell filter and symmetry."""
    engine = engines.get("tblite", supercell="smallest")
    atoms = start.to_ase()
    atoms.set_constraint(FixSymmetry(atoms, symprec=1e-2))
    calculator = PotentialCalculator(engine, start)
    atoms.calc = calculator
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=FMAX, steps=steps)
    return calculator.calls, float(atoms.get_potential_energy())


def relaxations(groups: list[int], plain: bool) -> None:
    print("\nrelaxation of generated urea crystals, Z = 2, fmax 0.05 eV/Å")
    engine = engines.get("tblite", supercell="smallest", fmax=FMAX)
    for group in groups:
        [start] = generate(molecule("urea"), 2, group, 1, volume_mean=152.0, volume_std=7.0, seed=3).structures
        began = time.process_time()
        found = engine.evaluate(start, relax=True)
        seconds = time.process_time() - began
        line = f"group {group:>3}: {found.details['calls']:>3} calls {seconds:>6.1f} CPU s {found.energy:>10.4f} eV"
        if plain:
            calls, energy = plain_relaxation(start)
            line += f" | ASE BFGS {calls:>3} calls {energy:>10.4f} eV"
        print(line, flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--plain", action="store_true", help="also relax with ASE's own BFGS")
    arguments.add_argument("--groups", type=int, nargs="+", default=[113, 18])
    given = arguments.parse_args()
    single_points()
    relaxations(given.groups, given.plain)
