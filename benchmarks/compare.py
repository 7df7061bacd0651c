"""One measured crystal against a pool of 10,000: time, and whether the right structure is found.

    python benchmarks/compare.py MOLECULE.in [--structures 10000] [--planted 100] [--molecules 15] [--threads 2]
        [--json FILE]

The pool is generated: one molecule, four in the cell, in several space groups. Its structures are planted as
experiments: turned, moved, half of them mirrored, in another or a larger cell, in the Niggli cell, atoms in another
order and thrown over the cell, with noise of 0.02 to 0.05 Å in every coordinate, hydrogens moved by 0.2 Å or missing.
Right is the structure that was planted.

The time is that of `genarris_fw.comparing.pool.compare_pool`: crystals in memory to the five nearest, their
powder patterns included. `oxtalign` (https://pypi.org/project/oxtalign) compares a sample of the same structures with
the same experiments, in one process.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from yardstick import yardstick

from genarris_fw.comparing.cluster_match import Tolerances, match_clusters
from genarris_fw.comparing.experiment import without_hydrogens
from genarris_fw.comparing.pool import compare_pool
from genarris_fw.crystal import Molecule, Structure, niggli_reduce, read_molecule
from genarris_fw.errors import GenarrisError
from genarris_fw.generation import estimate_volume, generate

GROUPS = (14, 19, 4, 33, 29, 61, 2, 15, 18, 9)
CELL = np.array([[1, 0, 0], [1, 1, 0], [-1, 2, 1]])
TIMED = 3  # experiments against the whole pool
SAMPLE = 200  # structures for the peer
SEARCHED = 500  # structures beside each planted one


def generated(molecule: Molecule, wanted: int) -> list[Structure]:
    found: list[Structure] = []
    for seed, group in enumerate(GROUPS * 10):
        Z = 2 if group in (2, 4) else 8 if group in (15, 61) else 4
        volume = Z * estimate_volume(molecule)
        share = wanted // len(GROUPS) + 1
        try:
            made = generate(molecule, Z, group, share, volume, 0.05 * volume, mode="auto", confirm=False, seed=seed)
        except GenarrisError:
            continue
        found += made.structures[: wanted - len(found)]
        if len(found) == wanted:
            break
    for number, one in enumerate(found):
        one.struct_id = f"crystal_{number}"
    return found


def planted(crystal: Structure, number: int, rng: np.random.Generator) -> tuple[str, Structure]:
    """One crystal in other words, and what was done to it."""
    size, kind = int(crystal.properties["number_of_atoms_in_molecule"]), number % 8
    lattice, positions, species = crystal.cell, crystal.positions.copy(), list(crystal.species)
    words = ["turned", "other cell", "supercell", "niggli", "hydrogens moved", "no hydrogens", "thrown", "noise"][kind]
    if words == "niggli":
        crystal = niggli_reduce(crystal, len(crystal) // size)
        lattice, positions = crystal.cell, crystal.positions.copy()
    if words == "supercell":
        positions = np.concatenate([positions, positions + lattice[1]])
        lattice, species = np.diag([1, 2, 1]) @ lattice, species * 2
    if words == "other cell":
        lattice = CELL @ lattice
    if words == "hydrogens moved":
        rows = np.flatnonzero(np.array(species) == "H")
        away = rng.normal(size=(len(rows), 3))
        positions[rows] += 0.2 * away / np.linalg.norm(away, axis=1, keepdims=True)
    positions += rng.normal(0, 0.05 if words == "noise" else 0.02, positions.shape)
    order = rng.permutation(len(species))
    if words != "turned":
        positions = positions + rng.integers(-2, 3, positions.shape) @ lattice
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn)) * (-1 if number % 2 else 1)
    moved = (positions[order] + rng.normal(0, 5, 3)) @ turn
    found = Structure(lattice @ turn, [species[k] for k in order], moved, struct_id="experiment")
    return words, without_hydrogens(found) if words == "no hydrogens" else found


def by_oxtalign(structures: list[Structure], experiment: Structure, n: int) -> dict[str, Any] | None:
    """The time and the verdicts of the peer, beside ours of the same pairs."""
    try:
        import oxtalign
    except ImportError:
        return None
    began = time.process_time()
    ready = [oxtalign.from_arrays(one.species, one.fractional, cell=one.cell) for one in (experiment, *structures)]
    theirs = [oxtalign.compare(ready[0], one, n=n).n_matched for one in ready[1:]]
    seconds = time.process_time() - began
    began = time.process_time()
    tolerances = Tolerances(n, np.inf, 180.0, 1.0)  # as there: atoms within 1 Å
    ours = [match_clusters(experiment, one, tolerances).matched for one in structures]
    return {
        "peer_ms_per_pair": 1e3 * seconds / len(structures),
        "ms_per_pair": 1e3 * (time.process_time() - began) / len(structures),
        "pairs": len(structures),
        "full_by_both": sum(a == n and b == n for a, b in zip(ours, theirs)),
        "full_by_one": sum((a == n) != (b == n) for a, b in zip(ours, theirs)),
        "mean_matched": [float(np.mean(ours)), float(np.mean(theirs))],
    }


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    pool = generated(read_molecule(arguments.molecule), arguments.structures)
    chosen = rng.choice(len(pool), arguments.planted, replace=False)
    times = []
    for number, index in enumerate(chosen[:TIMED]):
        _, experiment = planted(pool[index], number, rng)
        began, cpu = time.perf_counter(), time.process_time()
        found = compare_pool(pool, experiment, arguments.molecules, threads=arguments.threads).found
        times.append((time.perf_counter() - began, time.process_time() - cpu))
        assert found is not None and found.index == index
    missed: list[str] = []
    for number, index in enumerate(chosen):
        words, experiment = planted(pool[index], number, rng)
        others = rng.choice(len(pool), min(SEARCHED, len(pool)), replace=False)
        rows = [int(index), *(int(k) for k in others if k != index)]
        some = [pool[k] for k in rows]
        found = compare_pool(some, experiment, arguments.molecules, nearest=1, threads=arguments.threads).found
        if found is None or found.index != 0:
            missed.append(f"{words}: structure {index}")
    return {
        "molecule": Path(arguments.molecule).stem,
        "structures": len(pool),
        "molecules": arguments.molecules,
        "seconds": min(wall for wall, _ in times),
        "cpu_seconds": min(cpu for _, cpu in times),
        "planted": len(chosen),
        "found": len(chosen) - len(missed),
        "missed": missed,
        "peer": by_oxtalign(pool[:SAMPLE], planted(pool[0], 0, rng)[1], arguments.molecules),
        "yardstick": yardstick(),
    }


def table(row: dict[str, Any]) -> str:
    lines = [
        f"{row['molecule']}: {row['structures']} structures, clusters of {row['molecules']}",
        f"one experiment against all: {row['seconds']:.1f} s ({row['cpu_seconds']:.1f} s of CPU)",
        f"planted and found: {row['found']} of {row['planted']}",
        *row["missed"],
    ]
    if peer := row["peer"]:
        ours, theirs = peer["mean_matched"]
        lines.append(
            f"{peer['pairs']} pairs: {peer['ms_per_pair']:.2f} ms each, oxtalign {peer['peer_ms_per_pair']:.2f} ms; "
            f"full by both {peer['full_by_both']}, by one {peer['full_by_one']}; matched on average {ours:.2f} and "
            f"{theirs:.2f} molecules"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("molecule", type=Path)
    parser.add_argument("--structures", type=int, default=10_000)
    parser.add_argument("--planted", type=int, default=100)
    parser.add_argument("--molecules", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    row = measured(arguments)
    print(table(row))
    if arguments.json:
        arguments.json.write_text(json.dumps(row, indent=2) + "\n")
    sys.exit(0 if not row["missed"] else 1)


if __name__ == "__main__":
    main()
