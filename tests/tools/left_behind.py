"""What the tests leave running: processes with the session's mark in their environment, and its own children."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

VARIABLE = "GENARRIS_FW_TEST_SESSION"
# The same of a whole test run: of all its workers.
RUN = "GENARRIS_FW_TEST_RUN"
# What was told to end, or sees by itself that it has to, may take so long (the janitor of a server, a heartbeat).
PATIENCE_SECONDS = 60.0
# Python's own helpers, and the server of forks, end with the process that started them.
_HELPERS = ("multiprocessing.forkserver", "multiprocessing.resource_tracker", "fork_server.py")


def mark_session() -> None:
    """Mark all that is started from now on; with pytest-xdist every worker is a session of its own in one run."""
    os.environ[VARIABLE] = secrets.token_hex(8)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[RUN] = os.environ[VARIABLE]


_shared: list[str] = []


def share(place: Path) -> None:
    """Leave to the run's other workers what works in a place, whoever started it; the run looks for it at its end."""
    _shared.append(str(place))


def left_behind(patience: float = PATIENCE_SECONDS, variable: str = VARIABLE) -> list[str]:
    """Return what does not end by itself, a line for each process; it is then killed."""
    deadline = time.monotonic() + patience
    while (left := _all_living(variable)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [f"process {pid}: {about}" for pid, about in left.items()]


def _all_living(variable: str) -> dict[int, str]:
    """Return what lives; looked for twice, for a process that becomes another program shows nothing meanwhile."""
    found = dict(_living(variable))
    if not found:
        time.sleep(0.1)
        found = dict(_living(variable))
    return found


def _living(variable: str) -> Iterator[tuple[int, str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if process.pid == os.getpid() or any(shared in command for shared in _shared):
                continue
            child = process.ppid() == os.getpid()
            marked = process.environ().get(variable) == os.environ[variable]
            if command and (child or marked) and not (child and any(helper in command for helper in _HELPERS)):
                yield process.pid, f"{command[:300]} (in {process.cwd()})"
