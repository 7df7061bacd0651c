"""The heartbeat: a small process of its own that keeps a rocket's leases alive.

A thread would starve while an engine holds the interpreter. The process ends when its parent does (the pipe
between them closes), and pauses while the parent is stopped, so that a dead or frozen rocket loses its leases.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from genarris_fw.catalogue.leases import Leases
from genarris_fw.catalogue.replicas import Replicas
from genarris_fw.catalogue.work_items import WorkItems

BEATS_PER_LEASE = 4
# It looks after its parent, too: it does not wait for a server as long as a rocket may.
ANSWER_MS = 5000


class Heartbeat:
    """Keep every lease of an owner alive while the context lasts.

    Parameters
    ----------
    launchpad : dict
        ``LaunchPad.to_dict()``; it goes through a pipe, never onto a command line.
    owner : str
        The owner whose leases are renewed.
    lease_seconds : float
        Length of a lease.
    """

    def __init__(self, launchpad: dict[str, Any], owner: str, lease_seconds: float) -> None:
        self._message = json.dumps({"launchpad": launchpad, "owner": owner, "lease_seconds": lease_seconds})
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Heartbeat:
        """Start the process; the launchpad goes to it through the pipe."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "genarris_fw.farm.heartbeat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            cwd="/",
        )
        assert self._process.stdin is not None
        self._process.stdin.write(self._message + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process at once."""
        assert self._process is not None and self._process.stdin is not None
        # It holds nothing: there is nothing to wait for, not even its start.
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def open_database(launchpad: dict[str, Any]) -> Database[Any]:
    """Return the database of a LaunchPad's dictionary; importing FireWorks for it would take a second."""
    options = {**(launchpad.get("mongoclient_kwargs") or {}), "serverSelectionTimeoutMS": ANSWER_MS}
    if launchpad.get("uri_mode"):
        return MongoClient(launchpad["host"], **options)[launchpad["name"]]
    user = {"username": launchpad["username"], "password": launchpad["password"]} if launchpad.get("username") else {}
    if user:
        user["authSource"] = launchpad.get("authsource") or launchpad["name"]
    return MongoClient(launchpad["host"], launchpad["port"], **user, **options)[launchpad["name"]]


def _parent_is_stopped(parent: int) -> bool:
    import psutil  # only here: most rockets are over before their first beat

    try:
        return psutil.Process(parent).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def main() -> None:
    """Renew the leases of one owner until the parent's end of the pipe closes."""
    # A queue warns every process of a job; this one ends with its rocket, not before.
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    message = json.loads(sys.stdin.readline())
    owner, lease_seconds = message["owner"], float(message["lease_seconds"])
    database = open_database(message["launchpad"])
    leases, work_items = Leases(database["leases"]), WorkItems(database["work_items"])
    replicas = Replicas(database["replicas"], database["work_items"])
    while not select.select([sys.stdin], [], [], lease_seconds / BEATS_PER_LEASE)[0]:
        if os.getppid() != parent:
            return
        if _parent_is_stopped(parent):
            continue
        # A server that is away for a moment is asked again at the next beat; the lease outlives four of them.
        with contextlib.suppress(PyMongoError):
            leases.renew(owner, lease_seconds)
            work_items.renew(owner, lease_seconds)
            replicas.beat(owner)  # an item may take longer than a replica may be unseen


if __name__ == "__main__":
    main()
