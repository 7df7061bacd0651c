"""RDF vectors beside dscribe, and the distance matrices of benchmarks/distances.py in the same call.

    python benchmarks/descriptors.py [--n 400] [--quick] [--json FILE]

Structures per CPU second of one thread, best of 3; dscribe is left out where it is not installed. The largest relative
differences are of the vectors from dscribe's, and from evaluating every function at every distance.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.crystal import Structure
from genarris_fw.descriptors import pool_elements, radial_functions, rdf

CUTOFF, N_FUNCTIONS = 12.0, 12
SCHEMES = ("shifted", "centered", "random")


def rate(call: Callable[[], Any], count: int, repeats: int = 3) -> float:
    """Return how many of `count` things the call does per CPU second, the best of some calls."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return count / best


def benzene_cells(n: int, rng: np.random.Generator) -> list[Structure]:
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


def from_rows(cells: Sequence[Structure], rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return crystals' vectors of the surroundings of every atom."""
    elements = pool_elements(cells)
    vectors = []
    for cell, around in zip(cells, rows):
        species = np.array(cell.species)
        vectors.append(np.concatenate([around[species == name].sum(axis=0) for name in elements]) / len(species))
    return np.array(vectors)


def dscribes(cells: Sequence[Structure], scheme: str) -> tuple[float, np.ndarray]:
    """Return dscribe's rate and its vectors: the second symmetry functions of its ACSF, with the same parameters."""
    from dscribe.descriptors import ACSF

    functions = radial_functions(CUTOFF, N_FUNCTIONS, scheme)
    parameters = np.column_stack([functions.eta, functions.centres])
    elements = pool_elements(cells)
    acsf = ACSF(species=elements, r_cut=CUTOFF, g2_params=parameters, periodic=True)
    # It overlooks neighbours of atoms that lie outside the cell.
    atoms = [cell.to_ase() for cell in cells]
    for one in atoms:
        one.wrap()
    speed = rate(lambda: [acsf.create(one) for one in atoms], len(atoms))
    # For each neighbour's element (by atomic number, as H, C; here alphabetically) the cutoff alone, then ours.
    order = [sorted(elements, key=lambda name: Structure(None, [name], [[0, 0, 0]]).mass).index(e) for e in elements]
    rows = [acsf.create(one).reshape(len(one), len(elements), -1)[:, order, 1:].reshape(len(one), -1) for one in atoms]
    return speed, from_rows(cells, rows)


def difference(vectors: np.ndarray, others: np.ndarray) -> float:
    return float(np.abs(vectors / others - 1).max())


def rdf_table(n: int) -> list[dict[str, Any]]:
    """Print and return the rates of every scheme."""
    cells = benzene_cells(n, np.random.default_rng(0))
    few = cells[: max(20, n // 8)]
    has_peer = importlib.util.find_spec("dscribe") is not None
    print(f"RDF vectors, 24 atoms, cutoff {CUTOFF:g} Å, {N_FUNCTIONS} functions: structures per CPU second")
    print(f"{'':12} {'ours':>8} {'of atoms':>8} {'dscribe':>8} {'ratio':>7} {'difference':>11} {'from direct':>11}")
    rows = []
    for scheme in SCHEMES:
        options = {"cutoff": CUTOFF, "n_D_inter": N_FUNCTIONS, "init_scheme": scheme}
        vectors = rdf(few, **options)
        row: dict[str, Any] = {
            "what": scheme,
            "ours": rate(lambda options=options: rdf(cells, **options), n),
            "of_atoms": rate(lambda options=options: rdf(few, per_atom=True, **options), len(few)),
            "from_direct": difference(vectors, from_rows(few, rdf(few, per_atom=True, **options))),
        }
        if has_peer:
            row["dscribe"], peer = dscribes(few, scheme)
            row["ratio"] = row["ours"] / row["dscribe"]
            row["difference"] = difference(vectors, peer)
        rows.append(row)
    rows.append({"what": "2.0-manual", "ours": rate(lambda: rdf(cells, convention="2.0-manual"), n)})
    for row in rows:
        rates = [f"{row[key]:8.0f}" if key in row else f"{'-':>8}" for key in ("ours", "of_atoms", "dscribe")]
        ratio = f"{row['ratio']:7.1f}" if "ratio" in row else f"{'-':>7}"
        errors = [f"{row[key]:11.1e}" if key in row else f"{'-':>11}" for key in ("difference", "from_direct")]
        print(f"{row['what']:12}", *rates, ratio, *errors)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, help="structures to describe (400; 100 with --quick)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    figures: dict[str, Any] = {"rdf": rdf_table(options.n or (100 if options.quick else 400))}
    if importlib.util.find_spec("distances") is not None:
        import distances

        print()
        figures["distances"] = distances.run(3000 if options.quick else 20000, options.quick)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
