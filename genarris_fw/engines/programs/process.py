"""Running an engine's program: under limits, watched, and never outliving the process that started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genarris_fw.engines.base import Context
from genarris_fw.engines.programs import minder

# How often (s) the limits are looked at, while the program runs.
PAUSE = 0.5
# What the minder may take beyond the grace.
MINDER_SECONDS = 5.0
GIGABYTE = 10**9
NOT_EXECUTABLE, NOT_FOUND = 126, 127
# Set by the MPI launcher that started us: a launcher that inherits them takes itself for one of our ranks.
OF_OUR_RANK = (
    "PMI_FD",
    "PMI_RANK",
    "PMI_SIZE",
    "PMI_PORT",
    "PMI_ID",
    "PMIX_",
    "OMPI_COMM_WORLD_",
    "HYDI_",
    "MPI_LOCAL",
)


@dataclass(frozen=True)
class Limits:
    """What a program may use.

    Attributes
    ----------
    silence : float or None
        Seconds in which nothing in its folder may change: a program that is silent longer hangs.
    gigabytes : float
        Of all files in its folder.
    grace : float
        Seconds between SIGTERM and SIGKILL.
    """

    silence: float | None = None
    gigabytes: float = 2.0
    grace: float = 10.0


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes
    ----------
    status : int
        Its exit status; 128 + n where signal n ended it, 126 and 127 where it could not be started.
    stopped : str or None
        Why we stopped it: ``deadline``, ``stopped``, ``silent`` or ``size``; None where it ended by itself.
    seconds : float
        Wall time.
    """

    status: int
    stopped: str | None
    seconds: float


def run(
    command: Sequence[str],
    folder: Path,
    output: str,
    context: Context,
    limits: Limits | None = None,
    environment: Mapping[str, str] | None = None,
    look: Callable[[], object] | None = None,
) -> Ended:
    """Run a program in a folder until it ends, or must end.

    The program has an unlimited stack as far as the system allows, a session of its own, and ignores the signals by
    which queues warn. It ends when this process ends, however that happens.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell reads them.
    folder : Path
        Where it runs; an existing folder that nobody else uses.
    output : str
        Name of the file, in the folder, of its standard output; the standard error goes to ``<output>.err``.
    context : Context
        Deadline and stop, looked at twice a second; from then on the program has the grace.
    limits : Limits, optional
        What it may use.
    environment : mapping, optional
        Added to this process's environment, which is passed on without the variables of its MPI rank.
    look : callable, optional
        Called twice a second while the program runs.

    Returns
    -------
    Ended
    """
    limits = limits or Limits()
    order = {
        "command": list(command),
        "output": output,
        "errors": f"{output}.err",
        "most_bytes": int(limits.gigabytes * GIGABYTE),
        "grace": limits.grace,
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", minder.__file__, json.dumps(order)],
        cwd=folder,
        env=_outside_of_mpi(os.environ) | dict(environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        stopped = _watch(process, folder, context, limits, look)
    finally:
        status = _end(process, limits.grace)
    return Ended(status, stopped, time.monotonic() - began)


def _outside_of_mpi(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(OF_OUR_RANK)}


def _watch(
    process: subprocess.Popen[bytes], folder: Path, context: Context, limits: Limits, look: Callable[[], object] | None
) -> str | None:
    """Wait until the program has ended, or return why it has to."""
    seen, since = (0, 0), time.monotonic()
    while True:
        try:
            process.wait(PAUSE)
            return None
        except subprocess.TimeoutExpired:
            pass
        reason = context.stop_reason()
        if reason:
            return reason
        now = _size_and_age(folder)
        if now != seen:
            seen, since = now, time.monotonic()
        if now[0] > limits.gigabytes * GIGABYTE:
            return "size"
        if limits.silence is not None and time.monotonic() - since > limits.silence:
            return "silent"
        if look is not None:
            look()


def _end(process: subprocess.Popen[bytes], grace: float) -> int:
    """Close the minder's input, by which it ends the program where that still runs; return the exit status."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        return process.wait(2 * grace + MINDER_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _size_and_age(folder: Path) -> tuple[int, int]:
    """Bytes of all files below a folder, and the time (ns) of the last change of one."""
    size, changed = 0, 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                about = Path(place, name).lstat()
            except OSError:
                continue
            size, changed = size + about.st_size, max(changed, about.st_mtime_ns)
    return size, changed
