"""Rockets on this machine: starts workers for a run, watches them, and repairs what dead ones leave."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.farm.allow_list import refused
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.fireworks.names import ARCHIVED, BEGIN, COMPLETED, FINISH
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.walltime import listening, of_this_process

RECOVER_EVERY = 3.0
LOOK_EVERY = 0.5
# How long workers may take to end by themselves when the run is over: the last one tells FireWorks so.
SECONDS_TO_END = 10.0
MOST_RESTARTS = 20
# Between two fireworks none may be ready for a moment; longer than this, nothing will come.
STANDSTILL_SECONDS = 45.0
# What wakes fireworks that somebody has put to rest.
_WOKEN_BY = {"DEFUSED": "reignite_fws", "PAUSED": "resume_fws"}


class Rockets:
    """Workers of one run as processes of this command.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run's fireworks are.
    run : str
        Name of the run.
    folder : Path
        The run's folder; rockets work in ``.genarris_fw/`` in it.
    workers : int
        How many processes.
    keep_open : tuple of int
        File descriptors the workers inherit: the lock that keeps an embedded server alive.
    """

    def __init__(
        self, launchpad: LaunchPad, run: str, folder: Path, workers: int, keep_open: tuple[int, ...] = ()
    ) -> None:
        self.launchpad = launchpad
        self.catalogue = Catalogue(launchpad.db)
        self.run = run
        self.place = folder / ".genarris_fw"
        self.workers = workers
        self.keep_open = keep_open
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self.walltime = of_this_process()
        self._restarts = 0
        self._finished = False
        self._still_since = time.monotonic()

    def __enter__(self) -> Rockets:
        """Start the workers."""
        self.place.mkdir(parents=True, exist_ok=True)
        self._begun_in = self.place.stat()
        for number in range(self.workers):
            self._processes[number] = self._start(number)
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers, by force where they do not go, and mend what a finished run's left behind."""
        try:
            self._end_workers()
        except KeyboardInterrupt:  # Ctrl-C again: at once, which loses nothing that was acknowledged
            for process in self._processes.values():
                process.kill()
            raise
        if self._finished:
            recover(self.launchpad, self.run)  # workers that were killed may have left side replicas RUNNING

    def _end_workers(self) -> None:
        """Ask the workers to end, then tell them to, then end them."""
        for process in self._processes.values():
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
        patience = SECONDS_TO_END if self._finished else self.walltime.grace() if self.walltime.ending() else 0.0
        end = time.monotonic() + patience
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.0, end - time.monotonic()))
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, number: int) -> subprocess.Popen[str]:
        place = self.place / f"worker-{number}"
        message = {
            "run": self.run,
            "launchpad": self.launchpad.to_dict(),
            "name": f"worker-{number}",
            "place": str(place),
            "parent": os.getpid(),
        }
        with (self.place / f"worker-{number}.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "genarris_fw.farm.launch.worker"],
                # Python imports from the folder where it starts: never from a clone without built kernels.
                cwd=self.place,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                text=True,
                pass_fds=self.keep_open,
                # One thread a worker: engines and linear algebra gain little from more, and cores are shared.
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TQDM_DISABLE": "1"},
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died already, which is seen at the next look
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        return process

    def watch(self, look: Callable[[RunDocument], None]) -> RunDocument:
        """Wait until the run is over; return its document.

        Parameters
        ----------
        look : callable
            Called about twice a second with the run's document (empty before the run has begun).

        Raises
        ------
        RunFailed
            When workers die again and again.
        KeyboardInterrupt
            When the end of the allocation is near.
        """
        with listening(self.walltime):
            return self._watch(look)

    def _refuse_hostile(self) -> None:
        """Stop when a firework of the run is there that our rockets do not execute."""
        if hostile := refused(self.launchpad, self.run):
            raise RunFailed(hostile[0])

    def _watch(self, look: Callable[[RunDocument], None]) -> RunDocument:
        self._refuse_hostile()
        recovered = time.monotonic()
        while True:
            self._refuse_vanished_folder()
            record = self.catalogue.runs.find(self.run) or {}
            look(record)
            if record.get("state") in ("finished", "failed"):
                self._finished = record["state"] == "finished"
                return record
            self._refuse_deleted(record)
            self._refuse_fizzled_begin(record)
            self._refuse_standstill()
            if self.walltime.ending():
                raise KeyboardInterrupt
            if time.monotonic() - recovered > RECOVER_EVERY:
                recover(self.launchpad, self.run)
                self._refuse_hostile()
                recovered = time.monotonic()
            self._restart_dead()
            time.sleep(LOOK_EVERY)

    def _refuse_vanished_folder(self) -> None:
        """Stop when the run's folder was removed, or moved, while it is worked in."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self.place.stat(), self._begun_in):
                return
        raise InputError(
            f"{self.place.parent}: the run's folder is gone, removed or moved while the run went on: "
            "put it back, or run its ui.conf where it is now"
        )

    def _refuse_deleted(self, record: RunDocument) -> None:
        """Stop when somebody deleted or archived the run's workflow: no rocket would be told of its next step."""
        if workflows.chain(self.launchpad.db, self.run) is not None:
            return
        if self.catalogue.runs.state(self.run) in ("finished", "failed"):
            return  # over since the last look: then it may go
        done = "what is done is in the database" if record else "nothing of it had begun"
        raise RunFailed(
            f"run '{self.run}': its workflow was deleted or archived on the LaunchPad while it went on; {done}: "
            "run the same command again to add it anew and go on"
        )

    def _refuse_standstill(self) -> None:
        """Stop when no firework of the run can be worked on, and recovery has not changed that."""
        if documents.anything_alive(self.launchpad.db, self.run):
            self._still_since = time.monotonic()
        elif time.monotonic() - self._still_since > STANDSTILL_SECONDS:
            states = {*documents.states_of_run(self.launchpad.db, self.run).values()} - {COMPLETED, ARCHIVED}
            known = [state for state in _WOKEN_BY if state in states]
            query = f'{{"spec.run": "{self.run}", "state": "%s"}}'
            wake = " and ".join(f"`lpad {_WOKEN_BY[state]} -q '{query % state}'`" for state in known)
            todo = f"wake them with {wake} and run the same command again; " if known else ""
            raise RunFailed(
                f"run '{self.run}' stands still: none of its fireworks is ready or running, some are "
                f"{' and '.join(sorted(states)) or 'gone'}; {todo}see {self.place}/worker-0.log{self._last_words()}"
            )

    def _last_words(self) -> str:
        """Return the last line that a worker wrote, in brackets."""
        logs = [path.read_text(errors="replace").strip() for path in self.place.glob("worker-*.log")]
        lines = [text.splitlines()[-1][:300] for text in logs if text]
        return f" ({lines[-1]})" if lines else ""

    def _restart_dead(self) -> None:
        for number, process in self._processes.items():
            if process.poll() is None:
                continue
            self._restarts += 1
            if self._restarts > MOST_RESTARTS:
                raise RunFailed(
                    f"run '{self.run}': its workers died {self._restarts} times, so this command gives up; "
                    f"see why in {self.place}/worker-{number}.log{self._last_words()}, mend that, and run the same "
                    "command again: it goes on from what is done"
                )
            self._processes[number] = self._start(number)

    def _refuse_fizzled_begin(self, record: RunDocument) -> None:
        """Stop when the run's first or last firework failed, which no procedure's summary would tell."""
        # Where the run is there, a begin that failed is that of a second workflow of the same name.
        names = [FINISH] if record else [BEGIN, FINISH]
        for firework in documents.given_up(self.launchpad.db, self.run, names):
            raise RunFailed(
                f"firework {firework.fw_id} ({firework.name}) of run '{self.run}' failed; "
                f"see {self.place}/worker-0.log, or lpad get_fws -i {firework.fw_id} -d all"
            )
