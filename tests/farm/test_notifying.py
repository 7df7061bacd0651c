"""Who is told that a run has ended: real commands, a real server, at the end and at a failure, and under kills."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
import pytest
from hooks import hook
from killing import Farm
from leases import scaled
from small_run import EXEMPLARS, fill

from genarris_fw import webhooks
from genarris_fw.catalogue import Catalogue
from genarris_fw.farm import notifying
from genarris_fw.farm.notifying import NotTold, best_energy, call, in_words, message, notify, variables
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.logs import Log

RUN = "urea"
CONTENT: dict[str, Any] = {
    "event": "urea 20250102T030405Z 1", "run": "urea", "state": "finished", "seconds": 7.0, "failure": None,
    "failed_items": 0, "best": {"struct_id": "g", "energy": -99.25, "step": "s"}, "folder": "/x", "text": "urea: over",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.0, 0.0))


@pytest.fixture
def ended(farm: Farm) -> Callable[..., Catalogue]:
    """The small run, at its end, with somebody to be told."""

    def make(target: str, state: str = "finished", **more: object) -> Catalogue:
        fill(farm.catalogue, farm.folder)
        ends = {"state": state, "finished": datetime(2025, 1, 2, 4, 4, 5, tzinfo=timezone.utc)}
        farm.catalogue.runs.set(RUN, **{"options.master": {"notify": target}}, **ends, **more)
        return farm.catalogue

    return make


def script(folder: Path, text: str) -> Path:
    path = folder / "tell.py"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return path


TELL = """import json, os, sys
about = {name: value for name, value in os.environ.items() if name.startswith('GENARRIS_FW_')}
with open('told', 'a') as file:
    print(json.dumps({'text': sys.stdin.read(), 'words': sys.argv[1:], 'folder': os.getcwd()} | about), file=file)"""


def told(folder: Path) -> list[dict[str, str]]:
    place = folder / "told"
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def logged(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "logs").glob("*.log"))


def test_a_command_gets_the_message_once(ended: Callable[..., Catalogue], farm: Farm) -> None:
    script(farm.folder, TELL)
    catalogue = ended("./tell.py 'two words' $HOME", failed_items=1)
    for _ in range(2):
        notify(catalogue, RUN, Log(farm.folder))
    [one] = told(farm.folder)
    assert one["words"] == ["two words", "$HOME"]  # there is no shell
    assert Path(one["folder"]) == farm.folder
    assert (one["GENARRIS_FW_RUN"], one["GENARRIS_FW_STATE"], one["GENARRIS_FW_SECONDS"]) == (RUN, "finished", "3600.0")
    assert one["GENARRIS_FW_BEST_STRUCTURE"] == EXEMPLARS[3] and one["GENARRIS_FW_FAILURE"] == ""
    assert float(one["GENARRIS_FW_BEST_ENERGY"]) == pytest.approx(-0.8 * 96.48533212331, abs=1e-3)
    assert one["text"] == one["GENARRIS_FW_TEXT"] + "\n" and "1 work items given up" in one["text"]
    noted = catalogue.runs.get(RUN)["notified"]
    assert (noted["state"], noted["error"], noted["number"]) == ("finished", "", 1)
    assert "told of the run's end" in logged(farm.folder)


def test_a_url_gets_a_post(ended: Callable[..., Catalogue], farm: Farm) -> None:
    with hook() as server:
        catalogue = ended(f"http://ada:s3cr3t@{server.address}/s3cr3t", "failed", failure="no\x1b[2J way")
        notify(catalogue, RUN, Log(farm.folder))
    [got] = server.got
    body = got["body"]
    assert (body["run"], body["state"], body["seconds"]) == (RUN, "failed", 3600.0)
    assert body["failure"] == r"no\x1b[2J way" and body["text"].endswith(body["failure"])
    assert body["best"]["struct_id"] == EXEMPLARS[3] and body["best"]["step"] == "fhi_aims_energy_evaluation"
    assert "s3cr3t" not in logged(farm.folder) and server.address in logged(farm.folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
        (None, "No such file"),
    ],
)
def test_a_command_that_fails_touches_nothing(
    ended: Callable[..., Catalogue], farm: Farm, text: str | None, why: str
) -> None:
    if text is not None:
        script(farm.folder, text)
    catalogue = ended("./tell.py s3cr3t")
    notify(catalogue, RUN, Log(farm.folder))
    record = catalogue.runs.get(RUN)
    assert record["state"] == "finished" and why in record["notified"]["error"]
    assert "WARNING" in logged(farm.folder) and why in logged(farm.folder) and "s3cr3t" not in logged(farm.folder)


def test_a_command_that_hangs_is_killed_with_what_it_has_started(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "with open('child', 'w') as file: file.write(str(child.pid))\ntime.sleep(600)",
    )
    with pytest.raises(NotTold, match="not done within 3 s, killed"):
        call([str(path)], CONTENT, tmp_path, seconds=3)
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 30
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_server_that_hangs_or_is_not_there_touches_nothing(
    ended: Callable[..., Catalogue], farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook(speaks=False) as server:
        monkeypatch.setattr(notifying, "post", lambda url, content: webhooks.post(url, content, seconds=0.3))
        catalogue = ended(f"http://{server.address}/s3cr3t")
        notify(catalogue, RUN, Log(farm.folder))
    record = catalogue.runs.get(RUN)
    assert record["state"] == "finished" and record["notified"]["error"]
    assert "s3cr3t" not in logged(farm.folder) + str(record["notified"])


def test_a_message_that_cannot_be_made_touches_nothing(ended: Callable[..., Catalogue], farm: Farm) -> None:
    catalogue = ended("./tell.py")
    catalogue.runs.set(RUN, created="never")
    notify(catalogue, RUN, Log(farm.folder))
    assert "nobody was told" in logged(farm.folder)


def test_every_end_is_told_once_and_has_its_own_event(ended: Callable[..., Catalogue], farm: Farm) -> None:
    script(farm.folder, TELL)
    catalogue = ended("./tell.py", "failed", failure="no disk")
    for state in ("failed", "failed", "running", "failed", "finished"):
        if state == "running":
            catalogue.runs.resumed(RUN)
            notify(catalogue, RUN, Log(farm.folder))
            continue
        if state == "finished":
            catalogue.runs.begin_again(RUN, [])
        catalogue.runs.set(RUN, state=state)
        notify(catalogue, RUN, Log(farm.folder))
    assert [one["GENARRIS_FW_STATE"] for one in told(farm.folder)] == ["failed", "failed", "finished"]
    assert [one["GENARRIS_FW_EVENT"].split()[-1] for one in told(farm.folder)] == ["1", "2", "3"]


def test_killed_between_telling_and_noting_it_is_told_again_as_the_same_event(
    ended: Callable[..., Catalogue], farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(farm.folder, TELL)
    catalogue = ended("./tell.py")

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(catalogue.runs, "notified", die)
    with pytest.raises(Killed):
        notify(catalogue, RUN, Log(farm.folder))
    monkeypatch.undo()
    notify(catalogue, RUN, Log(farm.folder))
    first, second = told(farm.folder)
    assert first["GENARRIS_FW_EVENT"] == second["GENARRIS_FW_EVENT"]


def test_nobody_is_told_of_nothing(ended: Callable[..., Catalogue], farm: Farm) -> None:
    script(farm.folder, TELL)
    catalogue = ended("./tell.py", "running")
    notify(catalogue, RUN, Log(farm.folder))
    catalogue.runs.set(RUN, state="finished", **{"options.master": {}})
    notify(catalogue, RUN, Log(farm.folder))
    assert told(farm.folder) == [] and "notified" not in catalogue.runs.get(RUN)


def test_the_best_energy_is_that_of_the_last_step_that_gave_some(farm: Farm) -> None:
    fill(farm.catalogue, farm.folder)
    record = farm.catalogue.runs.get(RUN)
    best = best_energy(farm.catalogue, record)
    assert best is not None and best["step"] == "fhi_aims_energy_evaluation"  # the relaxations are not over
    record["options"]["steps"] = record["options"]["steps"][:1]
    assert best_energy(farm.catalogue, record) is None
    content = message(farm.catalogue, record)
    assert content["best"] is None and variables(content)["GENARRIS_FW_BEST_ENERGY"] == ""


def test_a_message_in_words() -> None:
    assert in_words(CONTENT) == "Genarris run urea finished after 7 s; lowest: g, -99.25 kJ/mol per molecule (s)"
    failed = CONTENT | {"best": None, "state": "failed", "failure": "no disk", "failed_items": 2}
    assert in_words(failed) == "Genarris run urea failed after 7 s, 2 work items given up: no disk"
    assert all("\0" not in value for value in variables(CONTENT | {"failure": "a\0b"}).values())


def test_rockets_tell_of_the_end(farm: Farm) -> None:
    script(farm.folder, TELL)
    farm.add(items=3, seconds=0.0, replicas=1, steps=1, notify="./tell.py")
    farm.rlaunch().wait()
    farm.check(farm.finish(), items=3, steps=1)
    [one] = told(farm.folder)
    assert (one["GENARRIS_FW_RUN"], one["GENARRIS_FW_STATE"]) == (farm.run, "finished")


def test_rockets_tell_of_a_failure_and_of_the_end_after_it(farm: Farm) -> None:
    script(farm.folder, TELL)
    farm.add(items=3, seconds=0.0, replicas=1, steps=1, notify="./tell.py", collect_seconds=-1.0)  # collecting fails
    farm.rlaunch().wait()
    assert farm.finish()["state"] == "failed"
    [one] = told(farm.folder)
    assert one["GENARRIS_FW_STATE"] == "failed" and "sleep length must be non-negative" in one["GENARRIS_FW_FAILURE"]
    assert os.environ.get("GENARRIS_FW_FAILURE") is None


WAIT = """
import time
while not os.path.exists('go'):
    time.sleep(0.05)"""


def test_a_rocket_holds_its_lease_while_it_tells_and_another_tells_when_it_is_killed(farm: Farm) -> None:
    script(farm.folder, TELL + WAIT)
    farm.add(items=2, seconds=0.0, replicas=1, steps=1, notify="./tell.py", lease_seconds=2.0)
    first = farm.rlaunch()
    end = time.monotonic() + 60
    while not told(farm.folder):
        assert time.monotonic() < end, farm.outputs()
        time.sleep(0.05)
    assert farm.catalogue.runs.get(farm.run)["state"] == "finished"
    [lease] = farm.catalogue.leases.holders(farm.run)
    for _ in range(20):
        time.sleep(scaled(2.0) / 10)
        assert farm.catalogue.leases.expired(farm.run) == []
    assert lease["role"] == "finish" and "notified" not in farm.catalogue.runs.get(farm.run)
    first.kill()
    first.wait()
    (farm.folder / "go").touch()
    recover(farm.launchpad, farm.run, grace_seconds=0)
    before, after = told(farm.folder)
    assert before["GENARRIS_FW_EVENT"] == after["GENARRIS_FW_EVENT"]
    assert farm.catalogue.runs.get(farm.run)["notified"]["number"] == 1
    farm.check(farm.finish(), items=2, steps=1)
