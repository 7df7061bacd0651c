"""What `benchmarks/lattice_occ.py` runs in an interpreter that has occpy: one crystal's energy, or one minimisation.

    PYTHON_WITH_OCCPY benchmarks/lattice_occ_peer.py TASK.json ANSWER.json

TASK.json holds "crystal", a structure in occ's own JSON whose molecules have also a "rotation" (3, 3), maybe improper,
and a "centre" in Å: occ places them by their centre of mass, which is computed here with its own masses. With a
"method" it is minimised, else its energy is computed. CPU seconds are those of one thread, and include what occ does
to set up its classes. The crystal at the end is got from occ's command line, which does the same once more, not timed:
the classes do not tell the cell.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import occpy

METHODS = {"mstmin": "MSTMIN", "lbfgs": "LBFGS", "trust-region": "TrustRegion"}
SECONDS = 0.2  # for the mean time of an energy


def structure_of(task: dict[str, Any], path: Path) -> Any:
    """The task's crystal as occ reads it; path: where it is written for that."""
    crystal = task["crystal"]
    [molecule] = crystal["basis"]["molecule_types"]
    masses = np.array([occpy.Element(site["element"]).mass for site in molecule["sites"]])
    centre_of_mass = masses @ np.array([site["position"] for site in molecule["sites"]]) / masses.sum()
    lattice = np.array(task["lattice"])
    for placed in crystal["crystal"]["molecules"]:
        centre = np.array(placed.pop("centre")) + np.array(placed.pop("rotation")) @ centre_of_mass
        placed["translation"] = np.linalg.solve(lattice.T, centre).tolist()
    path.write_text(json.dumps(crystal))
    return occpy.read_structure_json(str(path))


def energy(structure: Any) -> dict[str, Any]:
    begin = time.process_time()
    calculator = occpy.CrystalEnergy(occpy.from_structure_input(structure))
    states = calculator.initial_states()
    count = calculator.num_molecules()
    found = calculator.compute(states)
    rounds, begin = 0, time.process_time()
    while rounds < 3 or time.process_time() - begin < SECONDS:
        calculator.compute(states)
        rounds += 1
    return {
        "electrostatic": found.electrostatic_energy / count,
        "repulsion_dispersion": found.repulsion_dispersion / count,
        "seconds": (time.process_time() - begin) / rounds,
    }


def minimised(structure: Any, task: dict[str, Any]) -> dict[str, Any]:
    settings = occpy.CrystalOptimizerSettings()
    settings.method = getattr(occpy.OptimizationMethod, METHODS[task["method"]])
    settings.gradient_tolerance, settings.energy_tolerance = task["gradient"], task["energy"]
    settings.max_iterations = task["steps"]
    settings.neighbor_radius = task["crystal"]["basis"]["potentials"]["cutoff"]
    settings.force_field = occpy.ForceFieldType.Custom
    settings.optimize_cell = settings.use_ewald = True
    settings.max_interaction_order = task["crystal"]["basis"]["settings"]["max_interaction_order"]
    begin = time.process_time()
    optimiser = occpy.CrystalOptimizer(occpy.from_structure_input(structure), settings)
    result = optimiser.optimize()
    return {
        "seconds": time.process_time() - begin,
        "energy": result.final_energy,
        "electrostatic": result.electrostatic_energy,
        "repulsion_dispersion": result.repulsion_dispersion_energy,
        "converged": result.converged,
        "ended": result.termination_reason,
        "steps": result.iterations,
        "evaluations": result.function_evaluations,
    }


def final_crystal(path: Path, task: dict[str, Any]) -> str | None:
    """The minimised crystal as a CIF of occ's command line."""
    end = path.with_suffix(".cif")
    basis = task["crystal"]["basis"]
    command = [Path(sys.executable).parent / "occpy", "--threads=1", "ropt", path, "--output", end]
    command += ["--optimize-cell", "--no-elastic", "--optimizer", task["method"], "--max-iter", task["steps"]]
    command += ["--radius", basis["potentials"]["cutoff"], "--max-order", basis["settings"]["max_interaction_order"]]
    command += ["--gtol", task["gradient"], "--etol", task["energy"]]
    subprocess.run([str(word) for word in command], capture_output=True, cwd=path.parent, check=False)
    return end.read_text() if end.exists() else None


def main() -> None:
    path = Path(sys.argv[1])
    task = json.loads(path.read_text())
    occpy.set_num_threads(1)
    occpy.set_log_level("silent")
    structure = structure_of(task, path.with_name("crystal.json"))
    if "method" in task:
        answer = minimised(structure, task)
        answer["cif"] = final_crystal(path.with_name("crystal.json"), task)
    else:
        answer = energy(structure)
    answer["version"] = getattr(occpy, "__version__", "of unknown version")
    Path(sys.argv[2]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
