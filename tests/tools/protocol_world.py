"""The model's steps on a real database: each is carried out by the operation of the catalogue that it stands for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import pytest
from protocol_model import NAMES, ProtocolModel, State
from pymongo.database import Database

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.leases import LeaseLost, lease_id
from genarris_fw.catalogue.work_items import Item
from genarris_fw.farm.publication import publish, round_part, summary_part

STEP = "step"
PAST = datetime(2000, 1, 1, tzinfo=timezone.utc)
LONG = 3600.0
# Where an operation of the catalogue that makes several calls is one step of the model each.
STOPS = {"work_items": ("insert_many", "bulk_write", "update_many"), "runs": ("update_one",)}


class Abandoned(BaseException):
    """The process was killed in the middle of an operation."""


class Stopping:
    """A collection some of whose calls wait until they are let through."""

    def __init__(self, collection: Any, names: tuple[str, ...], wait: Callable[[str], None]) -> None:
        self._collection, self._names, self._wait = collection, names, wait

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._collection, name)
        if name not in self._names:
            return attribute

        def stopping(*arguments: Any, **more: Any) -> Any:
            self._wait(name)
            return attribute(*arguments, **more)

        return stopping


class Operation:
    """An operation of the catalogue in a thread of its own, which stops before each of its writes."""

    def __init__(self, database: Database, work: Callable[[Catalogue], Any]) -> None:
        self.catalogue = Catalogue(database)
        for name, calls in STOPS.items():
            part = getattr(self.catalogue, name)
            part.collection = Stopping(part.collection, calls, self._wait)
        self.work = work
        self.at: str | None = ""
        self.result: Any = None
        self.error: BaseException | None = None
        self._go, self._stopped, self._killed = threading.Semaphore(0), threading.Semaphore(0), False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def _run(self) -> None:
        try:
            self.result = self.work(self.catalogue)
        except BaseException as error:
            self.error = error
        self.at = None
        self._stopped.release()

    def _wait(self, name: str) -> None:
        self.at = name
        self._stopped.release()
        self._go.acquire()
        if self._killed:
            raise Abandoned

    def go_on(self, until: str | None = None) -> Any:
        """Let the operation go on until it is about to make this call, or has ended; return its result."""
        while self.at is not None and self.at != until:
            self._go.release()
            self._stopped.acquire()
        if self.error is not None:
            raise self.error
        return self.result

    def step(self) -> None:
        """Let one call through."""
        self._go.release()
        self._stopped.acquire()

    def abandon(self) -> None:
        if self.at is not None:
            self._killed = True
            self._go.release()
            self._thread.join()


@dataclass
class Process:
    """What a process knows, and what it is doing."""

    owner: str
    token: int = 0
    under: int = 0
    item: Item | None = None
    basis: int = 0
    planned: int = 0
    prepared: dict[str, Any] = field(default_factory=dict)
    operation: Operation | None = None


class World:
    """A run of one step on a real database, driven by the labels of a model's steps."""

    def __init__(self, database: Database, model: ProtocolModel, run: str) -> None:
        self.database, self.model, self.run = database, model, run
        self.catalogue = Catalogue(database)
        self.processes: dict[int, Process] = {}
        self.born, self.halfway = 0, False
        self.follower = dict(model.configuration.following)
        self.catalogue.runs.create(run, {"folder": "/nowhere", "options": {"steps": []}, "seed": 1}, begun_by=1)
        self.catalogue.runs.step_started(run, STEP)
        self.catalogue.structures.insert_missing(run, [{"struct_id": name} for name in NAMES])
        if not model.configuration.plan:
            self.catalogue.work_items.insert(run, STEP, [Item(NAMES[i]) for i in model.configuration.first])

    def carry_out(self, before: State, label: tuple[Any, ...], after: State) -> None:
        """Carry out one step."""
        who, verb, *about = label
        if isinstance(who, str):
            getattr(self, who)(before, after, *about)
        else:
            process = self.processes.setdefault(who, self._new_process())
            self.before, self.after, self.gate = before.rockets[who], after.rockets[who], before.rockets[who].gate
            getattr(self, METHODS.get(verb) or verb.replace(" ", "_").replace(",", "").replace("'", ""))(
                process, *about
            )
        for n, rocket in enumerate(after.rockets):
            ended = rocket.at in ("none", "gone") or (rocket.at == "starting" and before.rockets[n].at != "starting")
            if ended and n in self.processes:
                self._end(self.processes.pop(n))

    def close(self) -> None:
        for process in self.processes.values():
            self._end(process)

    def _end(self, process: Process) -> None:
        if process.operation is not None:
            process.operation.abandon()

    def _new_process(self) -> Process:
        self.born += 1
        return Process(f"{self.run}:{self.born}")

    @property
    def role(self) -> str:
        return "gate" if self.gate else "plan"

    @property
    def lease(self) -> str:
        return lease_id(self.run, STEP, self.role, 0)

    def _start(self, process: Process, work: Callable[[Catalogue], Any]) -> Operation:
        process.operation = Operation(self.database, work)
        return process.operation

    # Faults and repairs

    def is_killed(self, process: Process) -> None:
        pass  # what it was doing is abandoned in `carry_out`

    def recovery(self, before: State, after: State) -> None:
        lease = self.catalogue.leases.find(self.run, STEP, before.firework)
        if lease is not None and "owner" in lease:
            assert self.catalogue.leases.begin_recovery(lease, "recoverer")
            if before.firework == "gate":
                self.catalogue.runs.fence(self.run, f"{STEP} gate", lease["token"] + 1)

    def reaping(self, before: State, after: State, i: int) -> None:
        self.database["work_items"].update_one(self._is(i), {"$set": {"lease.expires": PAST}})
        assert self.catalogue.work_items.reap(self.run, STEP) == 1

    def retry(self, before: State, after: State) -> None:
        assert self.catalogue.work_items.retry(self.run, STEP)
        for role, token in self.catalogue.leases.reopen(self.run, STEP).items():
            self.catalogue.runs.fence(self.run, f"{STEP} {role}", token)

    # Leases

    def take(self, process: Process) -> None:
        held = {"_id": self.lease, "owner": {"$exists": True}, "recoverer": {"$exists": False}}
        self.database["leases"].update_one(held, {"$set": {"expires": PAST}})
        token = self.catalogue.leases.take(self.run, STEP, self.role, 1, None, process.owner, LONG)
        assert token == self.after.token
        process.token = token
        process.prepared = self.catalogue.leases.decisions(self.lease).get("committed", {})
        rounds = self.catalogue.leases.decisions(self.lease).get("rounds", {})
        if rounds:
            process.under = rounds[max(rounds, key=int)]["token"]

    def finds_its_work_collected(self, process: Process) -> None:
        assert self.catalogue.leases.take(self.run, STEP, self.role, 1, None, process.owner, LONG) is None

    def fences_the_runs_document(self, process: Process) -> None:
        self.catalogue.runs.fence(self.run, f"{STEP} gate", process.token)

    def sees_that_it_was_overtaken(self, process: Process) -> None:
        if self.before.at == "working":
            assert not self.catalogue.leases.held(self.lease, process.token)
        else:
            with pytest.raises(LeaseLost):
                self.catalogue.leases.collected(self.lease, process.token)

    def notes_that_all_is_planned(self, process: Process) -> None:
        self.catalogue.leases.all_planned(self.lease, process.token)

    def cannot_note_that_all_is_planned(self, process: Process) -> None:
        with pytest.raises(LeaseLost):
            self.catalogue.leases.all_planned(self.lease, process.token)

    def closes_the_lease(self, process: Process) -> None:
        self.catalogue.leases.collected(self.lease, process.token)

    def ends_its_firework(self, process: Process) -> None:
        pass  # FireWorks' part

    # Rounds

    def reads_the_outcomes(self, process: Process) -> None:
        process.basis, process.planned = self._done(), 0
        assert process.basis == self.after.basis

    def plan(self, process: Process, i: int | None = None) -> None:
        """Insert one item as planned: after the insertion, the model may stop before the replacement."""
        if i is None:
            return
        item = Item(NAMES[i], {"basis": process.basis})
        round_, token = self.before.round + self.gate, process.token
        operation = self._start(process, lambda its: its.work_items.plan(self.run, STEP, [item], round_, token))
        operation.step()
        if self.after.at != "taking over":
            self._planned(process)

    def _planned(self, process: Process, *about: int) -> None:
        """The operation ends; how many items are new is what the model goes on with."""
        assert process.operation is not None
        process.planned += process.operation.go_on()
        goes_on = {"planning": self.after.under, "recording": process.planned, "noting": 0}
        assert process.planned == goes_on.get(self.after.at, process.planned)
        assert self.after.at != "recording" or process.planned

    def records_the_round(self, process: Process) -> None:
        self._record(process)
        process.under = process.token

    def cannot_record_the_round(self, process: Process) -> None:
        with pytest.raises(LeaseLost):
            self._record(process)

    def _record(self, process: Process) -> None:
        round_ = self.before.round + 1
        self.catalogue.leases.record_round(self.lease, process.token, round_, process.planned, process.owner)

    def removes_what_it_planned(self, process: Process) -> None:
        mine = {"round": self.before.round + self.gate, "token": process.token}
        self.catalogue.work_items.forget_planned(self.run, STEP, mine)

    def releases(self, process: Process, *about: int) -> None:
        self.halfway = self.after.at == "releasing"
        if self.halfway:
            return  # one update of the catalogue for what is one step an item in the model
        if self.gate:
            self.catalogue.work_items.release(self.run, STEP, self.before.round, self.before.under)
        else:
            publish(self.catalogue, self.catalogue.runs.get(self.run), STEP, "plan", process.token, process.prepared)

    def commits_the_plan(self, process: Process) -> None:
        self._commit(process, [round_part(0)])

    def cannot_commit_the_plan(self, process: Process) -> None:
        with pytest.raises(LeaseLost):
            self._commit(process, [round_part(0)])

    def opens_the_gates_lease(self, process: Process) -> None:
        self.catalogue.leases.open(self.run, STEP, "gate", 0, above=process.token - 1)

    # Items

    def claims(self, process: Process, i: int) -> None:
        collection = self.database["work_items"]
        collection.update_many({"run": self.run}, {"$set": {"priority": 0}})
        collection.update_one(self._is(i), {"$set": {"priority": 1}})
        [process.item] = self.catalogue.work_items.claim(self.run, STEP, process.owner, 1, LONG)
        assert process.item.key == NAMES[i]

    def commits_the_item(self, process: Process, i: int) -> None:
        assert self._commit_item(process, i) == 1
        if i in self.follower:
            self._settle(process)

    def cannot_commit_the_item(self, process: Process, i: int) -> None:
        assert self._commit_item(process, i) == 0

    def _commit_item(self, process: Process, i: int) -> int:
        follows = {NAMES[i]: [Item(NAMES[self.follower[i]])]} if i in self.follower else {}
        done = [(process.item, {"by": process.owner}, Cost(0.0))]
        return self.catalogue.work_items.commit(self.run, STEP, process.owner, done, follows)

    def finds_it_committed(self, process: Process, i: int) -> None:
        self._settle(process)

    def _settle(self, process: Process) -> None:
        assert self._start(process, lambda its: its.work_items.settle(self.run, STEP)).at == "insert_many"

    def inserts_what_follows(self, process: Process, i: int) -> None:
        assert process.operation is not None
        process.operation.go_on(until="update_many")

    def says_that_the_item_is_done(self, process: Process, i: int) -> None:
        assert process.operation is not None
        process.operation.go_on()

    def gives_the_item_up(self, process: Process, i: int) -> None:
        said = self.catalogue.work_items.fail(self.run, STEP, process.owner, process.item, "broken", max_attempts=1)
        assert said == "failed"

    def gives_it_back(self, process: Process, i: int) -> None:
        self.catalogue.work_items.forgive(self.run, STEP, process.owner, [process.item], [])

    # The end

    def finds_nothing_unfinished(self, process: Process) -> None:
        assert not self.catalogue.work_items.unfinished(self.run, STEP)

    def finds_something_unfinished(self, process: Process) -> None:
        assert self.catalogue.work_items.unfinished(self.run, STEP)

    def prepares_the_result(self, process: Process) -> None:
        done = self._done()
        assert done == self.after.result[1]
        ids = [name for i, name in enumerate(NAMES) if done >> i & 1]
        counts = self.catalogue.work_items.counts(self.run, STEP)
        summary = summary_part({"items": ids}, counts, datetime.now(timezone.utc))
        process.prepared = {"to be": [{"kind": "pool", "pool": STEP, "ids": ids}, summary]}

    def commits_the_step(self, process: Process) -> None:
        self._commit(process, process.prepared["to be"])

    def cannot_commit(self, process: Process) -> None:
        with pytest.raises(LeaseLost):
            self._commit(process, process.prepared["to be"])

    def _commit(self, process: Process, parts: list[dict[str, Any]]) -> None:
        prepared = self.catalogue.publications.prepare(self.run, self.lease, process.token, parts)
        self.catalogue.leases.commit(self.lease, process.token, prepared)
        process.prepared = prepared | {"token": process.token}

    def publishes_the_pool(self, process: Process) -> None:
        record, token, prepared = self.catalogue.runs.get(self.run), process.token, process.prepared
        operation = self._start(process, lambda its: publish(its, record, STEP, "gate", token, prepared))
        assert operation.at == "update_one"

    def publishes_the_summary(self, process: Process) -> None:
        assert process.operation is not None
        process.operation.go_on()

    def may_not_publish_the_summary(self, process: Process) -> None:
        assert process.operation is not None
        with pytest.raises(LeaseLost):
            process.operation.go_on()

    # What a person would see

    def _is(self, i: int) -> dict[str, str]:
        return {"_id": f"{self.run}:{STEP}:{NAMES[i]}"}

    def _done(self) -> int:
        return _bits(one["key"] for one in self.catalogue.work_items.outcomes(self.run, STEP))

    def check(self, state: State) -> None:
        """The database is what the model says, unless an update of several items is halfway."""
        if self.halfway:
            return
        assert self._items() == _items(state)
        for n, rocket in enumerate(state.rockets):
            if rocket.claim:
                held = self.database["work_items"].find_one(self._is(rocket.item))
                assert held and held["lease"]["owner"] == self.processes[n].owner
        for role in ("plan", "gate") if self.model.configuration.plan else ("gate",):
            self._check_lease(role, getattr(state, role))
        record = self.catalogue.runs.get(self.run)
        assert _bits(self.catalogue.structures.pool_ids(self.run, STEP)) == state.pool[2]
        assert _bits(record.get("summaries", {}).get(STEP, {}).get("items", ())) == state.summary[2]
        assert record.get("published", {}).get(f"{STEP} gate", 0) == state.summary[1]
        assert (self.catalogue.work_items.unfinished(self.run, STEP) is not None) == self.model._unfinished(state)

    def _check_lease(self, role: str, lease: Any) -> None:
        real = self.catalogue.leases.find(self.run, STEP, role) or {"token": 0, "state": "open"}
        assert (real["token"], real["state"]) == (lease.token, "collected" if lease.collected else "open")
        rounds = real.get("rounds", {})
        last = max(map(int, rounds), default=0)
        assert (last, rounds[str(last)]["token"] if rounds else 0) == (lease.round, lease.under)
        if not lease.collected:
            assert real.get("committed", {}).get("token") == (lease.committed[0] if lease.committed else None)
            assert real.get("all_planned", False) == lease.noted

    def _items(self) -> dict[str, tuple[Any, ...]]:
        found = self.database["work_items"].find({"run": self.run})
        return {
            one["key"]: (
                one["state"],
                *one.get("planned", {"round": 0, "token": 0}).values(),
                one["payload"].get("basis", 0),
            )
            for one in found
        }


METHODS = {
    "takes the lease of the plan": "take",
    "takes the lease of the gate": "take",
    "plans": "plan",
    "has nothing to plan": "plan",
    "finds it planned by another": "plan",
    "finds it there already": "plan",
    "plans it instead": "_planned",
    "finds nothing to take over": "_planned",
    "finds nothing unfinished, again": "finds_nothing_unfinished",
    "gives it back: it may be its own fault": "gives_it_back",
}


def _bits(keys: Any) -> int:
    return sum(1 << NAMES.index(key) for key in keys)


def _items(state: State) -> dict[str, tuple[Any, ...]]:
    return {NAMES[i]: tuple(item) for i, item in enumerate(state.items) if item.state != "absent"}
