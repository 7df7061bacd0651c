"""Three fields, several seeds, two workers: a training killed in the middle of each changes nothing of the result."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command import finish, genarris, start
from killing import process_of
from leases import scaled
from trainings import CONF, documents
from waiting import GIVE_UP_SECONDS

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import launchpad

FIELDS = ("first", "second", "third")


@pytest.fixture
def catalogue(database_uri: str) -> Iterator[Catalogue]:
    pad = launchpad(database_uri)
    yield Catalogue(pad.db)
    pad.connection.close()


def folder_of(place: Path, **settings: object) -> Path:
    folder = place / str(settings["run"])
    folder.mkdir()
    (folder / "ui.conf").write_text(CONF.format(lease=scaled(5), **settings))
    return folder


def kill_in_the_middle(catalogue: Catalogue, run: str, field: str, iterations: int) -> str:
    """Kill the rocket that trains a network on a field, between its first checkpoints and its end; return the item."""
    in_the_middle = {
        **{"run": run, "step": "pinn_train", "payload.field": field, "state": "leased", "lost": 0},
        "checkpoint.iterations": {"$gt": 5, "$lt": iterations - 20},
    }
    killed: list[str] = []

    def kill_one() -> bool:
        item = catalogue.work_items.collection.find_one(in_the_middle)
        if item is None:
            return False
        process = process_of(item["lease"]["owner"])
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
            time.sleep(0.05)  # what it has sent before arrives
            now = catalogue.work_items.collection.find_one({"_id": item["_id"]})
            mine = now["state"] == "leased" and now["token"] == item["token"]
            os.kill(process, signal.SIGKILL if mine else signal.SIGCONT)
            if mine:
                killed.append(item["key"])
        return bool(killed)

    end = time.monotonic() + GIVE_UP_SECONDS
    while not kill_one():  # without the pauses of `wait_until`: a training is over within a second
        assert time.monotonic() < end, f"no training of {field} could be killed"
        time.sleep(0.005)
    return killed[0]


def check_killed_and_undisturbed(catalogue: Catalogue, uri: str, place: Path, seeds: int, iterations: int) -> None:
    size = {"seeds": seeds, "iterations": iterations}
    calm = folder_of(place, run="calm", checkpoint=60, **size)
    done = genarris("run", "ui.conf", "--workers", "2", "--quiet", "--uri", uri, cwd=calm)
    assert done.returncode == 0, done.stderr
    rough = folder_of(place, run="rough", checkpoint=0, **size)
    process = start("run", "ui.conf", "--workers", "2", "--quiet", "--uri", uri, cwd=rough)
    killed = [kill_in_the_middle(catalogue, "rough", field, iterations) for field in FIELDS]
    ended: subprocess.CompletedProcess[str] = finish(process, 240)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    undisturbed = documents(catalogue, "calm")
    assert len(undisturbed) == 2 * len(FIELDS) * seeds
    assert documents(catalogue, "rough") == undisturbed
    lost = catalogue.work_items.collection.find({"run": "rough", "step": "pinn_train", "lost": {"$gt": 0}})
    assert {item["key"] for item in lost} >= set(killed)
    log = (rough / "Genarris.log").read_text()
    assert all(any("goes on from a checkpoint" in line and key in line for line in log.splitlines()) for key in killed)
    # Nothing is left of the checkpoints, and the files are those of an undisturbed run.
    assert not [path for path in (rough / ".genarris_fw" / "items").rglob("*") if path.is_file()]
    trained = [sorted(path.name for path in (folder / "pinn_train").iterdir()) for folder in (calm, rough)]
    assert trained[0] == trained[1] and len(trained[0]) == len(FIELDS) * seeds


def test_killed_in_the_middle(catalogue: Catalogue, database_uri: str, tmp_path: Path) -> None:
    check_killed_and_undisturbed(catalogue, database_uri, tmp_path, seeds=2, iterations=80)


@pytest.mark.slow
def test_five_seeds_of_three_fields_killed_in_the_middle(
    catalogue: Catalogue, database_uri: str, tmp_path: Path
) -> None:
    check_killed_and_undisturbed(catalogue, database_uri, tmp_path, seeds=5, iterations=400)
