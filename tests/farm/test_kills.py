"""kill -9 of the gate, of a side replica, of the only rocket, under plain rlaunch: the same result every time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sleepy import sleepy_workflow

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.launchpads import launchpad as open_launchpad
from genarris_fw.farm.launchpads import prepare
from genarris_fw.farm.recovery import recover
from genarris_fw.farm.sides import add_workflows

ITEMS, SECONDS = 60, 0.05
EXPECTED = {"items": ITEMS, "sum": sum(i * i for i in range(ITEMS)), "failed": 0}
TOOLS = Path(__file__).parents[1] / "tools"


class Farm:
    """A LaunchPad with one sleepy run, and plain ``rlaunch`` processes for it."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder = uri, folder
        self.launchpad = open_launchpad(uri)
        prepare(self.launchpad)
        self.catalogue = Catalogue(self.launchpad.db)
        self.run = "nap"
        self.config = folder / "my_launchpad.yaml"
        name = self.launchpad.name
        self.config.write_text(f"host: '{uri}'\nname: {name}\nuri_mode: true\n")
        self.processes: list[subprocess.Popen] = []

    def add(self, **settings: object) -> None:
        add_workflows(self.launchpad, [sleepy_workflow(self.run, self.folder, **settings)])

    def rlaunch(self, *words: str) -> subprocess.Popen:
        place = self.folder / f"rockets-{len(self.processes)}"
        place.mkdir()
        arguments = words or ("rapidfire", "--nlaunches", "0", "--sleep", "1")
        process = subprocess.Popen(
            [Path(sys.executable).parent / "rlaunch", "-l", str(self.config), *arguments],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(TOOLS)},
            stdout=(place / "output").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def holder(self, role: str, done_at_least: int = 5) -> int:
        """Wait until some work is done in the first step; return the process that holds a lease of this role."""
        for _ in range(600):
            done = self.catalogue.work_items.counts(self.run, "sleepy_0")["done"]
            lease = self.catalogue.leases.collection.find_one(
                {
                    "run": self.run,
                    "step": "sleepy_0",
                    "role": role,
                    "state": "open",
                    "owner": {"$exists": True},
                }
            )
            if lease and done >= done_at_least:
                return int(lease["owner"].split(":")[-4])
            time.sleep(0.05)
        raise AssertionError(f"no {role} at work: {self.outputs()}")

    def finish(self, seconds: float = 90) -> dict:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            record = self.catalogue.runs.find(self.run) or {}
            if record.get("state") in ("finished", "failed"):
                return record
            time.sleep(0.2)
        raise AssertionError(f"the run does not end: {self.outputs()}")

    def outputs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self.folder.glob("rockets-*/output"))

    def check(self, record: dict) -> None:
        """Everything was done, counted once, and both steps gave the undisturbed result."""
        assert record["state"] == "finished", self.outputs()
        assert record["summaries"] == {"sleepy_0": EXPECTED, "sleepy_1": EXPECTED}
        for step in record["summaries"]:
            assert self.catalogue.work_items.counts(self.run, step)["done"] == ITEMS
            assert self.catalogue.structures.count(self.run, step) == ITEMS
        assert self.catalogue.structures.collection.count_documents({"run": self.run}) == 2 * ITEMS

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.launchpad.connection.close()


@pytest.fixture
def farm(database_uri: str, tmp_path: Path):
    farm = Farm(database_uri, tmp_path)
    yield farm
    farm.close()


def wait_until_completed(farm: Farm) -> str:
    for _ in range(100):
        chain = farm.launchpad.workflows.find_one({"metadata.run": farm.run, "metadata.side_of": {"$exists": False}})
        if chain["state"] == "COMPLETED":
            break
        time.sleep(0.1)
    return chain["state"]


def test_undisturbed(farm: Farm) -> None:
    farm.add()
    for _ in range(3):
        farm.rlaunch()
    farm.check(farm.finish())
    assert wait_until_completed(farm) == "COMPLETED"
    assert farm.launchpad.db["collects"].count_documents({}) == 2


def test_rlaunch_multi(farm: Farm) -> None:
    farm.add(seconds=0.02)
    farm.rlaunch("multi", "2", "--nlaunches", "0", "--sleep", "1")
    farm.check(farm.finish())
    assert wait_until_completed(farm) == "COMPLETED"


def test_side_replica_killed(farm: Farm) -> None:
    farm.add()
    for _ in range(3):
        farm.rlaunch()
    os.kill(farm.holder("side"), signal.SIGKILL)
    farm.check(farm.finish())
    assert wait_until_completed(farm) == "COMPLETED"


def test_gate_killed(farm: Farm) -> None:
    farm.add()
    for _ in range(3):
        farm.rlaunch()
    os.kill(farm.holder("gate"), signal.SIGKILL)
    farm.check(farm.finish())


def test_gate_stopped_and_continued(farm: Farm) -> None:
    """A rocket that froze and wakes up again is fenced: what it still does has no effect."""
    farm.add()
    for _ in range(3):
        farm.rlaunch()
    gate = farm.holder("gate")
    os.kill(gate, signal.SIGSTOP)
    time.sleep(8)
    os.kill(gate, signal.SIGCONT)
    farm.check(farm.finish())


def test_only_rocket_killed(farm: Farm) -> None:
    farm.add(replicas=1)
    farm.rlaunch()
    os.kill(farm.holder("gate"), signal.SIGKILL)
    farm.processes[0].wait()
    assert recover(farm.launchpad, farm.run)
    farm.rlaunch()
    farm.check(farm.finish())
    assert recover(farm.launchpad, farm.run) == []


@pytest.mark.parametrize("role", ["plan", "gate"])
def test_only_rocket_killed_before_it_holds_a_lease(farm: Farm, role: str) -> None:
    """A firework that was checked out, and whose rocket died before its lease, is found as well."""
    farm.add(replicas=1, items=ITEMS, seconds=0.0)
    worker = {"spec.run": farm.run}
    from fireworks import FWorker

    while True:
        firework, _ = farm.launchpad.checkout_fw(FWorker(query=worker), str(farm.folder))
        if firework.name == f"sleepy_0 {role}":
            break  # its rocket "dies" here
        subprocess_run_single(farm, firework.fw_id)
    assert recover(farm.launchpad, farm.run, grace_seconds=0)
    farm.rlaunch()
    farm.check(farm.finish())


def subprocess_run_single(farm: Farm, fw_id: int) -> None:
    """Give a checked-out firework back and have plain rlaunch carry it out."""
    farm.launchpad.rerun_fw(fw_id)
    farm.rlaunch("singleshot", "-f", str(fw_id)).wait()


def test_failed_items_are_counted_and_the_others_go_on(farm: Farm) -> None:
    farm.add(replicas=2, steps=1, broken=(3, 7))
    farm.rlaunch()
    farm.rlaunch()
    record = farm.finish()
    assert record["state"] == "finished" and record["failed_items"] == 2
    assert record["summaries"]["sleepy_0"]["items"] == ITEMS - 2
    failures = farm.catalogue.work_items.failures(farm.run, "sleepy_0")
    assert [failure["key"] for failure in failures] == ["00003", "00007"]
    assert failures[0]["error"] == "ValueError: item 3 is broken"
    assert failures[0]["attempts"] == 2
