"""How long clustering of large pools takes: k-medoids on distances, mini-batch k-means on vectors.

    python benchmarks/medoids.py [--sizes 1000 2000 5000 10000 20000] [--threads 1] [--json FILE]

Pools are mixtures of overlapping normal distributions, one for every twenty structures, in 48 dimensions. For every
size, k is 200 and a tenth of the pool. Seconds are of the processor and, in brackets, of the clock; making the
distances is not counted. "scikit-learn" is its MiniBatchKMeans on the same vectors with one thread, as it is called by
anyone. "deviation" is the sum of the distances of all structures to their exemplar (for scikit-learn: the member
nearest to the centre), over that of k-medoids. The last lines are exponents: seconds grow as N to this power.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from genarris_fw.clustering.diversity import most_diverse
from genarris_fw.clustering.kmeans import minibatch_kmeans
from genarris_fw.clustering.kmedoids import kmedoids, total_deviation
from genarris_fw.descriptors import distance_matrix

Row = dict[str, Any]


def pool(n: int, d: int = 48) -> NDArray[np.float64]:
    generator = np.random.default_rng(n)
    centres = generator.normal(size=(max(1, n // 20), d))
    return centres[generator.integers(len(centres), size=n)] + 0.6 * generator.normal(size=(n, d))


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, time.process_time() - processor, time.perf_counter() - clock


def peer(vectors: NDArray[np.float64], k: int) -> Any:
    from sklearn.cluster import MiniBatchKMeans

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")
        return MiniBatchKMeans(k, n_init=1, random_state=0).fit(vectors)


def peer_deviation(vectors: NDArray[np.float64], distances: NDArray[np.float32], model: Any) -> tuple[int, float]:
    """Clusters that have members, and the total deviation from the member nearest to each centre."""
    total, occupied = 0.0, np.unique(model.labels_)
    for cluster in occupied:
        members = np.flatnonzero(model.labels_ == cluster)
        away = np.square(vectors[members] - model.cluster_centers_[cluster]).sum(axis=1)
        total += float(distances[members[np.argmin(away)], members].sum(dtype=float))
    return len(occupied), total


def measure(n: int, threads: int) -> list[Row]:
    vectors = pool(n)
    distances = distance_matrix(vectors)
    rows = []
    for rule, k in (("200", 200), ("N/10", n // 10)):
        medoids, cpu, wall = timed(lambda k=k: kmedoids(distances, k, threads=threads))
        least = total_deviation(distances, medoids)
        means, means_cpu, means_wall = timed(lambda k=k: minibatch_kmeans(vectors, k))
        model, peer_cpu, peer_wall = timed(lambda k=k: peer(vectors, k))
        filled, peer_total = peer_deviation(vectors, distances, model)
        _, far_cpu, far_wall = timed(lambda k=k: most_diverse(distances, k, first=0))
        rows.append(
            {
                "n": n,
                "rule": rule,
                "k": k,
                "kmedoids": {"cpu": cpu, "wall": wall, "deviation": least},
                "minibatch_kmeans": {
                    "cpu": means_cpu,
                    "wall": means_wall,
                    "deviation": total_deviation(distances, means) / least,
                },
                "scikit-learn": {
                    "cpu": peer_cpu,
                    "wall": peer_wall,
                    "deviation": peer_total / least,
                    "clusters": filled,
                },
                "most_diverse": {"cpu": far_cpu, "wall": far_wall},
            }
        )
    return rows


def exponent(rows: list[Row], rule: str, method: str) -> float:
    """Slope of the logarithm of the processor's seconds, by least squares."""
    chosen = [row for row in rows if row["rule"] == rule and row[method]["cpu"] > 0]
    x, y = np.log([row["n"] for row in chosen]), np.log([row[method]["cpu"] for row in chosen])
    return float(np.polyfit(x, y, 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 2000, 5000, 10000, 20000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    measure(300, chosen.threads)  # imports, first calls
    print(f"{'N':>6} {'k':>5} | {'k-medoids':>16} | {'mini-batch':>15} {'dev.':>6} | ", end="")
    print(f"{'scikit-learn':>15} {'dev.':>6} {'clusters':>8} | {'most diverse':>12}")
    rows: list[Row] = []
    for n in chosen.sizes:
        for row in measure(n, chosen.threads):
            rows.append(row)
            ours, means, other, far = (row[name] for name in list(row)[3:])
            print(f"{n:6} {row['k']:5} | {ours['cpu']:7.3f} ({ours['wall']:6.3f}) | ", end="")
            print(f"{means['cpu']:6.2f} ({means['wall']:6.2f}) {means['deviation']:6.3f} | ", end="")
            print(
                f"{other['cpu']:6.2f} ({other['wall']:6.2f}) {other['deviation']:6.3f} {other['clusters']:8} | ", end=""
            )
            print(f"{far['cpu']:12.3f}", flush=True)
    powers = {}
    if len(chosen.sizes) > 1:
        for rule in ("200", "N/10"):
            powers[rule] = {m: exponent(rows, rule, m) for m in ("kmedoids", "minibatch_kmeans", "scikit-learn")}
            print(f"k = {rule:4} " + ", ".join(f"{name} N^{power:.2f}" for name, power in powers[rule].items()))
    if chosen.json:
        chosen.json.write_text(
            json.dumps({"threads": chosen.threads, "rows": rows, "exponents": powers}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
