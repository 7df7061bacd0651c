"""Calibrating trip distribution models: what is right, how fast each method is, and where it fails, with the bars.

    python benchmarks/trips.py                                # all but the tables and the largest problem: minutes
    python benchmarks/trips.py --parts table1 table2 table3   # the paper's tables, every method for --limit seconds
    python benchmarks/trips.py --parts large                  # 3,000 zones x 20 categories, 180 million pairs
    python benchmarks/trips.py --parts peers --json peers.json

CPU time of one core, but for the largest problem, which has two. Costs, gamma and trips are made up as in the paper:
normally distributed costs, a beta for each category, totals of the model's own trips.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from bars import Figure, at_least, at_most, timed
from trips_peer import by_scipy, by_xlogit

from genarris_fw.studies.trips.methods.calibration import METHODS, Calibration, calibrate, first_parameters
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, trips
from genarris_fw.studies.trips.showing.published import COLUMNS, TABLES
from genarris_fw.studies.trips.statistics.standard_errors import standard_errors

BETA, STEEP = (0.05, 0.15), (0.5, 1.5)
COUNTS = {(100, 5): 605, (100, 15): 1615, (200, 15): 3215, (300, 15): 4815, (400, 15): 6415, (500, 15): 8015}
SECONDS = {"newton_cg": 0.6, "pf_centred": 0.25, "pf_newton_bs": 5.0, "newton_ml": 3.0}
OURS = ("pf_centred", "newton_cg")
LARGE = (3000, 20)
# What needs many sweeps where beta times the deviation of the costs is large, and how many it may take there.
LINEAR, SWEEPS = ("pf_newton_bs",), 500


def problem_of(
    zones: int, categories: int, variance: float = 0.36, beta: tuple[float, float] = BETA, seed: int = 0
) -> tuple[TripProblem, Parameters]:
    return made_up_problem(zones, categories, variance**0.5, beta, seed)


def apart(one: Parameters, other: Parameters) -> float:
    return float(max(np.abs(one.gamma - other.gamma).max(), np.abs(one.beta - other.beta).max()))


def equal(given: argparse.Namespace) -> Iterator[Figure]:
    """All ten methods on 100 x 15: the constraints, the truth, and one another."""
    for (zones, categories), count in COUNTS.items():
        shape = (categories, zones, zones)
        found = TripProblem(
            np.broadcast_to(1.0, shape), np.ones(shape[:2]), np.full(zones, float(categories)), np.ones(categories)
        ).parameters
        yield Figure(f"parameters of {zones} x {categories}", found, f"= {count}", found == count)
    problem, truth = problem_of(100, 15)
    found = {method: calibrate(problem, method) for method in METHODS}
    for method, one in found.items():
        seconds = one.cpu_seconds
        yield at_most(f"100 x 15, {method}: constraints", max(one.residuals.values()), 1e-6, seconds)
        yield at_most(f"100 x 15, {method}: from the truth", apart(one.parameters, truth), 1e-4, seconds)
    pairs = [apart(one.parameters, other.parameters) for one in found.values() for other in found.values()]
    yield at_most("100 x 15, all methods: from one another", max(pairs), 1e-4)


def speed(given: argparse.Namespace) -> Iterator[Figure]:
    """500 x 15, the paper's largest."""
    problem, truth = problem_of(500, 15)
    for method, bar in SECONDS.items():
        runs = [calibrate(problem, method) for _ in range(given.times if bar < 1 else 1)]
        best = min(runs, key=lambda one: one.cpu_seconds)
        assert best.converged and apart(best.parameters, truth) < 1e-4, best.detail
        yield at_most(f"500 x 15, {method}, CPU-s ({best.sweeps} sweeps)", best.cpu_seconds, bar)
        if method == "newton_cg":
            _, seconds = timed(lambda best=best: standard_errors(problem, best.parameters))
            yield at_most("500 x 15, newton_cg and standard errors, CPU-s", best.cpu_seconds + seconds, 5.0)


def table(number: int, given: argparse.Namespace) -> Iterator[Figure]:
    """A table of the paper: a row of ours under each of its own."""
    columns = [*COLUMNS, *OURS]
    print("| zones | categories | variance | | " + " | ".join([*COLUMNS.values(), *OURS]) + " |")
    print("|--:" * 3 + "|---" + "|--:" * len(columns) + "|")
    late: set[str] = set()  # what did not end in time is not tried on the larger problems below
    for row in TABLES[number]:
        problem, _ = problem_of(row.zones, row.categories, row.variance, tuple(given.beta))
        cells = []
        for method in columns:
            one = None
            if method not in late:
                one = calibrate(problem, method, time_limit=given.limit)
                name = f"table {number}, {row.zones} x {row.categories}, variance {row.variance:g}, {method}"
                yield Figure(f"{name}: {one.why_ended}, {one.sweeps} sweeps", one.cpu_seconds)
            if one is None or one.why_ended in ("time", "memory"):
                late.add(method)
            cells.append("" if one is None else said(one))
        published = ["" if seconds is None else f"{seconds:g}" for seconds in row.seconds] + [""] * len(OURS)
        size = f"| {row.zones} | {row.categories} | {row.variance:g} | "
        print(size + " | ".join(["paper, s", *published]) + " |")
        print(size + " | ".join(["here, CPU-s", *cells]) + " |", flush=True)


def said(one: Calibration) -> str:
    return f"{one.cpu_seconds:.3g}" if one.converged else f"{one.why_ended} ({one.cpu_seconds:.3g})"


def variance(given: argparse.Namespace) -> Iterator[Figure]:
    """What table 3 found: the bounded search does not mind the variance of the costs, the pivot does."""
    rows = [row.variance for row in TABLES[3]]
    # All begin at beta = 0: no guess of beta is nearer to the truth in one row than in another.
    start = Parameters(np.zeros(100), np.zeros(15))
    sweeps = [calibrate(problem_of(100, 15, one)[0], "pf_newton_bs", start=start).sweeps for one in rows]
    for one, count in zip(rows, sweeps):
        yield Figure(f"bounded search, beta .05 to .15, variance {one:g}, sweeps", count)
    yield at_most("bounded search: sweeps differ by, of the most", 1 - min(sweeps) / max(sweeps), 0.15)
    few, many = (calibrate(problem_of(100, 15, one, STEEP)[0], "pf_pivot", start=start) for one in (0.36, 13.1))
    yield Figure("pivot, beta .5 to 1.5, variance 0.36, sweeps", few.sweeps, seconds=few.cpu_seconds)
    yield Figure("pivot, beta .5 to 1.5, variance 13.1, sweeps", many.sweeps, seconds=many.cpu_seconds)
    yield at_least("pivot: times as many sweeps", many.sweeps / few.sweeps, 5.0)


def robustness(given: argparse.Namespace) -> Iterator[Figure]:
    """200 random problems of 30 x 3."""
    random = np.random.default_rng(7)
    counts = dict.fromkeys(("newton_cg", "pf_centred", "hyman", *LINEAR), 0)
    seconds = dict.fromkeys(counts, 0.0)
    for seed in range(given.problems):
        deviation, low, high = random.uniform(0.5, 8.0), *sorted(random.uniform(0.02, 3.0, 2))
        problem, _ = made_up_problem(30, 3, deviation, (low, high), seed)
        for method in counts:
            most = SWEEPS if method in LINEAR else 10_000
            one = calibrate(problem, method, max_sweeps=most, time_limit=given.limit)
            counts[method] += one.converged
            seconds[method] += one.cpu_seconds
            if not one.converged and method not in LINEAR:
                about = f"deviation {deviation:.2f}, beta {low:.2f} to {high:.2f}"
                print(f"  {method}: {about}: {one.why_ended}, {one.detail}")
    for method, count in counts.items():
        share = 100.0 * count / given.problems
        name = f"{given.problems} random problems, {method} converged, %"
        if method in LINEAR:
            yield Figure(f"{name} within {SWEEPS} sweeps", share, seconds=seconds[method])
        elif method == "hyman":
            yield Figure(name, share, "< 100", share < 100, seconds[method])
        else:
            yield at_least(name, share, 100.0, seconds[method])


def monte_carlo(given: argparse.Namespace) -> Iterator[Figure]:
    """Standard errors beside the spread of estimates of trips drawn anew."""
    problem, truth = problem_of(20, 3, 1.0, STEEP, seed=1)
    origins = np.round(problem.origins)
    expected = TripProblem(
        problem.costs,
        origins,
        problem.destinations * origins.sum() / problem.destinations.sum(),
        problem.mean_costs,
    )
    shares = trips(expected, truth) / origins[:, :, None]
    random = np.random.default_rng(0)
    found = []
    for _ in range(given.replicates):
        drawn = random.multinomial(origins.astype(int), shares).astype(float)
        means = (drawn * problem.costs).sum(axis=(1, 2)) / origins.sum(axis=1)
        one = calibrate(TripProblem(problem.costs, origins, drawn.sum(axis=(0, 1)), means), "newton_cg", start=truth)
        assert one.converged, one.detail
        found.append(np.concatenate([one.parameters.gamma[1:], one.parameters.beta]))
    spread = np.std(found, axis=0, ddof=1)
    errors = standard_errors(expected, truth)
    ratio = np.concatenate([errors.gamma[1:], errors.beta]) / spread
    rounds = f"{given.replicates} replicates"
    yield at_most(f"{rounds}: errors of beta off by", np.abs(ratio[-3:] - 1).max(), 0.1)
    yield at_most(f"{rounds}: errors of gamma off by, in the mean", abs(ratio[:-3].mean() - 1), 0.1)


def peers(given: argparse.Namespace) -> Iterator[Figure]:
    """scipy on the same likelihood, xlogit on as many rows as trips have pairs: the same estimates, and how long."""
    for zones, categories, beta in ((100, 15, BETA), (300, 15, BETA), (100, 15, STEEP)):
        problem, _ = problem_of(zones, categories, 0.36 if beta is BETA else 13.1, beta)
        name = f"{zones} x {categories}, beta {beta[0]:g} to {beta[1]:g}"
        ours, seconds = timed(lambda problem=problem: calibrate(problem, "newton_cg", tolerance=1e-9), given.times)
        yield Figure(f"{name}, newton_cg to 1e-9, CPU-s", seconds)
        for method in ("L-BFGS-B", "trust-ncg"):
            theirs, slower = timed(lambda p=problem, m=method: by_scipy(p, m, first_parameters(p)))
            yield at_most(f"{name}, scipy {method}: apart", apart(theirs, ours.parameters), 1e-5, slower)
            yield at_least(f"{name}, scipy {method}: its time over ours", slower / seconds, 1.0)
    problem, truth = problem_of(30, 3, 1.0, STEEP)
    ours, seconds = timed(lambda: calibrate(problem, "newton_cg", tolerance=1e-9), given.times)
    try:
        theirs, slower = timed(lambda: by_xlogit(problem, truth))
    except ImportError:
        print("xlogit is not installed: its rows are left out (pip install xlogit)", file=sys.stderr)
        return
    yield at_most("30 x 3, xlogit: apart", apart(theirs, ours.parameters), 1e-5, slower)
    yield at_least("30 x 3, xlogit: its time over ours", slower / seconds, 1.0)


def large(given: argparse.Namespace) -> Iterator[Figure]:
    """180 million pairs, in a process of its own, whose memory is measured."""
    words = [sys.executable, __file__, "--alone", *map(str, LARGE)]
    done = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
    zones, categories = LARGE
    name = f"{zones} x {categories}, newton_cg, 2 threads"
    yield Figure(f"{name}: residual", done["residual"], "<= 1e-6", done["residual"] <= 1e-6, done["cpu_seconds"])
    yield at_most(f"{name}: seconds by the clock", done["seconds"], 180.0)
    yield at_most(f"{name}: memory at most, GB", done["memory"], 4.0)


def alone(zones: int, categories: int) -> None:
    problem, _ = problem_of(zones, categories)
    one = calibrate(problem, "newton_cg", threads=2)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    about = {"residual": max(one.residuals.values()), "seconds": one.seconds, "cpu_seconds": one.cpu_seconds}
    print(json.dumps(about | {"memory": memory}))


PARTS = {
    "equal": equal,
    "speed": speed,
    "variance": variance,
    "robustness": robustness,
    "monte_carlo": monte_carlo,
    "peers": peers,
    "table1": lambda given: table(1, given),
    "table2": lambda given: table(2, given),
    "table3": lambda given: table(3, given),
    "large": large,
}
USUAL = ("equal", "speed", "variance", "robustness", "monte_carlo", "peers")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=[*PARTS, "all"], default=USUAL)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--times", type=int, default=3, help="the quickest of so many calls counts, of quick methods")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that a calibration of a table may take")
    parser.add_argument("--beta", nargs=2, type=float, default=BETA, help="from where to where it is, in a table")
    parser.add_argument("--problems", type=int, default=200, help="random problems")
    parser.add_argument("--replicates", type=int, default=400, help="draws of the Monte Carlo")
    parser.add_argument("--alone", nargs=2, type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    given = read_arguments()
    if given.alone:
        alone(*given.alone)
        return 0
    results: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "load": os.getloadavg()[0]}
    figures = []
    for part in PARTS if "all" in given.parts else given.parts:
        begun = time.process_time()
        for figure in PARTS[part](given):
            figures.append(figure)
            print(figure.line(), flush=True)
        print(f"{part}: {time.process_time() - begun:.1f} CPU-s", flush=True)
    results["figures"] = [asdict(figure) for figure in figures]
    missed = [figure.name for figure in figures if not figure.held]
    print(f"bars: {'missed: ' + '; '.join(missed) if missed else 'held'}")
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
