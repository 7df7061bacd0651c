"""A replica: claims work items of one procedure until none is left, and commits what it did.

What it does next is decided in `genarris_fw.farm.decisions.replica`; here the database and the clock are asked.
"""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bson.errors import BSONError
from pymongo.errors import PyMongoError

from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.limits import refused_by_size, what_is_refused
from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import DatabaseError, EngineError, GenarrisError, Interrupted, RunFailed
from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.decisions.replica import (
    IDLE_SLEEP,
    NOTHING,
    Claim,
    Do,
    End,
    OnFailure,
    Standing,
    Turn,
    Wait,
    after_failure,
    attempts_allowed,
    checks_now,
    commits_now,
    expected,
    in_quarantine,
    longer,
    next_action,
    share_of_waiting,
)
from genarris_fw.farm.meter import Meter, number_of_ranks
from genarris_fw.farm.task import Outcome, Task
from genarris_fw.owner import is_alive
from genarris_fw.patience import patiently
from genarris_fw.walltime import Walltime

SECONDS_BETWEEN_REAPS = 30.0
OUTPUT_TAIL = 2000  # characters of an engine's output that are kept with a failure


class Replica:
    """One replica of one procedure.

    Parameters
    ----------
    procedure : Task
        Whose ``work`` is called for every item.
    campaign : Assignment
        The run and the step.
    owner : str
        The name under which leases are held; a heartbeat for it must be running.
    still_mine : callable, optional
        For the gate: whether its own lease still holds.
    gate_is_lost : callable, optional
        For a side replica that finds nothing to do: whether the gate's lease has expired.
    more_to_come : callable, optional
        Asked when all items are done: whether others have been or may yet be added.
    walltime : Walltime, optional
        When this process has to end.
    idle_limit : float, optional
        Seconds without work after which the replica ends.
    """

    def __init__(
        self,
        procedure: Task[Any],
        campaign: Assignment,
        owner: str,
        still_mine: Callable[[], bool] = lambda: True,
        gate_is_lost: Callable[[], bool] = lambda: False,
        more_to_come: Callable[[], bool] = lambda: False,
        walltime: Walltime | None = None,
        idle_limit: float = float("inf"),
    ) -> None:
        self.procedure = procedure
        self.campaign = campaign
        self.owner = owner
        self.still_mine = still_mine
        self.gate_is_lost = gate_is_lost
        self.more_to_come = more_to_come
        self.walltime = walltime or Walltime()
        self.idle_limit = idle_limit
        self.cores = procedure.cores(campaign, number_of_ranks())
        self.done = 0
        self.failed = 0
        self.seconds = 0.0
        self.quarantined = ""
        self._standing = Standing()
        self._suspected: list[tuple[Item, BaseException, Cost]] = []
        self._seconds_per_item: float | None = None
        self._checked = float("-inf")
        self._interrupted = False
        self._pause, self._idle_since = IDLE_SLEEP[0], time.monotonic()
        campaign.begin_work(owner, self.walltime)

    def work(self) -> str:
        """Work until there is nothing left for this replica.

        Returns
        -------
        str
            ``finished`` (no item is waiting or held by anybody), ``gate lost``, ``ending`` (the time is over; what
            was held is given back), or ``idle``.
        """
        self._begin_to_wait()
        self._expect_from_others()
        try:
            while True:
                self._check()
                if end := self._turn():
                    return end.value
        finally:
            self._tally()

    def _turn(self) -> End | None:
        """Do what comes next until this turn is over; return how the replica ends, None where it goes on."""
        run, step, items = self.campaign.run, self.campaign.step, self.campaign.catalogue.work_items
        claimed: list[Item] = []
        turn = self._as_known()
        while True:
            match next_action(turn):
                case Do.ASK_WHO_WORKS:
                    turn = replace(turn, others_work=self._others_work())
                case Claim(at_most):
                    claimed = self._claim(at_most)
                    turn = replace(turn, claimed=len(claimed))
                case Do.WORK:
                    self._work_on(claimed)
                    self._begin_to_wait()
                    return None
                case Do.GIVE_UP:
                    self._give_up_suspected()
                    turn = replace(turn, suspected=0)
                case Do.LOOK:
                    turn = replace(turn, unfinished=items.unfinished(run, step) or NOTHING)
                case Do.ASK_FOR_MORE:
                    turn = replace(turn, more=self.more_to_come())
                case Do.SETTLE:
                    turn = replace(turn, settled=items.settle(run, step))
                case Do.REAP:
                    turn = replace(turn, reaped=items.reap(run, step, is_alive))
                case Do.ASK_AFTER_GATE:
                    lost = self.gate_is_lost()
                    turn = replace(turn, gate_lost=lost, idle_seconds=time.monotonic() - self._idle_since)
                case Do.AGAIN:
                    return None
                case Do.GIVE_BACK:
                    items.give_back(self.owner)
                    return End.ENDING
                case Wait(seconds):
                    time.sleep(seconds)
                    self._pause = longer(seconds)
                    return None
                case End() as end:
                    return end

    def _as_known(self) -> Turn:
        """Return what is known as a turn begins."""
        return Turn(
            seconds_left=self.walltime.seconds_left(),
            seconds_per_item=self._seconds_per_item,
            interrupted=self._interrupted,
            quarantined=self._standing.quarantined,
            suspected=len(self._suspected),
            pause=self._pause,
            idle_limit=self.idle_limit,
        )

    def _begin_to_wait(self) -> None:
        """Count the time without work from now on."""
        self._pause, self._idle_since = IDLE_SLEEP[0], time.monotonic()

    def _check(self) -> None:
        """Now and then: is the gate still ours? And write the tally."""
        if not checks_now(time.monotonic() - self._checked):
            return
        if not self.still_mine():
            raise LeaseLost(f"the gate of {self.campaign.step} in run {self.campaign.run} was taken over")
        self._tally()
        # Items of lost replicas are not left to the end: one of all replicas looks after them twice a minute.
        run, step, catalogue = self.campaign.run, self.campaign.step, self.campaign.catalogue
        if catalogue.leases.my_turn(run, step, SECONDS_BETWEEN_REAPS):
            catalogue.work_items.reap(run, step, is_alive)
        self._checked = time.monotonic()

    def _tally(self) -> None:
        self.campaign.catalogue.replicas.tally(self.owner, self.done, self.failed, self.seconds)

    def _expect_from_others(self) -> None:
        """Where the end is known: take the time of an item from those that others have done."""
        if self.walltime.known:
            self._seconds_per_item = self.campaign.catalogue.work_items.mean_seconds(
                self.campaign.run, self.campaign.step
            )

    def _others_work(self) -> bool:
        return self.campaign.catalogue.replicas.others_at_work(self.campaign.run, self.campaign.step, self.owner)

    def _claim(self, at_most: int) -> list[Item]:
        """Claim so many items at most: towards the end a share of what is left."""
        run, step, items = self.campaign.run, self.campaign.step, self.campaign.catalogue.work_items
        if at_most > 1:
            share = share_of_waiting(self.procedure.wanted_replicas(self.campaign))
            at_most = max(1, items.waiting(run, step, share, at_most))
        return items.claim(run, step, self.owner, at_most, self.campaign.lease_seconds)

    def _work_on(self, claimed: list[Item]) -> None:
        """Work on claimed items; commit together what takes less than a second or two."""
        finished: list[tuple[Item, Outcome, Cost]] = []
        since = time.monotonic()
        for item in claimed:
            if self._standing.leaves:
                break
            meter = Meter(self.cores)
            try:
                outcome = self.procedure.perform(self.campaign, item)
            except Interrupted:
                self._interrupted = True
                self._break_off(item, meter.cost())
                break
            except (PyMongoError, DatabaseError, LeaseLost, RunFailed):
                raise
            except (Exception, SystemExit) as error:  # an engine may try to leave the interpreter
                self._fail(item, error, meter.cost())
                continue
            cost = meter.cost()
            self._standing = self._standing.after(None)
            self._give_up_suspected()
            self._seconds_per_item = expected(self._seconds_per_item, cost.seconds)
            self.seconds += cost.seconds
            finished.append((item, outcome, cost))
            if commits_now(time.monotonic() - since):
                self._commit(finished)
                finished, since = [], time.monotonic()
                if self.walltime.ending():
                    break  # what is left of the claim is given back
        self._commit(finished)
        if self._standing.leaves:
            self.campaign.catalogue.work_items.give_back(self.owner)
            self._standing = replace(self._standing, leaves=False)

    def _commit(self, finished: list[tuple[Item, Outcome, Cost]]) -> None:
        """Commit items together; what no document can hold fails alone."""
        if not finished:
            return
        try:
            patiently(lambda: self._write(finished))
        except (PyMongoError, BSONError, OverflowError) as error:
            if not refused_by_size(error):
                raise
            if len(finished) > 1:
                for one in finished:
                    self._commit([one])
                return
            what = f"its result cannot be stored: {what_is_refused(error)}"
            item, _, cost = finished[0]
            self._fail(item, EngineError(what, permanent=True), cost)

    def _write(self, finished: list[tuple[Item, Outcome, Cost]]) -> None:
        """Write the outcomes by id, fenced; then commit the items, with those that follow, which are inserted last."""
        run, step = self.campaign.run, self.campaign.step
        catalogue = self.campaign.catalogue
        new = [(document, item.token) for item, outcome, _ in finished for document in outcome.structures]
        if new:
            catalogue.structures.write_new(run, step, new)
        fields = [
            (struct_id, values, item.token)
            for item, outcome, _ in finished
            for struct_id, values in outcome.fields.items()
        ]
        if fields:
            catalogue.structures.set_fields(run, step, fields)
        results = [(outcome.result, item.key, item.token) for item, outcome, _ in finished if outcome.result]
        if results:
            catalogue.engine_results.write(run, step, results)
        following = {item.key: outcome.items for item, outcome, _ in finished if outcome.items}
        done = [(item, outcome.summary, cost) for item, outcome, cost in finished]
        committed = catalogue.work_items.commit(run, step, self.owner, done, following)
        if following:
            catalogue.work_items.settle(run, step)
        if committed == len(done):  # else one of them is another replica's, who knows which
            self.procedure.committed(self.campaign, [item for item, _, _ in done])
        self.done += committed
        self.campaign.log("items committed", level="DEBUG", items=committed, taken_over=len(finished) - committed)

    def _break_off(self, item: Item, cost: Cost) -> None:
        """Note what an attempt took that the end of the time has broken off; a checkpoint may have saved its work."""
        with suppress(PyMongoError):  # it is about to be given back, which matters more
            self.campaign.catalogue.work_items.broken_off(self.campaign.run, self.campaign.step, self.owner, item, cost)

    def _fail(self, item: Item, error: BaseException, cost: Cost) -> None:
        """Record a failed attempt; the last one of an item stays open until it is clear that it is the item's fault."""
        if not isinstance(error, GenarrisError):
            self.campaign.log("traceback", level="DEBUG", item=item.key, traceback=traceback.format_exc())
        self._standing = self._standing.after(item.key)
        allowed, quarantine_after = self._attempts_allowed(error), self.campaign.quarantine_after
        for what in after_failure(self._standing, item.attempts, allowed, quarantine_after):
            match what:
                case OnFailure.WRITE:
                    self._write_failure(item, error, cost)
                case OnFailure.SUSPECT:
                    self._suspected.append((item, error, cost))
                case OnFailure.GIVE_UP:
                    self._give_up_suspected()
                case OnFailure.QUARANTINE:
                    self._quarantine(said(error))

    def _attempts_allowed(self, error: BaseException) -> int:
        return attempts_allowed(self.campaign.max_attempts, isinstance(error, EngineError) and error.permanent)

    def _write_failure(self, item: Item, error: BaseException, cost: Cost) -> None:
        state = self.campaign.catalogue.work_items.fail(
            self.campaign.run,
            self.campaign.step,
            self.owner,
            item,
            said(error),
            self._attempts_allowed(error),
            self.campaign.retry_delay,
            details_of(error),
            cost,
        )
        self.failed += state == "failed"
        self.campaign.log("item failed", level="WARNING", item=item.key, then=state, error=said(error))

    def _give_up_suspected(self) -> None:
        """Give up the items whose last attempt failed here: failed is final, whatever becomes of this replica."""
        while self._suspected:
            self._write_failure(*self._suspected[0])
            del self._suspected[0]

    def _quarantine(self, error: str) -> None:
        """Claim no more while others work: it may be this machine, not the items, that is broken."""
        failed = self._standing.failed_in_a_row
        self.quarantined = f"{len(failed)} different items failed in a row here; the last one: {error}"
        self.campaign.catalogue.replicas.quarantine(self.owner, self.quarantined)
        others_work = self._others_work()
        self._standing = self._standing.in_quarantine(others_work)
        if in_quarantine(others_work) is OnFailure.FORGIVE:
            held = [item for item, _, _ in self._suspected]
            run, step = self.campaign.run, self.campaign.step
            self.campaign.catalogue.work_items.forgive(run, step, self.owner, held, failed)
            self._suspected.clear()
        self._give_up_suspected()
        self.campaign.log("quarantined", level="WARNING", why=self.quarantined)


def said(error: BaseException) -> str:
    """Return an error in one line."""
    return (str(error) if isinstance(error, GenarrisError) else f"{type(error).__name__}: {error}").strip()


def details_of(error: BaseException) -> dict[str, str]:
    """Return how and where an item failed: class of failure, host, folder, and the tail of what the engine wrote."""
    output = str(getattr(error, "output", "") or "")
    kind = str(getattr(error, "kind", "") or "")
    return {
        **({"kind": kind} if kind else {}),
        "host": socket.gethostname(),
        "folder": str(getattr(error, "folder", "") or Path.cwd()),
        **({"output": output[-OUTPUT_TAIL:]} if output else {}),
    }
