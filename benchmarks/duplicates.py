"""Duplicates of a pool with planted copies: time per stage, recall and precision.

    python benchmarks/duplicates.py FOLDER_OF_MOLECULES [--structures 10000] [--planted 0.3] [--threads 2] [--json FILE]

The pool is generated: several molecules, many space groups, every second structure pressed. Many of its structures are
true duplicates of others, so it is first made distinct, judged by oxtalign (https://pypi.org/project/oxtalign, by
arrays, 20 molecules, heavy atoms): of two structures that it finds within twice the tolerance of the RMSD one is left
out. It judges all pairs within windows a tenth wider than those under test, so every pair that could be called
duplicates. To make that pool takes longer than the measurement; --base FILE keeps it.

Copies are turned, mirrored (every second), described in another cell or a doubled one (every fifth), with another
origin, molecules and the atoms in them in another order, and every coordinate has noise of 0.02 Å. Recall: copies that
share the survivor of what they copy. Precision: of the structures called duplicates, those that share the survivor's
origin.
"""

import argparse
import json
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from yardstick import yardstick

from genarris_fw.clustering.duplicates import Windows, candidates, find_duplicates
from genarris_fw.clustering.fingerprints import fingerprint
from genarris_fw.clustering.matching import Matching, match, prepare
from genarris_fw.crystal import Structure, read_molecule
from genarris_fw.errors import GenarrisError
from genarris_fw.generation import estimate_volume, generate, occupations, press

# Molecule, Z, share of the pool. What is small and has no symmetry gives the most crystals that look alike.
MIXTURE = [
    ("aspirin", 4, 0.55),
    ("urea_in_crystal", 4, 0.12),
    ("naphthalene", 4, 0.08),
    ("tetracene", 2, 0.08),
    ("glycine", 4, 0.06),
    ("acetic_acid_in_crystal", 4, 0.06),
    ("benzene", 4, 0.05),
]
GROUPS = [2, 4, 5, 7, 9, 13, 14, 15, 18, 19, 29, 33, 43, 56, 60, 61, 76, 88, 92, 96, 114, 148, 169]
TOO_CLOSE = 2 * Matching().rmsd_tolerance
NOISE = 0.02  # Å per coordinate
ATTEMPTS = 20_000
WIDER = 1.1

Row = dict[str, Any]


def generated(folder: Path, wanted: int) -> Iterator[Structure]:
    for name, Z, share in MIXTURE:
        molecule = read_molecule(folder / f"{name}.in")
        volume = Z * estimate_volume(molecule)
        fitting = {one.space_group for one in occupations(molecule, Z)}
        groups = [group for group in GROUPS if group in fitting]
        quota, made = math.ceil(share * wanted), 0
        for k, group in enumerate(groups):
            n = math.ceil((quota - made) / (len(groups) - k))
            try:
                found = generate(molecule, Z, group, n, volume, 0.05 * volume, mode="auto", max_attempts=ATTEMPTS)
                done = [press(one) if i % 2 else one for i, one in enumerate(found.structures)]
            except GenarrisError as error:
                print(f"{name} in group {group}: {error}", file=sys.stderr)
                continue
            made += len(done)
            yield from done
        print(f"{name}: {made} structures in {len(groups)} space groups", flush=True)


def close_ones(pool: list[Structure]) -> list[tuple[int, int]]:
    own = Windows()
    wider = Windows(WIDER * own.volume_tolerance, WIDER * own.amd_tolerance, WIDER * own.pdd_tolerance)
    return [(i, j) for i, j in candidates([fingerprint(one) for one in pool], wider).tolist()]


def apart(task: tuple[list[Structure], list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Pairs that oxtalign finds within twice the tolerance."""
    import oxtalign

    pool, pairs = task
    ready: dict[int, Any] = {}
    for i in {i for pair in pairs for i in pair}:
        one = pool[i]
        ready[i] = oxtalign.from_arrays(one.species, one.fractional, cell=one.lattice)
    found = []
    for i, j in pairs:
        result = oxtalign.compare(ready[i], ready[j], n=20)
        if result.n_matched == 20 and result.rmsd_n <= TOO_CLOSE:
            found.append((i, j))
    return found


def distinct(pool: list[Structure], processes: int) -> list[Structure]:
    start = time.perf_counter()
    pairs = close_ones(pool)
    print(f"{len(pairs)} close pairs go to oxtalign", flush=True)
    with ProcessPoolExecutor(processes) as workers:
        parts = [(pool, pairs[k : k + 1000]) for k in range(0, len(pairs), 1000)]
        found = [pair for part in workers.map(apart, parts) for pair in part]
    dropped: set[int] = set()
    for i, j in found:
        if i not in dropped:
            dropped.add(j)
    print(f"{len(dropped)} of {len(pool)} left out in {time.perf_counter() - start:.0f} s", flush=True)
    return [one for i, one in enumerate(pool) if i not in dropped]


def base(folder: Path, wanted: int, kept: Path | None, processes: int) -> list[Structure]:
    if kept and kept.exists():
        pool = [Structure.from_dict(json.loads(line)) for line in kept.read_text().splitlines()]
    else:
        pool = distinct(list(generated(folder, math.ceil(1.3 * wanted))), processes)
        if kept:
            kept.write_text("\n".join(json.dumps(one.to_dict()) for one in pool))
    if len(pool) < wanted:
        print(f"only {len(pool)} distinct structures, {wanted} wanted", file=sys.stderr)
    rng = np.random.default_rng(1)
    return [pool[i] for i in rng.permutation(len(pool))[:wanted]]


def copy(structure: Structure, rng: np.random.Generator, mirror: bool, double: bool) -> Structure:
    """The same crystal in other words, with noise."""
    n = int(structure.properties["number_of_atoms_in_molecule"])
    molecules, lattice = structure.positions.reshape(-1, n, 3), structure.lattice
    if double:
        molecules = np.concatenate([molecules, molecules + lattice[0]])
        lattice = np.array([2, 1, 1])[:, None] * lattice
    order = rng.permutation(n)
    molecules = molecules[rng.permutation(len(molecules))][:, order]
    cell = np.zeros((3, 3))
    while abs(round(np.linalg.det(cell))) != 1:
        cell = rng.integers(-2, 3, (3, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn)) * (-1 if mirror else 1)
    positions = molecules.reshape(-1, 3) + rng.normal(0, 5, 3) + rng.normal(0, NOISE, (molecules.size // 3, 3))
    species = [structure.species[i] for i in order] * len(molecules)
    return Structure(cell @ lattice @ turn, species, positions @ turn)


def planted(pool: list[Structure], copies: int, seed: int = 2) -> tuple[list[Structure], NDArray[np.intp]]:
    """The pool with copies of random members, in random order, and for each structure its origin."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(pool), size=copies)
    made = [copy(pool[i], rng, k % 2 == 1, k % 5 == 4) for k, i in enumerate(chosen)]
    order = rng.permutation(len(pool) + copies)
    together, origin = [*pool, *made], np.concatenate([np.arange(len(pool)), chosen])
    return [together[i] for i in order], origin[order]


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, wall seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def stages(pool: list[Structure]) -> list[Row]:
    """Time of each stage on one thread, in pieces as a task farm would run them."""
    prints, *seconds = timed(lambda: [fingerprint(one) for one in pool])
    rows = [{"stage": "fingerprints", "count": len(pool), "wall_s": seconds[0], "cpu_s": seconds[1]}]
    pairs, *seconds = timed(lambda: candidates(prints))
    rows.append({"stage": "candidates", "count": len(pairs), "wall_s": seconds[0], "cpu_s": seconds[1]})
    needed = np.unique(pairs)
    ready, *seconds = timed(lambda: {int(i): prepare(pool[i]) for i in needed})
    rows.append({"stage": "preparation", "count": len(ready), "wall_s": seconds[0], "cpu_s": seconds[1]})
    some = pairs[np.random.default_rng(0).permutation(len(pairs))[:20_000]].tolist()
    found, *seconds = timed(lambda: [match(ready[i], ready[j]) for i, j in some])
    rows.append({"stage": "matching (a sample)", "count": len(found), "wall_s": seconds[0], "cpu_s": seconds[1]})
    return rows


def many_candidates(pool: list[Structure], n: int) -> Row:
    """Time of the search for candidates alone among n fingerprints: those of the pool with every number moved."""
    rng = np.random.default_rng(3)
    prints = [fingerprint(one) for one in pool[: min(len(pool), 2000)]]
    moved = []
    for i in rng.integers(len(prints), size=n):
        one, by = prints[i], rng.normal(0, 0.2)
        moved.append(
            type(one)(one.compound, one.volume * math.exp(0.1 * by), one.amd + by, one.pdd + rng.normal(0, 0.2))
        )
    pairs, wall, cpu = timed(lambda: candidates(moved))
    return {"stage": f"candidates of {n}", "count": len(pairs), "wall_s": wall, "cpu_s": cpu}


def figures(pool: list[Structure], origin: NDArray[np.intp], threads: int) -> Row:
    found, wall, cpu = timed(lambda: find_duplicates(pool, threads=threads))
    n = len(pool)
    called = np.flatnonzero(found.survivors != np.arange(n))
    right = int((origin[found.survivors[called]] == origin[called]).sum())
    # In every family of copies all but one must be duplicates of one another.
    true = n - len(np.unique(origin))
    families = len(np.unique(origin * n + found.survivors)) - len(np.unique(origin))
    return {
        "structures": n,
        "copies": true,
        "called_duplicates": len(called),
        "precision": right / max(len(called), 1),
        "recall": 1 - families / max(true, 1),
        "candidates": found.candidates,
        "compared": found.compared,
        "largest_rmsd": float(np.nanmax(found.rmsd, initial=0.0)),
        "threads": threads,
        "wall_s": wall,
        "cpu_s": cpu,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecules", type=Path, help="folder of geometry.in files")
    parser.add_argument("--structures", type=int, default=10_000)
    parser.add_argument("--planted", type=float, default=0.3, help="share of copies")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--base", type=Path, help="keep the distinct pool here, and take it from here")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    copies = round(chosen.planted * chosen.structures)
    pool, origin = planted(base(chosen.molecules, chosen.structures - copies, chosen.base, chosen.threads), copies)
    rows = [*stages(pool), many_candidates(pool, 50_000)]
    print(f"{'stage':24}{'count':>10}{'wall s':>9}{'CPU s':>9}{'CPU ms each':>13}")
    for row in rows:
        each = 1e3 * row["cpu_s"] / max(row["count"], 1)
        print(f"{row['stage']:24}{row['count']:10d}{row['wall_s']:9.2f}{row['cpu_s']:9.2f}{each:13.3f}")
    whole = figures(pool, origin, chosen.threads)
    for name, value in whole.items():
        print(f"{name:24}{value:10.4f}" if isinstance(value, float) else f"{name:24}{value:10d}")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    record = {"yardstick": yardstick(), "stages": rows, "whole": whole, "peak_memory_mb": megabytes}
    print(f"peak memory {megabytes:.0f} MB")
    if chosen.json:
        chosen.json.write_text(json.dumps(record))


if __name__ == "__main__":
    main()
