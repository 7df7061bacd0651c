"""Trying an engine on a few structures: single points in a folder that is thrown away.

Away from MPI a trial is a process of its own, so that a time limit and Ctrl-C hold whatever the engine does:
``python -m genarris_fw.trials.trial trial.json`` reads its orders and leaves ``result.json``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.crystal import Structure
from genarris_fw.engines import Context, Engine, get
from genarris_fw.engines.programs.process import Ended, Limits, run
from genarris_fw.errors import GenarrisError

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

ORDERS, RESULT, OUTPUT = "trial.json", "result.json", "output.txt"
# Between asking a trial to end and ending it (s).
GRACE = 5.0
# What an engine may write that has no limit of its own, and for how many evaluations there is room.
GIGABYTES, ROOM = 20.0, 4
# A first evaluation that takes less (s) may be mostly loading.
SHORT = 5.0
MORE_TIME = "give it more time with --engine-time, more cores, or leave the trial out with --no-engine-test"
# Exit status of a process that signal 9 ended: nearly always the kernel, for want of memory.
KILLED = 128 + 9


@dataclass(frozen=True)
class Trial:
    """An engine, its settings, and what it is tried on.

    Attributes
    ----------
    engine : str
        Its name.
    settings : mapping
        Plain values.
    structures : sequence of Structure
        Evaluated one after the other, each with its ``struct_id`` as the name of its folder.
    cores : int
        Of each evaluation.
    """

    engine: str
    settings: Mapping[str, Any]
    structures: Sequence[Structure]
    cores: int = 1


@dataclass
class Tried:
    """How a trial went.

    Attributes
    ----------
    version : str
        Of the program or library; empty where the engine could not even be made.
    points : list of dict
        Of each structure that was evaluated: ``struct_id``, ``atoms``, ``energy`` (eV per cell), ``seconds``,
        ``converged``.
    kind, error : str
        The class and the words of the failure that ended the trial; empty where there was none.
    over_mpi : bool
        Nothing was tried: the engine is driven over MPI, and there was no communicator.
    """

    version: str = ""
    points: list[dict[str, Any]] = field(default_factory=list)
    kind: str = ""
    error: str = ""
    over_mpi: bool = False


def wants_communicator(trial: Trial) -> bool:
    """Return whether the engine is driven over MPI; False where it cannot be made, which the trial reports."""
    try:
        return get(trial.engine, **trial.settings).wants_communicator
    except Exception:
        return False


def carry_out(trial: Trial, folder: Path, deadline: float, communicator: Comm | None = None) -> Tried:
    """Try an engine in this process.

    Parameters
    ----------
    trial : Trial
        What to try.
    folder : Path
        For what the engine writes.
    deadline : float
        Unix time at which it should have ended; engines that compute in this process look at it only in between.
    communicator : mpi4py.MPI.Comm, optional
        Every rank of it has to make this call.

    Returns
    -------
    Tried
        Failures are in it, not raised.
    """
    tried = Tried()
    try:
        engine = get(trial.engine, **trial.settings)
        tried.version = engine.version
        tried.over_mpi = communicator is None and engine.wants_communicator
        if tried.over_mpi:
            return tried
        for structure in trial.structures:
            context = Context(folder / structure.struct_id, trial.cores, communicator, deadline)
            tried.points.append(_point(engine, structure, context, again=not tried.points))
    except GenarrisError as error:
        # What a user wrote (InputError) is the engine's class "input".
        tried.kind, tried.error = getattr(error, "kind", "input"), " ".join(str(error).split())
    return tried


def _point(engine: Engine, structure: Structure, context: Context, again: bool) -> dict[str, Any]:
    """Evaluate a structure; a short first evaluation again, for it may have loaded what the next ones find loaded."""
    began = time.perf_counter()
    evaluation = engine.evaluate(structure, relax=False, context=context)
    seconds = time.perf_counter() - began
    if again and context.communicator is None and seconds < SHORT and context.stop_reason(seconds) is None:
        began = time.perf_counter()
        engine.evaluate(
            structure,
            relax=False,
            context=replace(context, folder=None if context.folder is None else context.folder / "again"),
        )
        seconds = min(seconds, time.perf_counter() - began)
    return {
        "struct_id": structure.struct_id,
        "atoms": len(structure),
        "energy": float(evaluation.energy),
        "seconds": seconds,
        "converged": bool(evaluation.converged),
    }


def carry_out_apart(trial: Trial, seconds: float, near: Path) -> Tried:
    """Try an engine in a process of its own, which ends with the time limit, Ctrl-C, or this process.

    Parameters
    ----------
    trial : Trial
        What to try.
    seconds : float
        The time limit.
    near : Path
        The folder in which the one for the trial is made; it is removed afterwards.

    Returns
    -------
    Tried
        Failures are in it, not raised.
    """
    with throwaway_folder(near) as folder:
        orders = {
            "engine": trial.engine,
            "settings": dict(trial.settings),
            "structures": [structure.to_dict() for structure in trial.structures],
            "cores": trial.cores,
            "deadline": time.time() + seconds,
        }
        (folder / ORDERS).write_text(json.dumps(orders))
        command = [sys.executable, "-m", __name__, ORDERS]
        # The engine has its own deadline, and some seconds more to keep it and to say so; and its own limit.
        limits = Limits(gigabytes=ROOM * float(trial.settings.get("max_gigabytes") or GIGABYTES), grace=GRACE)
        ended = run(command, folder, OUTPUT, Context(deadline=time.time() + seconds + GRACE), limits)
        return _result(folder) or _without_result(ended, folder, seconds, limits)


@contextmanager
def throwaway_folder(near: Path) -> Iterator[Path]:
    """A folder that is gone afterwards: in another one, which a launcher's nodes see, or where that cannot be written
    wherever temporary files go.
    """
    place = near if os.access(near, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".genarris_fw_trial_", dir=place, ignore_cleanup_errors=True) as name:
        yield Path(name)


def _result(folder: Path) -> Tried | None:
    try:
        return Tried(**json.loads((folder / RESULT).read_text()))
    except (OSError, ValueError):
        return None


def _without_result(ended: Ended, folder: Path, seconds: float, limits: Limits) -> Tried:
    """Say why a trial's process has left no result."""
    if ended.stopped == "deadline":
        return Tried(kind="walltime", error=f"no energy within {seconds:.0f} s; {MORE_TIME}")
    if ended.stopped == "size":
        words = f"its files are larger than {limits.gigabytes:g} GB"
        return Tried(kind="output", error=f"{words}; look at what its settings make it write")
    if ended.status == KILLED:
        words = "the trial was killed, most likely for want of memory"
        return Tried(kind="memory", error=f"{words}; give it more, or take a smaller method")
    words = f"the trial ended with status {ended.status}{_last_words(folder)}"
    return Tried(kind="crash", error=f"{words}; try the engine on its own, in a folder of its own")


def _last_words(folder: Path) -> str:
    """The last line of what a trial printed, to go behind a message."""
    for name in (f"{OUTPUT}.err", OUTPUT):
        try:
            lines = (folder / name).read_text(errors="replace").split("\n")
        except OSError:
            continue
        for line in reversed(lines):
            if line.strip():
                return f": {line.strip()[:200]}"
    return ""


def main(orders: Path) -> None:
    """Carry out the orders in a file, and leave the result in the folder that this process runs in."""
    record = json.loads(orders.read_text())
    structures = [Structure.from_dict(entry) for entry in record["structures"]]
    trial = Trial(record["engine"], record["settings"], structures, record["cores"])
    try:
        tried = carry_out(trial, Path.cwd(), record["deadline"])
    except (Exception, SystemExit) as error:  # whatever a program brought from elsewhere raises
        tried = Tried(kind="crash", error=f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    Path(RESULT).write_text(json.dumps(vars(tried)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
