"""One replica at a time: back-off, quarantine, walltime, idleness, what is left of a failure."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest
from killing import Farm
from pymongo import MongoClient
from waiting import wait_until
from works import STEP, Works

from genarris_fw import walltime as walltime_module
from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.database.launchpads import database_name
from genarris_fw.errors import EngineError, Interrupted
from genarris_fw.farm import meter as meter_module
from genarris_fw.farm import replica as replica_module
from genarris_fw.farm.decisions.replica import SECONDS_PER_CLAIM
from genarris_fw.farm.replica import Outcome
from genarris_fw.procedures.kit.base import Item
from genarris_fw.walltime import Walltime, listening


def nothing(item: Item) -> Outcome:
    return Outcome()


def test_an_item_that_fails_is_tried_again_after_a_rest_and_its_failure_says_where(farm: Farm) -> None:
    works = Works(farm, 1, retry_delay=0.3, max_attempts=3)
    times = []

    def fail(item: Item) -> Outcome:
        times.append(time.monotonic())
        raise EngineError("no convergence", folder="/scratch/7", output="a" * 5000 + "** the end")

    replica = works.replica("here:1:1:1:x", fail)
    assert replica.work() == "finished" and (replica.done, replica.failed) == (0, 1)
    assert len(times) == 3
    assert times[1] - times[0] >= 0.3 and times[2] - times[1] >= 0.6
    [failure] = farm.catalogue.work_items.failures(farm.run, STEP)
    assert failure["error"] == "no convergence" and failure["attempts"] == 3
    about = failure["failure"]
    assert about["host"] == socket.gethostname() and about["folder"] == "/scratch/7"
    assert about["output"].endswith("** the end") and len(about["output"]) == 2000


def test_a_permanent_error_is_not_tried_again(farm: Farm) -> None:
    works = Works(farm, 3)

    def fail(item: Item) -> Outcome:
        raise EngineError("no such element", permanent=True)

    assert works.replica("here:1:1:1:x", fail).work() == "finished"
    assert {(item["state"], item["attempts"]) for item in works.items} == {("failed", 1)}


def test_a_replica_where_everything_fails_stands_back_while_another_works(farm: Farm, database_uri: str) -> None:
    works = Works(farm, 40, quarantine_after=4, max_attempts=3, retry_delay=0)
    broken_did: list[str] = []

    def broken(item: Item) -> Outcome:
        broken_did.append(item.key)
        raise OSError("no scratch disk")

    def slow(item: Item) -> Outcome:
        wait_until(lambda: sick.quarantined)
        return Outcome()

    with MongoClient(database_uri) as client:
        healthy = works.replica("b:1:1:1:x", slow, Catalogue(client[database_name(database_uri)]))
        sick = works.replica("a:1:1:1:x", broken)
        other = threading.Thread(target=sick.work)
        other.start()
        assert healthy.work() == "finished"
        other.join()
    assert len(set(broken_did)) == 4
    assert healthy.done == 40 and not healthy.quarantined
    assert "4 different items failed in a row here; the last one: OSError: no scratch disk" in sick.quarantined
    told = {r["_id"]: r.get("quarantined", "") for r in farm.catalogue.replicas.of_step(farm.run, STEP)}
    assert told == {"a:1:1:1:x": sick.quarantined, "b:1:1:1:x": ""}


def test_a_replica_that_stands_back_in_the_middle_of_a_claim_leaves_the_rest_to_others(farm: Farm) -> None:
    works = Works(farm, 60, quarantine_after=3, max_attempts=1)
    calls: list[str] = []

    def breaks(item: Item) -> Outcome:
        calls.append(item.key)
        if len(calls) > 2:  # by now it claims many at a time
            raise OSError("no scratch disk")
        return Outcome()

    sick = works.replica("a:1:1:1:x", breaks, idle_limit=0.5)
    farm.catalogue.replicas.begin("b:1:1:1:x", farm.run, STEP, "side", 2)
    assert sick.work() == "idle" and sick.quarantined
    assert len(calls) == 5 and (sick.done, sick.failed) == (2, 0)
    states = [item["state"] for item in works.items]
    assert (states.count("done"), states.count("waiting")) == (2, 58)
    assert all("lease" not in item and item["attempts"] == item["lost"] == 0 for item in works.items)


def test_the_last_replica_goes_on_in_quarantine_so_that_the_step_ends(farm: Farm) -> None:
    works = Works(farm, 12, quarantine_after=3, max_attempts=2, retry_delay=0)

    def broken(item: Item) -> Outcome:
        raise OSError("no scratch disk")

    replica = works.replica("a:1:1:1:x", broken)
    assert replica.work() == "finished" and replica.failed == 12 and replica.quarantined


def test_one_item_failing_again_and_again_is_no_reason_for_a_quarantine(farm: Farm) -> None:
    works = Works(farm, 1, quarantine_after=2, max_attempts=6, retry_delay=0)

    def broken(item: Item) -> Outcome:
        raise ValueError("this one")

    replica = works.replica("a:1:1:1:x", broken)
    assert replica.work() == "finished" and not replica.quarantined


def test_successes_in_between_keep_a_replica_out_of_quarantine(farm: Farm) -> None:
    works = Works(farm, 60, quarantine_after=9, max_attempts=1)

    calls: list[str] = []

    def moody(item: Item) -> Outcome:
        calls.append(item.key)
        if len(calls) % 5:
            raise ValueError("four of five")
        return Outcome()

    replica = works.replica("a:1:1:1:x", moody)
    assert replica.work() == "finished"
    assert (replica.done, replica.failed, replica.quarantined) == (12, 48, "")


class Clock:
    """The clock of replicas, of what items take and of the walltime, which stands still but where somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in (replica_module, meter_module, walltime_module):
            monkeypatch.setattr(module, "time", self)

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_replica_claims_nothing_that_would_not_fit(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    works, clock = Works(farm, 200), Clock(monkeypatch)
    ended = []

    def second(item: Item) -> Outcome:
        clock.sleep(0.5)
        ended.append(clock.now)
        return Outcome()

    end = clock.now + 8
    replica = works.replica("a:1:1:1:x", second, walltime=Walltime(end))
    assert replica.work() == "ending"
    # 3 s are kept for giving back, and the last item must fit with room to spare.
    assert 4 <= replica.done <= 10 and ended[-1] <= end - 3
    states = [item["state"] for item in works.items]
    assert states.count("done") == replica.done == len(ended) and states.count("waiting") == 200 - replica.done
    assert all("lease" not in item and item["lost"] == item["attempts"] == 0 for item in works.items)


def test_a_new_replica_expects_of_an_item_what_others_took(farm: Farm) -> None:
    works = Works(farm, 5)
    [item] = farm.catalogue.work_items.claim(farm.run, STEP, "other", 1, 60)
    farm.catalogue.work_items.commit(farm.run, STEP, "other", [(item, {}, Cost(3600.0))])
    begun: list[str] = []
    replica = works.replica(
        "a:1:1:1:x", lambda item: begun.append(item.key) or Outcome(), walltime=Walltime(time.time() + 1800)
    )
    assert replica.work() == "ending" and begun == []


def test_a_signal_ends_the_work_after_the_item_at_hand(farm: Farm) -> None:
    works = Works(farm, 50)
    walltime = Walltime()
    before = signal.getsignal(signal.SIGUSR1)
    done = []

    def warned(item: Item) -> Outcome:
        done.append(item.key)
        time.sleep(SECONDS_PER_CLAIM / 5)
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGUSR1)
        return Outcome()

    try:
        with listening(walltime):
            replica = works.replica("a:1:1:1:x", warned, walltime=walltime)
            assert replica.work() == "ending"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert walltime.told and replica.done == len(done) <= 5
    assert {item["state"] for item in works.items} == {"done", "waiting"}


def test_interrupted_work_is_given_back_and_is_no_attempt(farm: Farm) -> None:
    works = Works(farm, 3)

    def interrupted(item: Item) -> Outcome:
        raise Interrupted("the time is over")

    assert works.replica("a:1:1:1:x", interrupted).work() == "ending"
    assert {(item["state"], item["attempts"], item["lost"]) for item in works.items} == {("waiting", 0, 0)}


def test_a_side_with_nothing_to_do_ends(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    works = Works(farm, 2)
    farm.catalogue.work_items.claim(farm.run, STEP, "another", 2, 600)
    clock = Clock(monkeypatch)
    begun = clock.now
    assert works.replica("a:1:1:1:x", nothing, idle_limit=100).work() == "idle"
    assert 100 <= clock.now - begun < 105


@pytest.mark.parametrize(("left", "margin"), [(10, 3.0), (600, 30.0), (86400, 60.0)])
def test_a_margin_is_kept_for_the_end(left: float, margin: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    walltime = Walltime(clock.now + left)
    assert walltime.seconds_left() == pytest.approx(left - margin)
    assert walltime.fits(left - margin - 1) and not walltime.fits(left - margin + 1)
    assert walltime.deadline() == pytest.approx(clock.now + left - margin)
    walltime.tell()
    assert walltime.ending() and walltime.seconds_left() == 0.0


def test_without_an_end_everything_fits() -> None:
    assert Walltime().fits(1e9) and Walltime().deadline() is None and not Walltime().ending()
