"""What a report says, gathered from the catalogue: plain values, and the arrays of its pool."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.crystal import Structure
from genarris_fw.pictures.of_pools import PoolData
from genarris_fw.pools.exporting import last_pool
from genarris_fw.views.comparison import experiment_of_pool, measured_crystal
from genarris_fw.views.funnel import funnel
from genarris_fw.views.gathering import gather
from genarris_fw.views.report.points import Array, Points, points_of
from genarris_fw.views.status import status
from genarris_fw.views.z_primes import z_primes

# Rows of the table of the lowest structures.
BEST = 50
# Work items given up that are listed one by one; all are counted by their reason.
FAILURES = 200
# Points of all pools together that are put on the page, beside those of the pool that is reported.
MOST_BESIDE = 200_000


@dataclass
class Content:
    """What a report says of a run.

    Attributes
    ----------
    run : str
        Its name.
    record : RunDocument
        Its document.
    state : dict
        As of `genarris_fw.views.status.status`.
    stages : list of dict
        As of `genarris_fw.views.funnel.funnel`.
    pool : PoolData or None
        The pool that is reported; None while the run has none.
    Z_primes : (n,) ndarray
        Z' of its structures.
    best : list of int
        Rows of the structures that the table shows: those of lowest energy, else the densest, else the first.
    best_by : str
        By what they are the best: ``energy``, ``density`` or nothing.
    landscapes : list of Points
        What the interactive landscape shows: the pool first, then others whose structures have energies.
    experiments : list of dict
        What is said of the measured crystal, by pool: ``pool``, ``step`` and as `experiment_of_pool`.
    measured : Structure or None
        The measured crystal.
    searches : list of dict
        Summaries of steps that search, with their ``step``.
    searched : list of Points
        The pools that they made.
    failures : list of dict
        The first items given up: ``step``, ``key``, ``error``, ``host``, ``attempts``.
    reasons : list of (str, str, int)
        Step, reason, and how many items were given up for it.
    """

    run: str
    record: RunDocument
    state: dict[str, Any]
    stages: list[dict[str, Any]]
    pool: PoolData | None = None
    Z_primes: Array = field(default_factory=lambda: np.zeros(0))
    best: list[int] = field(default_factory=list)
    best_by: str = ""
    landscapes: list[Points] = field(default_factory=list)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    measured: Structure | None = None
    searches: list[dict[str, Any]] = field(default_factory=list)
    searched: list[Points] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def without_structures(self) -> bool:
        """Whether the run is over and none of its steps made structures: it was no search for crystals."""
        return not self.stages and self.state["state"] == "finished"

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of the run, as its options hold them."""
        return list((self.record.get("options") or {}).get("steps", []))


def content_of(catalogue: Catalogue, run: str, pool: str | None = None) -> Content:
    """Gather what a report says.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.
    pool : str, optional
        Which pool; by default the one that the last step made.

    Returns
    -------
    Content
        Of a run that goes on, or failed, what there is so far.

    Raises
    ------
    InputError
        For an unknown run, or a pool that was named and is not there.
    """
    record = catalogue.runs.get(run)
    found = Content(run, record, status(catalogue, run), funnel(catalogue, run))
    found.measured = measured_crystal(catalogue, run)
    found.failures, found.reasons = _failures(catalogue, found)
    found.searches = _searches(found)
    if pool is None and not found.state["pools"]:
        return found
    chosen = last_pool(catalogue, run) if pool is None else pool
    data = gather(catalogue, run, chosen)
    found.pool = data
    found.Z_primes = z_primes(catalogue, run, data.ids, data.property("spg"), data.Z)
    found.best, found.best_by = _best(data)
    found.landscapes = _landscapes(catalogue, found)
    found.searched = _searched(catalogue, found)
    found.experiments = _experiments(catalogue, found)
    return found


def _best(pool: PoolData) -> tuple[list[int], str]:
    density = pool.property("density")
    if pool.energies is not None:
        order = np.argsort(pool.energies, kind="stable")  # what is no number comes last
        return [int(row) for row in order[:BEST] if np.isfinite(pool.energies[row])], "energy"
    if np.isfinite(density).any():
        order = np.argsort(-density, kind="stable")
        return [int(row) for row in order[:BEST] if np.isfinite(density[row])], "density"
    return list(range(min(BEST, len(pool.ids)))), ""


def _landscapes(catalogue: Catalogue, found: Content) -> list[Points]:
    """Return the points of the pool, and of others that show structures which those before do not."""
    assert found.pool is not None
    own = points_of(found.pool, found.Z_primes)
    landscapes = [] if own is None else [own]
    left = MOST_BESIDE
    seen = set() if own is None else set(own.ids)
    for name in [row["pool"] for row in reversed(found.stages)]:
        size = found.state["pools"].get(name, 0)
        if name in {found.pool.name, *(one.name for one in landscapes)} or not 0 < size <= left:
            continue
        if seen.issuperset(catalogue.structures.pool_ids(found.run, name)):
            continue
        data = gather(catalogue, found.run, name, with_vectors=False)
        points = points_of(data, z_primes(catalogue, found.run, data.ids, data.property("spg"), data.Z))
        if points is not None and not seen.issuperset(points.ids):
            landscapes.append(points)
            left -= len(points.ids)
            seen |= set(points.ids)
    return landscapes


def _experiments(catalogue: Catalogue, found: Content) -> list[dict[str, Any]]:
    rows = []
    for stage in found.stages:
        said = experiment_of_pool(catalogue, found.run, stage["pool"])
        if said is not None:
            rows.append({"pool": stage["pool"], "step": stage["step"]} | said)
    return rows


def _searches(found: Content) -> list[dict[str, Any]]:
    """Return the summaries of steps that say how many minima there are."""
    summaries = found.record.get("summaries", {})
    steps = [step["name"] for step in found.steps]
    return [{"step": name} | summaries[name] for name in steps if "estimate" in (summaries.get(name) or {})]


def _searched(catalogue: Catalogue, found: Content) -> list[Points]:
    """Return the points of the pools that searches made, of which the landscapes hold some."""
    known = {one.name: one for one in found.landscapes}
    for pool in {str(one.get("pool")): None for one in found.searches}:
        if pool not in known and found.state["pools"].get(pool):
            points = points_of(gather(catalogue, found.run, pool, with_vectors=False))
            if points is not None:
                known[pool] = points
    return [known[str(one["pool"])] for one in found.searches if one.get("pool") in known]


def _failures(catalogue: Catalogue, found: Content) -> tuple[list[dict[str, Any]], list[tuple[str, str, int]]]:
    rows: list[dict[str, Any]] = []
    counts = Counter[tuple[str, str]]()
    for step in found.steps:
        for item in catalogue.work_items.failures(found.run, step["name"]):
            failure = item.get("failure") or {}
            error = str(item.get("error") or "no reason given")
            counts[step["name"], str(failure.get("kind") or error)] += 1
            if len(rows) < FAILURES:
                row = {"step": step["name"], "key": item["key"], "error": error, "host": failure.get("host", "")}
                rows.append(row | {"attempts": item.get("attempts", 0)})
    order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return rows, [(step, reason, number) for (step, reason), number in order]
