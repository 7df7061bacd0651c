"""How fast clustering is here: `python benchmarks/clustering.py [PART ...] [--quick] [--json FILE]`.

Every part is a function that returns a table; every measurement of memory is made in a process of its own.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from genarris_fw.clustering.affinity import ClusterSearch
from genarris_fw.clustering.propagation import Similarities, fit
from genarris_fw.descriptors import distance_matrix
from genarris_fw.threads import default_threads

FEATURES = 48
A = 1000.0  # similarity = -A x distance


def vectors(n, seed=0, features=FEATURES, per_cluster=12):
    """Points around centres in eight directions, with some noise in all others: like radial vectors of a pool."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(8, features))
    centres = rng.normal(size=(max(1, n // per_cluster), 8))
    which = rng.integers(0, len(centres), n)
    return (centres[which] + 0.35 * rng.normal(size=(n, 8))) @ basis + 0.1 * rng.normal(size=(n, features))


def distances(n, seed=0):
    return distance_matrix(vectors(n, seed), standardize=True)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mib():
    """The most memory that this process ever had, from its own start on; ru_maxrss may be its parent's."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def single_precision(matrix):
    """Similarities in strips, and then without the distances: what a process has that maps a matrix file."""
    similarities = np.empty(matrix.shape, dtype=np.float32)
    for start in range(0, len(matrix), 64):
        similarities[start : start + 64] = -A * matrix[start : start + 64]
    return similarities


def child_fit(path, solver, preference, threads):
    """One fit in this process, on a matrix of distances in a file; its cost, and what came out."""
    matrix = np.load(path, mmap_mode="r")
    preference, threads = float(preference), int(threads)
    before = peak_mib()
    wall, cpu = time.perf_counter(), cpu_seconds()
    if solver == "compiled":
        outcome = fit(Similarities(single_precision(matrix)), preference, threads=threads)
        labels, iterations = outcome.labels, outcome.iterations
    else:
        # In place, as lean as scikit-learn can be had.
        from sklearn.cluster import AffinityPropagation

        before = peak_mib()
        wall, cpu = time.perf_counter(), cpu_seconds()
        similarities = matrix.astype(np.float64)
        similarities *= -A
        model = AffinityPropagation(
            affinity="precomputed", preference=preference, max_iter=1000, random_state=0, copy=False
        ).fit(similarities)
        labels, iterations = model.labels_, model.n_iter_
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": cpu_seconds() - cpu,
        "peak_MiB": peak_mib() - before,
        "iterations": int(iterations),
        "clusters": int(labels.max()) + 1,
        "labels": [int(label) for label in labels],
    }


def in_child(*arguments):
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def saved(n, folder, seed=0):
    path = Path(folder) / f"distances_{n}_{seed}.npy"
    if not path.exists():
        np.save(path, distances(n, seed).astype(np.float32))
    return path


def likely_preference(path, share=0.1):
    matrix = np.load(path, mmap_mode="r")
    return ClusterSearch(matrix, share).ask_ahead(1)[0]


def one_fit(quick, folder):
    """One fit at the preference where a search for a tenth of the pool begins, on two threads and on one."""
    from sklearn.metrics import adjusted_rand_score

    n = 1000 if quick else 5000
    path = saved(n, folder)
    preference = likely_preference(path)
    rows = []
    for solver, threads in (("compiled", 2), ("compiled", 1), ("scikit-learn", 1)):
        rows.append({"solver": solver, "threads": threads, "n": n} | in_child(path, solver, preference, threads))
    peer = rows[-1]
    for row in rows:
        row["speed"] = peer["wall_s"] / row["wall_s"]
        row["memory"] = row["peak_MiB"] / peer["peak_MiB"]
        row["rand"] = adjusted_rand_score(peer["labels"], row["labels"])
    return rows


def bisection(matrix, target, tolerance):
    """Plain bisection of the preference between the lowest similarity and 0 by cold fits of scikit-learn."""
    from sklearn.cluster import AffinityPropagation

    similarities = -A * matrix.astype(np.float64)
    low, high = float(similarities.min()), 0.0
    counts = []
    while len(counts) < 60:
        preference = (low + high) / 2
        model = AffinityPropagation(affinity="precomputed", preference=preference, max_iter=1000, random_state=0)
        counts.append(len(model.fit(similarities).cluster_centers_indices_))
        if abs(counts[-1] - target) <= tolerance:
            break
        low, high = (preference, high) if counts[-1] < target else (low, preference)
    return counts


def our_search(matrix, target, tolerance):
    search = ClusterSearch(matrix, target, tolerance, affinity_type=("multiplicative", A))
    while ahead := search.ask_ahead(1):
        search.tell(search.fit(ahead[0]))
    search.result()
    return [sample.n_clusters for sample in search.samples]


def fixed_number(quick, folder):
    """A search for a tenth of the pool, one per cent off at most."""
    n = 500 if quick else 2000
    matrix = np.load(saved(n, folder))
    rows = []
    for name, search in (("ours", our_search), ("bisection", bisection)):
        wall, cpu = time.perf_counter(), cpu_seconds()
        counts = search(matrix, n // 10, n // 1000)
        rows.append(
            {"search": name, "n": n, "fits": len(counts), "clusters": counts[-1]}
            | {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu}
        )
    rows[0]["speed"] = rows[1]["wall_s"] / rows[0]["wall_s"]
    return rows


def rounds(quick, folder):
    """How many rounds of simultaneous fits an exact search takes when replicas fit ahead."""
    n = 500 if quick else 2000
    rows = []
    for seed in range(2 if quick else 5):
        search = ClusterSearch(np.load(saved(n, folder, seed)), n // 10, affinity_type=("multiplicative", A))
        for replicas in (1, 2, 3, 4):
            search.samples.clear()
            known, count = set(), 0
            while ahead := search.ask_ahead(replicas):
                if ahead[0] not in known:
                    known.update(ahead)
                    count += 1
                search.tell(search.fit(ahead[0]))
            row = {"n": n, "seed": seed, "replicas": replicas, "rounds": count, "path": len(search.samples)}
            rows.append(row | {"fits": len(known)})
    return rows


def growth(quick, folder):
    """Time and memory of one fit by the size of the pool; the exponent is that of the time per iteration."""
    rows = []
    for n in (500, 1000, 2000) if quick else (1000, 2000, 5000, 10000, 20000):
        path = saved(n, folder)
        rows.append({"n": n} | in_child(path, "compiled", likely_preference(path), default_threads()))
        rows[-1]["ms_per_iteration"] = 1e3 * rows[-1]["wall_s"] / rows[-1]["iterations"]
        if n >= 10000:
            path.unlink()
    steps = [math.log(row["ms_per_iteration"]) for row in rows]
    rows[-1]["exponent"] = float(np.polyfit([math.log(row["n"]) for row in rows], steps, 1)[0])
    return rows


PARTS = {part.__name__: part for part in (one_fit, fixed_number, rounds, growth)}


def show(name, rows):
    columns = list(dict.fromkeys(key for row in rows for key in row if key != "labels"))
    cells = [[row.get(key, "") for key in columns] for row in rows]
    text = [[f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in line] for line in cells]
    widths = [max(map(len, column)) for column in zip(columns, *text)]
    print(f"{name}: {PARTS[name].__doc__.splitlines()[0]}")
    for line in [columns, *text]:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small pools")
    parser.add_argument("--json", metavar="FILE", help="write the tables to this file, too")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child_fit(*options.child)))
        return
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]}; parts are {', '.join(PARTS)}")
    tables = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.parts or PARTS:
            tables[name] = PARTS[name](options.quick, folder)
            show(name, tables[name])
    if options.json:
        for rows in tables.values():
            for row in rows:
                row.pop("labels", None)
        Path(options.json).write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
