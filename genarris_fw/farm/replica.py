"""A replica: claims work items of one procedure until none is left, and commits what it did."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bson.errors import BSONError
from pymongo.errors import PyMongoError

from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.limits import refused_by_size, what_is_refused
from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import DatabaseError, EngineError, GenarrisError, Interrupted, RunFailed
from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.task import Outcome, Task
from genarris_fw.owner import is_alive
from genarris_fw.patience import patiently
from genarris_fw.walltime import Walltime

# A claim aims at this much work, and what is done is committed twice in that time.
SECONDS_PER_CLAIM = 4.0
LARGEST_CLAIM = 100
IDLE_SLEEP = (0.1, 1.0)
# The gate's own lease is looked at, and the tally written, this often: what must not go wrong is fenced anyway.
SECONDS_BETWEEN_CHECKS = 5.0
SECONDS_BETWEEN_REAPS = 30.0
# An item may take longer than those before it: so much more is left to it before the end.
ROOM_FOR_AN_ITEM = 1.5
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
        self.done = 0
        self.failed = 0
        self.seconds = 0.0
        self.quarantined = ""
        self._failed_in_a_row: list[str] = []
        self._suspected: list[tuple[Item, BaseException]] = []
        self._seconds_per_item: float | None = None
        self._checked = float("-inf")
        self._interrupted = False
        campaign.begin_work(owner, self.walltime)

    def work(self) -> str:
        """Work until there is nothing left for this replica.

        Returns
        -------
        str
            ``finished`` (no item is waiting or held by anybody), ``gate lost``, ``ending`` (the time is over; what
            was held is given back), or ``idle``.
        """
        run, step = self.campaign.run, self.campaign.step
        items = self.campaign.catalogue.work_items
        sleep, idle_since = IDLE_SLEEP[0], time.monotonic()
        self._expect_from_others()
        try:
            while True:
                self._check()
                if self._interrupted or not self.walltime.fits(ROOM_FOR_AN_ITEM * (self._seconds_per_item or 0.0)):
                    self._give_up_suspected()
                    items.give_back(self.owner)
                    return "ending"
                claimed = [] if self._stands_back() else self._claim()
                if claimed:
                    self._work_on(claimed)
                    sleep, idle_since = IDLE_SLEEP[0], time.monotonic()
                    continue
                self._give_up_suspected()
                unfinished = items.unfinished(run, step)
                if unfinished is None and not self.more_to_come():
                    return "finished"
                if unfinished == "committed" and items.settle(run, step):
                    continue
                if items.reap(run, step, is_alive):
                    continue
                if self.gate_is_lost():
                    return "gate lost"
                if time.monotonic() - idle_since > self.idle_limit:
                    return "idle"
                time.sleep(sleep)
                sleep = min(2 * sleep, IDLE_SLEEP[1])
        finally:
            self._tally()

    def _check(self) -> None:
        """Now and then: is the gate still ours? And write the tally."""
        if time.monotonic() - self._checked < SECONDS_BETWEEN_CHECKS:
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

    def _stands_back(self) -> bool:
        """Tell whether this replica is in quarantine and others work; the last one goes on, so that the run ends."""
        return bool(self.quarantined) and self.campaign.catalogue.replicas.others_at_work(
            self.campaign.run, self.campaign.step, self.owner
        )

    def _claim(self) -> list[Item]:
        return self.campaign.catalogue.work_items.claim(
            self.campaign.run, self.campaign.step, self.owner, self._claim_size(), self.campaign.lease_seconds
        )

    def _claim_size(self) -> int:
        """Return how many items to claim: some seconds of work, towards the end a share of what is left."""
        if self._seconds_per_item is None:
            return 1
        seconds = min(SECONDS_PER_CLAIM, self.walltime.seconds_left())
        size = min(LARGEST_CLAIM, int(seconds / max(self._seconds_per_item, 1e-6)))
        if size <= 1:
            return 1
        share = 1.0 / max(1, self.procedure.wanted_replicas(self.campaign))
        return max(1, self.campaign.catalogue.work_items.waiting(self.campaign.run, self.campaign.step, share, size))

    def _work_on(self, claimed: list[Item]) -> None:
        """Work on claimed items; commit together what takes less than a second or two."""
        finished: list[tuple[Item, Outcome, float]] = []
        since = time.monotonic()
        for item in claimed:
            begun = time.monotonic()
            try:
                outcome = self.procedure.work(self.campaign, item)
            except Interrupted:
                self._interrupted = True
                break
            except (PyMongoError, DatabaseError, LeaseLost, RunFailed):
                raise
            except (Exception, SystemExit) as error:  # an engine may try to leave the interpreter
                self._fail(item, error)
                continue
            seconds = time.monotonic() - begun
            self._failed_in_a_row = []
            self._give_up_suspected()
            mean = self._seconds_per_item
            self._seconds_per_item = seconds if mean is None else 0.7 * mean + 0.3 * seconds
            self.seconds += seconds
            finished.append((item, outcome, seconds))
            if time.monotonic() - since > SECONDS_PER_CLAIM / 2:
                self._commit(finished)
                finished, since = [], time.monotonic()
                if self.walltime.ending():
                    break  # what is left of the claim is given back
        self._commit(finished)

    def _commit(self, finished: list[tuple[Item, Outcome, float]]) -> None:
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
            self._fail(finished[0][0], EngineError(what, permanent=True))

    def _write(self, finished: list[tuple[Item, Outcome, float]]) -> None:
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
        following = {item.key: outcome.items for item, outcome, _ in finished if outcome.items}
        done = [(item, outcome.summary, seconds) for item, outcome, seconds in finished]
        committed = catalogue.work_items.commit(run, step, self.owner, done, following)
        if following:
            catalogue.work_items.settle(run, step)
        self.done += committed
        self.campaign.log("items committed", level="DEBUG", items=committed, taken_over=len(finished) - committed)

    def _fail(self, item: Item, error: BaseException) -> None:
        """Record a failed attempt; the last one of an item stays open until it is clear that it is the item's fault."""
        if not isinstance(error, GenarrisError):
            self.campaign.log("traceback", level="DEBUG", item=item.key, traceback=traceback.format_exc())
        if item.key not in self._failed_in_a_row:
            self._failed_in_a_row.append(item.key)
        if item.attempts + 1 >= self._attempts_allowed(error):
            self._suspected.append((item, error))
        else:
            self._write_failure(item, error)
        if self.quarantined:
            self._give_up_suspected()
        elif len(self._failed_in_a_row) >= self.campaign.quarantine_after:
            self._quarantine(said(error))

    def _attempts_allowed(self, error: BaseException) -> int:
        permanent = isinstance(error, EngineError) and error.permanent
        return 1 if permanent else self.campaign.max_attempts

    def _write_failure(self, item: Item, error: BaseException) -> None:
        state = self.campaign.catalogue.work_items.fail(
            self.campaign.run,
            self.campaign.step,
            self.owner,
            item,
            said(error),
            self._attempts_allowed(error),
            self.campaign.retry_delay,
            details_of(error),
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
        number = len(self._failed_in_a_row)
        self.quarantined = f"{number} different items failed in a row here; the last one: {error}"
        self.campaign.catalogue.replicas.quarantine(self.owner, self.quarantined)
        if self._stands_back():  # the others shall have all attempts at what failed here
            held = [item for item, _ in self._suspected]
            run, step = self.campaign.run, self.campaign.step
            self.campaign.catalogue.work_items.forgive(run, step, self.owner, held, self._failed_in_a_row)
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
