"""Mutated files of every kind that a command reads, each given to the command as a user would give it.

``mutants.py --uri URI [--seed N] [--number N] [--kinds a,b] [--first N]`` tries N mutants of each kind and prints the
faults. A mutant is a function of kind, seed and number alone: ``--kinds json --first 17 --number 1 --keep FOLDER``
makes one again and leaves it in the folder.

What is expected: an exit code that the documentation names, no traceback, no warning of Python's, no hang, no secret,
errors of one short printable line each, and nothing written beside the folder of the mutant.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mutant_kinds import KINDS, Place, Reader, Words, mutant
from mutant_seeds import SECRET
from small_run import RUN, fill

from genarris_fw.cli.main import main
from genarris_fw.errors import GenarrisError
from genarris_fw.farm.opening import open_database

SECONDS = 60.0  # of one command
CODES = (0, 2, 3, 4)
PREFIXES = ("genarris-fw: ", "note: ", "warning: ")
LONGEST_LINE, MOST_LINES = 1000, 400


class Hang(BaseException):
    """A command that does not come to its end."""


@dataclass
class Done:
    """What a command or reader did: its exit code, what it printed, what is wrong with that, and the time it took."""

    what: str
    code: int
    text: str
    faults: list[str]
    seconds: float


def attempt(step: Words | Reader) -> Done:
    """Do one of the tries of a mutant in this process and judge it."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=how) for how in ("strict", "backslashreplace"))
    faults: list[str] = []
    code = 0
    before = signal.signal(signal.SIGALRM, _give_up)
    began = time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(record=True) as said:
        for unseen in (ResourceWarning, DeprecationWarning, PendingDeprecationWarning):  # as a user does not see them
            warnings.simplefilter("ignore", unseen)
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            if callable(step):
                step()
            else:
                main([str(word) for word in step])
        except SystemExit as stop:
            code = int(stop.code or 0)
        except GenarrisError as error:
            code = 2
            sys.stderr.write(f"genarris-fw: {str(error)!a}\n")  # the command line shows what cannot be printed so
        except Hang:
            faults.append(f"not done in {SECONDS:g} s")
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    seconds = time.monotonic() - began
    printed = []
    for stream in (out, err):
        stream.flush()
        printed.append(stream.buffer.getvalue().decode("utf-8", "replace"))  # type: ignore[attr-defined]
    faults += [f"{warning.category.__name__}: {warning.message}" for warning in said]
    faults += _judged(code, *printed)
    return Done("reader" if callable(step) else " ".join(map(repr, step)), code, printed[1], faults, seconds)


def _give_up(*_: object) -> None:
    raise Hang


def _judged(code: int, out: str, err: str) -> list[str]:
    faults = [] if code in CODES else [f"exit code {code}"]
    lines = [line for line in err.split("\n") if line]
    if code == 2 and not lines:
        faults.append("exit code 2 without a word")
    if len(lines) > MOST_LINES:
        faults.append(f"{len(lines)} lines of errors")
    for line in lines:
        if not line.startswith(PREFIXES):
            faults.append(f"a line that is no message: {line[:200]!r}")
        elif len(line) > LONGEST_LINE:
            faults.append(f"a message of {len(line)} characters: {line[:100]!r}")
        elif not line.isprintable():
            faults.append(f"a message that is not printable: {line[:200]!r}")
    faults += [
        f"{sign}: {next(line for line in lines if sign in line)[:300]!r}"
        for sign in ("Traceback", "genarris-fw: unexpected ")
        if sign in err
    ]
    if SECRET in out + err:
        faults.append("the secret is printed")
    return faults


def prepare(uri: str) -> None:
    """Put a run into the database."""
    with open_database(Path(), uri) as opened:
        if opened.catalogue.runs.find(RUN) is None:
            fill(opened.catalogue, Path("/nowhere"))


def tried(kind: str, name: str, content: bytes, number: int, root: Path, uri: str) -> list[Done]:
    """Try a file in a folder of its own below `root` and return what was done; the folder is removed."""
    folder = root / "above" / "folder"  # so that ../../x is seen
    folder.mkdir(parents=True)
    place = Place(folder, f"{kind}-{number}", uri)
    here, done = Path.cwd(), []
    os.chdir(folder)
    try:
        place.write(name, content)
        for step in KINDS[kind].tries(place, name):
            done.append(attempt(step))
            if done[-1].code or done[-1].faults:
                break
    finally:
        os.chdir(here)
        shutil.rmtree(folder)
    beside = [path.name for path in root.rglob("*") if path != folder.parent]
    if beside:
        done[-1].faults.append(f"written beside the folder: {beside}")
    return done


def try_all(
    kinds: list[str], seed: int, numbers: range, uri: str, report: Callable[[str, int, list[Done]], None]
) -> None:
    """Try mutants of each kind with these numbers."""
    prepare(uri)
    with tempfile.TemporaryDirectory() as root:
        for number in numbers:
            for kind in kinds:
                report(kind, number, tried(kind, *mutant(kind, seed, number), number, Path(root), uri))


def command() -> int:
    parser = argparse.ArgumentParser(description="Try mutants and print the faults.")
    parser.add_argument("--uri", required=True)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--number", type=int, default=10)
    parser.add_argument("--say", action="store_true", help="print what each command says")
    parser.add_argument("--keep", type=Path, default=None, help="only write the mutants, into this folder")
    given = parser.parse_args()
    kinds, numbers = given.kinds.split(","), range(given.first, given.first + given.number)
    if given.keep:
        return _keep(given.keep, kinds, given.seed, numbers)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, resource.RLIM_INFINITY))
    counts = {kind: [0, 0, 0, 0.0] for kind in kinds}  # mutants, accepted, faults, the longest time

    def report(kind: str, number: int, done: list[Done]) -> None:
        faulthandler.dump_traceback_later(4 * SECONDS, exit=True)
        wrong = [fault for step in done for fault in step.faults]
        longest = max((step.seconds for step in done), default=0.0)
        count = counts[kind]
        count[0] += 1
        count[1] += not wrong and all(step.code == 0 for step in done)
        count[2] += bool(wrong)
        count[3] = max(count[3], longest)
        for step in done:
            if given.say:
                print(f"{kind} {number}: {step.what}: {step.code} {step.text.strip()}", flush=True)
            if step.faults or step.seconds > 10:
                print(f"{kind} {number}: {step.what[:160]} ({step.seconds:.1f} s): {step.faults}", flush=True)

    try_all(kinds, given.seed, numbers, given.uri, report)
    for kind, (number, accepted, faults, longest) in counts.items():
        print(f"total {kind}: {number} mutants, {accepted} accepted, {faults} faults, {longest:.1f} s the longest")
    return 1 if any(count[2] for count in counts.values()) else 0


def _keep(folder: Path, kinds: list[str], seed: int, numbers: range) -> int:
    for kind in kinds:
        for number in numbers:
            Place(folder / f"{kind}_{number}", "", "").write(*mutant(kind, seed, number))
    return 0


if __name__ == "__main__":
    sys.exit(command())
