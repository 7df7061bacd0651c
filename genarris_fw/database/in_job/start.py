"""Starting a folder's database inside a queue job, as ``genarris-fw db start --in-allocation`` does."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from genarris_fw.database.in_job import allocation
from genarris_fw.database.in_job.allocation import Allocation
from genarris_fw.database.in_job.keeper import KeeperSettings
from genarris_fw.errors import DatabaseError

END_SECONDS = 60.0  # for a keeper that could not start


def own_address() -> str:
    """Return the address by which other machines reach this one, as far as can be told without asking them."""
    with suppress(OSError):
        for *_, found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM):
            if not str(found[0]).startswith("127."):
                return str(found[0])
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address would be used
        return str(probe.getsockname()[0])
    return "127.0.0.1"


class Started(NamedTuple):
    """A job's database; remarks for the user; whether it was started now, and so nobody but the caller knows it yet."""

    allocation: Allocation
    remarks: list[str]
    now: bool


def start_in_allocation(settings: KeeperSettings) -> Started:
    """Start the folder's database in this job, or adopt the one that the job already runs.

    Returns
    -------
    Started

    Raises
    ------
    DatabaseError
        When another job runs it, or it does not start.
    """
    home = Path(settings.home)
    there = allocation.find(home)
    if there is not None:
        if there.job != settings.job:
            raise DatabaseError(f"{home}: {there} is running: wait for it, or stop it: genarris-fw db stop")
        return Started(there, [], now=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "genarris_fw.database.in_job.keeper", json.dumps(asdict(settings))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    assert process.stdout is not None
    with process.stdout as pipe:
        line = pipe.readline()
    if not line or b'"error"' in line:
        process.wait(END_SECONDS)  # so that the next attempt finds nothing in its way
    if not line:
        raise DatabaseError(f"{home / 'keeper.log'}: the keeper of the database did not start: see that file")
    answer = json.loads(line)
    if "error" in answer:
        raise DatabaseError(answer["error"])
    found = allocation.read(home)
    if found is None:
        raise DatabaseError(f"{home}: the database was stopped while it started: start it again")
    return Started(found, answer["remarks"], now=True)
