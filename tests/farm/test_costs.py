"""What a replica says that its items cost: against what the system says of its process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from killing import Farm
from works import STEP, Works

from genarris_fw.catalogue.costs import BROKEN_OFF, DONE, FAILED
from genarris_fw.errors import EngineError, Interrupted
from genarris_fw.farm.meter import Meter, counting
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.replica import Outcome
from genarris_fw.owner import cpu_seconds, owner_name
from genarris_fw.procedures.kit.base import Item
from genarris_fw.views.costs import costs

BUSY = 0.3  # seconds of a processor
CHILD = f"while __import__('time').process_time() < {BUSY}: pass"
# How exactly the system counts a process's time.
TICK = 0.02


def compute() -> None:
    begun = time.thread_time()
    while time.thread_time() - begun < BUSY:
        pass


def test_items_that_sleep_compute_start_a_program_or_threads(farm: Farm) -> None:
    """By the clock all of them take time; of processors only those that compute: here, in threads, in a child."""
    works = Works(farm, 4)

    def work(item: Item) -> Outcome:
        if item.key == "000":
            time.sleep(BUSY)
        elif item.key == "001":
            compute()
        elif item.key == "002":
            subprocess.run([sys.executable, "-c", CHILD], check=True)
        else:
            threads = [threading.Thread(target=compute) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return Outcome()

    replica = works.replica("here:1:1:1:x", work)
    before, begun = cpu_seconds(), time.monotonic()
    assert replica.work() == "finished"
    wall, used = time.monotonic() - begun, cpu_seconds() - before
    sleeps, computes, child, threads = works.items
    assert sleeps["seconds"] >= BUSY > sleeps["cpu_seconds"]
    for item, least in ((computes, BUSY), (child, BUSY), (threads, 2 * BUSY)):
        assert item["cpu_seconds"] >= least - TICK and item["seconds"] >= BUSY - TICK
    # All that the process and its children took, but for the farm's own part.
    assert sum(item["cpu_seconds"] for item in works.items) <= used + TICK
    assert sum(item["seconds"] for item in works.items) <= wall
    assert {item["cores"] for item in works.items} == {1}
    total = costs(farm.catalogue, farm.run)["total"]
    assert total["core_seconds"] == pytest.approx(sum(item["seconds"] for item in works.items))
    assert total["cpu_seconds"] == pytest.approx(sum(item["cpu_seconds"] for item in works.items))


def test_the_threads_that_the_options_ask_for_are_cores(farm: Farm) -> None:
    works = Works(farm, 1)
    given = {"options.steps.0.options.omp_num_threads": 3, "options.steps.0.origins.omp_num_threads": "ui.conf line 1"}
    farm.catalogue.runs.set(farm.run, **given)
    works.replica("here:1:1:1:x", lambda item: Outcome()).work()
    assert works.items[0]["cores"] == 3
    farm.catalogue.runs.set(farm.run, **{"options.steps.0.options.num_cores": 12})
    farm.catalogue.work_items.insert(farm.run, STEP, [Item("more")])
    works.replica("here:1:1:2:x", lambda item: Outcome()).work()  # the share of three replicas in twelve cores
    [more] = [item for item in works.items if item["key"] == "more"]
    assert more["cores"] == 4


def test_the_other_ranks_are_counted_too() -> None:
    class Ranks:
        size, cpu_seconds = 3, 10.0

    ranks = Ranks()
    with counting(ranks):
        meter = Meter(3)
        ranks.cpu_seconds += 5.0
        cost = meter.cost()
    assert cost.cores == 3 and 5.0 <= (cost.cpu_seconds or 0) < 6.0


def test_attempts_without_a_result_are_kept_with_their_item(farm: Farm) -> None:
    works = Works(farm, 1, retry_delay=0, max_attempts=5)
    told = [EngineError("no convergence"), Interrupted("the time is over")]

    def work(item: Item) -> Outcome:
        time.sleep(0.1)
        if told:
            raise told.pop(0)
        return Outcome()

    first = works.replica("here:1:1:1:x", work)
    assert first.work() == "ending"
    [item] = works.items
    assert item["state"] == "waiting"
    assert [(one["end"], one["owner"], one["cores"]) for one in item["spent"]] == [
        (FAILED, "here:1:1:1:x", 1),
        (BROKEN_OFF, "here:1:1:1:x", 1),
    ]
    works.replica("here:1:1:2:x", work).work()
    found = {row["end"]: row for row in farm.catalogue.item_costs.attempts(farm.run)}
    assert set(found) == {DONE, FAILED, BROKEN_OFF}
    assert all(row["seconds"] >= 0.1 and row["cpu"] == 1 for row in found.values())
    total = costs(farm.catalogue, farm.run)["total"]
    assert (total["items"], total["failed"]) == (1, 2)
    assert total["failed_core_seconds"] == pytest.approx(found[FAILED]["seconds"] + found[BROKEN_OFF]["seconds"])


def test_an_item_given_up_after_others_says_what_its_last_attempt_took(farm: Farm) -> None:
    """Such failures are written late: the replica looks first whether it is the machine that is broken."""
    works = Works(farm, 3, max_attempts=1)

    def work(item: Item) -> Outcome:
        time.sleep(0.05)
        raise OSError("no scratch disk")

    works.replica("here:1:1:1:x", work).work()
    assert [[one["end"] for one in item["spent"]] for item in works.items] == [[FAILED]] * 3
    assert all(item["spent"][0]["seconds"] >= 0.05 for item in works.items)


def test_a_killed_replica_costs_what_it_was_there_for_and_its_attempt_is_not_known(farm: Farm) -> None:
    farm.add(items=30, seconds=0.1, replicas=1, steps=1)
    process = farm.rlaunch()
    farm.holder("gate", done_at_least=5)
    process.kill()
    process.wait()
    recover(farm.launchpad, farm.run, grace_seconds=0)
    found = costs(farm.catalogue, farm.run)
    [stage] = found["stages"]
    assert stage["lost"] == 1 and stage["lost_core_seconds"] >= 0
    done = farm.catalogue.work_items.counts(farm.run, "sleepy_0")["done"]
    assert stage["items"] == done >= 5 and stage["core_seconds"] >= 0.1 * done
    assert stage["held_core_seconds"] >= 0
    farm.rlaunch()
    farm.check(farm.finish(), items=30, steps=1)
    assert costs(farm.catalogue, farm.run)["total"]["items"] == 30


def test_replicas_say_for_whom_and_the_fireworks_of_a_plan_too(farm: Farm) -> None:
    farm.add(items=4, seconds=0.0, replicas=1, steps=1)
    farm.rlaunch()
    farm.finish()
    records = {record["role"]: record for record in farm.catalogue.replicas.collection.find({"run": farm.run})}
    assert set(records) == {"plan", "gate"}
    name = owner_name(0).split(":")[0]
    assert {(record["host"], record["cores"], "ended" in record) for record in records.values()} == {(name, 1, True)}
    assert Path(farm.folder).is_dir()
