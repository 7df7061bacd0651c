"""A second chance for failed items: they are done, what was done stays, later steps are built anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from fireworks import FWorker
from killing import ITEMS, NoHeartbeat, expected, impatient, launch_all, survives
from waiting import wait_until

from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.repair.retrying import retry_run

BROKEN = (1, 3)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(tmp_path)


def small(farm) -> None:
    farm.add(items=6, seconds=0.0, replicas=2, steps=2, lease_seconds=30.0, broken=BROKEN)


def test_under_plain_rlaunch(farm) -> None:
    """With rockets that are there all the time, and with side replicas again."""
    farm.add(broken=BROKEN, seconds=0.02, replicas=2)
    for _ in range(2):
        farm.rlaunch("rapidfire", "--nlaunches", "infinite", "--sleep", "1")
    record = farm.finish()
    assert record["failed_items"] == 4
    items = farm.catalogue.work_items.collection
    first = {record["key"]: record for record in items.find({"step": "sleepy_0", "state": "done"})}
    assert len(first) == ITEMS - 2
    wait_until(lambda: farm.launchpad.fireworks.find_one({"name": "finish"})["state"] == "COMPLETED")
    (farm.folder / "mended").touch()
    assert retry_run(farm.launchpad, farm.run) == (4, "sleepy_0")
    record = farm.finish()
    farm.check(record)
    assert record["failed_items"] == 0
    for key, before in first.items():
        assert items.find_one({"step": "sleepy_0", "key": key}) == before  # not done again
    wait_until(lambda: farm.launchpad.fireworks.find_one({"name": "finish"})["state"] == "COMPLETED")
    farm.close()
    farm.__init__(farm.uri, farm.folder)
    recover(farm.launchpad, farm.run, grace_seconds=0)
    farm.check_fireworks()
    # A side replica both times, or one that was still under way when the step was planned again.
    assert farm.launchpad.fireworks.count_documents({"name": "sleepy_1 side"}) in (1, 2)


def test_nothing_to_retry(farm, quick) -> None:
    farm.add(items=6, seconds=0.0, replicas=2, steps=2)
    launch_all(farm.launchpad, farm.run)
    assert retry_run(farm.launchpad, farm.run) == (0, None)
    farm.check_fireworks()


def test_only_a_later_step(farm, quick) -> None:
    small(farm)
    launch_all(farm.launchpad, farm.run)
    (farm.folder / "mended").touch()
    assert retry_run(farm.launchpad, farm.run, "sleepy_1") == (2, "sleepy_1")
    launch_all(farm.launchpad, farm.run)
    record = farm.catalogue.runs.get(farm.run)
    assert record["summaries"]["sleepy_1"] == expected(6)
    assert record["summaries"]["sleepy_0"]["failed"] == 2 == record["failed_items"]


def test_retry_takes_the_chain_that_made_the_run(farm, quick) -> None:
    """Not the second one of the same name, which was refused."""
    small(farm)
    small(farm)
    launch_all(farm.launchpad, farm.run)
    (farm.folder / "mended").touch()
    assert retry_run(farm.launchpad, farm.run) == (4, "sleepy_0")
    launch_all(farm.launchpad, farm.run)
    farm.check(farm.catalogue.runs.get(farm.run), items=6)


def test_retry_while_a_later_step_is_at_work(farm, quick) -> None:
    """Its gate finds its items gone; what it would collect must not count."""
    small(farm)
    leases = farm.catalogue.leases
    while True:
        firework, launch_id = farm.launchpad.checkout_fw(FWorker(query={"spec.run": farm.run}), str(farm.folder))
        if firework.name == "sleepy_1 gate":
            break
        farm.launchpad.rerun_fw(firework.fw_id)
        carry_on(farm, firework.fw_id)
    token = leases.take(farm.run, "sleepy_1", "gate", firework.fw_id, launch_id, "node:1:1:1:alive", 60)
    (farm.folder / "mended").touch()
    assert retry_run(farm.launchpad, farm.run) == (2, "sleepy_0")
    with pytest.raises(LeaseLost):
        leases.collected("nap:sleepy_1:gate", token)
    launch_all(farm.launchpad, farm.run)
    farm.check(farm.catalogue.runs.get(farm.run), items=6)


def carry_on(farm, fw_id: int) -> None:
    from fireworks.core.rocket_launcher import launch_rocket

    launch_rocket(farm.launchpad, FWorker(), fw_id=fw_id, strm_lvl="CRITICAL")


@pytest.mark.parametrize("writes", [1, 12, 13])
def test_retry_killed_and_called_again(farm, quick, writes: int) -> None:
    small(farm)
    launch_all(farm.launchpad, farm.run)
    (farm.folder / "mended").touch()
    survives("retry", farm, writes)
    with impatient():
        retry_run(farm.launchpad, farm.run)
    launch_all(farm.launchpad, farm.run)
    farm.check(farm.catalogue.runs.get(farm.run), items=6)
    recover(farm.launchpad, farm.run, grace_seconds=0)
    farm.check_fireworks()
