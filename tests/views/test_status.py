"""How far the small run is, and how it is shown."""

import io
import json
import time

import pytest
from rich.console import Console
from small_run import RUN

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.views.progress import SECONDS_PER_LINE, Progress
from genarris_fw.views.status import render, status


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


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def step(state: str, done: int = 0, waiting: int = 10, **about) -> dict:
    empty = {"seconds": None, "time_left": None, "rate": None, "result": "", "failed": 0, "running": 0}
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
        progress.update({"steps": [step("finished", 10, 0, seconds=42.0, result="10 structures")]})
    assert stream.getvalue().splitlines() == [
        "rdf: running",
        "rdf: running, 5 of 10 items done, 1 min 01 s left, 1 failed",
        "rdf: finished in 42 s, 10 structures",
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
