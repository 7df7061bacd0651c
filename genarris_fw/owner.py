"""Who holds a lease: a name that says which process on which machine, so that a dead one can be told; and its user."""

from __future__ import annotations

import os
import pwd
import resource
import socket
import uuid
from pathlib import Path


def _start_time(pid: int) -> str | None:
    """Return the start time of a process in clock ticks since boot (Linux), None when there is no such process.

    Not by psutil: its start times are those of the wall clock, and change for every process when the clock is set.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # Fields after the command's name: state is the first, start time the 20th; a zombie does no work any more.
    return None if fields[0] == "Z" else fields[19]


def owner_name(fw_id: int) -> str:
    """Return the name under which this process holds leases for one firework: host, process, start, firework."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start_time(pid)}:{fw_id}:{uuid.uuid4().hex[:8]}"


def host_of(owner: str) -> str:
    """Return the host of an owner (``host:process:start:firework:random``)."""
    return owner.rsplit(":", 4)[0]


def user_name() -> str:
    """Return whose process this is: the name of the user, else the number where the machine knows no name for it."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container
        return str(number)


def cpu_seconds() -> float:
    """Return the processors' time that this process, all its threads and the children that it has waited for took."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def is_alive(owner: str) -> bool:
    """Tell whether an owner's process is certainly there: it runs, or is frozen, on this machine."""
    try:
        host, pid, start, _, _ = owner.rsplit(":", 4)
    except ValueError:
        return False
    return host == socket.gethostname() and pid.isdigit() and _start_time(int(pid)) == start


def is_dead(owner: str) -> bool:
    """Tell whether an owner's process is certainly gone: it ran on this machine and is not there any more."""
    try:
        host, pid, start, _, _ = owner.rsplit(":", 4)
    except ValueError:
        return False
    return host == socket.gethostname() and Path("/proc/self").exists() and _start_time(int(pid)) != start
