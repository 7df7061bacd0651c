"""Rockets that freeze: one that stops just before its n-th write to the database, while others finish its run.

A frozen process knows nothing of the time that has passed. When it wakes up, the first thing that it does is the write
before which it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
from fireworks import LaunchPad
from killing import FORKS, Executioner, NoHeartbeat, impatient, launch_all
from pymongo import monitoring
from pymongo.database import Database

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import launchpad as open_launchpad
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.recovery import recover

LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)
# What two undisturbed runs differ in.
OF_THE_MOMENT = ("genarris_db", ".genarris_fw", "logs/", "launcher_", "block_", "rockets/", "frozen/")


def live_and_freeze(uri: str, run: str, place: str, writes: int) -> None:
    """Launch the fireworks of a run in this process, and freeze before the n-th write."""
    Path(place).mkdir(exist_ok=True)
    os.chdir(place)
    with Path("output").open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    carry_out.Heartbeat = NoHeartbeat  # type: ignore[misc,assignment]
    monitoring.register(Executioner(writes, signal.SIGSTOP))
    launch_all(open_launchpad(uri), run)


class Frozen:
    """A rocket that was started for a run and has stopped before its n-th write, or has come to its end before."""

    def __init__(self, uri: str, run: str, place: Path, writes: int) -> None:
        self.process = FORKS.Process(target=live_and_freeze, args=(uri, run, str(place), writes))
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid
        while self.process.is_alive() and not self._is_stopped():
            time.sleep(0.01)
        self.is_frozen = self.process.is_alive()

    def _is_stopped(self) -> bool:
        try:
            return psutil.Process(self.pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        except psutil.NoSuchProcess:
            return False

    def wake_up(self) -> None:
        """Let it go on, and wait until it has ended."""
        if self.process.is_alive():
            os.kill(self.pid, signal.SIGCONT)
        self.process.join(300)
        assert self.process.exitcode is not None, "it does not end"

    def close(self) -> None:
        self.process.kill()
        self.process.join()


def expire(database: Database) -> None:
    """Let every lease end, as the server's clock would have it after a night."""
    database.leases.update_many({"owner": {"$exists": True}}, {"$set": {"expires": LONG_AGO}})
    database.work_items.update_many({"state": "leased"}, {"$set": {"lease.expires": LONG_AGO}})


def go_on(launchpad: LaunchPad, run: str) -> dict[str, Any]:
    """Recover and launch in turn until the run is over; return its document."""
    catalogue = Catalogue(launchpad.db)
    for _ in range(6):
        with impatient():
            recover(launchpad, run, grace_seconds=0)
        launch_all(launchpad, run)
        record = catalogue.runs.find(run) or {}
        if record.get("state") in ("finished", "failed"):
            break
    return record


def result(folder: Path, database: Database, run: str) -> dict[str, Any]:
    """What a run has left: files and structures as digests, summaries, states of items and fireworks."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.relative_to(folder).as_posix().startswith(OF_THE_MOMENT)
        and path.suffix not in (".log", ".err")
    }
    structures = {}
    for document in database.structures.find({"run": run, "pools": {"$ne": []}}):
        document.pop("fence", None)
        for where in ("imported_from", "stamp"):  # the folder, and when its files were written
            document.get("provenance", {}).pop(where, None)
        text = json.dumps(document, default=str, sort_keys=True)
        structures[document["struct_id"]] = hashlib.sha256(text.encode()).hexdigest()
    record = database.runs.find_one({"_id": run}) or {}
    items = Counter(f"{item['step']} {item['state']}" for item in database.work_items.find({"run": run}))
    return {
        "state": record.get("state"),
        "summaries": record.get("summaries"),
        "pools": record.get("pools"),
        "files": files,
        "structures": structures,
        "items": dict(items),
        "prepared": database.publications.count_documents({"run": run}),
    }


def differences(reference: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What is not the same, by name; empty when nothing is lost, doubled or changed."""
    return {name: (reference[name], other[name]) for name in reference if reference[name] != other[name]}
