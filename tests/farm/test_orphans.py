"""Fireworks that no workflow names, as a kill leaves them while FireWorks appends a detour."""

from __future__ import annotations

import pytest
from fireworks import Firework, FWorker, ScriptTask
from fireworks.core.rocket_launcher import launch_rocket
from killing import Farm, NoHeartbeat, impatient, launch_all, survives

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.orphans import remove_orphans
from genarris_fw.farm.repair.recovery import recover


@pytest.fixture
def farm(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> Farm:
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(farm.folder)
    farm.add(items=4, seconds=0.0, replicas=2, steps=1)
    return farm


def orphan(farm: Farm, state: str = "READY") -> int:
    """Insert a firework of the run as FireWorks does, without its workflow."""
    firework = Firework([ScriptTask.from_str("true")], spec={"run": farm.run}, name="sleepy_0 gate", fw_id=-1)
    farm.launchpad._upsert_fws([firework], reassign_all=True)
    farm.launchpad.fireworks.update_one({"fw_id": firework.fw_id}, {"$set": {"state": state}})
    return firework.fw_id


def is_there(farm: Farm, fw_id: int) -> bool:
    return farm.launchpad.fireworks.count_documents({"fw_id": fw_id}) == 1


@pytest.mark.parametrize("state", ["READY", "FIZZLED", "RUNNING"])
def test_removed_whatever_a_rocket_made_of_it(farm: Farm, state: str) -> None:
    fw_id = orphan(farm, state)
    [line] = recover(farm.launchpad, farm.run, grace_seconds=0)
    assert line == f"firework {fw_id} (sleepy_0 gate): no workflow names it, removed"
    assert not is_there(farm, fw_id)
    launch_all(farm.launchpad, farm.run)
    farm.check(farm.catalogue.runs.get(farm.run), items=4, steps=1)
    farm.check_fireworks()


@pytest.mark.parametrize("state", ["READY", "FIZZLED", "RUNNING"])
def test_left_alone_while_somebody_may_enter_it(farm: Farm, state: str) -> None:
    """Within the grace, and while a workflow of the run is locked; nothing else is made of it meanwhile."""
    fw_id = orphan(farm, state)
    assert recover(farm.launchpad, farm.run) == []
    farm.launchpad.workflows.update_one({"metadata.run": farm.run}, {"$set": {"locked": True}})
    assert list(remove_orphans(farm.launchpad, Catalogue(farm.launchpad.db), farm.run, 0)) == []
    assert farm.launchpad.fireworks.find_one({"fw_id": fw_id})["state"] == state


def test_of_another_run_is_not_touched(farm: Farm) -> None:
    fw_id = orphan(farm)
    farm.launchpad.fireworks.update_one({"fw_id": fw_id}, {"$set": {"spec.run": "another"}})
    assert recover(farm.launchpad, farm.run, grace_seconds=0) == []
    assert is_there(farm, fw_id)


def test_of_a_rocket_killed_between_the_two_writes(farm: Farm) -> None:
    """The first kill that leaves one; the next gate begins once, and the orphan's name is nowhere in the result."""
    for name in ("begin", "sleepy_0 plan"):
        launch_rocket(farm.launchpad, FWorker(query={"name": name}), strm_lvl="CRITICAL")
    for writes in range(60):
        assert not survives("end", farm, writes), "no kill leaves an orphan"
        named = farm.launchpad.workflows.distinct("nodes")
        if farm.launchpad.fireworks.count_documents({"fw_id": {"$nin": named}}):
            break
        with impatient():
            recover(farm.launchpad, farm.run, grace_seconds=0)
    with impatient():
        said = recover(farm.launchpad, farm.run, grace_seconds=0)
    assert sum("no workflow names it" in line for line in said) == 1
    launch_all(farm.launchpad, farm.run)
    with impatient():
        recover(farm.launchpad, farm.run, grace_seconds=0)
    farm.check(farm.catalogue.runs.get(farm.run), items=4, steps=1)
    farm.check_fireworks()


def test_a_side_whose_firework_was_never_added(farm: Farm) -> None:
    """Of a side the workflow comes first: what is left of a kill between the two is removed, after the grace."""
    launch_all(farm.launchpad, farm.run)
    [side] = farm.launchpad.workflows.find({"metadata.side_of": "sleepy_0"})
    half = {key: value for key, value in side.items() if key != "_id"} | {"nodes": [99], "fw_states": {"99": "READY"}}
    farm.launchpad.workflows.insert_one(half)
    assert recover(farm.launchpad, farm.run) == []
    [line] = recover(farm.launchpad, farm.run, grace_seconds=0)
    assert line == f"workflow '{side['name']}': its firework was never added, removed"
    assert farm.launchpad.workflows.count_documents({"nodes": 99}) == 0
    farm.check_fireworks()


def test_an_end_that_has_not_reached_the_workflow_is_applied_whole(farm: Farm) -> None:
    """The firework reads COMPLETED, the workflow does not name its successor yet: the step must not be skipped."""
    for name in ("begin", "sleepy_0 plan"):
        launch_rocket(farm.launchpad, FWorker(query={"name": name}), strm_lvl="CRITICAL")
    gate = farm.launchpad.fireworks.find_one({"name": "sleepy_0 gate"})["fw_id"]
    before = farm.launchpad.workflows.find_one({"nodes": gate})
    assert survives("end", farm, 1000)
    farm.launchpad.workflows.replace_one({"_id": before["_id"]}, before)
    recover(farm.launchpad, farm.run, grace_seconds=0)
    launch_all(farm.launchpad, farm.run)
    recover(farm.launchpad, farm.run, grace_seconds=0)
    farm.check(farm.catalogue.runs.get(farm.run), items=4, steps=1)
    farm.check_fireworks()
