"""How far the small run is, and how it is shown."""

import io
import json
import re
import time

import pytest
from rich.console import Console
from small_run import IDS, OWNER, RUN

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.views.progress import SECONDS_PER_LINE, Progress
from genarris_fw.views.status import COUNTED, pool_sizes, render, status


def shown(renderable: object, width: int = 160) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(renderable)
    return stream.getvalue()


def test_the_numbers_of_every_step(catalogue: Catalogue) -> None:
    found = status(catalogue, RUN)
    assert json.loads(json.dumps(found)) == found
    states = {step["name"]: step["state"] for step in found["steps"]}
    assert list(states.values()) == ["finished", "finished", "finished", "running"]
    relaxation = found["steps"][-1]
    assert {name: relaxation[name] for name in ("waiting", "running", "done", "failed")} == {
        "waiting": 0,
        "running": 1,
        "done": 2,
        "failed": 1,
    }
    assert relaxation["rate"] == pytest.approx(1 / 4.0)  # one replica, 4 s an item
    assert relaxation["time_left"] == pytest.approx(4.0)
    assert found["steps"][0]["rate"] == pytest.approx(4 / 10.0)
    assert found["steps"][1] | {"seconds": 0, "result": ""} == {
        "name": "affinity_propagation_fixed_clusters",
        "procedure": "Affinity_Propagation_Fixed_Clusters",
        "state": "finished",
        "waiting": 0,
        "running": 0,
        "done": 0,
        "failed": 0,
        "counted": True,
        "lost": 0,
        "rate": None,
        "seconds": 0,
        "time_left": None,
        "result": "",
    }
    assert (found["state"], found["rockets"], found["failure"]) == ("running", 1, None)
    assert found["pools"] == {"clusters": 12, "energies": 4, "exemplars": 4, "raw": 12, "relaxed": 2}
    assert found["created"] == "2025-01-02T03:04:05+00:00"


def test_a_step_that_waits_and_a_run_without_steps(empty: Catalogue) -> None:
    empty.runs.create("new", {"options": {"steps": [{"name": "x", "procedure": "X", "options": {}}]}}, begun_by=1)
    [step] = status(empty, "new")["steps"]
    assert (step["state"], step["seconds"], step["rate"]) == ("waiting", None, None)
    empty.runs.create("imported", {"options": {"steps": []}, "state": "imported"}, begun_by=0)
    assert status(empty, "imported")["steps"] == []
    assert "imported" in shown(render(status(empty, "imported")))
    with pytest.raises(InputError, match="imported"):
        status(empty, "unknown")


def test_nobody_works_so_nothing_is_left_to_guess(catalogue: Catalogue) -> None:
    catalogue.work_items.collection.update_many(
        {"state": "leased"}, {"$set": {"state": "waiting"}, "$unset": {"lease": 1}}
    )
    catalogue.leases.collection.delete_many({})
    found = status(catalogue, RUN)
    assert found["steps"][-1]["time_left"] is None and found["rockets"] == 0
    assert "no rocket holds work" in shown(render(found))


def test_a_lost_rocket_is_noticed(catalogue: Catalogue) -> None:
    assert status(catalogue, RUN)["lost_rockets"] == 0
    catalogue.leases.collection.update_many({}, [{"$set": {"expires": {"$subtract": ["$$NOW", 1000]}}}])
    found = status(catalogue, RUN)
    assert (found["rockets"], found["lost_rockets"]) == (0, 1)
    assert f"1 rocket is lost: where no other takes over by itself, genarris-fw recover {RUN}" in shown(render(found))


def test_the_table(catalogue: Catalogue) -> None:
    text = shown(render(status(catalogue, RUN)))
    assert "run urea  running" in text and "1 rocket at work" in text
    [row] = [line.split() for line in text.splitlines() if line.startswith("run_fhi_aims_batch")]
    assert row[:6] == ["run_fhi_aims_batch", "running", "1", "2", "1", "15/min"]
    assert "12 structures, 4 clusters" in text
    assert "raw 12" in text


@pytest.mark.parametrize("width", [80, 124, 125, 160])
def test_nothing_is_cut_off(catalogue: Catalogue, width: int) -> None:
    text = shown(render(status(catalogue, RUN)), width)
    assert "…" not in text and "affinity_propagation_fixed_clusters" in text and "4.0 s" in text


def test_a_failure_is_shown(catalogue: Catalogue) -> None:
    catalogue.runs.failed(RUN, "run_fhi_aims_batch", "all 4 [structures] failed")
    before = status(catalogue, RUN)
    time.sleep(0.05)
    found = status(catalogue, RUN)
    assert found["seconds"] == before["seconds"]  # it no longer counts
    assert found["steps"][-1]["seconds"] == before["steps"][-1]["seconds"]
    text = shown(render(found))
    assert "all 4 [structures] failed" in text and "failed" in text


ENERGIES, RELAXATION = "fhi_aims_energy_evaluation", "run_fhi_aims_batch"
ONE, TWO = "node1:11:1:5:aa", "node2:22:1:6:bb"


def two_hosts(catalogue: Catalogue) -> None:
    """Replicas of the running step that began ten seconds ago."""
    for owner, done in ((ONE, 8), (TWO, 12)):
        catalogue.replicas.begin(owner, RUN, RELAXATION, "side", 1)
        catalogue.replicas.tally(owner, done, 1, 9.0)
    ago = {"$subtract": ["$$NOW", 10_000]}
    catalogue.replicas.collection.update_many({}, [{"$set": {"past.at": ago, "mark.at": ago}}])


def test_a_large_step_is_not_counted_while_it_runs(catalogue: Catalogue) -> None:
    two_hosts(catalogue)
    catalogue.runs.step_planned(RUN, RELAXATION, {"waiting": COUNTED + 1, "done": 0, "failed": 0})
    large = status(catalogue, RUN)["steps"][-1]
    # The tallies' 20 done and 2 failed, and one lease: not the 2, 1 and 1 that the index has.
    assert [large[name] for name in ("waiting", "running", "done", "failed")] == [COUNTED + 1 - 23, 1, 20, 2]
    assert large["counted"] is False and large["rate"] == pytest.approx(2.0, rel=0.1)
    assert large["time_left"] == pytest.approx((COUNTED + 1 - 22) / large["rate"])
    assert "~20 " in shown(render(status(catalogue, RUN))) and "~20 " in shown(render(status(catalogue, RUN)), 80)
    catalogue.runs.step_planned(RUN, RELAXATION, {"waiting": COUNTED, "done": 0, "failed": 0})
    small = status(catalogue, RUN)["steps"][-1]
    assert [small[name] for name in ("waiting", "running", "done", "failed")] == [0, 1, 2, 1] and small["counted"]
    # More than the plan knew of: never below zero.
    catalogue.runs.step_planned(RUN, RELAXATION, {"waiting": COUNTED + 1, "done": 0, "failed": 0})
    catalogue.replicas.tally(ONE, 2 * COUNTED, 0, 1.0)
    assert status(catalogue, RUN)["steps"][-1]["waiting"] == 0


def test_a_finished_step_shows_what_was_counted_at_its_end(catalogue: Catalogue) -> None:
    before = status(catalogue, RUN)["steps"][2]
    assert before["done"] == 4
    catalogue.runs.step_planned(RUN, ENERGIES, {"waiting": 0, "done": 1000, "failed": 7})
    after = status(catalogue, RUN)["steps"][2]
    assert (after["done"], after["failed"], after["waiting"], after["counted"]) == (1000, 7, 0, True)


def test_pools_of_any_name_and_of_an_older_run(catalogue: Catalogue) -> None:
    for pool in ("../my.pool", "$raw", "a.b.c"):
        catalogue.structures.replace_pool(RUN, pool, IDS[:3])
        catalogue.structures.replace_pool(RUN, pool, IDS[1:3])
        catalogue.structures.add_to_pool(RUN, pool, [IDS[1], IDS[5], "nobody"])
        assert status(catalogue, RUN)["pools"][pool] == 3 == catalogue.structures.count(RUN, pool)
    catalogue.structures.replace_pool(RUN, "raw", [])
    noted = status(catalogue, RUN)["pools"]
    assert "raw" not in noted and pool_sizes(catalogue, RUN) == noted
    catalogue.runs.collection.update_one({"_id": RUN}, {"$unset": {"pools": 1}})
    assert status(catalogue, RUN)["pools"] == pool_sizes(catalogue, RUN) == noted
    catalogue.structures.add_to_pool(RUN, "raw", IDS)  # one pool of it must not look like all
    assert pool_sizes(catalogue, RUN) == {"raw": len(IDS)} | noted


def test_what_was_lost_and_who_is_in_quarantine(catalogue: Catalogue) -> None:
    two_hosts(catalogue)
    assert catalogue.work_items.release_lost(OWNER) == 1
    why = "10 different items failed in a row here; the last one: [no] scratch space"
    catalogue.replicas.quarantine(TWO, why)
    found = status(catalogue, RUN)
    assert json.loads(json.dumps(found)) == found
    assert [step["lost"] for step in found["steps"]] == [0, 0, 0, 1]
    assert found["quarantined"] == [{"step": RELAXATION, "host": "node2", "owner": TWO, "why": why}]
    [one, two] = found["hosts"]
    assert (one["host"], one["replicas"], one["done"], one["failed"]) == ("node1", 1, 8, 1)
    assert one["rate"] == pytest.approx(0.8, rel=0.1)
    assert (two["replicas"], two["done"], two["rate"]) == (0, 12, 0)
    wide = shown(render(found))
    [row] = [line.split() for line in wide.splitlines() if line.startswith(RELAXATION)]
    assert row[:6] == [RELAXATION, "running", "1", "2", "1", "1"]  # waiting, done, failed, lost
    [host] = [line.split() for line in wide.splitlines() if line.startswith("node1")]
    assert host[:4] == ["node1", "1", "8", "1"] and host[4].endswith("/min")


@pytest.mark.parametrize("width", [80, 124, 125, 160])
def test_hosts_and_losses_are_not_cut_off(catalogue: Catalogue, width: int) -> None:
    two_hosts(catalogue)
    catalogue.work_items.release_lost(OWNER)
    long = "a-machine.with-a-long-name.in-a-cluster.example.org"
    catalogue.replicas.begin(f"{long}:1:1:1:cc", RUN, RELAXATION, "side", 1)
    catalogue.replicas.quarantine(f"{long}:1:1:1:cc", "five [different] items failed")
    catalogue.runs.step_planned(RUN, RELAXATION, {"waiting": 10_000_000, "done": 0, "failed": 0})
    text = shown(render(status(catalogue, RUN)), width)
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    said = " ".join(text.split())
    assert f"quarantined {RELAXATION} on {long}: five [different] items failed" in said
    assert "~9999978" in text and re.search(r"\d/(s|min)", text)
    assert ("1 lost to dead replicas" in text) == (width < 125)


def test_one_host_needs_no_table(catalogue: Catalogue) -> None:
    catalogue.replicas.begin(ONE, RUN, RELAXATION, "gate", 1)
    found = status(catalogue, RUN)
    assert [host["host"] for host in found["hosts"]] == ["node1"] and "node1" not in shown(render(found))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def step(state: str, done: int = 0, waiting: int = 10, **about) -> dict:
    empty = {"seconds": None, "time_left": None, "rate": None, "result": "", "failed": 0, "running": 0, "lost": 0}
    return {"name": "rdf", "state": state, "done": done, "waiting": waiting} | empty | about


def test_lines_without_a_terminal_come_only_when_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stream = Clock(), io.StringIO()
    monkeypatch.setattr("genarris_fw.views.progress.time", clock)
    with Progress(Console(file=stream, width=40)) as progress:
        for found in (
            step("waiting"),
            step("running"),
            step("running", 1, 9),
            step("running", 2, 8),
        ):
            progress.update({"steps": [found]})
        clock.now += SECONDS_PER_LINE + 1
        for _ in range(3):
            progress.update({"steps": [step("running", 5, 4, running=1, time_left=61.0, failed=1)]})
        clock.now += SECONDS_PER_LINE + 1
        progress.update({"steps": [step("running", 5, 4, running=1, time_left=61.0)]})
        progress.update({"steps": [step("finished", 10, 0, seconds=42.0, result="10 structures", lost=2)]})
    assert stream.getvalue().splitlines() == [
        "rdf: running",
        "rdf: running, 5 of 10 items done, 1 min 01 s left, 1 failed",
        "rdf: finished in 42 s, 10 structures, 2 lost to dead replicas",
    ]


def test_a_terminal_gets_the_table(catalogue: Catalogue) -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, force_terminal=True, width=160)) as progress:
        progress.update(status(catalogue, RUN))
    assert "run_fhi_aims_batch" in stream.getvalue()


def test_quiet_says_nothing(catalogue: Catalogue) -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, force_terminal=True), quiet=True) as progress:
        progress.update(status(catalogue, RUN))
    assert stream.getvalue() == ""
