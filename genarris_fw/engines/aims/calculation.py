"""One FHI-aims calculation from its input to a checked result: attempts, checkpoints, and why one failed."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.aims.failures import BEGINNING, END, diagnose
from genarris_fw.engines.aims.job import CONTROL, GEOMETRY, NEXT_STEP, AimsJob, read_geometry
from genarris_fw.engines.aims.launching import ERRORS, OUTPUT, Launch
from genarris_fw.engines.aims.output import AimsOutput, parse_output, repeated_input
from genarris_fw.engines.aims.place import Place, unwritable
from genarris_fw.engines.base import Context
from genarris_fw.engines.checks import refuse_not_finite
from genarris_fw.engines.programs.process import NOT_EXECUTABLE, NOT_FOUND, Ended
from genarris_fw.errors import EngineError

# Å; FHI-aims prints eight decimals.
SAME_PLACE = 1e-6
_TAIL = 4000
_PART = 1_000_000
# Bytes; no output of one calculation is as long, and memory is for other things.
LARGEST_OUTPUT = 500_000_000
_PERMANENT = ("input", "scf", "relaxation")
# What an exit status says (128 + n: signal n), where the output says nothing.
_BY_STATUS = {
    NOT_EXECUTABLE: "launcher",
    NOT_FOUND: "launcher",
    128 + signal.SIGKILL: "memory",
    128 + signal.SIGTERM: "walltime",
    128 + signal.SIGXFSZ: "output",
}
_BY_STOP = {"deadline": "walltime", "stopped": "walltime", "silent": "hang", "size": "output"}
_ADVICE = {
    "input": "FHI-aims does not accept the input; correct control.in",
    "scf": "the self-consistent cycle did not converge; try auto_correct = true, or other mixing in control.in",
    "relaxation": "the relaxation did not converge; raise max_restarts, or look at the last geometry",
    "walltime": "the time was over before it ended; give it more time",
    "memory": "the memory did not suffice (or the system killed it); use more nodes or fewer replicas on each",
    "launcher": "FHI-aims did not start; correct aims_command",
    "hang": "FHI-aims was silent for too long and was ended; raise 'silence' if it only needs longer",
    "output": "FHI-aims wrote more than max_gigabytes or the disk allows; look at the 'output' lines of control.in",
    "crash": "FHI-aims crashed; look at the end of its output",
}


class Calculation:
    """The attempts at one job.

    Parameters
    ----------
    launch : callable
        Runs FHI-aims in a folder.
    place : Place
        The folders.
    context : Context
        Limits and checkpoint.
    """

    def __init__(self, launch: Launch, place: Place, context: Context) -> None:
        self._launch, self._place, self._context = launch, place, context
        self.status: int | None = None
        self.steps = 0

    def finished_before(self, job: AimsJob) -> AimsOutput | None:
        """Return the result that an earlier, lost replica has left of the very same input, if it is whole."""
        folder = self._place.results
        if folder is None or not job.began_in(folder):
            return None
        try:
            output = parse_output(folder / OUTPUT)
            self._check(job, output, read_geometry(folder / GEOMETRY, job.structure))
        except EngineError:
            return None
        repeated = repeated_input(_text(folder / OUTPUT), CONTROL) or ""
        return output if repeated.split() == _text(folder / CONTROL).split() else None

    def go_on(self, job: AimsJob) -> bool:
        """Take over what an earlier attempt at the same relaxation has come to, if there is something.

        With its Hessian; but not where the checkpoint that the job starts from is another geometry: then the attempt
        of which it tells has left nothing here.
        """
        folder = self._place.results
        if folder is None or not job.relax or not job.began_in(folder):
            return False
        reached = read_geometry(folder / NEXT_STEP, job.structure)
        if job.structure is not job.first and (reached is None or not _same_geometry(job.structure, reached)):
            return False
        return job.go_on_from(folder)

    def attempt(self, job: AimsJob) -> AimsOutput:
        """Run FHI-aims once.

        Raises
        ------
        EngineError
            Unless everything that is wanted was reached; its kind names the class of failure.
        """
        reason = self._context.stop_reason()
        if reason:
            job.must_end = True
            raise EngineError(f"{job.name}: {reason} before FHI-aims began", kind="walltime")
        if job.attempts:
            self._place.keep_output_of(job.attempts)
        job.attempts += 1
        folder = self._place.new_attempt()
        finished = False
        try:
            output = self._run(job, folder)
            finished = True
            return output
        except EngineError as failure:
            failure.folder = str(self._place.results or "")
            failure.output = failure.output or _tails(folder)
            if not job.go_on_from(folder):
                with suppress(OSError):
                    job.write_reached(folder)
            raise
        finally:
            self._place.publish(folder, finished)

    def _run(self, job: AimsJob, folder: Path) -> AimsOutput:
        try:
            job.write(folder)
        except OSError as error:
            raise unwritable(folder, error) from None
        watcher = _Watcher(folder / NEXT_STEP, job.structure, self._context)
        ended: Ended | None = None
        try:
            ended = self._launch(folder, self._context, watcher.look if job.relax else _nothing)
        finally:
            if job.relax:
                watcher.look()
        self.status = None if ended is None else ended.status
        job.must_end = ended is not None and ended.stopped in ("deadline", "stopped")
        try:
            if _size(folder / OUTPUT) > LARGEST_OUTPUT:
                raise _refused(job, "output")
            output = parse_output(folder / OUTPUT)
        except EngineError as error:
            raise _failure(job, folder, ended, error) from None
        self.steps += output.relaxation_steps
        self._check(job, output, job.structure)
        return output

    def _check(self, job: AimsJob, output: AimsOutput, sent: Structure | None) -> None:
        """Refuse a whole output that is not of this input, or has not reached what was wanted."""
        if sent is None or not _same_geometry(sent, output.sent):
            raise EngineError(
                f"{job.name}: FHI-aims computed another geometry than the one it was sent; look for what changes "
                "geometry.in on the way",
                kind="input",
            )
        if output.structure.species != output.sent.species:
            raise EngineError(f"{job.name}: the geometry that the output ends with is of other atoms", kind="crash")
        if not output.scf_converged:
            raise _refused(job, "scf")
        if job.relax and output.relaxation_converged is not True:
            raise _refused(job, "relaxation")
        if output.energy is None:
            raise _refused(job, "crash")
        refuse_not_finite(job.name, output.energy, output.forces, output.stress)


class _Watcher:
    """Passes the geometries of a relaxation on as checkpoints."""

    def __init__(self, path: Path, start: Structure, context: Context) -> None:
        self._path, self._start, self._checkpoint = path, start, context.checkpoint
        self._seen = 0

    def look(self) -> None:
        if self._checkpoint is None:
            return
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError:
            return
        reached = read_geometry(self._path, self._start) if changed != self._seen else None
        if reached is not None:
            self._seen = changed
            self._checkpoint(reached)


def _nothing() -> None:
    pass


def _same_geometry(one: Structure, other: Structure) -> bool:
    if one.species != other.species or (one.lattice is None) != (other.lattice is None):
        return False
    pairs = [(one.positions, other.positions)]
    if one.lattice is not None and other.lattice is not None:
        pairs.append((one.lattice, other.lattice))
    return all(np.allclose(a, b, rtol=0.0, atol=SAME_PLACE) for a, b in pairs)


def _refused(job: AimsJob, kind: str, told: Sequence[str] = ()) -> EngineError:
    words = f" ({', '.join(told)})" if told else ""
    return EngineError(f"{job.name}: {_ADVICE[kind]}{words}", kind=kind, permanent=kind in _PERMANENT)


def _failure(job: AimsJob, folder: Path, ended: Ended | None, parsing: EngineError) -> EngineError:
    """The failure of an attempt whose output is not whole: by why we ended it, what was said, how it ended."""
    text, errors = _text(folder / OUTPUT), _text(folder / ERRORS)
    if ended is not None and ended.stopped is not None:
        return _refused(job, _BY_STOP[ended.stopped])
    if parsing.kind == "output":
        return parsing
    status = ended.status if ended is not None else 0
    if not status and BEGINNING in text and END in text:
        # The folder of the attempt is gone when this is read.
        plainly = str(parsing).replace(f"{folder / OUTPUT}", OUTPUT)
        return EngineError(f"{job.name}: {plainly}", kind=parsing.kind)
    kind, line = diagnose(text, errors)
    if kind in ("crash", "launcher") and _BY_STATUS.get(status, kind) != kind:
        kind, line = _BY_STATUS[status], ""  # the last line tells nothing of this
    told = [line] if line else []
    return _refused(job, kind, [*told, f"exit status {status}"] if status else told)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _text(path: Path) -> str:
    """The text of a file; of a large one its beginning and its end."""
    try:
        with path.open("rb") as file:
            text = file.read(_PART)
            file.seek(max(file.tell(), path.stat().st_size - _PART))
            return (text + file.read()).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _tails(folder: Path) -> str:
    parts = (_text(folder / name)[-_TAIL:] for name in (OUTPUT, ERRORS))
    return "\n".join(part for part in parts if part.strip())
