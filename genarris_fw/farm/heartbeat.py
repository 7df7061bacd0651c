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
from collections.abc import Callable
from typing import Any

BEATS_PER_LEASE = 4


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
    interval = message["lease_seconds"] / BEATS_PER_LEASE
    beat = None
    while not select.select([sys.stdin], [], [], interval)[0]:
        if os.getppid() != parent:
            return
        if _parent_is_stopped(parent):
            continue
        beat = beat or _first_beat(message)
        beat()


def _first_beat(message: dict[str, Any]) -> Callable[[], None]:
    from genarris_fw.farm.beat import Beat  # only here: as above, and it imports all that talks to a database

    return Beat(message["launchpad"], message["owner"], message["lease_seconds"])


if __name__ == "__main__":
    main()
