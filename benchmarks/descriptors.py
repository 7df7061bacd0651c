"""How fast the descriptors are here: `python benchmarks/descriptors.py [--n 2000]`."""

import argparse
import time

import numpy as np
from scipy.spatial.distance import pdist, squareform

from genarris_fw.crystal import Structure
from genarris_fw.descriptors import distance_matrix, rdf


def best_of(call, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def benzene_cells(n, rng):
    """Cells of 24 atoms and about 250 Å3, oblique by chance: two flat rings of benzene's size, turned at random."""
    angles = np.arange(6) * np.pi / 3
    ring = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(6)])
    molecule = np.concatenate([1.39855 * ring, 2.48995 * ring])
    cells = []
    for _ in range(n):
        lattice = np.diag([6.0, 6.2, 6.7]) + np.tril(rng.uniform(-2, 2, (3, 3)), -1)
        turns = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2)]
        positions = np.concatenate([molecule @ turn + rng.uniform(0, 1, 3) @ lattice for turn in turns])
        cells.append(Structure(lattice, (["C"] * 6 + ["H"] * 6) * 2, positions))
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000, help="structures of the distance matrix")
    n = parser.parse_args().n
    rng = np.random.default_rng(0)
    cells = benzene_cells(200, rng)
    for scheme in ("shifted", "centered"):
        seconds = best_of(lambda scheme=scheme: rdf(cells, cutoff=12, n_D_inter=12, init_scheme=scheme))
        print(f"RDF {scheme:9} 24 atoms, cutoff 12: {len(cells) / seconds:8.0f} structures per CPU second")
    vectors = rng.normal(size=(n, 48))
    ours = best_of(lambda: distance_matrix(vectors))
    plain = best_of(lambda: squareform(pdist(vectors)))
    print(f"distance matrix, N = {n}: {ours:.3f} s; scipy pdist + squareform {plain:.3f} s")


if __name__ == "__main__":
    main()
