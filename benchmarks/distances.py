"""Distance matrices beside scipy, their accuracy for near-duplicates, growth, and strips of rows to a file.

    python benchmarks/distances.py [--n 20000] [--quick] [--json FILE] [--farm 50000 --folder DIR]

Every figure is of a process of its own: wall and CPU seconds of the call, and the largest memory the process ever had.
--farm lets two workers write a matrix in strips and finishes it; it takes twice the matrix's room in the folder.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

Figures = dict[str, Any]

FEATURES = 48
STRIP = 500


def pool(n: int, features: int = FEATURES) -> np.ndarray:
    return np.random.default_rng(0).random((n, features))


def peak_memory() -> float:
    """The most memory this process ever had, in GB."""
    # Not that of getrusage: it remembers the process that started this one.
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e9


def timed(call: Any) -> Figures:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "peak_gb": peak_memory()}


def ours(n: int, metric: str, threads: int | None) -> Figures:
    from genarris_fw.descriptors import distance_matrix

    vectors = pool(n)
    return timed(lambda: distance_matrix(vectors, metric, threads=threads))


def scipys(n: int, metric: str) -> Figures:
    from scipy.spatial.distance import pdist, squareform

    vectors = pool(n)
    return timed(lambda: squareform(pdist(vectors, metric)))


def worker(path: str, n: int, share: int, shares: int) -> Figures:
    """Every `shares`-th strip, from the `share`-th on."""
    from genarris_fw.descriptors.distances import Comparison, distance_rows
    from genarris_fw.descriptors.matrix_strips import create, write_rows

    vectors = pool(n)
    comparison = Comparison.of_pool(vectors, normalize=True)
    computing: list[float] = []
    largest = 0.0

    def work() -> None:
        nonlocal largest
        create(path, n)
        for first in range(share * STRIP, n, shares * STRIP):
            start = time.perf_counter()
            rows = distance_rows(vectors, first, min(first + STRIP, n), comparison, threads=1)
            computing.append(time.perf_counter() - start)
            largest = max(largest, write_rows(path, first, rows))

    return {**timed(work), "computing_s": sum(computing), "largest": largest}


def finisher(path: str, n: int, scale: float) -> Figures:
    from genarris_fw.descriptors.matrix_strips import finish

    return timed(lambda: finish(path, [f"structure_{i}" for i in range(n)], scale=scale))


def reader(path: str, verify: bool) -> Figures:
    from genarris_fw.descriptors import read_matrix

    return timed(lambda: read_matrix(path, verify=verify))


CHILDREN = {"ours": ours, "scipy": scipys, "worker": worker, "finish": finisher, "read": reader}


def begun(what: str, *arguments: Any) -> subprocess.Popen:
    command = [sys.executable, __file__, "--child", json.dumps([what, *arguments])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result(process: subprocess.Popen) -> Figures:
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a child process ended with {process.returncode}")
    return json.loads(said)


def in_child(what: str, *arguments: Any) -> Figures:
    return result(begun(what, *arguments))


def best(what: str, *arguments: Any) -> Figures:
    """Return the quickest of three: the first to use some memory may pay for getting it from the machine."""
    return min((in_child(what, *arguments) for _ in range(3)), key=lambda one: one["wall_s"])


def beside_scipy(n: int, metrics: list[str], threads: int | None) -> list[Figures]:
    rows = []
    for metric in metrics:
        mine, peer = best("ours", n, metric, threads), best("scipy", n, metric)
        rows.append(
            {
                "metric": metric,
                "n": n,
                "ours": mine,
                "scipy": peer,
                "wall_ratio": peer["wall_s"] / mine["wall_s"],
                "cpu_ratio": peer["cpu_s"] / mine["cpu_s"],
                "memory_over_result": mine["peak_gb"] / (4 * n * n / 1e9),
            }
        )
    return rows


def accuracy(features: int = FEATURES) -> list[Figures]:
    """Largest relative errors of the distances of near-duplicates, against extended precision."""
    from scipy.spatial.distance import pdist, squareform

    from genarris_fw.descriptors import distance_matrix

    rng = np.random.default_rng(1)
    rows = []
    for apart in (1e-6, 1e-5, 1e-4, 1e-3):
        first = rng.random((200, features))
        step = rng.normal(size=first.shape)
        second = first + apart * step / np.linalg.norm(step, axis=1, keepdims=True)
        exact = np.sqrt(((first.astype(np.longdouble) - second) ** 2).sum(axis=1))
        both = np.vstack([first, second])
        squares = (both**2).sum(axis=1)
        product = np.sqrt(np.maximum(squares[:, None] + squares - 2 * both @ both.T, 0))
        found = {
            "ours": distance_matrix(both),
            "scipy_float32": squareform(pdist(both)).astype(np.float32),
            "matrix_product": product,
        }
        place = np.arange(200), np.arange(200, 400)
        rows.append({"apart": apart} | {k: float(abs(m[place] / exact - 1).max()) for k, m in found.items()})
    return rows


def growth(sizes: list[int], threads: int | None) -> Figures:
    times = [in_child("ours", n, "euclidean", threads) for n in sizes]
    exponent = np.polyfit(np.log(sizes), np.log([t["cpu_s"] for t in times]), 1)[0]
    return {"n": sizes, "runs": times, "cpu_exponent": float(exponent)}


def farm(n: int, folder: Path, workers: int = 2) -> Figures:
    needed, free = 2 * 4 * n * n * 1.2, shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(f"{folder}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = str(Path(place) / "matrix.dat")
        start = time.perf_counter()
        strips = [result(p) for p in [begun("worker", path, n, share, workers) for share in range(workers)]]
        wall = time.perf_counter() - start
        finished = in_child("finish", path, n, max(strip["largest"] for strip in strips))
        return {
            "n": n,
            "strip": STRIP,
            "size_gb": Path(path).stat().st_size / 1e9,
            "workers_wall_s": wall,
            "workers": strips,
            "finish": finished,
            "read": in_child("read", path, False),
            "read_verified": in_child("read", path, True),
        }


def line(label: str, figures: Figures) -> str:
    return f"{label:28} {figures['wall_s']:9.3f} {figures['cpu_s']:9.3f} {figures['peak_gb']:9.3f}"


def run(n: int, quick: bool = False, threads: int | None = None) -> Figures:
    """All but the farm, printed and returned."""
    metrics = ["euclidean"] if quick else ["euclidean", "sqeuclidean", "cityblock", "chebyshev", "cosine"]
    print(f"{'':28} {'wall s':>9} {'CPU s':>9} {'peak GB':>9}   {FEATURES} features")
    table = beside_scipy(n, metrics, threads)
    for row in table:
        print(line(f"{row['metric']}, N = {n}", row["ours"]))
        print(line("  scipy pdist + squareform", row["scipy"]))
        print(
            f"  ratio {row['wall_ratio']:.1f} (wall), {row['cpu_ratio']:.1f} (CPU); "
            f"peak {row['memory_over_result']:.2f} times the result"
        )
    near = accuracy()
    print("largest relative error of pairs so far apart")
    for row in near:
        print("  ", ", ".join(f"{name} {value:.1e}" for name, value in row.items()))
    grown = growth([1000, 2000, 5000] if quick else [1000, 2000, 5000, 10000, 20000], threads)
    for size, figures in zip(grown["n"], grown["runs"]):
        print(line(f"N = {size}", figures))
    print(f"CPU time grows as N^{grown['cpu_exponent']:.2f}")
    return {"beside_scipy": table, "accuracy": near, "growth": grown}


def print_farm(figures: Figures) -> None:
    print(f"N = {figures['n']} in strips of {figures['strip']} rows, {figures['size_gb']:.2f} GB")
    for i, strip in enumerate(figures["workers"]):
        print(line(f"worker {i} ({strip['computing_s']:.1f} s computing)", strip))
    print(f"all workers together {figures['workers_wall_s']:.1f} s")
    for name in ("finish", "read", "read_verified"):
        print(line(name, figures[name]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, help="structures (20000; 3000 with --quick)")
    parser.add_argument("--threads", type=int, help="threads of ours (all cores)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--farm", type=int, metavar="N", help="only a matrix of N rows in strips to a file")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where --farm writes")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, *arguments = json.loads(options.child)
        print(json.dumps(CHILDREN[what](*arguments)))
        return
    if options.farm:
        figures = farm(options.farm, options.folder)
        print_farm(figures)
    else:
        figures = run(options.n or (3000 if options.quick else 20000), options.quick, options.threads)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
