"""How the stand-in misbehaves: which way for which input, and what it does then.

What is said in each case, and from where that is known, stands in `aims_stand_in`.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

# In the middle of a calculation: they end it, or never do.
BREAKS = ("crash", "hang", "hang_hard", "truncated", "memory", "walltime", "endless")
MOODS = (
    *BREAKS,
    *("scf_unconverged", "scf_never", "relaxation_limit", "wrong_geometry", "nan", "launcher", "asleep"),
)
# Bytes after which even ``endless`` ends, where nobody stops it.
ENOUGH = 8 * 10**9


@dataclass(frozen=True)
class Mood:
    """One way to misbehave; the empty name is none.

    Attributes
    ----------
    name : str
        One of `MOODS`.
    seconds : float
        Of ``asleep``.
    """

    name: str = ""
    seconds: float = 0.0


def choose(identity: str, environment: Mapping[str, str]) -> Mood:
    """Return how to misbehave for an input.

    Parameters
    ----------
    identity : str
        What attempts at the same input have in common.
    environment : mapping
        ``AIMS_STAND_IN_MISBEHAVE``: ``name[:part],name[:part],...``, with the part of the inputs that each is for
        (all, without a part), and ``asleep:SECONDS[:part]``. Which input gets which is a matter of its hash, with
        ``AIMS_STAND_IN_SEED``. ``AIMS_STAND_IN_ONCE``: a folder in which the starts of each input are counted; it
        misbehaves on its first ``AIMS_STAND_IN_TIMES`` (1) starts alone.

    Returns
    -------
    Mood
    """
    mark = hashlib.sha256(f"{environment.get('AIMS_STAND_IN_SEED', '')}|{identity}".encode()).hexdigest()[:16]
    folder = environment.get("AIMS_STAND_IN_ONCE")
    if folder and _count(Path(folder), mark) > int(environment.get("AIMS_STAND_IN_TIMES", "1")):
        return Mood()
    place = int(mark, 16) / 16.0**16
    for mood, part in _parsed(environment.get("AIMS_STAND_IN_MISBEHAVE", "")):
        if place < part:
            return mood
        place -= part
    return Mood()


def _parsed(text: str) -> list[tuple[Mood, float]]:
    found = []
    for entry in filter(None, text.split(",")):
        name, *numbers = entry.strip().split(":")
        if name not in MOODS:
            sys.exit(f"AIMS_STAND_IN_MISBEHAVE: {name!r} is none of {', '.join(MOODS)}")
        seconds = float(numbers.pop(0)) if name == "asleep" else 0.0
        found.append((Mood(name, seconds), float(numbers[0]) if numbers else 1.0))
    return found


def _count(folder: Path, mark: str) -> int:
    """Count this start; return how many there were with it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / mark).open("ab") as file:
        file.write(b".")
        return file.tell()


def begin(mood: Mood) -> None:
    """Do what comes before the first line of the output."""
    if mood.name == "launcher":
        complain("[proxy:0:0@node1] HYDU_create_process: execvp error on file aims.x (No such file or directory)")
        leave(127)
    time.sleep(mood.seconds)


def break_off(mood: Mood) -> NoReturn:
    """End in the middle of the output, or never."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if mood.name == "crash":
        complain(
            "Program received signal SIGSEGV: Segmentation fault - invalid memory reference.\n\n"
            "Backtrace for this error:\n#0  0x7f2a4c0d5d5f in ???\n#1  0x55d3c8a1b2c4 in ???"
        )
        _die_of(signal.SIGSEGV)
    if mood.name == "memory":
        complain(
            "slurmstepd: error: Detected 1 oom_kill event in StepId=4711.0. Some of the step tasks were OOM Killed."
        )
        complain("srun: error: node1: task 0: Out Of Memory")
        _die_of(signal.SIGKILL)
    if mood.name == "walltime":
        complain("slurmstepd: error: *** STEP 4711.0 ON node1 CANCELLED AT 2025-01-02T03:04:05 DUE TO TIME LIMIT ***")
        _die_of(signal.SIGTERM)
    if mood.name == "endless":
        _write_for_ever()
    if mood.name == "hang_hard":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mood.name in ("hang", "hang_hard"):
        while True:
            time.sleep(3600)
    leave(0)  # truncated


def complain(text: str) -> None:
    """Write to the standard error."""
    print(text, file=sys.stderr, flush=True)


def leave(status: int) -> NoReturn:
    """End at once."""
    sys.stdout.flush()
    os._exit(status)


def _write_for_ever() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python alone would ignore it
    lines = "  | Distance between centers 1 and 2:      1.39600000 AA\n" * 20_000
    for _ in range(ENOUGH // len(lines)):
        sys.stdout.write(lines)
        sys.stdout.flush()


def _die_of(number: int) -> NoReturn:
    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    time.sleep(60)
    os._exit(128 + number)
