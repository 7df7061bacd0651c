"""A folder's database inside a queue job: which job has it, how the others reach it, whether it still lives.

``genarris_db/allocation.json`` (mode 0600) tells every node where the database of the job listens, password
included. Next to it lie ``my_launchpad.yaml`` (the same for plain ``rlaunch -l``, mode 0600), the certificate
``tls.crt`` and ``beat``, a number that the database's keeper changes every two seconds. No two clocks are ever
compared: whoever doubts watches the beat.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genarris_fw.database.launchpads import ping
from genarris_fw.database.ownership import is_our_module
from genarris_fw.database.redaction import redact
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.files import whole_file
from genarris_fw.owner import is_dead
from genarris_fw.schedulers import job_state

RECORD, LAUNCHPAD, BEAT = "allocation.json", "my_launchpad.yaml", "beat"
BEAT_SECONDS = 2.0
DOUBT_SECONDS = 4 * BEAT_SECONDS  # a keeper whose beat stands still for so long is dead
ANSWER_MS = 5000
STOP_SECONDS = 900.0  # a last backup is made first
REQUESTS = ("genarris_fw_keeper", "requests")  # database and collection in which another node asks for the end


@dataclass(frozen=True)
class Job:
    """A job of a queueing system.

    Attributes
    ----------
    id : str
        As the queue names it.
    queue : {'SLURM', 'PBS', 'SGE'}
        As :func:`genarris_fw.schedulers.job_state` wants it.
    """

    id: str
    queue: str

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Job:
        """Return the job that this process belongs to.

        Raises
        ------
        InputError
            Outside a job.
        """
        for name, queue in (("SLURM_JOB_ID", "SLURM"), ("PBS_JOBID", "PBS"), ("JOB_ID", "SGE")):
            if environment.get(name) and (queue != "SGE" or "SGE_TASK_ID" in environment):
                return cls(environment[name], queue)
        raise InputError(
            "--in-allocation: this is no job of a queue (no SLURM_JOB_ID, PBS_JOBID or JOB_ID): "
            "write it into the job script, or leave the option out"
        )


def job_script(job: Job) -> int:
    """Return the process whose end is the job's on this node: the eldest forefather that is part of the job.

    Its session leader will not do: SLURM's is a daemon that has gone before. 0 when there is no telling.
    """
    import psutil  # only here: a job asks once

    variable = {"SLURM": "SLURM_JOB_ID", "PBS": "PBS_JOBID", "SGE": "JOB_ID"}[job.queue]
    eldest = 0
    with suppress(psutil.Error):
        process = psutil.Process().parent()
        while process is not None and process.pid > 1 and process.environ().get(variable) == job.id:
            eldest, process = process.pid, process.parent()
    return eldest


@dataclass(frozen=True)
class Allocation:
    """The database of a folder that a job runs.

    Attributes
    ----------
    uri : str
        With user and password: never for a message.
    host : str
        The node.
    job, queue : str
        The job, as in :class:`Job`.
    keeper : str
        The process that looks after it, as :func:`genarris_fw.owner.owner_name` writes it; unique.
    data : str
        The folder of MongoDB's files.
    backup_minutes : float or None
        How often it is backed up; None where the files lie in the run's folder.
    started : str
        UTC.
    version : str
        MongoDB's.
    home : str, optional
        The ``genarris_db`` that it is of: in a copy of the folder another one. Older versions did not note it.
    """

    uri: str = field(repr=False)
    host: str
    job: str
    queue: str
    keeper: str
    data: str
    backup_minutes: float | None
    started: str
    version: str
    home: str = ""

    def __str__(self) -> str:
        """Return what messages say of it."""
        return f"the database in job {self.job} on {self.host}"


def read(home: Path) -> Allocation | None:
    """Return the allocation that was written down in a ``genarris_db``, dead or alive."""
    with suppress(OSError):
        list(home.iterdir())  # on NFS, a look into the folder shows a file that another node has just made
    try:
        return Allocation(**json.loads((home / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def find(home: Path) -> Allocation | None:
    """Return the allocation whose database lives; what a dead one left is removed.

    Raises
    ------
    DatabaseError
        When it seems to live but cannot be reached from here.
    """
    record = read(home)
    if record is None:
        return None
    if is_dead(record.keeper):  # and the server with it
        forget(home, record)
        return None
    try:
        ping(record.uri, timeout_ms=ANSWER_MS)
    except DatabaseError as error:
        if not _is_dead(home, record):
            raise DatabaseError(
                f"{home}: {record} lives but cannot be reached from {socket.gethostname()}: "
                "work on a node that reaches it, or start it with --host ADDRESS"
            ) from error
        forget(home, record)
        return None
    return record


def _is_dead(home: Path, record: Allocation) -> bool:
    """Return whether the keeper of an allocation that does not answer is gone for good."""
    if job_state(record.job, record.queue) == "gone":
        return True
    before = _beat(home)
    deadline = time.monotonic() + DOUBT_SECONDS
    while time.monotonic() < deadline:
        time.sleep(BEAT_SECONDS / 4)
        if _beat(home) != before or read(home) != record:
            return False
    return True


def _beat(home: Path) -> str:
    try:
        return (home / BEAT).read_text(encoding="ascii")
    except OSError:
        return ""


def beat(home: Path) -> None:
    """Tell the other nodes that the keeper lives."""
    with suppress(OSError):  # a full disk does not end a database
        (home / BEAT).write_text(secrets.token_hex(8), encoding="ascii")


def write(home: Path, record: Allocation) -> None:
    """Write down where the database listens, for our own commands and for FireWorks'."""
    for name, content in ((LAUNCHPAD, launchpad_fields(record.uri)), (RECORD, asdict(record))):
        write_private(home / name, json.dumps(content, indent=2) + "\n")  # which is YAML, too


def launchpad_fields(uri: str) -> dict[str, Any]:
    """Return a my_launchpad.yaml with separate fields: FireWorks prints its `host` in messages, password and all."""
    from pymongo.uri_parser import parse_uri

    from genarris_fw.patience import OUTAGE_SECONDS

    parts = parse_uri(uri)
    [(host, port)] = parts["nodelist"]
    options = {name: value for name, value in parts["options"].items() if name.lower() != "authsource"}
    return {
        "host": host,
        "port": port,
        "name": parts["database"],
        "username": parts["username"],
        "password": parts["password"],
        "authsource": "admin",
        "mongoclient_kwargs": options | {"serverSelectionTimeoutMS": int(1000 * OUTAGE_SECONDS)},
    }


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    try:
        with whole_file(path, mode=0o600, durable=True) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be written ({error.strerror}): make room on that disk") from error


def forget(home: Path, record: Allocation) -> None:
    """Remove what an allocation wrote down, unless another one has taken its place."""
    if read(home) == record:
        for name in (RECORD, LAUNCHPAD, BEAT):
            (home / name).unlink(missing_ok=True)


def stop(home: Path, record: Allocation, timeout: float = STOP_SECONDS) -> None:
    """End the database of an allocation, from any node; its keeper makes the last backup before it goes.

    Raises
    ------
    DatabaseError
        When it does not end in time.
    """
    host, pid, *_ = record.keeper.rsplit(":", 4)
    here = host == socket.gethostname() and not is_dead(record.keeper)
    if here and is_our_module(int(pid), "genarris_fw.database.in_job.keeper"):
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)
    else:
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        database, collection = REQUESTS
        client: MongoClient[dict[str, Any]] = MongoClient(record.uri, serverSelectionTimeoutMS=ANSWER_MS)
        with suppress(PyMongoError), client:
            client[database][collection].insert_one({"end": record.keeper})
    deadline = time.monotonic() + timeout
    while read(home) == record:
        if time.monotonic() > deadline or is_dead(record.keeper):
            raise DatabaseError(
                f"{home}: {record} ({redact(record.uri)}) did not end as it should: see {home / 'keeper.log'}"
            )
        time.sleep(0.1)
