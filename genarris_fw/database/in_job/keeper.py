"""The keeper of a job's database: a process that starts mongod, backs it up, and ends it with the job.

``python -m genarris_fw.database.in_job.keeper SETTINGS`` (JSON, no secrets) is started by `start` and
answers with one line of JSON when the database is ready or cannot be. It stays in the session and the process group
of the job script, so that a queue's signals reach it, and ends when the script does. mongod ends with its keeper,
even one that is killed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from genarris_fw.database import disk, mongod
from genarris_fw.database.held import end_leases
from genarris_fw.database.in_job import allocation
from genarris_fw.database.in_job import data as allocation_data
from genarris_fw.database.in_job.allocation import Allocation
from genarris_fw.database.in_job.tls import CERTIFICATE, SECRET, make_certificate
from genarris_fw.database.launchpads import DATABASE, ping
from genarris_fw.database.set_of_one import make_primary
from genarris_fw.errors import DatabaseError, GenarrisError
from genarris_fw.owner import owner_name

USER = "genarris"
# All that workers and administrators do, but for making users.
RIGHTS = ("readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterAdmin")
START_SECONDS = 300.0
_END_SECONDS, _KILL_SECONDS = 60.0, 10.0
_PORTS, _REVIVALS = 5, 5  # how often another port, or another start of a mongod that fell over, is tried
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class KeeperSettings:
    """What a keeper is told.

    Attributes
    ----------
    home : str
        The folder's ``genarris_db``.
    job, queue : str
        The job, as in :class:`genarris_fw.database.in_job.allocation.Job`.
    address : str
        Name or address by which other nodes reach this one.
    scratch : str or None
        A folder on the node's own disk for MongoDB's files; None: they lie in the run's folder.
    backup_minutes : float
        How often files on the node's disk are backed up.
    encrypted : bool
        Use TLS where a certificate can be made.
    cache_gb : float
        Memory for the server's cache, in GB.
    script : int
        The process whose end is the job's, 0 when it is not known.
    """

    home: str
    job: str
    queue: str
    address: str
    scratch: str | None
    backup_minutes: float
    encrypted: bool
    cache_gb: float
    script: int


class Keeper:
    """One mongod and all that it needs, from its start to its end."""

    def __init__(self, settings: KeeperSettings) -> None:
        self.settings = settings
        self.home = Path(settings.home)
        self.password = secrets.token_urlsafe(32)
        self.name = owner_name(0)
        self.remarks: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.record: Allocation | None = None
        self.command: list[str] = []
        self.ending = threading.Event()
        self.revivals = 0
        self.log = self.home / "mongod.log"
        self.log_start = 0
        self.scratch: Path | None = None
        self.member = ""  # where the server listens, as the set of one that it is calls itself
        self.lock: int | None = None

    # ---- start

    def start(self) -> None:
        """Have the database ready, and write down where it is."""
        mongod.turn_over_log(self.log)
        allocation_data.tidy(self.home)
        _free_port(self.settings.address)  # a wrong address is refused before anything is made for it
        data = self._node_local() if self.settings.scratch else self._in_the_folder()
        disk.check_free_space(data)
        pem = self._certificate()
        version = self._serve(data, pem)
        minutes = self.settings.backup_minutes if self.scratch else None
        self.record = Allocation(
            uri=self._uri,
            host=socket.gethostname(),
            job=self.settings.job,
            queue=self.settings.queue,
            keeper=self.name,
            data=str(data),
            backup_minutes=minutes,
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            version=version,
            home=str(self.home),
        )
        allocation.beat(self.home)
        allocation.write(self.home, self.record)

    def _in_the_folder(self) -> Path:
        """Prepare ``genarris_db/data``."""
        data = self.home / "data"
        data.mkdir(exist_ok=True, mode=0o700)
        alive = self.home / "alive.lock"
        self.lock = disk.open_lock_file(alive)
        if not disk.lock_soon(self.lock, alive, seconds=10):  # inherited by mongod
            raise DatabaseError(f"{self.home}: a server already works on these files: genarris-fw db stop")
        if remark := disk.network_remark(data):
            self.remarks.append(remark)
        self.remarks += allocation_data.bring_home(self.home, self.settings.cache_gb)
        with allocation_data.private_server(data, self.home, self.settings.cache_gb) as uri:
            self._shut_others_out(uri)
        return data

    def _node_local(self) -> Path:
        """Prepare a fresh folder on the node's disk, filled from the newest backup."""
        place = Path(str(self.settings.scratch))
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.scratch = Path(tempfile.mkdtemp(prefix="genarris_db_", dir=place))
        data = self.scratch / "data"
        data.mkdir(mode=0o700)
        allocation_data.move_into_backups(self.home, self.settings.cache_gb)
        with allocation_data.private_server(data, self.home, self.settings.cache_gb) as uri:
            file, remarks = allocation_data.restore_newest(self.home, uri)
            self._shut_others_out(uri)
        self.remarks += [*remarks, f"restored from {file}" if file else "nothing to restore: a new database"]
        return data

    def _shut_others_out(self, uri: str) -> None:
        """Give the user a new password: who does not know it can do nothing any more, so all that he held is free."""
        client: MongoClient[dict[str, Any]] = MongoClient(uri)
        with client:
            end_leases(client[DATABASE])
            known = client.admin.command("usersInfo", USER)["users"]
            command = "updateUser" if known else "createUser"
            client.admin.command(command, USER, pwd=self.password, roles=list(RIGHTS))

    def _certificate(self) -> Path | None:
        if not self.settings.encrypted:
            return None
        make_certificate(self.home, self.settings.address)
        return self.home / SECRET

    def _serve(self, data: Path, pem: Path | None) -> str:
        """Start mongod on a free port and return its version."""
        program = mongod.find_mongod()
        allocation.write_private(self._key, secrets.token_hex(256))
        address = self.settings.address
        for attempt in range(_PORTS):
            port = _free_port(address)
            self.member = f"127.0.0.1:{port}"
            self.command = mongod.tcp_command_line(
                program, address, port, data, self.log, self.settings.cache_gb, pem, self._key
            )
            tls = f"&tls=true&tlsCAFile={quote(str(self.home / CERTIFICATE), safe='/')}" if pem else ""
            options = f"authSource=admin&directConnection=true&journal=true{tls}"
            host = f"[{address}]" if ":" in address else address
            self._uri = f"mongodb://{USER}:{self.password}@{host}:{port}/{DATABASE}?{options}"
            try:
                return self._launch()
            except DatabaseError as error:
                if "in use" not in str(error) or attempt == _PORTS - 1:
                    raise  # else somebody was faster
        raise AssertionError("unreachable")

    @property
    def _key(self) -> Path:
        """The file of the secret that the members of the set would share."""
        return (self.scratch or self.home) / "member.key"

    def _launch(self) -> str:
        """Start mongod and wait until it can be written to; return its version."""
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        self.process = mongod.spawn(self.command, self.home / "mongod.out", self.lock, dies_with_starter=True)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(DatabaseError):
                version = str(ping(self._uri, timeout_ms=500)["version"])
                break
            if self.process.poll() is not None or time.monotonic() > deadline or self.ending.is_set():
                words = mongod.last_words(self.log, self.home / "mongod.out", self.log_start)
                mongod.end(self.process, _END_SECONDS, _KILL_SECONDS)
                disk.refuse_full(self.home, words)
                raise DatabaseError(f"{self.log}: the database did not start; it says: {words}: see that file")
        make_primary(self._uri, self.member, deadline - time.monotonic())
        return version

    # ---- the time between

    def watch(self) -> None:
        """Return when the database shall end."""
        next_beat = next_look = time.monotonic()
        next_backup = next_beat + 60 * self.settings.backup_minutes
        writer: threading.Thread | None = None
        while not self.ending.wait(_POLL_SECONDS):
            now = time.monotonic()
            if self.process is not None and self.process.poll() is not None:
                self._revive()
            if now >= next_beat:
                next_beat = now + allocation.BEAT_SECONDS
                self._leave_if_replaced()
                allocation.beat(self.home)
                if self._script_is_over():
                    say("the job script is over")
                    break
            if now >= next_look:
                next_look = now + 1.0
                if self._asked_to_end():
                    say("asked to end")
                    break
            if self.scratch and now >= next_backup and not (writer and writer.is_alive()):
                next_backup = now + 60 * self.settings.backup_minutes
                writer = threading.Thread(target=self._back_up, daemon=True)
                writer.start()
        if writer:
            writer.join()  # of the server that still runs

    def _revive(self) -> None:
        """Start a mongod that fell over again, unless the queue is ending the whole job."""
        if self.ending.wait(1.0):
            return
        self.revivals += 1
        words = mongod.last_words(self.log, self.home / "mongod.out", self.log_start)
        say(f"mongod ended ({words}), start {self.revivals} of {_REVIVALS}")
        if self.revivals > _REVIVALS:
            self.ending.set()
            return
        self._launch()

    def _script_is_over(self) -> bool:
        if not self.settings.script:
            return False
        try:
            os.kill(self.settings.script, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def _asked_to_end(self) -> bool:
        database, collection = allocation.REQUESTS
        with suppress(PyMongoError), self._client() as client:
            return client[database][collection].find_one({"end": self.name}) is not None
        return False

    def _client(self) -> MongoClient[dict[str, Any]]:
        # A server that hangs must not stop the beat.
        return MongoClient(
            self._uri, serverSelectionTimeoutMS=1000, connectTimeoutMS=1000, socketTimeoutMS=1000, retryReads=False
        )

    def _back_up(self) -> None:
        assert self.scratch is not None
        try:
            began = time.monotonic()
            file = allocation_data.add_backup(self.home, self._uri, self.scratch)
            say(f"backup {file.name}: {file.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.1f} s")
        except (GenarrisError, OSError) as error:
            say(f"no backup: {error}")

    def _leave_if_replaced(self) -> None:
        """Drop everything at once where somebody else took the database over: this one is the past."""
        there = allocation.read(self.home)
        if there is not None and there != self.record:
            say(f"replaced by {there}")
            if self.process is not None:
                self.process.kill()
            os._exit(1)

    # ---- the end

    def end(self) -> None:
        """End mongod, make the last backup of what it left, and tidy up."""
        if self.process is not None:
            mongod.end(self.process, _END_SECONDS, _KILL_SECONDS)
        if self.record is None:
            self._remove_scratch()
            return
        self._leave_if_replaced()
        # First the files: once the record is gone the job's script is over, and its queue ends what is left.
        if self.scratch and self._last_backup():
            self._remove_scratch()
        if self.lock is not None:
            os.close(self.lock)
        allocation.forget(self.home, self.record)
        for file in (self.home / SECRET, self.home / CERTIFICATE, self._key):
            file.unlink(missing_ok=True)

    def _last_backup(self) -> bool:
        """Back the files up as mongod left them; nobody writes any more, so nothing is missing."""
        assert self.scratch is not None
        try:
            data = self.scratch / "data"
            with allocation_data.private_server(data, self.home, self.settings.cache_gb) as uri:
                file = allocation_data.add_backup(self.home, uri, self.scratch)
        except (GenarrisError, OSError) as error:
            say(f"no last backup: {error}; the files stay in {self.scratch}")
            return False
        say(f"last backup: {file.name}")
        return True

    def _remove_scratch(self) -> None:
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)


def _free_port(address: str) -> int:
    """Return a port that nobody listens on at this moment."""
    try:
        family = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((address, 0))
            return int(trial.getsockname()[1])
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise DatabaseError(f"{address}: not an address of this node ({why}): name one with --host") from error


def say(what: str) -> None:
    """Write a line into ``keeper.log``, which is this process' standard error."""
    moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with suppress(OSError):
        os.write(2, f"{moment} {os.getpid()} {what}\n".encode())


def _answer(pipe: int, **content: Any) -> None:
    """Tell the command that started this process what became of it."""
    with suppress(OSError):
        os.write(pipe, json.dumps(content).encode() + b"\n")
    os.close(pipe)


def main() -> None:
    """Keep a database until the job ends."""
    settings = KeeperSettings(**json.loads(sys.argv[1]))
    pipe = os.dup(1)
    os.set_inheritable(pipe, False)
    log = os.open(Path(settings.home) / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    keeper = Keeper(settings)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda *_: keeper.ending.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    say(f"keeper of job {settings.job} on {socket.gethostname()}")
    try:
        keeper.start()
    except (GenarrisError, OSError, PyMongoError) as error:
        say(f"cannot start: {error}")
        keeper.end()
        _answer(pipe, error=str(error))
        sys.exit(1)
    _answer(pipe, remarks=keeper.remarks)
    say("ready")
    try:
        keeper.watch()
    except DatabaseError as error:  # mongod fell over and does not start any more
        say(str(error))
    finally:
        keeper.end()
    say("ended")


if __name__ == "__main__":
    main()
