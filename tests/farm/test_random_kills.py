"""Rockets, and the database, killed at random times: the run ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from killing import Crowd, Farm, impatient, soak

from genarris_fw.database.server import Server
from genarris_fw.farm.repair.recovery import recover


@pytest.fixture
def crowd(farm: Farm) -> Iterator[Crowd]:
    crowd = Crowd(farm, 3, seed=1)
    yield crowd
    crowd.close()


def check(farm: Farm, crowd: Crowd, items: int, steps: int) -> None:
    """Kill the rockets that are left, whatever they do, and see what `recover` makes of it."""
    crowd.close()
    with impatient():
        recover(farm.launchpad, farm.run, grace_seconds=0)
        assert recover(farm.launchpad, farm.run, grace_seconds=0) == []
    farm.check(farm.catalogue.runs.get(farm.run), items=items, steps=steps)
    farm.check_fireworks()


def run_and_kill(farm: Farm, crowd: Crowd, items: int, steps: int, kills: int, seconds: float) -> None:
    # Plan and collect take long enough to be hit.
    farm.add(items=items, seconds=0.03, steps=steps, lease_seconds=2, plan_seconds=0.7, collect_seconds=0.7, rounds=3)
    farm.hold(after=3 * items * steps // 4)
    with impatient(2.0):
        soak(farm, crowd, kills, seconds)
    assert crowd.kills == kills
    check(farm, crowd, items, steps)
    print(f"{crowd.kills} kills, {crowd.started} rockets, {farm.collects()} collects")


def test_rockets_killed_at_random(farm: Farm, crowd: Crowd) -> None:
    run_and_kill(farm, crowd, items=100, steps=2, kills=25, seconds=400)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_rockets_killed_at_random_for_long(farm: Farm, crowd: Crowd, seed: int) -> None:
    crowd.chance.seed(100 + seed)
    run_and_kill(farm, crowd, items=1200, steps=3, kills=60, seconds=550)


def test_the_database_killed_in_the_middle(tmp_path: Path) -> None:
    server = Server(tmp_path / "database", cache_gb=0.25)
    server.folder.mkdir()
    uri = server.start()
    farm = Farm(uri, tmp_path)
    crowd = Crowd(farm, 2, seed=2)
    try:
        farm.add(items=40, seconds=0.05, lease_seconds=2)
        crowd.fill()
        for done in (5, 25):
            wait_for_items(farm, done)
            os.kill(server.status()["pid"], signal.SIGKILL)
            while server.running():
                time.sleep(0.05)
            assert server.start() == uri
        with impatient(2.0):
            soak(farm, crowd, kills=0, seconds=400)
        check(farm, crowd, 40, 2)
    finally:
        crowd.close()
        farm.close()
        server.stop()


def wait_for_items(farm: Farm, number: int) -> None:
    end = time.monotonic() + 240
    while farm.catalogue.work_items.collection.count_documents({"state": "done"}) < number:
        assert time.monotonic() < end, farm.outputs()
        recover(farm.launchpad, farm.run, grace_seconds=3)
        time.sleep(0.2)
