"""Why a run of Elk failed: the class of failure, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

from genarris_fw.engines.lapw.elk_output import LOOP_STOPPED, PROGRAM_OUTPUT, VERSION, loops_done
from genarris_fw.engines.programs.process import NOT_EXECUTABLE, NOT_FOUND, Ended
from genarris_fw.errors import EngineError

ERROR = re.compile(r"^\s*Error\((\w+)\):? ?(.*)$", re.MULTILINE)
# Routines that fail when the radial functions or plane waves are linearly dependent ...
OF_THE_BASIS = {"match", "genapwfr", "genlofr", "eveqnfvr", "eveqnfvz", "eveqnzg", "eveqnzh", "zminv"}
# ... unless the loop was running for a while, and then ran away.
LOOPS_OF_A_SOUND_BASIS = 3
# Eigenvalues far below every energy of the basis belong to no electron. Elk goes on, and may even converge.
GHOST = "minimum eigenvalue less than minimum linearisation energy"
LOOPS_WITH_GHOSTS = 3
OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate|allocation would exceed|insufficient virtual memory", re.I)
KILLED, FILE_TOO_LARGE = 137, 153
TAIL = 2000
DEPENDENT = "the basis is linearly dependent: lower rkmax, or take other muffin-tin radii"
INSTALL = (
    "install Elk: apt-get install elk-lapw (Debian, Ubuntu), or build it from elk.sourceforge.io, and name the "
    "program in lapw_command"
)


def refuse_failed_run(ended: Ended, folder: Path, command: str, name: str) -> None:
    """Raise what a run's end and output say went wrong, if anything did.

    Elk ends with status 0 after an error of its own too: what it wrote decides.

    Raises
    ------
    EngineError
        Of the class of failure.
    """
    output = _read(folder / PROGRAM_OUTPUT) + _read(folder / f"{PROGRAM_OUTPUT}.err")
    info = _read(folder / "INFO.OUT")
    refuse_ghosts(folder, name)
    found = _failure(ended, output, info, command)
    if found is not None:
        kind, permanent, words = found
        raise EngineError(f"{name}: {words}", kind, permanent, str(folder), output[-TAIL:])


def refuse_ghosts(folder: Path, name: str) -> None:
    """Refuse a run, going on or ended, whose electrons sit in states that are none.

    Raises
    ------
    EngineError
        Kind ``input``, permanent.
    """
    output = _read(folder / PROGRAM_OUTPUT)
    if output.count(GHOST) > LOOPS_WITH_GHOSTS:
        words = f"{name}: Elk finds ghost states far below all bands; {DEPENDENT}"
        raise EngineError(words, "input", True, str(folder), output[-TAIL:])


def _failure(ended: Ended, output: str, info: str, command: str) -> tuple[str, bool, str] | None:
    loops = loops_done(info)
    if ended.stopped in ("deadline", "stopped"):
        return "walltime", False, f"Elk was stopped in loop {loops} ({ended.stopped})"
    if ended.stopped == "silent":
        return "hang", False, f"Elk gave no sign of life and was ended in loop {loops}; setting 'silence' is the limit"
    if ended.stopped == "size" or ended.status == FILE_TOO_LARGE:
        return "output", False, "Elk's files grew too large; setting 'max_gigabytes' is the limit"
    if ended.status in (NOT_FOUND, NOT_EXECUTABLE) and not VERSION.search(output):
        return "missing", True, f"'{command}' cannot be started; {INSTALL}"
    error = ERROR.search(output)
    if error:
        return _own_error(error[1], " ".join(error[2].split()), loops)
    if OUT_OF_MEMORY.search(output) or ended.status == KILLED:
        return "memory", False, f"Elk ran out of memory in loop {loops}; use more cores per structure or smaller rkmax"
    if not VERSION.search(output):
        return "launcher", False, f"'{command}' ended with status {ended.status} before Elk began"
    if ended.status or LOOP_STOPPED not in info:
        return "crash", False, f"Elk ended with status {ended.status} in loop {loops}, its output is not whole"
    return None


def _own_error(routine: str, words: str, loops: int) -> tuple[str, bool, str]:
    """Classify an error message of Elk's."""
    said = f"Elk says: {words or 'error'} ({routine})"
    if routine in OF_THE_BASIS and loops <= LOOPS_OF_A_SOUND_BASIS:
        return "input", True, f"{said}; {DEPENDENT}"
    if routine in OF_THE_BASIS or routine.startswith("mix"):
        return "scf", True, f"{said}; the self-consistent loop ran away in loop {loops}"
    return "input", True, said


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
