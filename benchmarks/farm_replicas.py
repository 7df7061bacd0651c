"""Replicas for the farm's benchmark: real ones, each in a process of its own, over items that only take time."""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pymongo import MongoClient, monitoring

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.leases import lease_id
from genarris_fw.catalogue.work_items import Item
from genarris_fw.database.launchpads import client_options, database_name
from genarris_fw.declaring.option import derived
from genarris_fw.farm import heartbeat
from genarris_fw.farm.replica import Replica
from genarris_fw.logs import Log
from genarris_fw.options.base import SharedOptions
from genarris_fw.owner import owner_name
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.walltime import Walltime

STEP = "idle"
LEASE_SECONDS = 60.0
# Replicas are forked from one small process: 64 of them start at once and share their memory.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["farm_replicas"])


class IdleOptions(SharedOptions):
    """What an idle step is told; no ui.conf names it."""

    seconds: float = derived("What an item takes", 0.0)


class IdleStep(Campaign[IdleOptions]):
    """An idle step: its options are not registered."""

    @cached_property
    def options(self) -> IdleOptions:
        return IdleOptions.resolved(self._step["options"])


@explicit_serialize
class Idle(Procedure[IdleOptions]):
    """Items that take a given time and compute nothing."""

    in_work = 0.0

    def work(self, campaign: IdleStep, item: Item) -> Outcome:
        begun = time.monotonic()
        if seconds := campaign.options.seconds:
            time.sleep(seconds)
        outcome = Outcome({"number": item.payload["number"]})
        self.in_work += time.monotonic() - begun
        return outcome


def items(number: int) -> Iterator[Item]:
    """Return the work items of a run, one at a time."""
    return (Item(f"{i:07d}", {"number": i}) for i in range(number))


@contextmanager
def catalogue_at(uri: str) -> Iterator[Catalogue]:
    """Open the catalogue as a rocket does."""
    with MongoClient(uri, **client_options(uri)) as client:
        yield Catalogue(client[database_name(uri)])


def make_run(uri: str, run: str, number: int) -> None:
    """Make a run of one step with so many items, all of them waiting."""
    with catalogue_at(uri) as catalogue:
        catalogue.ensure_indexes()
        catalogue.runs.create(run, _record(run, 0.0, 1), begun_by=0)
        catalogue.runs.step_started(run, STEP)
        catalogue.work_items.insert(run, STEP, items(number))


def _record(run: str, seconds: float, replicas: int) -> dict[str, Any]:
    given = {"seconds": seconds, "num_replicas": replicas}
    step = {"name": STEP, "procedure": "Idle", "options": given, "origins": {"num_replicas": "given"}}
    options = {"master": {"lease_seconds": LEASE_SECONDS, "max_attempts": 3}, "steps": [step]}
    return {"name": run, "options": options, "folder": "/nonexistent", "seed": 0}


# ---- what a replica did


@dataclass
class Account:
    """What one replica did and what it took.

    Attributes
    ----------
    began, ended : float
        Before its first claim, after its last commit (CLOCK_MONOTONIC: the same for all processes).
    items : int
        Committed.
    in_work : float
        Seconds inside the procedure's ``work``.
    claims, commits : list of (float, int)
        Seconds of every claim (with the look at how many wait that comes before it) and of every commit, and how
        many items it was about.
    commands : Counter
        Commands sent to the database by the replica, by name.
    beats : Counter
        Those of its heartbeat.
    cpu : float
        Processor seconds of the replica's process.
    """

    began: float = 0.0
    ended: float = 0.0
    items: int = 0
    in_work: float = 0.0
    claims: list[tuple[float, int]] = field(default_factory=list)
    commits: list[tuple[float, int]] = field(default_factory=list)
    commands: Counter[str] = field(default_factory=Counter)
    beats: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0


class RoundTrips(monitoring.CommandListener):
    """Count the commands sent to the database; one command is one round trip."""

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@contextmanager
def beating(uri: str, owner: str, trips: RoundTrips) -> Iterator[Counter[str]]:
    """Have the package's heartbeat beat, forked from this process instead of started anew.

    Yields
    ------
    Counter
        The commands that the heartbeat sent; filled when the context ends.
    """
    message = {
        "launchpad": {
            "host": uri,
            "name": database_name(uri),
            "uri_mode": True,
            "mongoclient_kwargs": client_options(uri),
        },
        "owner": owner,
        "lease_seconds": LEASE_SECONDS,
    }
    talk, listen = multiprocessing.Pipe(duplex=False)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        with suppress(BaseException):
            heartbeat_until_closed(reading, listen, trips)
        os._exit(0)
    os.close(reading)
    os.write(writing, (heartbeat.json.dumps(message) + "\n").encode())
    beats: Counter[str] = Counter()
    try:
        yield beats
    finally:
        os.close(writing)
        if talk.poll(10):
            beats.update(talk.recv())
        os.waitpid(child, 0)


def heartbeat_until_closed(reading: int, listen: Any, trips: RoundTrips) -> None:
    """Be the heartbeat's process."""
    sys.stdin = os.fdopen(reading)
    trips.commands.clear()
    heartbeat.main()
    listen.send(trips.commands)


@dataclass
class Wanted:
    """What one replica shall do.

    Attributes
    ----------
    uri, run, role : str
        The database, the run, and ``gate`` or ``side``: the gate asks now and then for its lease.
    delay : float
        Seconds before it begins.
    limit, seconds : float
        It ends after so many items, or so long.
    profile : str or None
        File for a profile of it.
    """

    uri: str
    run: str
    role: str
    delay: float = 0.0
    limit: float = math.inf
    seconds: float = math.inf
    profile: str | None = None


def be_replica(send: Any, wanted: Wanted) -> None:
    """Be one replica; send its account when there is nothing left to do, or a limit is reached."""
    trips = RoundTrips()
    monitoring.register(trips)
    owner = owner_name(os.getpid())
    with beating(wanted.uri, owner, trips) as beats, catalogue_at(wanted.uri) as catalogue:
        account = Account()
        campaign = IdleStep(catalogue, catalogue.runs.get(wanted.run), STEP, Log(Path("/nonexistent")))
        task, end = Idle(run=wanted.run, step=STEP, role=wanted.role), Walltime()
        _time(account, campaign, wanted, end)
        still_mine = _still_mine(catalogue, wanted, owner)
        time.sleep(wanted.delay)
        trips.commands.clear()
        account.began, cpu = time.monotonic(), time.process_time()
        with profiled(wanted.profile):
            catalogue.replicas.begin(owner, wanted.run, STEP, wanted.role, 1)
            replica = Replica(task, campaign, owner, still_mine=still_mine, walltime=end)
            replica.work()
            catalogue.replicas.end(owner)
        account.cpu = time.process_time() - cpu
        account.commands = Counter(trips.commands)
        account.items, account.in_work = replica.done, task.in_work
    account.beats = beats
    send.send(account)
    send.close()


def _still_mine(catalogue: Catalogue, wanted: Wanted, owner: str) -> Callable[[], bool]:
    """Return what a gate asks to know whether its lease still holds; take the lease."""
    if wanted.role != "gate":
        return lambda: True
    catalogue.leases.reopen(wanted.run, STEP)
    token = catalogue.leases.take(wanted.run, STEP, "gate", 1, 1, owner, LEASE_SECONDS)
    assert token is not None
    return lambda: catalogue.leases.held(lease_id(wanted.run, STEP, "gate", 1), token)


def _time(account: Account, campaign: Campaign, wanted: Wanted, end: Walltime) -> None:
    """Time the claims and commits of a campaign's items; tell the replica when it is enough."""
    work_items: Any = campaign.catalogue.work_items
    ask, claim, commit = work_items.waiting, work_items.claim, work_items.commit
    asking = 0.0

    def timed_ask(*given: Any, **named: Any) -> int:
        nonlocal asking
        begun = time.monotonic()
        number: int = ask(*given, **named)
        asking = time.monotonic() - begun
        return number

    def timed_claim(*given: Any, **named: Any) -> list[Item]:
        nonlocal asking
        begun = time.monotonic()
        claimed: list[Item] = claim(*given, **named)
        if claimed:
            account.claims.append((asking + time.monotonic() - begun, len(claimed)))
        asking = 0.0
        return claimed

    def timed_commit(*given: Any, **named: Any) -> int:
        begun = time.monotonic()
        committed: int = commit(*given, **named)
        account.ended = time.monotonic()
        account.commits.append((account.ended - begun, committed))
        account.items += committed
        if account.items >= wanted.limit or account.ended - account.began > wanted.seconds:
            end.tell()
        return committed

    work_items.waiting, work_items.claim, work_items.commit = timed_ask, timed_claim, timed_commit


@contextmanager
def profiled(path: str | None) -> Iterator[None]:
    """Write a cProfile of what happens inside into a file, if one is named."""
    if path is None:
        yield
        return
    import cProfile

    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        profile.dump_stats(path)


def replicas(
    uri: str,
    run: str,
    number: int,
    *,
    item_seconds: float = 0.0,
    spread: float = 0.0,
    limit: float = math.inf,
    seconds: float = math.inf,
    profile: str | None = None,
) -> list[Account]:
    """Have replicas work on a run, each in a process of its own; return their accounts.

    Parameters
    ----------
    uri, run : str
        The database and the run.
    number : int
        How many replicas; the first is the gate.
    item_seconds : float
        How long every item takes.
    spread : float
        They begin at random times within so many seconds.
    limit, seconds : float
        A replica ends when it has done so many items, or after so long.
    profile : str, optional
        File for a profile of the last replica.
    """
    with catalogue_at(uri) as catalogue:
        catalogue.runs.set(run, options=_record(run, item_seconds, number)["options"])
    chance, running = random.Random(0), []
    for i in range(number):
        receive, send = FORKS.Pipe(duplex=False)
        role = "side" if i else "gate"
        wanted = Wanted(uri, run, role, chance.uniform(0, spread), limit, seconds, None if i < number - 1 else profile)
        process = FORKS.Process(target=be_replica, args=(send, wanted))
        process.start()
        send.close()
        running.append((process, receive))
    accounts = []
    for process, receive in running:
        with suppress(EOFError):
            accounts.append(receive.recv())
        process.join()
    if len(accounts) < number:
        raise RuntimeError(f"{number - len(accounts)} of {number} replicas ended with an error (see above)")
    return accounts
