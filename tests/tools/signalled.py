"""A run whose processes are killed and frozen at random, under ``genarris-fw run`` or plain ``rlaunch multi``.

The molecule, the procedures and all files are real: what is left is compared file by file, and structure by structure,
with an undisturbed run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from command import BIN, environment, start_program
from freezing import result
from leases import scaled
from pymongo import MongoClient

from genarris_fw.database.server import Server

DATA = Path(__file__).parents[1] / "data"
CONF = """\
[Genarris_master]
procedures = ["Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Remove_Duplicates", "Run_Rdf_Calc",
              "Affinity_Propagation_Fixed_Clusters", "Select_Structures"]
run_name = signals
seed = 7
lease_seconds = {lease}
molecule_path = molecule.in
Z = 4
[estimate_unit_cell_volume]
[pygenarris_structure_generation]
num_structures = {number}
space_groups = [14, 19, 33]
generation_mode = auto
rigid_press = True
num_replicas = 3
duplicate_tolerance = 0
output_dir = raw
[remove_duplicates]
num_replicas = 3
output_dir = unique
[run_rdf_calc]
num_replicas = 3
output_dir = rdf
[affinity_propagation_fixed_clusters]
num_of_clusters = 30
num_of_clusters_tolerance = 3
output_without_success = True
output_dir = clustered
output_format = json
exemplars_output_dir = exemplars
[select_structures]
most_diverse = 10
output_dir = selected
"""
RUN = "signals"
WORKERS = 3
MARK = "GENARRIS_FW_SIGNALLED"
WAYS = ("run", "multi")


class Signalled:
    """One run under signals.

    Parameters
    ----------
    folder : Path
        An empty folder for it.
    way : str
        ``run`` for ``genarris-fw run``, ``multi`` for plain ``rlaunch multi``.
    seed : int
        Of the choice of victims, signals and pauses.
    number : int
        How many structures are asked for.
    lease : float
        Seconds of a lease, before they are scaled (`leases`).
    pauses : (float, float)
        Least and largest pause between two signals, in seconds.
    """

    def __init__(
        self,
        folder: Path,
        way: str,
        seed: int,
        number: int = 250,
        lease: float = 3.0,
        pauses: tuple[float, float] = (0.3, 1.5),
    ) -> None:
        self.folder, self.way, self.lease, self.pauses = folder, way, scaled(lease), pauses
        self.chance = random.Random(seed)
        self.mark = f"{os.getpid()}-{folder.name}-{seed}"
        self.sent: Counter[str] = Counter()
        self.command: subprocess.Popen | None = None
        folder.mkdir(parents=True)
        (folder / "rockets").mkdir()
        shutil.copy(DATA / "generation_glycine.in", folder / "molecule.in")
        (folder / "ui.conf").write_text(CONF.format(lease=self.lease, number=number))
        self.environment = environment(**{MARK: self.mark})
        if way == "multi":
            self._call("db", "start")
            self._call("add", "ui.conf")
            uri = Server(folder).uri
            (folder / "rockets" / "my_launchpad.yaml").write_text(f"host: '{uri}'\nname: genarris\nuri_mode: true\n")

    def _call(self, *words: str) -> int:
        with (self.folder / "commands.log").open("ab") as log:
            command = start_program(
                "genarris-fw", *words, cwd=self.folder, env=environment(), stdout=log, stderr=subprocess.STDOUT
            )
            return command.wait()

    def _fill(self) -> None:
        """Start the command again where it has ended or was killed."""
        if self.command is not None and self.command.poll() is None:
            return
        if self.way == "run":
            words, place = ["genarris-fw", "run", "ui.conf", "--workers", str(WORKERS), "--quiet"], self.folder
        else:
            self._call("recover", RUN, "--grace", "5", "--no-wait")
            words = ["rlaunch", "-l", "my_launchpad.yaml", "multi", str(WORKERS), "--nlaunches", "0", "--sleep", "1"]
            place = self.folder / "rockets"
        with (self.folder / "commands.log").open("ab") as log:
            self.command = subprocess.Popen(
                [BIN / words[0], *words[1:]],
                cwd=place,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _over(self) -> bool:
        if self.way == "run":
            return self.command is not None and self.command.poll() in (0, 3, 4)
        with suppress(Exception), MongoClient(Server(self.folder).uri, serverSelectionTimeoutMS=2000) as client:
            record = client["genarris"].runs.find_one({"_id": RUN}, {"state": 1}) or {}
            return record.get("state") in ("finished", "failed")
        return False

    def _disturb(self) -> None:
        """Kill one process, or freeze one, some or all of them for longer than a lease."""
        living = marked(self.mark)
        if not living:
            return
        if self.chance.random() < 0.5:
            _send(self.chance.choice(living), signal.SIGKILL)
            self.sent["kill"] += 1
            return
        chosen = self.chance.sample(living, self.chance.choice([1, len(living), self.chance.randint(1, len(living))]))
        for pid in chosen:
            _send(pid, signal.SIGSTOP)
        time.sleep(self.lease + self.chance.choice([0, 1, 2, 9]))
        for pid in self.chance.sample(chosen, len(chosen)):
            _send(pid, signal.SIGCONT)
            time.sleep(self.chance.choice([0, 0, 0.2]))
        self.sent["freeze"] += 1

    def go(self, signals: int, seconds: float = 900) -> int:
        """Send so many signals, then let the run come to its end; return the command's exit code."""
        end = time.monotonic() + seconds
        while not self._over():
            assert time.monotonic() < end, (self.folder / "commands.log").read_text(errors="replace")[-3000:]
            self._fill()
            time.sleep(self.chance.uniform(*self.pauses))
            if sum(self.sent.values()) < signals:
                self._disturb()
            elif self.way == "multi":
                self._call("recover", RUN, "--grace", "5", "--no-wait")
        if self.way == "run":
            assert self.command is not None
            return int(self.command.wait())
        return 0

    def result(self) -> dict[str, Any]:
        """What the run has left, see `freezing.result`; the server is stopped after it."""
        self.close()
        with Server(self.folder).use() as uri, MongoClient(uri) as client:
            found = result(self.folder, client["genarris"], RUN)
        self._call("db", "stop", "--force")
        found["files"].pop("commands.log", None)
        return found

    def close(self) -> None:
        """End everything that is left of it."""
        for pid in marked(self.mark):
            _send(pid, signal.SIGKILL)
        if self.command is not None:
            self.command.wait()


def marked(mark: str) -> list[int]:
    """Return the processes that have this mark in their environment: nobody else's are touched."""
    return sorted(
        process.pid
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == mark and process.pid != os.getpid()
    )


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def undisturbed(folder: Path, number: int = 250, lease: float = 3.0) -> dict[str, Any]:
    """What a run leaves that nobody disturbs."""
    run = Signalled(folder, "run", 0, number, lease)
    try:
        assert run.go(0) == 0
        return run.result()
    finally:
        run.close()
