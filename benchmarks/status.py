"""What it costs to look: ``genarris-fw status`` on a run of many structures and work items.

    python benchmarks/status.py                      # 10^6 structures and 10^6 work items (about 3 minutes)
    python benchmarks/status.py --number 100000 --looks 5

A real server is started in a temporary folder and filled: one pool of all structures, a finished step with all items
done, and a running step with half of its items done by replicas on several hosts. Then the command is timed as a
process of its own, start-up included, and the query alone in a process that is connected already. The bars: 1.5 s
and 50 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pymongo import MongoClient, WriteConcern

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.database.launchpads import database_name
from genarris_fw.database.server import Server
from genarris_fw.views.metrics import metrics
from genarris_fw.views.status import status

RUN = "large"
STEPS = ("run_rdf_calc", "run_fhi_aims_batch")
HOSTS, REPLICAS = 4, 64
BATCH = 10_000
BARS = {"process": 1.5, "query": 0.05}


def structures(number: int) -> Iterator[dict[str, Any]]:
    for i in range(number):
        name = f"geometry_{i:016x}"
        yield {
            "_id": f"{RUN}:{name}",
            "run": RUN,
            "struct_id": name,
            "pools": ["raw"],
            "n_atoms": 16,
            "Z": 2,
            "properties": {"spg": 1 + i % 230, "density": 1.2, "energy": -1000.0 - random.random()},
        }


def items(number: int, step: str, done: int) -> Iterator[dict[str, Any]]:
    """Items in the state that they would have: done by the replicas in turn, a few leased, a few lost before."""
    owners = [owner(i, step) for i in range(REPLICAS)]
    for i in range(number):
        item = {
            "_id": f"{RUN}:{step}:{i:016x}",
            "run": RUN,
            "procedure": step,
            "key": f"{i:016x}",
            "state": "waiting",
            "priority": 0,
            "rnd": random.random(),
            "attempts": 0,
            "lost": int(i % 50_000 == 0),
            "token": 1,
            "payload": {"struct_id": f"geometry_{i:016x}"},
        }
        if i < done:
            item |= {"state": "done", "outcome": {}, "seconds": 1.0, "done_by": owners[i % REPLICAS]}
        elif i < done + 10 * REPLICAS and done < number:
            item |= {"state": "leased", "lease": {"owner": owners[i % REPLICAS], "claim": "0"}}
        yield item


def owner(number: int, step: str) -> str:
    return f"node{number % HOSTS}:{1000 + number}:1:{STEPS.index(step)}:0"


def fill(catalogue: Catalogue, number: int) -> None:
    """Write the run; what is compared is reading, so that the writing need not wait for the disk."""
    steps = [{"name": name, "procedure": name, "options": {}} for name in STEPS]
    catalogue.runs.create(RUN, {"options": {"steps": steps}, "folder": "/run"}, begun_by=1)
    first, second = STEPS
    for collection, documents in (
        ("structures", structures(number)),
        ("work_items", items(number, first, number)),
        ("work_items", items(number, second, number // 2)),
    ):
        target = catalogue.database[collection].with_options(write_concern=WriteConcern(w=1, j=False))
        batch: list[dict[str, Any]] = []
        for document in documents:
            batch.append(document)
            if len(batch) == BATCH:
                target.insert_many(batch, ordered=False)
                batch = []
        if batch:
            target.insert_many(batch, ordered=False)
    catalogue.runs.set_pool(RUN, "raw", catalogue.structures.count(RUN, "raw"))
    for step in STEPS:
        catalogue.runs.step_started(RUN, step)
        for i in range(REPLICAS):
            catalogue.replicas.begin(owner(i, step), RUN, step, "side", i)
            catalogue.replicas.tally(owner(i, step), number // REPLICAS // (1 + STEPS.index(step)), 0, 1.0)
            if step == first:
                catalogue.replicas.end(owner(i, step))
    catalogue.runs.step_planned(RUN, first, {"waiting": 0, "done": number, "failed": 0})
    catalogue.runs.step_finished(RUN, first, {"structures": number, "failed": 0})
    catalogue.runs.step_planned(RUN, second, {"waiting": number, "done": 0, "failed": 0})


def seconds(work: Callable[[], object], looks: int) -> list[float]:
    found = []
    for _ in range(looks):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return found


def process(*words: str) -> Callable[[], object]:
    code = "import sys; from genarris_fw.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *words]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=1_000_000, help="structures, and work items of each of two steps")
    parser.add_argument("--looks", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the results here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)).use() as uri, MongoClient(uri) as client:
        catalogue = Catalogue(client[database_name(uri)])
        catalogue.ensure_indexes()
        check_schema(catalogue.database)
        begun = time.perf_counter()
        fill(catalogue, chosen.number)
        filled = time.perf_counter() - begun
        words = ("--uri", uri)
        times = {
            "process: genarris-fw status": seconds(process("status", RUN, *words), chosen.looks),
            "process: genarris-fw status --json": seconds(process("status", RUN, "--json", *words), chosen.looks),
            "process: genarris-fw metrics": seconds(process("metrics", *words), chosen.looks),
            "process: genarris-fw --version": seconds(process("--version"), chosen.looks),
            "query: status": seconds(lambda: status(catalogue, RUN), chosen.looks),
            "query: metrics": seconds(lambda: metrics(catalogue, [RUN]), chosen.looks),
        }

        # What it would cost without the counters: everything counted from the indexes.
        def by_counting() -> None:
            for step in STEPS:
                catalogue.work_items.counts(RUN, step)
            catalogue.structures.count(RUN, "raw")

        times["query: the same counted from the indexes"] = seconds(by_counting, min(3, chosen.looks))
        shown = status(catalogue, RUN)
    print(f"{chosen.number} structures, {2 * chosen.number} work items, {REPLICAS} replicas on {HOSTS} hosts")
    print(f"filled in {filled:.0f} s; {os.cpu_count()} cores")
    print(f"{'':45s}{'median':>10s}{'slowest':>10s}")
    for name, found in times.items():
        print(f"{name:45s}{1000 * statistics.median(found):7.0f} ms{1000 * max(found):7.0f} ms")
    missed = [
        name
        for name, found in times.items()
        if "counted" not in name and statistics.median(found) > BARS[name.partition(":")[0]]
    ]
    print(f"bars (1.5 s, 50 ms): {'missed by ' + ', '.join(missed) if missed else 'held'}")
    results = {"number": chosen.number, "filled": filled, "seconds": times, "status": shown, "missed": missed}
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
