"""Hosts whose clocks differ by twenty minutes: no lease is lost or stolen, because the server's clock decides."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
from command import python_path
from faults import skewed_clock
from fireworks import FWorker
from killing import TOOLS, Farm
from waiting import wait_until

PYTHON = Path(sys.executable)
AHEAD, BEHIND = 600, -600

RECOVER_ALL_THE_TIME = """
import sys, time
from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import launchpad
from genarris_fw.farm.repair.recovery import recover
pad = launchpad(sys.argv[1])
runs = Catalogue(pad.db).runs
while (runs.find("nap") or {}).get("state", "running") == "running":
    for line in recover(pad, "nap"):
        print(line, flush=True)
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return skewed_clock(tmp_path_factory.mktemp("clock"))


def start(farm: Farm, clock: Path, skew: int, *words: str) -> subprocess.Popen:
    """Start a program of a host whose clock is wrong by so many seconds."""
    place = farm.folder / f"rockets-{len(farm.processes)}"
    place.mkdir()
    process = subprocess.Popen(
        words,
        cwd=place,
        env={**os.environ, "LD_PRELOAD": str(clock), "CLOCK_SKEW": str(skew), "PYTHONPATH": python_path(TOOLS)},
        stdout=(place / "output").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    farm.processes.append(process)
    return process


@pytest.mark.parametrize("recoverer", [AHEAD, BEHIND])
def test_rockets_of_two_hosts(farm: Farm, clock: Path, recoverer: int) -> None:
    """And a third program, with either clock, that looks for lost rockets all the time."""
    farm.add(items=60, seconds=0.05, replicas=2)
    farm.hold()
    for skew in (AHEAD, BEHIND):
        rlaunch = [str(PYTHON.parent / "rlaunch"), "-l", str(farm.config), "rapidfire", "--nlaunches", "0"]
        start(farm, clock, skew, *rlaunch, "--sleep", "1")
        farm.wait_for_gate()  # the second would end if it looked between two fireworks
    recovering = start(farm, clock, recoverer, str(PYTHON), "-c", RECOVER_ALL_THE_TIME, farm.uri)
    farm.at_work(2)
    farm.let_go()
    farm.check(farm.finish())
    recovering.wait(60)
    said = (farm.folder / "rockets-2" / "output").read_text()
    assert not [word for word in ("gone", "released", "ready again", "Error") if word in said], said
    # Both hosts took part, with their own idea of the time.
    now = datetime.now(timezone.utc)
    started = [launch["state_history"][0]["created_on"] for launch in farm.launchpad.launches.find()]
    minutes = [(datetime.fromisoformat(at).replace(tzinfo=timezone.utc) - now).total_seconds() / 60 for at in started]
    assert min(minutes) < -9 and max(minutes) > 9
    assert len(farm.catalogue.work_items.collection.distinct("done_by")) >= 2
    # Nothing was tried twice: each item was claimed once, each firework launched once and collected once.
    again = {"$or": [{"attempts": {"$gt": 0}}, {"lost": {"$gt": 0}}, {"token": {"$gt": 1}}]}
    assert farm.catalogue.work_items.collection.count_documents(again) == 0
    assert farm.catalogue.leases.collection.count_documents({"token": {"$gt": 1}}) == 0
    assert farm.launchpad.fireworks.count_documents({"archived_launches": {"$ne": []}}) == 0
    assert farm.collects() == 2


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_a_lost_rocket_is_noticed_by_a_host_with_another_clock(farm: Farm, clock: Path, skew: int) -> None:
    """A rocket that dies between its checkout and its lease: found when the grace time is over."""
    farm.add(replicas=1, items=4, seconds=0.0, steps=1)
    farm.launchpad.checkout_fw(FWorker(query={"spec.run": farm.run}), str(farm.folder))  # its rocket "dies" here
    seconds = 3.0
    code = RECOVER_ALL_THE_TIME.replace('recover(pad, "nap")', f'recover(pad, "nap", {seconds})')
    begun = time.monotonic()
    start(farm, clock, skew, str(PYTHON), "-c", code, farm.uri)
    wait_until(lambda: farm.launchpad.fireworks.find_one({"name": "begin"})["state"] == "READY", said=farm.outputs)
    assert time.monotonic() - begun >= seconds
    farm.rlaunch()
    farm.check(farm.finish(), items=4, steps=1)
