"""Lattice energies: time of one energy with its derivatives, and of minimisations, for the development crystals.

    python benchmarks/lattice.py FOLDER_OF_CRYSTALS [--names urea,benzene] [--structures 60] [--charges simple]
                                 [--potential FIT] [--json FILE]

For each crystal of the folder (cif): microseconds of one energy with its gradient and with its second derivatives, of
the crystal in its own symmetry; then crystals of its molecule are generated in common space groups with its Z, half of
them pressed, and minimised: milliseconds, steps and evaluations of each, and how they ended. CPU time of one core.
--charges: a method of `lattice.electrostatics` with or without satellites (HF/6-31G**, HF/6-31G**+s), or `simple`
ones by element, which cost the same and need no quantum chemistry.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.crystal import read
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import GenarrisError
from genarris_fw.generation.contacts import cutoff_matrix
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.occupations import occupations
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.press import press_hits
from genarris_fw.lattice import Model
from genarris_fw.lattice.energy.minimiser import ENDS
from genarris_fw.lattice.energy.rigid import independent_molecules
from genarris_fw.lattice.sums.arguments import lattice_sum, symmetry_arguments

GROUPS = (2, 4, 5, 9, 14, 15, 19, 29, 33, 60, 61, 88, 113, 148)
SR_START, SR_PRESS = 0.85, 0.95
CHARGE = {"C": 0.1, "O": -0.5, "N": -0.6, "S": -0.1, "F": -0.2, "Cl": -0.1, "H": 0.0}


class ByElement:
    """Charges by element; the hydrogens, or all atoms where there are none, take what is left."""

    def __init__(self, molecule: Molecule) -> None:
        charges = np.array([CHARGE.get(name, 0.0) for name in molecule.species])
        rest = np.array([name == "H" for name in molecule.species])
        rest = rest if rest.any() else ~rest
        charges[rest] -= charges.sum() / rest.sum()
        self.sites, self.multipoles = molecule.positions, charges[:, None]


def model_of(molecule: Molecule, given: argparse.Namespace) -> Model:
    from genarris_fw.lattice.potentials.potential import Potential

    if given.charges == "simple":
        charges: Any = ByElement(molecule)
    else:
        from genarris_fw.lattice.charges.by_method import electrostatics

        charges = electrostatics(molecule, given.charges.removesuffix("+s"), given.charges.endswith("+s"))
    return Model(molecule, Potential(given.potential), charges)


def microseconds(model: Model, crystal: Structure) -> tuple[float, float, int]:
    """One energy with gradient, one with second derivatives too, and the number of variables."""
    unit = independent_molecules(model.rigid(crystal), model.kinds)
    symmetry = symmetry_arguments(unit.operations, list(unit.centres), 1e-4)
    kernel = lattice_sum(model.terms, unit.forms, [0] * len(unit.forms), symmetry)
    where = unit.lattice, np.tile(np.eye(3), (len(unit.forms), 1, 1)), unit.centres, np.arange(len(unit.forms))
    found = []
    for second in (False, True):
        kernel.time(*where, second, 50)
        best = np.inf
        for _ in range(5):
            begin = time.process_time()
            kernel.time(*where, second, 100)
            best = min(best, (time.process_time() - begin) / 100)
        found.append(1e6 * best)
    return found[0], found[1], kernel.variables


def generated(molecule: Molecule, Z: int, wanted: int, seed: int) -> list[tuple[Placement, Hits]]:
    """Crystals of the molecule, some of each group that it fits in; every second one pressed."""
    from genarris_fw.generation import estimate_volume

    volume = Z * estimate_volume(molecule)
    found = []
    fitting = [o for o in occupations(molecule, Z) if o.space_group in GROUPS and len(o.sites) == 1]
    for occupation in fitting:
        placement = Placement(molecule, occupation, cutoff_matrix(molecule, SR_START))
        if not placement.packer.variables:
            continue
        quota = max(2, wanted // max(len(fitting), 1))
        _, numbers, orientations, geometry, *_ = placement.packer.draw(
            seed, 0, 40 * quota, quota, volume, 0.075 * volume
        )
        hits = Hits.of(numbers, orientations, geometry)
        half = len(hits) // 2
        if half:
            pressed = press_hits(placement, hits[:half], cutoff_matrix(molecule, SR_PRESS))
            found.append((placement, pressed))
        if len(hits) > half:
            found.append((placement, hits[half:]))
    return found


def measured(path: Path, given: argparse.Namespace) -> dict[str, Any]:
    crystal = whole_molecules(read(path)[0])
    n, Z = crystal.properties["number_of_atoms_in_molecule"], crystal.properties["Z"]
    molecule = Molecule(crystal.species[:n], crystal.positions[:n])
    try:
        from genarris_fw.crystal import symmetrize

        molecule = symmetrize(molecule, tol=0.03)
    except GenarrisError:
        pass
    model = model_of(molecule, given)
    gradient, second, variables = microseconds(model, crystal)
    steps, evaluations, ends, seconds = [], [], Counter[str](), []
    for placement, hits in generated(molecule, Z, given.structures, given.seed):
        minimiser = model.site_minimiser(placement)
        for k in range(len(hits)):
            begin = time.process_time()
            out = minimiser.kernel.minimise(
                hits.lattices[k], hits.rotations[k], hits.centres[k], hits.orientations[k], *minimiser.settings
            )
            seconds.append(time.process_time() - begin)
            steps.append(out[5])
            evaluations.append(out[6])
            ends[ENDS[out[7]]] += 1
    return {
        "crystal": path.stem,
        "atoms": n,
        "Z": Z,
        "variables": variables,
        "gradient_us": gradient,
        "second_us": second,
        "minimised": len(steps),
        "ms": 1e3 * float(np.mean(seconds)) if seconds else float("nan"),
        "slowest_ms": 1e3 * float(np.max(seconds)) if seconds else float("nan"),
        "steps": float(np.mean(steps)) if steps else float("nan"),
        "evaluations": float(np.mean(evaluations)) if evaluations else float("nan"),
        "ends": dict(ends),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", default="")
    parser.add_argument("--structures", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--charges", default="simple")
    parser.add_argument("--potential", default="FIT")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    wanted = given.names.split(",") if given.names else None
    rows = []
    print("crystal                       atoms  Z vars  us grad  us 2nd    n     ms  worst  steps  evals  ended")
    for path in sorted(given.folder.glob("*.cif")):
        if wanted is None or path.stem in wanted:
            row = measured(path, given)
            rows.append(row)
            print(
                f"{row['crystal']:30s} {row['atoms']:4d} {row['Z']:2d} {row['variables']:4d} {row['gradient_us']:8.0f} "
                f"{row['second_us']:7.0f} {row['minimised']:4d} {row['ms']:6.2f} {row['slowest_ms']:6.1f} "
                f"{row['steps']:6.1f} {row['evaluations']:6.1f}  {row['ends']}",
                flush=True,
            )
    print(f"mean of the minimisations: {np.nanmean([row['ms'] for row in rows]):.2f} ms")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
