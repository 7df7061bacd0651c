"""The embedded database: a run's own MongoDB server, started when it is needed, stopped when nobody uses it.

In the folder ``genarris_db/`` lie

=================  =============================================================================
``data/``          MongoDB's files
``mongod.log``     its log
``server.json``    where it listens and since when (mode 0600)
``socket/``        the socket (mode 0700)
``alive.lock``     locked by the server itself as long as it lives: no process id can lie about that
``start.lock``     locked while a command starts or stops the server
``users.lock``     locked (shared) by every command that uses the server
``janitor.lock``   locked by the server's janitor
=================  =============================================================================

The server is a replica set of one, so that a backup is of one moment. It listens on a Unix socket in a folder of
mode 0700 and on nothing else: who can reach the database can run code, and other people share the machine. Where
``genarris_db/socket/`` does not serve (a name longer than the 107 bytes a socket may have, one that a set cannot
have as a member, capital letters, which drivers that look for the set's member do not keep, a file system without
sockets), it is in a folder of the user among the temporary files (`genarris_fw.database.sockets.elsewhere`). Either
way its path stays the same, so that a URI written into a my_launchpad.yaml stays valid. In a folder that was moved or
copied it is another one; the ``former`` ones stand in ``server.json``.

Whoever uses it last stops it. Where that one was killed, the server's janitor does (`genarris_fw.database.janitor`).
A folder that is not ours alone is refused (`genarris_fw.database.ownership`).

Where a queue job runs the folder's database (`genarris_fw.database.in_job.keeper`), that one is used, on any node.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from genarris_fw.database import copies, disk, janitor, mongod, ownership, sockets
from genarris_fw.database.in_job import allocation
from genarris_fw.database.in_job import data as allocation_data
from genarris_fw.database.launchpads import ping, socket_uri
from genarris_fw.database.redaction import redact
from genarris_fw.database.set_of_one import make_primary
from genarris_fw.errors import DatabaseError

FOLDER = copies.FOLDER
CACHE_GB = 0.5
START_SECONDS = 300.0  # a server that was killed replays its journal first
STOP_SECONDS = 60.0
_LASTING = ("home", "socket", "uri", "version", "former")  # what server.json keeps of a server that was stopped
_PARTING_SECONDS = 3.0  # how long the connections of a process that ends may be seen
_POLL_SECONDS = 0.05


class Server:
    """The MongoDB server of a folder.

    Parameters
    ----------
    folder : Path
        The run's folder; the database lies in its subfolder ``genarris_db``.
    data : Path, optional
        Another place for the database; ``genarris_db`` then becomes a link to it.
    cache_gb : float, optional
        Memory for the server's cache, in GB.

    Raises
    ------
    DatabaseError
        When the folder's database belongs to somebody else, or others can write there.

    Examples
    --------
    >>> with Server(Path("urea")).use() as uri:  # doctest: +SKIP
    ...     pad = launchpad(uri)
    """

    def __init__(self, folder: Path, data: Path | None = None, cache_gb: float = CACHE_GB) -> None:
        self.folder = Path(folder).absolute()
        self.home = self.folder / FOLDER
        self.cache_gb = cache_gb
        self._elsewhere = Path(data).absolute() if data is not None else None
        self._process: subprocess.Popen[bytes] | None = None
        self._descriptors: tuple[int, ...] = ()
        ownership.refuse_foreign(self.home)

    # ---- what it is

    @property
    def data(self) -> Path:
        """The folder of MongoDB's files."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "mongod.log"

    @property
    def socket_path(self) -> Path | None:
        """The socket on which the server listens, None before it was ever placed."""
        record = self._record()
        return Path(record["socket"]) if record else None

    @property
    def own_socket(self) -> Path:
        """The socket in the folder itself, which not every folder can have."""
        return self.home / "socket" / sockets.NAME

    @property
    def former_sockets(self) -> list[Path]:
        """The sockets on which the server listened before the folder was moved or copied here."""
        return [Path(path) for path in self._record().get("former", [])]

    @property
    def users_lock(self) -> Path:
        """The file on which every user of the server holds a shared lock."""
        return self.home / "users.lock"

    @property
    def origin(self) -> str:
        """Where the URI comes from, for messages."""
        if lent := allocation.read(self.home):
            return f"{lent}, of {self.home}"
        return f"the embedded server in {self.home}"

    @property
    def uri(self) -> str:
        """The URI; it names the database ``genarris`` and stays the same as long as the folder is not moved.

        While a queue job runs the database, it is that one's, with a password.

        Raises
        ------
        DatabaseError
            When no socket can be placed.
        """
        if lent := allocation.read(self.home):
            return lent.uri
        record = self._record()
        if not record or not self._lives():
            self.make_home()
            with disk.locked(self.home / "start.lock"):
                record = self._record()
                if not record or not self._lives():
                    record = self._with_socket(record)
        return str(record["uri"])

    def exists(self) -> bool:
        """Return whether a database was ever started in this folder."""
        there = self.data.is_dir() and any(self.data.iterdir())
        return there or allocation_data.lies_in_backups(self.home) or allocation.read(self.home) is not None

    def running(self) -> bool:
        """Return whether the server lives (it may still be getting ready)."""
        return allocation.find(self.home) is not None or self._lives()

    def _lives(self) -> bool:
        """Return whether the folder's own server lives on this machine."""
        self._reap()
        return disk.is_locked(self.home / "alive.lock")

    def in_use(self) -> bool:
        """Return whether some command uses the server."""
        return disk.is_locked(self.users_lock, shared=True)

    def status(self) -> dict[str, Any]:
        """Return what there is to know, as plain JSON values.

        Returns
        -------
        dict
            ``running``, ``ready``, ``uri``, ``folder``, ``data``, ``log``, ``pid``, ``host``, ``version``,
            ``started`` (UTC), ``keep`` (started to stay), ``in_use``, ``connections``, ``data_bytes``, ``job`` (of a
            queue, which runs it; the password is then left out of ``uri``), ``backups`` (archives, newest first).
        """
        backups = [str(path) for path in allocation_data.backups(self.home)]
        if lent := allocation.find(self.home):
            return self._status_in_job(lent) | {"backups": backups}
        record = self._record() if self.exists() else {}
        running = self._lives()
        answer: dict[str, Any] = {}
        if running and record:
            with suppress(DatabaseError):
                answer = ping(record["uri"], timeout_ms=1000)
        return {
            "running": running,
            "ready": bool(answer),
            "uri": record.get("uri"),
            "folder": str(self.home),
            "data": str(self.data),
            "log": str(self.log),
            "pid": record.get("pid") if running else None,
            "host": record.get("host") if running else None,
            "version": answer.get("version", record.get("version")),
            "started": record.get("started") if running else None,
            "keep": bool(record.get("keep")) if running else False,
            "in_use": self.in_use(),
            "connections": answer.get("connections", {}).get("current"),
            "data_bytes": disk.size(self.data),
            "job": None,
            "backups": backups,
        }

    def _status_in_job(self, lent: allocation.Allocation) -> dict[str, Any]:
        answer = ping(lent.uri)
        here = lent.host == socket.gethostname()
        return {
            "running": True,
            "ready": True,
            "uri": redact(lent.uri),
            "folder": str(self.home),
            "data": lent.data,
            "log": str(self.log),
            "pid": int(answer["pid"]),
            "host": lent.host,
            "version": lent.version,
            "started": lent.started,
            "keep": True,
            "in_use": True,
            "connections": answer["connections"]["current"],
            "data_bytes": disk.size(Path(lent.data)) if here or Path(lent.data) == self.data else None,
            "job": lent.job,
        }

    def refuse_end(self) -> None:
        """Say why the server has ended, where that is to be seen and can be mended: for who finds nobody answering.

        Raises
        ------
        DatabaseError
            When its folder is gone, or its disk is full.
        """
        deadline = time.monotonic() + _PARTING_SECONDS
        while self._lives() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        if not self.data.is_dir():
            raise DatabaseError(f"{self.home}: the database is gone: its folder was removed or moved while it was used")
        if not self._lives():
            disk.refuse_full(self.data, self._last_words(self._record()))

    # ---- start, use, stop

    def start(self, keep: bool | None = None, timeout: float = START_SECONDS) -> str:
        """Start the server, or adopt the one that runs, and wait until it answers.

        Parameters
        ----------
        keep : bool, optional
            Leave it running until :meth:`stop`; by default so, but not inside :meth:`use`, whose last user stops it.
        timeout : float, optional
            How long to wait for an answer, in seconds.

        Returns
        -------
        str
            The URI.

        Raises
        ------
        DatabaseError
            When there is no mongod, no disk space, or it does not start: the message names the log and its
            last meaningful line.
        """
        if not self.lock_descriptors:
            copies.refuse_users_elsewhere(self.home, self._record())
        if lent := allocation.find(self.home):
            return lent.uri
        if keep is None:
            keep = not self._descriptors
        self.make_home()
        with disk.locked(self.home / "start.lock"):
            deadline = time.monotonic() + timeout
            record = self._record()
            if self._lives() and not (record and self._adopt(record, deadline)):
                self._end(record)
            if not self._lives():
                record = self._launch(record)
                self._await_answer(record, deadline)
            record = self._record()
            if keep and not record.get("keep"):
                self._write_record({**record, "keep": True})
            return str(record["uri"])

    @contextmanager
    def use(self) -> Iterator[str]:
        """Have the server running inside a ``with``; at its end the last user stops it, unless kept.

        The lock is inherited by forked processes and by programs that are given :meth:`lock_descriptors`.

        Yields
        ------
        str
            The URI.
        """
        copies.refuse_users_elsewhere(self.home, self._record())
        if lent := allocation.find(self.home):
            yield lent.uri  # it stays as long as its job
            return
        self.make_home()
        descriptor = disk.open_lock_file(self.users_lock)
        try:
            disk.lock(descriptor, fcntl.LOCK_SH, self.users_lock)
            self._descriptors = (*self.lock_descriptors, descriptor)
            yield self.start()
        finally:
            self._descriptors = tuple(other for other in self.lock_descriptors if other != descriptor)
            try:
                ended = self.end_unused(descriptor, _PARTING_SECONDS)
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # for a forked child may still hold the open file
                os.close(descriptor)
            if not ended:
                janitor.hire(self.home)  # the first one may have been killed

    @property
    def lock_descriptors(self) -> tuple[int, ...]:
        """The locks held by :meth:`use`, for ``subprocess.Popen(..., pass_fds=...)``."""
        return self._descriptors

    def end_unused(self, descriptor: int, parting_seconds: float = 0.0) -> bool:
        """Stop the server when nobody uses it, unless it is to be kept.

        Parameters
        ----------
        descriptor : int
            The users' lock, open. It is held exclusively afterwards, or not at all.
        parting_seconds : float, optional
            How long connections of others may be seen that are ending.

        Returns
        -------
        bool
            False when others use it: it has to be looked at again.
        """
        if not self._lives() or self._record().get("keep"):
            return True
        # Exchanging shared for exclusive gives the shared lock up first: of several that leave, one succeeds.
        if not disk.lock_soon(descriptor, self.users_lock) or self._strangers(parting_seconds):
            return False
        with disk.locked(self.home / "start.lock"):
            record = self._record()
            if not record.get("keep"):
                self._end(record)
        return True

    def stays(self) -> str | None:
        """Return in one line why the server goes on running, for whoever has used it last; None where it does not."""
        if allocation.find(self.home) or not self._lives():
            return None
        if self._record().get("keep"):
            return "its database keeps running, as `genarris-fw db start` was given: `genarris-fw db stop` ends it"
        return (
            "its database keeps running while other programs use it, and ends some seconds after the last of them "
            "(`genarris-fw db status` shows it, `genarris-fw db stop` ends it)"
        )

    def _strangers(self, parting_seconds: float = _PARTING_SECONDS) -> int:
        """Return how many connections other processes have open (plain ``rlaunch`` takes no lock of ours)."""
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        record = self._record()
        if not record or not self._lives() or not Path("/proc/self/fd").is_dir():
            return 0
        deadline = time.monotonic() + parting_seconds
        client: MongoClient[dict[str, Any]] = MongoClient(record["uri"], serverSelectionTimeoutMS=1000)
        with suppress(PyMongoError), client:
            client.admin.command("ping")
            while True:
                ours = sockets.connections_of_ours(Path(record["socket"]))
                strangers = mongod.connections(client) - ours
                if strangers <= 0 or time.monotonic() > deadline:
                    return max(strangers, 0)
                time.sleep(_POLL_SECONDS)
        return 0

    def stop(self, force: bool = False) -> bool:
        """Stop the server cleanly.

        Parameters
        ----------
        force : bool, optional
            Also when others use it.

        Returns
        -------
        bool
            False when it did not run.

        Raises
        ------
        DatabaseError
            When it is in use, runs on another machine, or does not end.
        """
        if lent := allocation.find(self.home):  # the job's own business: it is stopped whoever uses it
            allocation.stop(self.home, lent)
            return True
        if not self._lives():
            return False
        descriptor = disk.open_lock_file(self.users_lock)
        try:
            free = disk.lock_soon(descriptor, self.users_lock)
            if not force and (not free or self._strangers()):
                raise DatabaseError(
                    f"{self.home}: the database is in use by another program: wait for it, or use --force"
                )
            with disk.locked(self.home / "start.lock"):
                self._end(self._record())
        finally:
            os.close(descriptor)
        return True

    # ---- the parts of starting

    def make_home(self) -> None:
        """Make the folder, as a link where the data shall lie elsewhere."""
        place = self._elsewhere
        try:
            if place is not None and place.resolve() != self.home.resolve():
                if self.home.is_symlink() or self.home.exists():
                    raise DatabaseError(
                        f"{self.home}: the database of this folder is already there, not in {place}: "
                        "stop it, move it, and start it again with --data"
                    )
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
                ownership.refuse_foreign(place)
                self.folder.mkdir(parents=True, exist_ok=True)
                self.home.symlink_to(place)
            if self.home.is_symlink() and not self.home.exists():
                raise DatabaseError(f"{self.home}: points to {self.home.readlink()}, which this machine does not have")
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.data.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise DatabaseError(f"{self.home}: cannot be made ({error.strerror})") from error
        ownership.refuse_foreign(self.home)

    def _adopt(self, record: dict[str, Any], deadline: float) -> bool:
        """Return whether the running server answers; False when it must be replaced."""
        self._refuse_other_host(record)
        if copies.foreign(self.home, record):
            return False  # its folder was moved away from under it
        if record.get("ready") and not Path(record["socket"]).exists():
            return False  # somebody removed it
        self._await_answer(record, deadline)
        return True

    def _launch(self, record: dict[str, Any]) -> dict[str, Any]:
        """Start mongod and write down where it will listen."""
        program = mongod.find_mongod()
        remark = disk.network_remark(self.data)
        if remark:
            warnings.warn(remark, stacklevel=4)
        disk.check_free_space(self.data)
        for line in allocation_data.bring_home(self.home, self.cache_gb):
            warnings.warn(line, stacklevel=4)
        record = self._with_socket(record)
        mongod.turn_over_log(self.log)
        record |= {
            "pid": None,
            "host": socket.gethostname(),
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "log_start": self.log.stat().st_size if self.log.exists() else 0,
            "ready": False,
            "keep": False,
        }
        self._write_record(record)
        alive = self.home / "alive.lock"
        descriptor = disk.open_lock_file(alive)
        try:
            disk.lock(descriptor, fcntl.LOCK_EX, alive)
            janitor.hire(self.home)  # before the server: a kill in between leaves neither
            command = mongod.command_line(program, self._listens_on(record), self.data, self.log, self.cache_gb)
            self._process = mongod.spawn(command, self.home / "mongod.out", descriptor)
        finally:
            os.close(descriptor)
        record["pid"] = self._process.pid
        self._write_record(record)
        return record

    def _await_answer(self, record: dict[str, Any], deadline: float) -> None:
        """Wait until the server answers; raise when it ends instead."""
        path = Path(record["socket"])
        while self._lives():
            if path.exists() and sockets.accepts(path):
                answer = ping(record["uri"], timeout_ms=10_000)
                make_primary(record["uri"], str(path), deadline - time.monotonic())
                known = {**record, "pid": int(answer["pid"]), "version": answer["version"], "ready": True}
                if known != record:
                    self._write_record(known)
                return
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"{self.log}: the database (process {record.get('pid')}) is not ready yet; it says: "
                    f"{self._last_words(record)}: try again, or `genarris-fw db stop`"
                )
            time.sleep(_POLL_SECONDS)
        words = self._last_words(record)
        disk.refuse_full(self.data, words)
        raise DatabaseError(f"{self.log}: the database did not start; it says: {words}: see that file")

    def _last_words(self, record: dict[str, Any]) -> str:
        return mongod.last_words(self.log, self.home / "mongod.out", record.get("log_start", 0))

    def _with_socket(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the record with a usable socket: in this folder, else among the temporary files, else as before.

        The socket of the folder from which this one was moved or copied is not ours: another server may have it.
        """
        copies.refuse_running_original(self.home, record)
        moved = copies.foreign(self.home, record) is not None
        if sockets.reached_by_any_uri(self.own_socket) and sockets.usable(self.own_socket):
            path = self.own_socket
        elif "socket" in record and not moved and sockets.lasts(Path(record["socket"]), self.home):
            path = Path(record["socket"])
        else:
            path = sockets.elsewhere(self.home)
        former = list(record.get("former", []))
        if "socket" in record and record["socket"] != str(path):
            former.append(record["socket"])
        placed = {**record, "home": str(self.home), "socket": str(path), "uri": socket_uri(path), "former": former}
        if placed != record:
            self._write_record(placed)
        return placed

    def _listens_on(self, record: dict[str, Any]) -> list[Path]:
        """Return the server's sockets: that of its record, and the folder's own for URIs of older versions."""
        first = Path(record["socket"])
        return list(dict.fromkeys([first, *([self.own_socket] if sockets.usable(self.own_socket) else [])]))

    # ---- the end of it

    def _end(self, record: dict[str, Any]) -> None:
        """End the server: SIGTERM, and SIGKILL after a minute (the journal keeps what was acknowledged)."""
        if not self._lives():
            return
        self._refuse_other_host(record)
        alive = (self.home / "alive.lock").stat()
        for sign in (signal.SIGTERM, signal.SIGKILL):
            processes = ownership.servers(alive)
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, sign)
            # One that ends at this moment holds its lock for a little longer than it has a command line.
            deadline = time.monotonic() + (STOP_SECONDS if processes else _PARTING_SECONDS)
            while time.monotonic() < deadline:
                if not self._lives():
                    if record:
                        for path in (Path(record["socket"]), self.own_socket):
                            sockets.remove(path, self.home)
                        self._write_record({key: record[key] for key in _LASTING if key in record})
                    return
                time.sleep(_POLL_SECONDS)
        who = f"process {processes[0]}" if processes else "no process that this machine shows to be yours"
        raise DatabaseError(f"{self.home}: the database ({who}) does not end: see {self.log}, and end it by hand")

    def _refuse_other_host(self, record: dict[str, Any]) -> None:
        host = record.get("host")
        if host and host != socket.gethostname():
            raise DatabaseError(
                f"{self.home}: the database runs on the machine {host} (process {record.get('pid')}), "
                "and a socket reaches no further: work there, or stop it there with `genarris-fw db stop`"
            )

    def _reap(self) -> None:
        """Take note of the end of a server that this process started."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None

    # ---- server.json

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads((self.home / "server.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        usable = isinstance(record, dict) and "socket" in record
        # A socket's folder that is not ours any more (a tidied /tmp) is as good as lost.
        return record if usable and sockets.is_ours_alone(Path(record["socket"])) else {}

    def _write_record(self, record: dict[str, Any]) -> None:
        allocation.write_private(self.home / "server.json", json.dumps(record, indent=2) + "\n")
