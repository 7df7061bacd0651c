"""The minder: a small process between us and an engine's program, so that the program never outlives us.

It runs one command in a session of its own and ends with the command's exit status. When its standard input closes
(because we want the program to stop, or because we are dead) it ends the program and everything that it started,
in whatever session: SIGTERM, then SIGKILL after the grace. It needs the standard library alone and is started as a
script, which takes some 20 ms.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# What is left behind by a program that has ended by itself gets so long (s) to follow it.
SHORT_GRACE = 1.0
# s; how often the program is looked at, where the system cannot say that it has ended.
BETWEEN_LOOKS = 0.02
# Queues warn every process of a job with these; whether to stop is for us to say, not for the program.
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)


def main() -> int:
    """Run the command that the arguments describe (one JSON object); return its exit status as a shell would."""
    order = json.loads(sys.argv[1])
    for warning in WARNINGS:
        signal.signal(warning, signal.SIG_IGN)  # ignored signals stay ignored in the program
    signal.signal(signal.SIGTERM, lambda *_: None)  # to end the program is decided by our standard input alone
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # whatever the program's children leave behind becomes ours
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    with Path(order["output"]).open("ab") as output, Path(order["errors"]).open("ab") as errors:
        try:
            program = subprocess.Popen(
                order["command"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                preexec_fn=lambda: _in_the_program(int(order["most_bytes"])),  # noqa: PLW1509 - one thread
            )
        except OSError as error:
            errors.write(f"{order['command'][0]}: {error.strerror}\n".encode())
            return 127 if isinstance(error, FileNotFoundError) else 126
    _wait(program, float(order["grace"]))
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


def _in_the_program(most_bytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(program: subprocess.Popen[bytes], grace: float) -> None:
    """Wait for the program, or for our standard input to close; end what is left of it then."""
    _end_descendants(SHORT_GRACE if _ended_by_itself(program) else grace)
    program.wait()


def _ended_by_itself(program: subprocess.Popen[bytes]) -> bool:
    """Wait; False when our standard input closed first."""
    try:
        ended = os.pidfd_open(program.pid)
    except (AttributeError, OSError):  # Python as conda builds it; Linux before 5.3
        while program.poll() is None:
            if select.select([sys.stdin], [], [], BETWEEN_LOOKS)[0]:
                return False
        return True
    ready, _, _ = select.select([ended, sys.stdin], [], [])
    return ended in ready


def _end_descendants(grace: float) -> None:
    """Ask the program and everything that it has started to end, and end by force what has not after the grace."""
    _send(signal.SIGTERM, asked := _descendants())
    end = time.monotonic() + grace
    while (left := _descendants()) and time.monotonic() < end:
        _send(signal.SIGTERM, left - asked)
        asked |= left
        time.sleep(0.02)
    while left := _descendants():  # a process may start another while we look
        _send(signal.SIGKILL, left)
        time.sleep(0.02)


def _send(number: int, processes: set[int]) -> None:
    for pid in processes:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _descendants() -> set[int]:
    """The living processes that descend from us; psutil would double the time that a minder takes to start."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            parents[int(place.name)] = int(parent)
    found, generation = set[int](), {os.getpid()}
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - found
        found |= generation
    return found


if __name__ == "__main__":
    sys.exit(main())
