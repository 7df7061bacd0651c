"""Three fields, several seeds, two workers: a training killed in the middle of each changes nothing of the result."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import finish, start
from in_process import InProcess
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
    (folder / "ui.conf").write_text(CONF.format(lease=scaled(5), more="", **settings))
    return folder


def kill_one_of_each(catalogue: Catalogue, run: str) -> list[str]:
    """Kill a rocket in the middle of a training on each field; return the items.

    Whoever trains is stopped as soon as it is seen, and goes on for a moment where its training has only begun.
    """
    left, killed = set(FIELDS), []
    end = time.monotonic() + GIVE_UP_SECONDS
    while left:
        assert time.monotonic() < end, f"no training of {left} could be killed"
        time.sleep(0.005)  # not as `wait_until`: a training is over within a second
        held = {"run": run, "step": "pinn_train", "state": "leased", "payload.field": {"$in": sorted(left)}}
        for item in catalogue.work_items.collection.find(held):
            if item["payload"]["field"] in left and killed_in_the_middle(catalogue, item):
                left.remove(item["payload"]["field"])
                killed.append(item["key"])
    return killed


def killed_in_the_middle(catalogue: Catalogue, item: dict) -> bool:
    """Kill the rocket that holds an item, where its training is under way."""
    process = process_of(item["lease"]["owner"])
    try:
        os.kill(process, signal.SIGSTOP)
    except ProcessLookupError:
        return False
    time.sleep(0.02)  # what it has sent before arrives
    now = catalogue.work_items.collection.find_one({"_id": item["_id"]})
    under_way = now["state"] == "leased" and now["token"] == item["token"]
    kill = under_way and now.get("checkpoint", {}).get("iterations", 0) > 5
    os.kill(process, signal.SIGKILL if kill else signal.SIGCONT)
    return kill


def check_killed_and_undisturbed(catalogue: Catalogue, uri: str, place: Path, seeds: int, iterations: int) -> None:
    size = {"seeds": seeds, "iterations": iterations}
    calm = InProcess(uri, place / "calm")
    assert calm.run(CONF.format(run="calm", more="", lease=60, checkpoint=60, **size))["state"] == "finished"
    calm.close()
    rough = folder_of(place, run="rough", checkpoint=0, **size)
    process = start("run", "ui.conf", "--workers", "2", "--quiet", "--uri", uri, cwd=rough)
    killed = kill_one_of_each(catalogue, "rough")
    ended: subprocess.CompletedProcess[str] = finish(process, 240)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    undisturbed = documents(catalogue, "calm", "pinn_train")
    assert len(undisturbed) == len(FIELDS) * seeds
    assert documents(catalogue, "rough", "pinn_train") == undisturbed
    lost = catalogue.work_items.collection.find({"run": "rough", "step": "pinn_train", "lost": {"$gt": 0}})
    assert {item["key"] for item in lost} >= set(killed)
    log = (rough / "Genarris.log").read_text()
    assert all(any("goes on from a checkpoint" in line and key in line for line in log.splitlines()) for key in killed)
    # Nothing is left of the checkpoints, and the files are those of an undisturbed run.
    assert not [path for path in (rough / ".genarris_fw" / "items").rglob("*") if path.is_file()]
    trained = [sorted(path.name for path in (folder / "pinn_train").iterdir()) for folder in (calm.folder, rough)]
    assert trained[0] == trained[1] and len(trained[0]) == len(FIELDS) * seeds


def test_killed_in_the_middle(catalogue: Catalogue, database_uri: str, tmp_path: Path) -> None:
    check_killed_and_undisturbed(catalogue, database_uri, tmp_path, seeds=2, iterations=80)


@pytest.mark.slow
def test_five_seeds_of_three_fields_killed_in_the_middle(
    catalogue: Catalogue, database_uri: str, tmp_path: Path
) -> None:
    check_killed_and_undisturbed(catalogue, database_uri, tmp_path, seeds=5, iterations=400)
