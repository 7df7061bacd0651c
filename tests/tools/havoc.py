"""Everything that can be killed is killed: rockets, replicas, heartbeats, ``genarris-fw run``, the database server."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from command import BIN, environment, urea_folder
from killing import Crowd, Farm, impatient, soak, survives
from sleepy import sleepy_workflow

from genarris_fw.database.server import Server
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.sides import add_workflows
from genarris_fw.options import load, options_hash
from genarris_fw.patience import patiently

# Who is hit how often. "path": whoever holds a plan or a gate; "worker": a replica that `genarris-fw run` started.
WEIGHTS = {"rocket": 5, "path": 3, "worker": 3, "heartbeat": 2, "run": 2, "server": 2}
NEVER_KILLED = 10**9


class Havoc(Crowd):
    """Rockets and a ``genarris-fw run`` that are kept up, and a server that is started again, whatever is killed.

    Parameters
    ----------
    farm : Farm
        Its folder is that of the server, and its run was added by `add`.
    server : Server
        In use by the caller.
    rockets, workers : int
        How many ``rlaunch`` processes, and workers of ``genarris-fw run``.
    seed : int
        Of the choice of victims.
    mercy : float, optional
        The part of all chances to kill that is left unused.
    """

    def __init__(self, farm: Farm, server: Server, rockets: int, workers: int, seed: int, mercy: float = 0.0) -> None:
        super().__init__(farm, rockets, seed)
        self.mercy = mercy
        self.server, self.workers = server, workers
        self.killed: Counter[str] = Counter()
        self.spared = self.chance.sample(list(WEIGHTS), len(WEIGHTS))  # each kind once, then as the weights say
        self.command: subprocess.Popen | None = None

    def add(self, **settings: Any) -> None:
        """Add a sleepy run under the name and the options of a ui.conf: ``genarris-fw run`` continues it."""
        conf = urea_folder(self.farm.folder, run=self.farm.run)
        workflow = sleepy_workflow(self.farm.run, self.farm.folder, **settings)
        workflow.metadata["options_hash"] = options_hash(load(conf))
        add_workflows(self.farm.launchpad, [workflow])

    def fill(self) -> None:
        super().fill()
        if self.command is not None and self.command.poll() is None:
            return
        words = [str(BIN / "genarris-fw"), "run", "ui.conf", "--workers", str(self.workers), "--quiet"]
        with (self.farm.folder / "command.output").open("ab") as output:
            self.command = subprocess.Popen(
                words,
                cwd=self.farm.folder,
                env=environment(GENARRIS_FW_ALLOW="sleepy.Sleepy"),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill_one(self) -> None:
        if self.chance.random() < self.mercy:
            return
        victims = self._victims()
        kind = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if spared := [kind for kind in self.spared if victims[kind]]:
            kind = spared[0]
        if not victims[kind]:  # none of them lives at this moment
            return
        victim = self.chance.choice(victims[kind])
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            self.kills += 1
            self.killed[kind] += 1
            self.spared = [other for other in self.spared if other != kind]
        if kind == "run":
            assert self.command is not None
            self.command.wait()
        if kind == "server":
            while self.server.running():
                time.sleep(0.02)
            self.server.start()

    def _victims(self) -> dict[str, list[int]]:
        """Return the processes that live now, by what they are."""
        rockets = sorted(process.pid for process in self.processes if process.is_alive())
        command = [self.command.pid] if self.command is not None and self.command.poll() is None else []
        workers = [child for pid in command for child in children(pid)]
        holders = self.farm.catalogue.leases.holders(self.farm.run)
        path = {int(lease["owner"].split(":")[-4]) for lease in holders if lease["role"] != "side"}
        return {
            "rocket": rockets,
            "worker": workers,
            "path": sorted(path & {*rockets, *workers}),
            "heartbeat": [child for pid in (*rockets, *workers) for child in children(pid)],
            "run": command,
            "server": [int(self.server.status()["pid"])],
        }

    def close(self) -> None:
        super().close()
        if self.command is not None:
            self.command.kill()  # its workers end with it
            self.command.wait()

    def output(self) -> str:
        """Return the last that ``genarris-fw run`` wrote."""
        return (self.farm.folder / "command.output").read_text(errors="replace")[-3000:]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []


@dataclass
class Verdict:
    """What was left of a run under kills.

    Attributes
    ----------
    items, kills : int
        How many items the run had, how many processes were killed.
    lost, twice : int
        Items without effect, and effects too many: documents of structures, and items in the replicas' tallies.
    equal : bool
        Whether every outcome, structure, pool and summary is that of the undisturbed run.
    collects, rockets : int
        How often a step was collected (at least once each), how many rockets were started.
    seconds : float
        How long it took.
    killed : dict
        Who was killed how often.
    """

    items: int
    kills: int
    lost: int
    twice: int
    equal: bool
    collects: int
    rockets: int
    seconds: float
    killed: dict[str, int]

    def good(self) -> bool:
        """Tell whether nothing was lost, nothing counted twice, and the result is the undisturbed one."""
        return self.lost == 0 and self.twice == 0 and self.equal

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers."""
        return asdict(self)


def facts(farm: Farm) -> dict[str, Any]:
    """Return what a run has to say, whoever did it and how often: summaries, outcomes, structures, pools."""
    summaries = farm.catalogue.runs.get(farm.run)["summaries"]
    fields = {"_id": 0, "struct_id": 1, "pools": 1, "properties": 1}
    structures = farm.catalogue.structures.collection.find({"run": farm.run}, fields).sort("struct_id", 1)
    outcomes = {
        step: [(record["key"], record["outcome"]) for record in farm.catalogue.work_items.outcomes(farm.run, step)]
        for step in summaries
    }
    return {"summaries": summaries, "outcomes": outcomes, "structures": list(structures)}


def undisturbed(uri: str, folder: Path, items: int, steps: int) -> dict[str, Any]:
    """Carry out the same run without kills in a database of its own; return its facts."""
    folder.mkdir()
    farm = Farm(uri, folder)
    try:
        farm.add(items=items, steps=steps, seconds=0.0, replicas=1)
        assert survives("launch", farm, NEVER_KILLED)
        farm.check(farm.catalogue.runs.get(farm.run), items=items, steps=steps)
        return facts(farm)
    finally:
        farm.launchpad.connection.drop_database(farm.launchpad.name)
        farm.close()


def disturbed(havoc: Havoc, truth: dict[str, Any], kills: int, patience: float = 3600.0, **settings: Any) -> Verdict:
    """Carry out a run while everything is killed; return what was left of it.

    Parameters
    ----------
    havoc : Havoc
        What kills.
    truth : dict
        The facts of the undisturbed run (`undisturbed`).
    kills : int
        After so many kills the rest of the run is left in peace.
    patience : float
        The run has to end within so many seconds.
    **settings
        Of the sleepy workflow; ``items`` and ``steps`` as in the undisturbed run.
    """
    farm, begun, before, rockets = havoc.farm, time.monotonic(), Counter(havoc.killed), havoc.started
    havoc.kills = 0
    havoc.add(**settings)
    with impatient(2.0):
        record = soak(farm, havoc, kills, patience)
    assert record["state"] == "finished", (record.get("failure"), havoc.output(), farm.outputs())
    took = time.monotonic() - begun
    havoc.close()
    with impatient():
        patiently(lambda: recover(farm.launchpad, farm.run, grace_seconds=0))
        again = recover(farm.launchpad, farm.run, grace_seconds=0)
    assert again == [], again
    farm.check_fireworks()
    items = settings["items"] * settings["steps"]
    found = facts(farm)
    done = sum(len({key for key, _ in outcomes}) for outcomes in found["outcomes"].values())
    tallied = sum(replica["done"] for replica in farm.launchpad.db["replicas"].find({"run": farm.run}))
    return Verdict(
        items=items,
        kills=havoc.kills,
        lost=items - min(done, len(found["structures"])),
        twice=max(0, len(found["structures"]) - items) + max(0, tallied - items),
        equal=found == truth,
        collects=farm.launchpad.db["collects"].count_documents({"run": farm.run}),
        rockets=havoc.started - rockets,
        seconds=round(took, 1),
        killed=dict(havoc.killed - before),
    )
