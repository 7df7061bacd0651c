"""Runs under random kills of everything, one after the other, for as long as one likes.

python benchmarks/soak.py --minutes 30 --seed 1

Rockets, replicas, heartbeats, ``genarris-fw run`` and the database server are killed at random times; every run's
result is compared with that of an undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))
os.environ.setdefault("GENARRIS_FW_ALLOW", "sleepy.Sleepy")

from havoc import Havoc, Verdict, disturbed, undisturbed
from killing import Farm

from genarris_fw.database.launchpads import with_database
from genarris_fw.database.server import Server

MERCY = 0.5  # about a kill a second: with more, rockets hardly live long enough to begin
SHAPES = ((300, 2), (1000, 2), (600, 3))  # items of a step, steps


def soak(minutes: float, seed: int, rockets: int, workers: int) -> list[Verdict]:
    """Carry out runs under kills until the time is over; print a line for each."""
    end, chance = time.monotonic() + 60 * minutes, random.Random(seed)
    verdicts: list[Verdict] = []
    print("| run | items | kills | lost | twice | the same result | collects of steps | seconds |\n" + "|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name), cache_gb=0.25)
        with server.use() as uri:
            truths = {
                shape: undisturbed(with_database(uri, "undisturbed"), Path(name) / f"undisturbed-{i}", *shape)
                for i, shape in enumerate(SHAPES)
            }
            while time.monotonic() < end:
                shape = chance.choice(SHAPES)
                farm = Farm(uri, Path(name))
                farm.run = f"nap-{len(verdicts)}"
                havoc = Havoc(farm, server, rockets, workers, seed=chance.randrange(2**32), mercy=MERCY)
                havoc.started = sum(verdict.rockets for verdict in verdicts)  # their folders have numbers
                settings = {"seconds": chance.choice((0.01, 0.03, 0.1)), "lease_seconds": chance.choice((2.0, 5.0))}
                pauses = {"plan_seconds": chance.uniform(0, 1), "collect_seconds": chance.uniform(0, 1)}
                rounds = {"rounds": chance.choice((1, 3)), "replicas": rockets + workers}
                try:
                    verdict = disturbed(
                        havoc, truths[shape], 10**6, items=shape[0], steps=shape[1], **settings, **pauses, **rounds
                    )
                finally:
                    havoc.close()
                    farm.close()
                verdicts.append(verdict)
                same, steps = "yes" if verdict.equal else "NO", f"{verdict.collects} of {shape[1]}"
                numbers = f"{verdict.items} | {verdict.kills} | {verdict.lost} | {verdict.twice}"
                print(f"| {farm.run} | {numbers} | {same} | {steps} | {verdict.seconds:.0f} |", flush=True)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rockets", type=int, default=2, help="rlaunch processes")
    parser.add_argument("--workers", type=int, default=2, help="workers of genarris-fw run")
    parser.add_argument("--json", type=Path, help="also write the numbers into this file")
    given = parser.parse_args()
    verdicts = soak(given.minutes, given.seed, given.rockets, given.workers)
    killed: Counter[str] = sum((Counter(verdict.killed) for verdict in verdicts), Counter())
    items, kills, lost, twice, seconds = (
        sum(getattr(verdict, name) for verdict in verdicts) for name in ("items", "kills", "lost", "twice", "seconds")
    )
    print(f"\n{len(verdicts)} runs, {items} items, {kills} kills ({dict(killed)}), {seconds:.0f} s")
    print(f"lost: {lost}; counted twice: {twice}; other results: {sum(not v.equal for v in verdicts)}")
    if given.json:
        given.json.write_text(json.dumps([verdict.to_dict() for verdict in verdicts], indent=1) + "\n")
    return 0 if verdicts and all(verdict.good() for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
