"""The kernels that walk over periodic images: CPU time of each, and a digest of what it returns.

    python benchmarks/images.py FOLDER [--crystals 60] [--repeats 15] [--only amd,rdf,...] [--json FILE]

FOLDER holds the molecules (aspirin.in: a geometry.in file). The crystals are generated from a fixed seed, in cells as
the generator gives them. Prints milliseconds, the least of the repeats; two builds of the kernels that give the same
digest return the same to the last bit.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import genarris_fw._kernels.matching as matching_kernel
import genarris_fw._kernels.molecules as molecules_kernel
import genarris_fw._kernels.neighbours as neighbours_kernel
import numpy as np

from genarris_fw.clustering.matching import prepare
from genarris_fw.crystal import Structure, read_molecule
from genarris_fw.crystal.bonds import longest_bond
from genarris_fw.descriptors import rdf
from genarris_fw.descriptors.amd import nearest_distances
from genarris_fw.generation import Group, cutoff_matrix, generate, occupations, press
from genarris_fw.generation.contacts import contact_margin

Z, VOLUME, GROUPS = 4, 900.0, (14, 19, 33)


def digest(values: Any) -> str:
    found = hashlib.sha256()
    for value in values:
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()[:12]


def whole(structure: Structure) -> list[np.ndarray]:
    n = len(structure)
    points, label, bonded = structure.positions.copy(), np.empty(n, np.intp), np.zeros((n, n), np.uint8)
    elements = sorted(set(structure.species))
    kinds = np.array([elements.index(one) for one in structure.species], dtype=np.intp)
    reach = np.array([[longest_bond(one, other) for other in elements] for one in elements])
    count = molecules_kernel.make_whole(structure.lattice, points, kinds, reach, label, bonded)
    return [np.array([count]), points, label, bonded]


def around(structure: Structure, room: int = 400_000) -> list[np.ndarray]:
    """The neighbours of every atom within 9 Å, sorted: they come in no order."""
    n = len(structure)
    counts, owners, vectors = np.empty(n, np.intp), np.empty(room, np.intp), np.empty((room, 3))
    total = neighbours_kernel.neighbours(
        structure.lattice, structure.positions, np.full(n, 9.0), counts, owners, vectors
    )
    return [counts, np.sort(np.linalg.norm(vectors[:total], axis=1))]


def shells(packing: matching_kernel.Packing) -> list[np.ndarray]:
    return [np.asarray(part) for m in range(packing.molecules) for part in packing.shell(m, 20)]


def calls(folder: Path, crystals: int) -> dict[str, Callable[[], list[Any]]]:
    """Return a call for each kernel, with all that it needs made ready."""
    molecule = read_molecule(folder / "aspirin.in")
    cutoffs, looser = cutoff_matrix(molecule, 0.85), cutoff_matrix(molecule, 1.2)
    each = -(-crystals // len(GROUPS))
    pool = [
        one for group in GROUPS for one in generate(molecule, Z, group, each, VOLUME, 0.0, mode="packing").structures
    ]
    groups = [Group(molecule, occupations(molecule, Z, 1e-2, [group]), cutoffs) for group in GROUPS]
    packings = [prepare(one).packing for one in pool]

    def drawn(mode: str, count: int) -> list[Any]:
        found = []
        for group in groups:
            placement = group.placements[0]
            kernel = placement.sampler if mode == "rejection" else placement.packer
            found += kernel.draw(0, 0, count, 10_000, VOLUME, 0.0)[1:]
        return found

    return {
        "amd": lambda: [nearest_distances(one.lattice, one.positions, range(21), 100) for one in pool],
        "rdf": lambda: [rdf(pool, cutoff=12.0, n_D_inter=12, threads=1)],
        "neighbours": lambda: [part for one in pool for part in around(one)],
        "molecules": lambda: [part for one in pool for part in whole(one)],
        "matching": lambda: [part for one in packings for part in shells(one)],
        "contacts": lambda: [contact_margin(one, looser) for one in pool],
        "rejection": lambda: drawn("rejection", 100_000),
        "packing": lambda: drawn("packing", 60),
        "press": lambda: [press(one).positions for one in pool[::8]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crystals", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = {}
    for name, call in calls(arguments.folder, arguments.crystals).items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        best = np.inf
        for _ in range(arguments.repeats):
            start = time.process_time()
            found = call()
            best = min(best, time.process_time() - start)
        rows[name] = {"ms": 1e3 * best, "digest": digest(found)}
        print(f"{name:<12}{rows[name]['ms']:>10.2f} ms   {rows[name]['digest']}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
