"""Rockets that are killed: plain ``rlaunch`` processes, and ones that die just before a chosen write."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command import Started, python_path, start_program
from fireworks import FWorker, LaunchPad
from fireworks.core.rocket_launcher import launch_rocket
from pymongo import monitoring
from sleepy import hold, let_go, sleepy_workflow
from waiting import wait_until

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import launchpad as open_launchpad
from genarris_fw.database.launchpads import prepare
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.repair.retrying import retry_run
from genarris_fw.farm.sides import add_workflows
from genarris_fw.walltime import Walltime

ITEMS, SECONDS = 60, 0.05
TOOLS = Path(__file__).parent


def expected(items: int) -> dict[str, int]:
    """Return the summary of an undisturbed sleepy step."""
    return {"items": items, "sum": sum(i * i for i in range(items)), "failed": 0}


def process_of(owner: str) -> int:
    """Return the process that an owner's name means."""
    return int(owner.split(":")[-4])


class Farm:
    """A LaunchPad with one sleepy run, and plain ``rlaunch`` processes for it."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder = uri, folder
        self.launchpad = open_launchpad(uri)
        prepare(self.launchpad)
        self.catalogue = Catalogue(self.launchpad.db)
        self.run = "nap"
        self.config = folder / "my_launchpad.yaml"
        name = self.launchpad.name
        self.config.write_text(f"host: '{uri}'\nname: {name}\nuri_mode: true\n")
        self.processes: list[Started] = []

    def add(self, **settings: object) -> None:
        add_workflows(self.launchpad, [sleepy_workflow(self.run, self.folder, **settings)])

    def rlaunch(self, *words: str, truly: bool = False) -> Started:
        place = self.folder / f"rockets-{len(self.processes)}"
        place.mkdir()
        arguments = words or ("rapidfire", "--nlaunches", "0", "--sleep", "1")
        with (place / "output").open("wb") as output:
            process = start_program(
                *("rlaunch", "-l", str(self.config), *arguments),
                cwd=place,
                env={**os.environ, "PYTHONPATH": python_path(TOOLS)},
                stdout=output,
                stderr=subprocess.STDOUT,
                truly=truly,
            )
        self.processes.append(process)
        return process

    def rockets(self, number: int, truly: bool = False) -> list[Started]:
        """Start rockets, all but the first when the run's first gate is at work.

        One that looks between two fireworks of the path, where none is ready, takes the run for over and ends: that is
        FireWorks' way with ``--nlaunches 0``.
        """
        first = self.rlaunch(truly=truly)
        self.wait_for_gate()
        return [first, *(self.rlaunch(truly=truly) for _ in range(number - 1))]

    def wait_for_gate(self) -> None:
        """Wait until the first step is planned and its gate was taken."""
        gate = {"run": self.run, "step": "sleepy_0", "role": "gate", "token": {"$gt": 0}}
        wait_until(lambda: self.catalogue.leases.collection.find_one(gate), said=self.outputs)

    def hold(self, after: int = 1) -> None:
        """Let the run's items wait once so many are done, until `let_go`: it is not over while a test looks."""
        hold(self.folder, after)

    def let_go(self) -> None:
        let_go(self.folder)

    def holder(self, role: str, done_at_least: int = 1, step: str = "sleepy_0", besides: Collection[int] = ()) -> int:
        """Wait until some work is done in a step; return the process that holds a lease of this role.

        One that is dead may hold it until another takes it over: it is named in `besides`.
        """
        query = {"run": self.run, "step": step, "role": role, "state": "open", "owner": {"$exists": True}}
        found: list[int] = []

        def is_at_work() -> bool:
            done = self.done(step)
            lease = self.catalogue.leases.collection.find_one(query)
            found[:] = [process_of(lease["owner"])] if lease and done >= done_at_least else []
            return bool(set(found) - set(besides))

        wait_until(is_at_work, said=lambda: f"no {role} at work: {self.outputs()}")
        return found[0]

    def at_work(self, number: int, done_at_least: int = 0, besides: Collection[int] = ()) -> set[int]:
        """Wait until so many processes hold items at a time, and some are done; return them."""
        found: set[int] = set()

        def are_at_work() -> bool:
            found.clear()
            found.update(set(map(process_of, self.catalogue.work_items.owners(self.run))) - set(besides))
            return len(found) >= number and self.done_in_all() >= done_at_least

        wait_until(are_at_work, said=lambda: f"only {found} are at work: {self.outputs()}")
        return found

    def done(self, step: str = "sleepy_0") -> int:
        """Return how many items of a step are done."""
        return self.catalogue.work_items.counts(self.run, step)["done"]

    def done_in_all(self) -> int:
        """Return how many items of the run are done."""
        return int(self.catalogue.work_items.collection.count_documents({"run": self.run, "state": "done"}))

    def wait_for_done(self, number: int) -> None:
        """Wait until so many items of the run are done."""
        wait_until(lambda: self.done_in_all() >= number, said=lambda: f"{self.done_in_all()} done: {self.outputs()}")

    def finish(self, seconds: float = 180) -> dict:
        """Wait until the run is over; return its document."""

        def record() -> dict:
            return self.catalogue.runs.find(self.run) or {}

        over = ("finished", "failed")
        wait_until(lambda: record().get("state") in over, seconds, lambda: f"the run does not end: {self.outputs()}")
        return record()

    def outputs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self.folder.glob("rockets-*/output"))

    def collects(self) -> int:
        return self.launchpad.db["collects"].count_documents({})

    def check(self, record: dict, items: int = ITEMS, steps: int = 2) -> None:
        """Everything was done, counted once, and all steps gave the undisturbed result."""
        assert record["state"] == "finished", self.outputs()
        assert record["summaries"] == {f"sleepy_{i}": expected(items) for i in range(steps)}
        for step in record["summaries"]:
            counts = self.catalogue.work_items.counts(self.run, step)
            assert counts == {"waiting": 0, "leased": 0, "done": items, "failed": 0}
            assert self.catalogue.structures.count(self.run, step) == items
        assert self.catalogue.structures.collection.count_documents({"run": self.run}) == steps * items

    def open_fireworks(self) -> list[tuple[int, str, str]]:
        """Return number, name and state of the run's fireworks that are neither completed nor archived."""
        wanted = {"spec.run": self.run, "state": {"$nin": ["COMPLETED", "ARCHIVED"]}}
        return [(found["fw_id"], found["name"], found["state"]) for found in self.launchpad.fireworks.find(wanted)]

    def settle(self, seconds: float = 60) -> None:
        """Repair until nothing is open: what is made READY again must be taken up by a rocket that lives."""
        end = time.monotonic() + seconds
        while self.open_fireworks() and time.monotonic() < end:
            recover(self.launchpad, self.run, grace_seconds=3)
            time.sleep(0.2)

    def check_fireworks(self) -> None:
        """Nothing of the run is under way in FireWorks, and its chain is COMPLETED; nothing is locked."""
        still = self.open_fireworks()
        assert still == [], still
        workflows = list(self.launchpad.workflows.find({"metadata.run": self.run}))
        [chain] = [record for record in workflows if "side_of" not in record["metadata"]]
        assert chain["state"] == "COMPLETED"
        assert {record["state"] for record in workflows} <= {"COMPLETED", "ARCHIVED"}
        assert not [record["name"] for record in workflows if "locked" in record]

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.launchpad.connection.close()


# ---- rlaunch from a server of forks: the same program, without the second that its imports take

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["killing", "fireworks.scripts.rlaunch_run"])


def rlaunch_for_ever(config: str, place: str) -> None:
    """Be ``rlaunch rapidfire`` in a folder of its own."""
    from fireworks.scripts.rlaunch_run import rlaunch

    Path(place).mkdir()
    os.chdir(place)
    with Path("output").open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.argv = ["rlaunch", "-l", config, "rapidfire", "--nlaunches", "infinite", "--sleep", "1"]
    rlaunch()


class Crowd:
    """A number of rockets that is kept up, whatever is killed."""

    def __init__(self, farm: Farm, number: int, seed: int) -> None:
        self.farm, self.number = farm, number
        self.chance = random.Random(seed)
        self.processes: list[Any] = []
        self.started = self.kills = 0

    def fill(self) -> None:
        self.processes = [process for process in self.processes if process.is_alive()]
        while len(self.processes) < self.number:
            place = self.farm.folder / f"rockets-c{self.started}"
            process = FORKS.Process(target=rlaunch_for_ever, args=(str(self.farm.config), str(place)))
            process.start()
            self.processes.append(process)
            self.started += 1

    def kill_one(self) -> None:
        """Kill any rocket, or one that holds the plan or the gate: they are few, and most can go wrong there."""
        alive = {process.pid: process for process in self.processes if process.is_alive()}
        on_path = [
            pid
            for lease in self.farm.catalogue.leases.holders(self.farm.run)
            if lease["role"] != "side" and (pid := process_of(lease["owner"])) in alive
        ]
        if not alive:
            return
        victim = self.chance.choice(on_path if on_path and self.chance.random() < 0.5 else sorted(alive))
        alive[victim].kill()
        alive[victim].join()
        self.kills += 1

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()


def soak(farm: Farm, crowd: Crowd, kills: int, seconds: float) -> dict[str, Any]:
    """Kill rockets at random times, start new ones, recover now and then; return the run's document at its end.

    What is held (`Farm.hold`) goes on after the last kill: so all are in the midst of the run.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        crowd.fill()
        time.sleep(crowd.chance.uniform(0.1, 0.9))
        record = farm.catalogue.runs.find(farm.run) or {}
        if record.get("state") in ("finished", "failed"):
            return record
        if crowd.kills < kills:
            crowd.kill_one()
        else:
            farm.let_go()
        if crowd.chance.random() < 0.5:
            recover(farm.launchpad, farm.run, grace_seconds=3)
    raise AssertionError(f"the run does not end: {farm.outputs()}")


# ---- a rocket that dies just before its n-th write to the database


class Executioner(monitoring.CommandListener):
    """Send this process a signal before its n-th write, once: it dies, or freezes."""

    WRITES = ("insert", "update", "delete", "findAndModify")

    def __init__(self, writes: int, sent: signal.Signals = signal.SIGKILL) -> None:
        self.left, self.sent = writes, sent

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in self.WRITES:
            self.left -= 1
            if self.left == -1:
                os.kill(os.getpid(), self.sent)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


class NoHeartbeat:
    """In place of the heartbeat where a whole run takes less than a lease."""

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def launch_all(launchpad: LaunchPad, run: str, sides_first: bool = False) -> None:
    """Launch every firework of a run that is READY, one after the other."""
    ready = {"spec.run": run}
    orders = [{"name": {"$regex": "side$"}}, {}] if sides_first else [{}]
    while any(launch_rocket(launchpad, FWorker(query=ready | order), strm_lvl="CRITICAL") for order in orders):
        pass


def launch_and_end(launchpad: LaunchPad, run: str) -> None:
    """Launch a gate and a side of a run whose rocket is told at once that its time is over."""
    told = Walltime()
    told.tell()
    carry_out.of_this_process = lambda: told
    for name in ("sleepy_0 gate", "sleepy_0 side"):
        launch_rocket(launchpad, FWorker(query={"spec.run": run, "name": name}), strm_lvl="CRITICAL")


def live(what: str, uri: str, run: str, place: str, writes: int, sides_first: bool) -> None:
    """Do something in this process, and die before the n-th write of it."""
    os.chdir(place)
    with Path("output").open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    carry_out.Heartbeat = NoHeartbeat
    monitoring.register(Executioner(writes))
    launchpad = open_launchpad(uri)
    if what == "launch":
        launch_all(launchpad, run, sides_first)
    elif what == "recover":
        with impatient():
            recover(launchpad, run, grace_seconds=0)
    elif what == "end":
        launch_and_end(launchpad, run)
    else:
        retry_run(launchpad, run)


def survives(what: str, farm: Farm, writes: int, sides_first: bool = False) -> bool:
    """Do something in a process that dies before its n-th write; tell whether it came to its end."""
    process = FORKS.Process(target=live, args=(what, farm.uri, farm.run, str(farm.folder), writes, sides_first))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), farm.outputs()
    return process.exitcode == 0


@contextmanager
def impatient(seconds: float = 0.2) -> Iterator[None]:
    """Take forgotten locks of workflows after a moment, where nobody else is at work."""
    from genarris_fw.farm.repair import mending

    before, mending.STALE_LOCK_SECONDS = mending.STALE_LOCK_SECONDS, seconds
    try:
        yield
    finally:
        mending.STALE_LOCK_SECONDS = before


# ---- a rocket that dies where a function is called


def die_at(function: str, uri: str, run: str, place: str) -> None:
    """Launch a run's fireworks in this process, and die where ``module:name`` is called."""
    module, _, path = function.partition(":")
    *parents, name = path.split(".")
    owner = importlib.import_module(module)
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    os.chdir(place)
    carry_out.Heartbeat = NoHeartbeat
    launch_all(open_launchpad(uri), run)


def killed_at(function: str, uri: str, run: str, place: Path) -> bool:
    """Launch a run's fireworks in a process that dies where a function is called; tell whether it came to that."""
    process = FORKS.Process(target=die_at, args=(function, uri, run, str(place)))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode == -signal.SIGKILL
