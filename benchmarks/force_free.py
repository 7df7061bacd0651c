"""Force-free fields by a neural network: what is right, how fast it is, and how near a training comes, with the bars.

    python benchmarks/force_free.py                                   # all but trainings: a minute
    python benchmarks/force_free.py --train case1 --minutes 5
    python benchmarks/force_free.py --train case2 --minutes 60 --json case2.json

Fields are on the paper's 64^3 grid, all nodes. CPU time of one core. The loss is measured beside torch on the same
points in the same call: with forward tangents, and with automatic differentiation of the network (needs torch).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from bars import Figure, at_least, timed, within

from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID, Grid
from genarris_fw.studies.force_free.fields.low_lou import eigenvalue, low_lou_field
from genarris_fw.studies.force_free.fields.potential import potential_field
from genarris_fw.studies.force_free.judging.factors import height_factors
from genarris_fw.studies.force_free.judging.metrics import metrics
from genarris_fw.studies.force_free.network.evaluate import field_of
from genarris_fw.studies.force_free.network.initial import initial_parameters
from genarris_fw.studies.force_free.network.loss import Loss
from genarris_fw.studies.force_free.network.points import sample_points
from genarris_fw.studies.force_free.network.shape import Shape
from genarris_fw.studies.force_free.options.training import PINNTrainOptions
from genarris_fw.studies.force_free.procedures.problem import problem
from genarris_fw.studies.force_free.showing import CASES, as_markdown, our_row, table
from genarris_fw.studies.force_free.showing.published import COLUMNS
from genarris_fw.studies.force_free.training.settings import Settings
from genarris_fw.studies.force_free.training.training import Training, train

EIGENVALUES = {(1, 1): (0.427408, 1e-6), (3, 1): (8.03592, 1e-5)}
POTENTIAL = {1: (0.015,) * 6, 2: (0.02, 0.02, 0.02, 0.1, 0.02, 0.02)}
LOSS_SECONDS = 0.28
# Of a training, by case and CPU-minutes: the least of each metric, and how far the energy may be from 1.
TRAINED: dict[tuple[int, int], dict[str, float]] = {
    (1, 5): {"C_vec": 0.99, "C_CS": 0.97, "E_n": 0.87, "E_m": 0.80, "energy": 0.03},
    (1, 60): {"C_vec": 0.995, "C_CS": 0.995, "E_n": 0.98, "E_m": 0.98, "energy": 0.01},
    (2, 60): {"C_vec": 0.99, "C_CS": 0.43, "E_n": 0.79, "E_m": 0.01},
}


def reference(case: int, grid: Grid = PAPER_GRID) -> Field:
    about = CASES[case]
    return low_lou_field(about.n, about.m, about.l, about.phi, grid)


def eigenvalues() -> Iterator[Figure]:
    for (n, m), (wanted, tolerance) in EIGENVALUES.items():
        found, seconds = timed(lambda n=n, m=m: eigenvalue(n, m))
        yield within(f"eigenvalue a^2, n = {n}, m = {m}", found, wanted, tolerance, seconds)


def residuals() -> Iterator[Figure]:
    """Divergence and force of the generated fields by central differences: of second order in the spacing.

    The force is that where currents flow, the mean sine weighted by them: where there are none, differences leave a
    direction of their own, and the plain mean falls a little more slowly.
    """
    for case in CASES:
        found = []
        for nodes in (65, 129):
            grid = Grid(PAPER_GRID.bounds, (nodes, nodes, nodes))
            field, seconds = timed(lambda grid=grid, case=case: reference(case, grid))
            factors = height_factors(field)
            found.append([factors["divergence"][-1], factors["current_weighted_sine"][-1]])
        for name, (coarse, fine) in zip(("divergence", "force"), zip(*found)):
            yield at_least(f"case {case}, order of the {name}, {nodes}^3", math.log2(coarse / fine), 1.8, seconds)


def potential_rows() -> Iterator[Figure]:
    for case, tolerances in POTENTIAL.items():
        field = reference(case)
        potential, seconds = timed(lambda field=field: potential_field(field))
        found = our_row("potential", metrics(field, potential, potential)).values
        given = our_row("reference", metrics(field, field, potential)).values
        # The last column of the row "potential" is 1 by definition; that of the reference is compared.
        values, published = (*found[:5], given[5]), (*CASES[case].rows[-1].values[:5], CASES[case].rows[0].values[5])
        for name, value, wanted, tolerance in zip(COLUMNS.values(), values, published, tolerances):
            yield within(f"case {case}, potential field, {name}", value, wanted, tolerance, seconds)


def loss_rows(interior: int, times: int) -> Iterator[Figure]:
    """One loss with its gradient, ours and torch's, in turn."""
    shape = Shape(5, 128)
    points = sample_points(reference(1), boundary="all", interior=interior, boundary_points=1, seed=0)
    p = initial_parameters(shape, 0)
    ours = Loss(shape, points, dtype="float32")
    (value, gradient), seconds = timed(lambda: ours(p), times)
    name = f"loss and gradient, {interior} points, 5 x 128, float32"
    yield Figure(name, seconds, f"<= {LOSS_SECONDS * interior / 8000:g}", seconds <= LOSS_SECONDS * interior / 8000)
    try:
        from force_free_peer import peer
    except ImportError:
        print("torch is not installed: its rows are left out (pip install 'genarris_fw[force_free]')", file=sys.stderr)
        return
    rows = points.boundary, points.boundary_field, points.interior
    for tangents, words in ((True, "forward tangents"), (False, "automatic differentiation")):
        theirs = peer(shape.unpack(p), *rows, tangents=tangents)
        (other, other_gradient), slower = timed(theirs, max(times // 2, 1))
        agreement = float(np.linalg.norm(gradient - other_gradient) / np.linalg.norm(other_gradient))
        assert abs(value / other - 1) < 1e-4 and agreement < 1e-3, (value, other, agreement)
        seconds = min(seconds, timed(lambda: ours(p), times)[1])  # before and after: the machine's mood
        yield Figure(f"torch with {words}, CPU-s", slower, "", True)
        yield Figure(f"torch with {words} over ours", slower / seconds, ">= 1", slower >= seconds)


def optimiser_rows(evaluations: int = 600) -> Iterator[Figure]:
    """The loss of case 1 that each optimiser reaches with as many evaluations: the same network, points and start."""
    shape = Shape(3, 24)
    points = sample_points(reference(1), boundary="all", interior=3000, boundary_points=3000, seed=0)
    reached: dict[str, float] = {}
    for name in ("lbfgs", "bfgs", "broyden"):
        settings = Settings(name, max_iterations=evaluations, tolerance=0.0)
        begun = time.process_time()
        found = train(Loss(shape, points, dtype="float32"), initial_parameters(shape, 0), settings)
        seconds = time.process_time() - begun
        reached[name] = found.curve[found.curve[:, 1] <= evaluations][-1, 3]
        bar = reached["lbfgs"] / 5
        least = "" if name == "lbfgs" else f"<= {bar:.3g}"
        yield Figure(
            f"loss after {evaluations} losses, {name}", reached[name], least, not least or reached[name] <= bar, seconds
        )


def farm() -> Iterator[Figure]:
    """Three fields by five seeds on two workers, a training of each killed: its test says whether all is the same."""
    words = ["-q", "-n", "0", "-m", "slow", "tests/studies/force_free/test_campaign.py"]
    checkout = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=checkout, check=False, stdout=subprocess.DEVNULL
    )
    name = "three fields x five seeds, one training of each killed"
    yield Figure(name, done.returncode, "the same documents", done.returncode == 0)


def trained(given: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    """Train for so many CPU-minutes and judge on all nodes."""
    case = int(given.train[-1])
    field = reference(case)
    potential = potential_field(field)
    options = PINNTrainOptions.resolved(
        {"boundary": "all" if case == 1 else "bottom_and_potential", "tolerance": 0.0, "max_iterations": 10**7}
        | dict(name.split("=", 1) for name in given.options)
    )
    [settings] = options.settings()
    what = problem(field, potential, settings, given.seed)
    fitted = what.fitted()
    start, spent = (what.start, 0.0) if fitted is None else (fitted.parameters, fitted.cpu_seconds)
    how = replace(what.settings, max_cpu_seconds=max(1.0, 60 * given.minutes - spent))
    told = [0.0]

    def report(training: Training) -> None:
        if training.cpu_seconds > told[0]:
            told[0] += 60
            print(
                f"{training.cpu_seconds:8.0f} CPU-s, iteration {training.iterations}, loss {training.value:.4g}",
                flush=True,
            )

    found = train(what.losses, start, how, report=report)
    seconds = spent + found.cpu_seconds
    ours = field_of(what.shape, found.parameters, field.grid, what.envelope)
    judged = metrics(field, ours, potential)
    figures = [
        within(f"case {case}, within {minutes} CPU-minutes, energy", judged["energy"], 1.0, bar, seconds)
        if key == "energy"
        else at_least(f"case {case}, within {minutes} CPU-minutes, {key}", judged[key], bar, seconds)
        for (of, minutes), bars in TRAINED.items()
        if of == case and seconds <= 60 * minutes
        for key, bar in bars.items()
    ]
    print(f"{found.why_ended}; {found.iterations} iterations, {found.evaluations} losses")
    print(as_markdown(table(case, [our_row("ours", judged, seconds)])))
    about = {"metrics": judged, "cpu_seconds": seconds, "iterations": found.iterations, "loss": found.value}
    about |= {"case": case, "why_ended": found.why_ended}
    if given.keep:
        arrays = {"parameters": found.parameters, "curve": found.curve, "values": ours.values}
        np.savez(given.keep, **arrays, about=np.asarray(as_json(about)))
    return figures, about


def as_json(what: dict[str, Any]) -> str:
    return json.dumps(what, indent=1, default=lambda number: number.item())  # numbers of numpy


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--points", type=int, default=8000, help="interior points of the loss that is measured")
    parser.add_argument("--times", type=int, default=10, help="the quickest of so many losses counts")
    parser.add_argument("--train", choices=["case1", "case2"], help="train this case instead")
    parser.add_argument("--minutes", type=float, default=5.0, help="CPU time of the training")
    parser.add_argument("--keep", type=Path, help="write parameters, curve and field of the training to this npz file")
    parser.add_argument("--options", nargs="*", default=[], help="of PINN_Train, such as units=64 weights=[1,1,1]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--farm", action="store_true", help="and a farm of fifteen trainings, three of them killed")
    return parser.parse_args()


def main() -> int:
    given = read_arguments()
    results: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "load": os.getloadavg()[0]}
    results["arguments"] = {name: str(value) for name, value in vars(given).items()}
    if given.train:
        figures, results["training"] = trained(given)
        for figure in figures:
            print(figure.line())
    else:
        figures = []
        kinds = [eigenvalues(), residuals(), potential_rows(), loss_rows(given.points, given.times), optimiser_rows()]
        for rows in [*kinds, *([farm()] if given.farm else [])]:
            for figure in rows:
                figures.append(figure)
                print(figure.line(), flush=True)
    results["figures"] = [asdict(figure) for figure in figures]
    missed = [figure.name for figure in figures if not figure.held]
    print(f"bars: {'missed: ' + '; '.join(missed) if missed else 'held'}")
    if given.json:
        given.json.write_text(as_json(results) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
