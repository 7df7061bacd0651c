"""Rockets whose time ends: what they hold is given back, a successor is left, and later rockets finish the run."""

from __future__ import annotations

import os
import signal
import time
from itertools import takewhile

import pytest
from fireworks import FWorker
from fireworks.core.rocket_launcher import launch_rocket
from killing import Farm, NoHeartbeat, impatient, launch_all, survives
from leases import scaled

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.recovery import recover


def roles(farm: Farm) -> dict[str, int]:
    """How many fireworks of each name there are."""
    counts: dict[str, int] = {}
    for firework in farm.launchpad.fireworks.find({"spec.run": farm.run}, {"name": 1}):
        counts[firework["name"]] = counts.get(firework["name"], 0) + 1
    return counts


def lost(catalogue: Catalogue) -> int:
    return catalogue.work_items.collection.count_documents({"lost": {"$gt": 0}})


def test_rockets_end_in_time_and_later_ones_go_on(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.add(items=300, seconds=0.2, steps=1)
    end = time.time() + 20
    monkeypatch.setenv("GENARRIS_FW_END", str(end))
    first = farm.rockets(3)
    assert [process.wait() for process in first] == [0, 0, 0]
    # They end by themselves, in the few seconds that are kept for the end; on a busy machine these may be too few.
    assert end - 4 < time.time() < end + 30
    counts = farm.catalogue.work_items.counts(farm.run, "sleepy_0")
    assert counts["leased"] == 0 and 0 < counts["done"] < 300
    assert roles(farm)["sleepy_0 gate"] == 2
    assert farm.launchpad.fireworks.count_documents({"spec.run": farm.run, "state": "RUNNING"}) == 0
    assert recover(farm.launchpad, farm.run) == []
    monkeypatch.delenv("GENARRIS_FW_END")
    farm.rockets(3)
    farm.check(farm.finish(), items=300, steps=1)
    assert farm.collects() == 1 and lost(farm.catalogue) == 0
    for process in farm.processes:
        process.wait()
    farm.check_fireworks()


def test_a_warned_gate_leaves_a_successor_that_another_rocket_takes(farm: Farm) -> None:
    farm.add(items=90, steps=1, seconds=0.05)
    farm.hold()
    rockets = farm.rockets(2)
    gate = farm.holder("gate")
    os.kill(gate, signal.SIGUSR1)
    [warned] = [process for process in rockets if process.pid == gate]
    assert warned.wait() == 0
    farm.let_go()
    farm.check(farm.finish(), items=90, steps=1)
    assert roles(farm)["sleepy_0 gate"] == 2 and farm.collects() == 1 and lost(farm.catalogue) == 0
    for process in rockets:
        process.wait()
    farm.check_fireworks()


def test_a_rocket_that_pulls_infinitely_ends_too(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.add(items=500, steps=1, seconds=0.1)
    monkeypatch.setenv("GENARRIS_FW_END", str(time.time() + 9))
    rocket = farm.rlaunch("rapidfire", "--nlaunches", "infinite", "--sleep", "1", truly=True)
    assert rocket.wait(timeout=180) == 0
    assert farm.catalogue.work_items.counts(farm.run, "sleepy_0")["leased"] == 0


def test_sigterm_in_an_allocation_is_a_warning_elsewhere_the_end(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.add(items=60, steps=1, seconds=0.1, replicas=1)
    farm.hold()
    rocket = farm.rlaunch()
    os.kill(first := farm.holder("gate"), signal.SIGTERM)
    assert rocket.wait() == -signal.SIGTERM
    assert recover(farm.launchpad, farm.run)
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time() + 3600)))
    rocket = farm.rlaunch()
    os.kill(farm.holder("gate", besides=[first]), signal.SIGTERM)
    assert rocket.wait() == 0
    assert farm.catalogue.work_items.counts(farm.run, "sleepy_0")["leased"] == 0
    farm.let_go()
    farm.rlaunch()
    farm.check(farm.finish(), items=60, steps=1)


def test_an_engine_that_holds_the_interpreter_for_several_leases_keeps_its_item(farm: Farm) -> None:
    """The heartbeat is a process of its own; a second rocket finds nothing to take over."""
    farm.add(items=2, steps=1, seconds=scaled(10.0), lease_seconds=2.5, hold_interpreter=True, replicas=2)
    farm.rockets(2)
    farm.check(farm.finish(), items=2, steps=1)
    tokens = [item["token"] for item in farm.catalogue.work_items.collection.find({})]
    assert tokens == [1, 1] and lost(farm.catalogue) == 0 and farm.collects() == 1


def ended_and_killed(farm: Farm, writes: int) -> bool:
    """Kill a rocket before the n-th write of its end; tell whether it came to its end before."""
    for name in farm.launchpad.db.list_collection_names():
        farm.launchpad.db[name].delete_many({})
    farm.launchpad.fw_id_assigner.insert_one({"_id": -1, "next_fw_id": 1, "next_launch_id": 1})
    farm.add(items=6, steps=1, seconds=0.0, replicas=2)
    for name in ("begin", "sleepy_0 plan"):
        launch_rocket(farm.launchpad, FWorker(query={"name": name}), strm_lvl="CRITICAL")
    over = survives("end", farm, writes)
    with impatient():
        recover(farm.launchpad, farm.run, grace_seconds=0)
        launch_all(farm.launchpad, farm.run)
        recover(farm.launchpad, farm.run, grace_seconds=0)
    farm.check(farm.catalogue.runs.get(farm.run), items=6, steps=1)
    farm.check_fireworks()
    return over


def test_killed_while_it_leaves_a_successor(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever write of an ending rocket is its last, the run ends undisturbed."""
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(farm.folder)
    deaths = sum(1 for _ in takewhile(lambda writes: not ended_and_killed(farm, writes), range(60)))
    assert 5 < deaths < 60
