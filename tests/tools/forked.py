"""Programs of ours that are forked from a server of forks instead of executed: the same, without their imports.

`Forked` is what tests use of `subprocess.Popen`. The process is a child of the server, not of the tests; its number,
its status, its signals and its streams are its own.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from fork_server import PROGRAMS

# Read by the interpreter, the linker or a library when it starts, or is loaded: it starts truly where they differ.
READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "OMP_", "OPENBLAS_", "MKL_", "MALLOC_", "MPL", "FW_CONFIG", "HOME")
# Read by FireWorks when it is imported, from the folder where that happens.
FIREWORKS_FILES = ("FW_config.yaml", "my_launchpad.yaml", "my_fworker.yaml", "my_qadapter.yaml")
# Of what computes in the server's forks: a pool of threads would have to be started before the fork.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
TRUE_STARTS = "GENARRIS_FW_TRUE_STARTS"
# The server outlives the test that needs it first: what that test sets for itself is none of the server's.
OURS = dict(os.environ)


def can_fork(program: str, cwd: Path, environment: Mapping[str, str]) -> bool:
    """Tell whether a fork is what an execution would be."""
    if program not in PROGRAMS or os.environ.get(TRUE_STARTS) or not hasattr(os, "pipe2"):
        return False
    differing = {name for name, _ in environment.items() ^ OURS.items()} - {"PYTHONPATH"}
    at_start = any(name.startswith(READ_AT_START) for name in differing)
    return not at_start and not any((cwd / file).exists() for file in FIREWORKS_FILES)


class _Server:
    """The server of forks of this process, and of this process alone."""

    def __init__(self) -> None:
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fork_server.py")],
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parent,
            env={**OURS, **ONE_THREAD},
        )
        theirs.close()
        self.lock = threading.Lock()
        atexit.register(self.close)

    def close(self) -> None:
        self.requests.close()
        self.process.wait()


@functools.cache
def _server(pid: int) -> _Server:
    return _Server()


class Forked:
    """A program of ours, started by a fork.

    Parameters
    ----------
    words : sequence
        The program's path and its arguments.
    cwd : Path
        Where it works.
    env : mapping
        Its environment.
    stdout, stderr : int or file
        As for `subprocess.Popen`: PIPE, or an open file; standard input is empty.
    start_new_session : bool
        Make it the leader of a session.
    """

    def __init__(
        self,
        words: Sequence[str | Path],
        cwd: Path,
        env: Mapping[str, str],
        stdout: int | IO[Any],
        stderr: int | IO[Any],
        start_new_session: bool = True,
    ) -> None:
        self.args = [str(word) for word in words]
        self.returncode: int | None = None
        self.stdin = None
        self.stdout, out = _stream(stdout)
        self.stderr, err = (None, out) if stderr == subprocess.STDOUT else _stream(stderr)
        self._said: dict[IO[str], bytes] = {}
        request = {"words": self.args, "cwd": str(cwd), "environment": dict(env), "new_session": start_new_session}
        server = _server(os.getpid())
        status, theirs = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        if server.process.poll() is not None:
            raise RuntimeError(f"the server of forks has ended ({server.process.returncode}): who killed it?")
        with server.lock:
            socket.send_fds(server.requests, [json.dumps(request).encode()], [nothing, out, err, theirs])
        for file in {nothing, theirs} | ({out} if stdout == subprocess.PIPE else set()):
            os.close(file)
        if stderr == subprocess.PIPE:
            os.close(err)
        self._status = os.fdopen(status, "rb")
        line = self._status.readline()
        if not line:
            raise RuntimeError(f"the server of forks has ended ({server.process.wait()})")
        self.pid = int(line)

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal that ended it; None while it lives."""
        if self.returncode is None and _is_readable(self._status, 0):
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; return what `poll` does."""
        if self.returncode is None and not _is_readable(self._status, timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        code = self.poll()
        assert code is not None
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str | None, str | None]:
        """Read what it writes, wait until it has ended; return its output and its errors where they are pipes."""
        end = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as reading:
            for stream in (self.stdout, self.stderr):
                if stream is not None and not stream.closed:
                    reading.register(stream, selectors.EVENT_READ)
            while reading.get_map():
                ready = reading.select(_left(end))
                if not ready and end is not None and time.monotonic() >= end:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
                for key, _ in ready:
                    stream = key.fileobj
                    assert not isinstance(stream, int)
                    data = os.read(stream.fileno(), 65536)
                    self._said[stream] = self._said.get(stream, b"") + data  # type: ignore[index,arg-type]
                    if not data:
                        reading.unregister(stream)
                        stream.close()  # type: ignore[attr-defined]
        self.wait(_left(end))
        out, err = (None if s is None else self._said.get(s, b"").decode() for s in (self.stdout, self.stderr))
        return out, err

    def send_signal(self, number: int) -> None:
        """Send it a signal, where it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _stream(wanted: int | IO[Any]) -> tuple[IO[str] | None, int]:
    """Return our end of a pipe, if one is wanted, and the file that the program writes to."""
    if wanted == subprocess.PIPE:
        ours, theirs = os.pipe()
        return os.fdopen(ours), theirs
    return None, wanted if isinstance(wanted, int) else wanted.fileno()


def _is_readable(file: IO[bytes], seconds: float | None) -> bool:
    with selectors.DefaultSelector() as reading:
        reading.register(file, selectors.EVENT_READ)
        return bool(reading.select(seconds))


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())
