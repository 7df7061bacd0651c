"""Kills between any two writes, and states that such kills leave: each is continued to the undisturbed result."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from fireworks import FWAction, FWorker
from killing import NoHeartbeat, impatient, launch_all, survives
from passing import let_pass
from sleepy import Sleepy, SleepyStep

from genarris_fw.catalogue import work_items
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.recovery import known_runs, recover, recover_firework
from genarris_fw.farm.replica import Replica
from genarris_fw.farm.sides import add_sides
from genarris_fw.farm.workflow import find_workflow
from genarris_fw.owner import owner_name

GATE = "sleepy_0 gate"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(tmp_path)


def small(farm, **settings) -> None:
    farm.add(**{"items": 4, "seconds": 0.0, "replicas": 2, "steps": 1, "lease_seconds": 30.0} | settings)


def repair(farm) -> list[str]:
    with impatient():
        return recover(farm.launchpad, farm.run, grace_seconds=0)


def to_the_end(farm) -> None:
    """Recover and launch in turn, as a user would, and see that everything is as if nothing had happened."""
    for _ in range(3):
        repair(farm)
        launch_all(farm.launchpad, farm.run)
    repair(farm)
    farm.check(farm.catalogue.runs.get(farm.run), items=4, steps=1)
    farm.check_fireworks()
    assert repair(farm) == []


def checkout(farm, name: str) -> tuple[int, int]:
    """Launch what comes before a firework, check that one out as a rocket does; return firework and launch."""
    while True:
        firework, launch_id = farm.launchpad.checkout_fw(FWorker(query={"spec.run": farm.run}), str(farm.folder))
        if firework.name == name:
            return firework.fw_id, launch_id
        farm.launchpad.rerun_fw(firework.fw_id)
        launch_one(farm, firework.fw_id)


def launch_one(farm, fw_id: int) -> None:
    from fireworks.core.rocket_launcher import launch_rocket

    launch_rocket(farm.launchpad, FWorker(), fw_id=fw_id, strm_lvl="CRITICAL")


def state(farm, fw_id: int) -> str:
    return farm.launchpad.fireworks.find_one({"fw_id": fw_id})["state"]


# ---- between any two writes


def killed_before_write(farm, n: int, sides_first: bool) -> bool:
    """Carry out a small run with a kill before its n-th write; tell whether it was over before."""
    small(farm, rounds=1 + n % 2)
    over = survives("launch", farm, n, sides_first)
    to_the_end(farm)
    return over


def again(farm) -> None:
    """Empty the database for another run."""
    for name in farm.launchpad.db.list_collection_names():
        farm.launchpad.db[name].delete_many({})
    farm.launchpad.fw_id_assigner.insert_one({"_id": -1, "next_fw_id": 1, "next_launch_id": 1})


@pytest.mark.parametrize("seed", range(2))
def test_killed_before_any_write(farm, seed: int) -> None:
    chance = random.Random(seed)
    for n in chance.sample(range(130), 4):
        killed_before_write(farm, n, chance.random() < 0.5)
        again(farm)


@pytest.mark.slow
@pytest.mark.parametrize("sides_first", [False, True])
def test_killed_before_every_write(farm, sides_first: bool) -> None:
    n = 0
    while not killed_before_write(farm, n, sides_first):
        again(farm)
        n += 1
    assert n > 60


def killed_twice(farm, n: int, m: int, sides_first: bool) -> None:
    small(farm, rounds=1 + n % 2)
    survives("launch", farm, n, sides_first)
    survives("recover", farm, m)
    to_the_end(farm)
    again(farm)


def test_the_recovery_killed_too(farm) -> None:
    chance = random.Random(5)
    for _ in range(4):
        killed_twice(farm, chance.randrange(10, 130), chance.randrange(0, 8), chance.random() < 0.5)


@pytest.mark.slow
def test_the_recovery_killed_too_often(farm) -> None:
    chance = random.Random(6)
    for _ in range(150):
        killed_twice(farm, chance.randrange(130), chance.randrange(0, 10), chance.random() < 0.5)


# ---- states that kills leave, one by one


def test_error_then_killed_before_fireworks_heard_of_it(farm) -> None:
    """The lease is given back, the firework still RUNNING: nobody holds it, and it is found."""
    small(farm)
    fw_id, launch_id = checkout(farm, GATE)
    leases = farm.catalogue.leases
    token = leases.take(farm.run, "sleepy_0", "gate", fw_id, launch_id, owner_name(fw_id), 60)
    leases.release("nap:sleepy_0:gate", token)
    assert repair(farm)
    to_the_end(farm)


def test_launch_without_lease_of_a_rocket_that_waits_for_the_holder(farm) -> None:
    """A slow rocket holds the lease for an older launch of its firework: the one that waits is not lost."""
    small(farm)
    fw_id, _ = checkout(farm, GATE)
    farm.catalogue.leases.take(farm.run, "sleepy_0", "gate", fw_id, None, owner_name(fw_id), 60)
    assert repair(farm) == []
    assert state(farm, fw_id) == "RUNNING"


def test_reserved_for_a_queue_is_left_alone_and_a_dead_job_of_it_is_not(farm) -> None:
    small(farm)
    fw_id, _ = checkout(farm, "begin")
    farm.launchpad.rerun_fw(fw_id)
    _, launch_id = farm.launchpad.reserve_fw(FWorker(query={"spec.run": farm.run}), str(farm.folder))
    assert repair(farm) == [] and state(farm, fw_id) == "RESERVED"
    # Its rocket has written the launch, not yet the firework.
    farm.launchpad.launches.update_one({"launch_id": launch_id}, {"$set": {"state": "RUNNING"}})
    assert repair(farm) and state(farm, fw_id) == "READY"
    to_the_end(farm)


def test_finished_launch_under_a_stale_lock(farm) -> None:
    """The launch is COMPLETED, the firework RUNNING, the workflow locked for ever."""
    small(farm)
    fw_id, launch_id = checkout(farm, "sleepy_0 plan")
    farm.launchpad.launches.update_one(
        {"launch_id": launch_id}, {"$set": {"state": "COMPLETED", "action": FWAction().to_dict()}}
    )
    farm.launchpad.workflows.update_one({"nodes": fw_id}, {"$set": {"locked": True}})
    repair(farm)
    assert state(farm, fw_id) == "COMPLETED"


def test_fireworks_written_and_the_workflow_not(farm) -> None:
    """Parent COMPLETED, child still WAITING, the workflow's document old: nothing runs, nothing is READY."""
    small(farm)
    fw_id, _ = checkout(farm, "sleepy_0 plan")
    farm.launchpad.rerun_fw(fw_id)
    before = farm.launchpad.workflows.find_one({"nodes": fw_id})
    launch_one(farm, fw_id)
    gate = farm.launchpad.fireworks.find_one_and_update({"name": GATE}, {"$set": {"state": "WAITING"}})["fw_id"]
    farm.launchpad.workflows.replace_one({"nodes": fw_id}, before | {"locked": True})
    assert repair(farm)
    assert state(farm, gate) == "READY"
    to_the_end(farm)


def test_finish_killed_after_the_run_was_marked_finished(farm) -> None:
    """No rocket may ever come again: `recover` alone makes the chain COMPLETED."""
    small(farm)
    checkout(farm, "finish")
    farm.catalogue.runs.set(farm.run, state="finished", failed_items=0)
    assert repair(farm)
    farm.check(farm.catalogue.runs.get(farm.run), items=4, steps=1)
    farm.check_fireworks()


def test_begin_killed_before_and_after_it_made_the_run(farm) -> None:
    small(farm)
    fw_id, _ = checkout(farm, "begin")
    assert known_runs(farm.launchpad) == [farm.run]
    assert repair(farm) and state(farm, fw_id) == "READY"
    checkout(farm, "begin")
    record = farm.launchpad.fireworks.find_one({"fw_id": fw_id})["spec"]["_tasks"][0]["record"]
    farm.catalogue.runs.create(farm.run, record, begun_by=fw_id)
    to_the_end(farm)


def test_plan_killed_while_it_added_the_sides(farm) -> None:
    """The side workflows are there, their fireworks are not: they get them, and are not counted for nothing."""
    small(farm, replicas=3)
    checkout(farm, "sleepy_0 plan")
    task = Sleepy(run=farm.run, step="sleepy_0", role="plan")
    assert add_sides(farm.launchpad, task, 2) == 2
    farm.launchpad.fireworks.delete_many({"name": "sleepy_0 side"})
    assert repair(farm)
    launch_one(farm, farm.launchpad.fireworks.find_one({"name": "sleepy_0 plan"})["fw_id"])
    sides_there = list(farm.launchpad.fireworks.find({"name": "sleepy_0 side"}))
    assert [side["state"] for side in sides_there] == ["READY"] * 2
    to_the_end(farm)


def test_side_killed_after_the_step_was_collected(farm) -> None:
    small(farm)
    checkout(farm, GATE)
    repair(farm)
    firework, launch_id = farm.launchpad.checkout_fw(
        FWorker(query={"spec.run": farm.run, "name": "sleepy_0 side"}), str(farm.folder)
    )
    leases = farm.catalogue.leases
    leases.take(farm.run, "sleepy_0", "side", firework.fw_id, launch_id, "node:1:1:1:dead", 0.1)
    launch_all(farm.launchpad, farm.run)
    assert state(farm, firework.fw_id) == "RUNNING"
    farm.launchpad.workflows.update_one({"nodes": firework.fw_id}, {"$set": {"locked": True}})
    assert repair(farm)
    farm.check_fireworks()
    assert repair(farm) == []


def test_recoverer_of_a_side_killed_in_its_window(farm) -> None:
    """Between taking the lost lease and closing the side: the next one takes over when its time is up."""
    small(farm)
    checkout(farm, GATE)
    repair(farm)
    firework, launch_id = farm.launchpad.checkout_fw(
        FWorker(query={"spec.run": farm.run, "name": "sleepy_0 side"}), str(farm.folder)
    )
    leases = farm.catalogue.leases
    leases.take(farm.run, "sleepy_0", "side", firework.fw_id, launch_id, "node:1:1:1:dead", 0.0)
    time.sleep(0.05)
    [lost] = leases.expired(farm.run)
    assert leases.begin_recovery(lost, "killed", seconds=60.0)
    assert leases.expired(farm.run) == []
    let_pass(leases.collection, 61.0)
    assert repair(farm) and state(farm, firework.fw_id) == "READY"  # its place is free for another rocket
    to_the_end(farm)


def test_two_recoverers_at_once(farm) -> None:
    small(farm)
    fw_id, launch_id = checkout(farm, GATE)
    farm.catalogue.leases.take(farm.run, "sleepy_0", "gate", fw_id, launch_id, "node:1:1:1:dead", 0.0)
    time.sleep(0.05)
    [lost] = farm.catalogue.leases.expired(farm.run)
    assert recover_firework(farm.launchpad, farm.catalogue, lost, "one")
    launch_one(farm, fw_id)  # the firework is done before the other one comes
    assert not recover_firework(farm.launchpad, farm.catalogue, lost, "two")
    assert state(farm, fw_id) == "COMPLETED"
    to_the_end(farm)


def test_gate_that_noticed_and_stopped_before_its_recoverer_came(farm) -> None:
    """Its lease was taken, it gave up, FireWorks says FIZZLED: the recoverer makes it READY all the same."""
    small(farm)
    fw_id, launch_id = checkout(farm, GATE)
    farm.catalogue.leases.take(farm.run, "sleepy_0", "gate", fw_id, launch_id, "node:1:1:1:slow", 0.0)
    time.sleep(0.05)
    [lost] = farm.catalogue.leases.expired(farm.run)
    farm.launchpad.mark_fizzled(launch_id)
    assert recover_firework(farm.launchpad, farm.catalogue, lost, "one")
    assert state(farm, fw_id) == "READY"
    to_the_end(farm)


def test_gate_interrupted_or_without_database_for_a_moment(farm) -> None:
    """FIZZLED though the run has not failed: tried again. A step that failed is left to `run` and `retry`."""
    small(farm)
    fw_id, launch_id = checkout(farm, GATE)
    farm.launchpad.mark_fizzled(launch_id)
    farm.catalogue.runs.failed(farm.run, "sleepy_0", "no")
    assert repair(farm) == [] and state(farm, fw_id) == "FIZZLED"
    farm.catalogue.runs.resumed(farm.run)
    assert repair(farm) and state(farm, fw_id) == "READY"
    to_the_end(farm)


def test_refused_second_workflow_stays_refused(farm) -> None:
    small(farm)
    launch_all(farm.launchpad, farm.run)
    small(farm)
    launch_all(farm.launchpad, farm.run)
    assert repair(farm) == []
    assert farm.launchpad.fireworks.count_documents({"name": "begin", "state": "FIZZLED"}) == 1


def test_zombie_gate_that_stumbles_does_not_fail_the_run(farm, monkeypatch: pytest.MonkeyPatch) -> None:
    small(farm)
    fw_id, _ = checkout(farm, GATE)
    farm.launchpad.rerun_fw(fw_id)

    def stumble(self, campaign):
        leases = campaign.catalogue.leases
        leases.begin_recovery(leases.find(campaign.run, campaign.step, "gate"), "another")
        raise FileNotFoundError("the other rocket has just replaced it")

    with monkeypatch.context() as patch:
        patch.setattr(Sleepy, "collect", stumble)
        launch_one(farm, fw_id)
    assert farm.catalogue.runs.get(farm.run)["state"] == "running"
    to_the_end(farm)


def test_living_side_that_was_closed_ends_without_an_error(farm, monkeypatch: pytest.MonkeyPatch) -> None:
    small(farm)
    checkout(farm, GATE)
    repair(farm)
    work = Sleepy.work

    def taken_over(self, campaign, item):
        campaign.catalogue.leases.collection.update_many({"role": "side"}, {"$set": {"state": "collected"}})
        return work(self, campaign, item)

    with monkeypatch.context() as patch:
        patch.setattr(Sleepy, "work", taken_over)
        side = farm.launchpad.fireworks.find_one({"name": "sleepy_0 side"})["fw_id"]
        launch_one(farm, side)
    assert state(farm, side) == "COMPLETED"
    to_the_end(farm)


def test_workflow_added_only_half(farm) -> None:
    small(farm)
    farm.launchpad.fireworks.delete_many({"name": "finish"})
    assert repair(farm) == []
    assert find_workflow(farm.launchpad, farm.run) is None
    small(farm)
    to_the_end(farm)


# ---- an item that kills its replica


class Killed(BaseException):
    pass


def test_item_that_kills_its_replica_is_given_up_and_takes_no_others_with_it(farm, monkeypatch) -> None:
    monkeypatch.setattr(work_items, "MAX_LOST", 3)
    farm.add(items=40, seconds=0.0, replicas=1, steps=1)
    checkout(farm, GATE)
    work = Sleepy.work

    def deadly(self, campaign, item):
        if item.payload["number"] == 7:
            raise Killed
        return work(self, campaign, item)

    monkeypatch.setattr(Sleepy, "work", deadly)
    record = farm.catalogue.runs.get(farm.run)
    campaign = SleepyStep(farm.catalogue, record, "sleepy_0", lambda *_, **__: None)
    deaths = 0
    while farm.catalogue.work_items.unfinished(farm.run, "sleepy_0"):
        try:
            Replica(Sleepy(run=farm.run, step="sleepy_0", role="gate"), campaign, f"n:{deaths}:0:0:x").work()
        except Killed:
            farm.catalogue.work_items.release_lost(f"n:{deaths}:0:0:x")
            deaths += 1
    assert deaths == 3
    [failure] = farm.catalogue.work_items.failures(farm.run, "sleepy_0")
    assert failure["key"] == "00007" and "lost" in failure["error"]
    assert farm.catalogue.work_items.counts(farm.run, "sleepy_0")["done"] == 39


def test_item_that_leaves_the_interpreter_is_a_failed_item(farm, monkeypatch) -> None:
    small(farm)

    def leave(self, campaign, item):
        raise SystemExit(1)

    monkeypatch.setattr(Sleepy, "work", leave)
    launch_all(farm.launchpad, farm.run)
    assert farm.catalogue.runs.get(farm.run)["failed_items"] == 4
