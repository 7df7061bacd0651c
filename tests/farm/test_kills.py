"""kill -9 of the gate, of a side replica, of the only rocket, under plain rlaunch: the same result every time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import genarris, python_path
from fireworks import FWorker
from killing import ITEMS, TOOLS, Farm, process_of
from waiting import wait_until

from genarris_fw.farm.launch.rockets import Rockets
from genarris_fw.farm.repair.recovery import recover

ENV = {**os.environ, "PYTHONPATH": python_path(TOOLS)}


def wait_until_completed(farm: Farm) -> None:
    """FireWorks hears of a run's end a moment later."""
    chain = {"metadata.run": farm.run, "metadata.side_of": {"$exists": False}}
    wait_until(lambda: farm.launchpad.workflows.find_one(chain)["state"] == "COMPLETED")


def test_undisturbed(farm: Farm) -> None:
    farm.add()
    farm.rockets(3, truly=True)
    farm.check(farm.finish())
    wait_until_completed(farm)
    assert farm.launchpad.db["collects"].count_documents({}) == 2


def test_items_in_rounds(farm: Farm) -> None:
    """Every round begins when the one before is done, and side replicas stay for all of them."""
    farm.add(rounds=3, items=90, seconds=0.02, steps=1)
    farm.hold()
    farm.rockets(3)
    replicas = farm.at_work(3)
    farm.hold(after=60)  # the last round's
    assert farm.at_work(3, done_at_least=60) == replicas
    farm.let_go()
    farm.check(farm.finish(), items=90, steps=1)
    last = farm.catalogue.work_items.collection.distinct("done_by", {"payload.round": 2})
    assert set(map(process_of, last)) == replicas


def test_gate_killed_between_rounds(farm: Farm) -> None:
    farm.add(rounds=3, steps=1)
    farm.hold(after=ITEMS // 3)
    farm.rockets(3)
    os.kill(farm.holder("gate", done_at_least=ITEMS // 3), signal.SIGKILL)
    farm.let_go()
    farm.check(farm.finish(), steps=1)


def test_rlaunch_multi(farm: Farm) -> None:
    farm.add(seconds=0.02)
    farm.rlaunch("multi", "2", "--nlaunches", "0", "--sleep", "1", truly=True)
    farm.check(farm.finish())
    wait_until_completed(farm)


def test_side_replica_killed(farm: Farm) -> None:
    farm.add()
    farm.hold()
    farm.rockets(3)
    os.kill(farm.holder("side"), signal.SIGKILL)
    farm.let_go()
    farm.check(farm.finish())
    wait_until_completed(farm)


def test_gate_killed(farm: Farm) -> None:
    farm.add()
    farm.hold()
    farm.rockets(3)
    os.kill(farm.holder("gate"), signal.SIGKILL)
    farm.let_go()
    farm.check(farm.finish())


def test_gate_stopped_and_continued(farm: Farm) -> None:
    """A rocket that froze and wakes up again is fenced: what it still does has no effect."""
    farm.add()
    farm.hold()
    farm.rockets(3)
    gate = farm.holder("gate")
    os.kill(gate, signal.SIGSTOP)
    farm.let_go()

    def is_taken_over() -> bool:
        lease = farm.catalogue.leases.find(farm.run, "sleepy_0", "gate")
        return lease["state"] == "collected" or ("owner" in lease and process_of(lease["owner"]) != gate)

    wait_until(is_taken_over, said=farm.outputs)
    os.kill(gate, signal.SIGCONT)
    farm.check(farm.finish())


def test_only_rocket_killed(farm: Farm) -> None:
    farm.add(replicas=1)
    farm.hold()
    farm.rlaunch()
    os.kill(farm.holder("gate"), signal.SIGKILL)
    farm.processes[0].wait()
    farm.let_go()
    assert recover(farm.launchpad, farm.run)
    farm.rlaunch()
    farm.check(farm.finish())
    assert recover(farm.launchpad, farm.run) == []


@pytest.mark.parametrize("how", ["--rerun", "--fizzle"])
def test_fireworks_own_detection_of_lost_runs_keeps_working(farm: Farm, how: str) -> None:
    """Plain lpad detect_lostruns on a dead gate and a living side: what it does is understood, nothing is lost."""
    farm.add(replicas=2, steps=1, items=120)
    farm.hold()
    gate_and_side = farm.rockets(2)
    gate = farm.holder("gate")
    assert farm.holder("side")
    os.kill(gate, signal.SIGKILL)
    lpad = [Path(sys.executable).parent / "lpad", "-l", str(farm.config)]
    found = subprocess.run(
        [*lpad, "detect_lostruns", "--time", "0", how], capture_output=True, text=True, env=ENV, check=False
    )
    assert found.returncode == 0, found.stderr
    assert "Detected" in found.stdout + found.stderr
    farm.let_go()
    if how == "--fizzle":
        recover(farm.launchpad, farm.run)
    farm.rlaunch()
    farm.check(farm.finish(), items=120, steps=1)
    for process in gate_and_side:
        process.wait()
    assert farm.collects() == 1
    recover(farm.launchpad, farm.run)
    farm.check_fireworks()


@pytest.mark.parametrize("role", ["plan", "gate"])
def test_only_rocket_killed_before_it_holds_a_lease(farm: Farm, role: str) -> None:
    """A firework that was checked out, and whose rocket died before its lease, is found as well."""
    farm.add(replicas=1, items=ITEMS, seconds=0.0)
    worker = {"spec.run": farm.run}
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


def test_rockets_of_the_command_end_with_the_chain_completed(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is finished a moment before FireWorks hears of it: workers get that moment, dead ones are tidied up."""
    monkeypatch.setenv("PYTHONPATH", python_path(TOOLS))
    farm.add(items=20, seconds=0.05)
    farm.hold()
    with Rockets(farm.launchpad, farm.run, farm.folder, 2) as rockets:
        os.kill(farm.holder("gate"), signal.SIGKILL)
        farm.let_go()
        farm.check(rockets.watch(lambda record: None), items=20)
    farm.check_fireworks()


def test_recover_waits_for_what_was_just_checked_out(farm: Farm) -> None:
    """One call of the command is enough in a job script, though it is too early to tell when it begins."""
    farm.add(replicas=1, steps=1)
    farm.launchpad.checkout_fw(FWorker(query={"spec.run": farm.run}), str(farm.folder))  # and its rocket dies
    told = genarris("recover", "--grace", "3", "--no-wait", "--uri", farm.uri, cwd=farm.folder)
    assert told.stdout == "nothing to repair\n"
    begun = time.monotonic()
    told = genarris("recover", "--grace", "3", "--uri", farm.uri, cwd=farm.folder)
    assert "checked out by a rocket that is gone, ready again" in told.stdout
    assert time.monotonic() - begun < 60  # what it waits where no grace is given
    farm.rlaunch()
    farm.check(farm.finish(), steps=1)
