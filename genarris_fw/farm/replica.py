"""A replica: claims work items of one procedure until none is left, and commits what it did."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import DatabaseError, EngineError, GenarrisError, RunFailed

if TYPE_CHECKING:
    from genarris_fw.procedures.base import Procedure
    from genarris_fw.procedures.campaign import Campaign

# A claim aims at this much work, and what is done is committed at least this often.
SECONDS_PER_CLAIM = 2.0
LARGEST_CLAIM = 100
IDLE_SLEEP = (0.1, 1.0)


@dataclass
class Outcome:
    """What the work on one item gave.

    Parameters
    ----------
    summary : dict
        Kept on the item's document; what ``collect`` reads.
    structures : list of dict
        Documents of new structures (`genarris_fw.procedures.documents.to_document`).
    fields : dict of str to dict
        For existing structures, by struct_id: dotted field names with their values.
    items : list of Item
        Work that follows from this item.
    """

    summary: dict[str, Any] = field(default_factory=dict)
    structures: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)


class Replica:
    """One replica of one procedure.

    Parameters
    ----------
    procedure : Procedure
        Whose ``work`` is called for every item.
    campaign : Campaign
        The run and the step.
    owner : str
        The name under which leases are held; a heartbeat for it must be running.
    still_mine : callable, optional
        For the gate: whether its own lease still holds; asked at every claim.
    gate_is_lost : callable, optional
        For a side replica that finds nothing to do: whether the gate's lease has expired.
    more_to_come : callable, optional
        Asked when all items are done: whether others have been or may yet be added.
    """

    def __init__(
        self,
        procedure: Procedure,
        campaign: Campaign,
        owner: str,
        still_mine: Callable[[], bool] = lambda: True,
        gate_is_lost: Callable[[], bool] = lambda: False,
        more_to_come: Callable[[], bool] = lambda: False,
    ) -> None:
        self.procedure = procedure
        self.campaign = campaign
        self.owner = owner
        self.still_mine = still_mine
        self.gate_is_lost = gate_is_lost
        self.more_to_come = more_to_come
        self.done = 0
        self.failed = 0
        self._seconds_per_item: float | None = None

    def work(self) -> str:
        """Work until no item is waiting or leased; return ``finished`` or ``gate lost``."""
        run, step = self.campaign.run, self.campaign.step
        items = self.campaign.catalogue.work_items
        sleep = IDLE_SLEEP[0]
        while True:
            if not self.still_mine():
                raise LeaseLost(f"the gate of {step} in run {run} was taken over by another rocket")
            claimed = items.claim(run, step, self.owner, self._claim_size(), self.campaign.lease_seconds)
            if claimed:
                self._work_on(claimed)
                sleep = IDLE_SLEEP[0]
                continue
            if not items.unfinished(run, step) and not self.more_to_come():
                return "finished"
            if items.reap(run, step):
                continue
            if self.gate_is_lost():
                return "gate lost"
            time.sleep(sleep)
            sleep = min(2 * sleep, IDLE_SLEEP[1])

    def _claim_size(self) -> int:
        if self._seconds_per_item is None:
            return 1
        return max(1, min(LARGEST_CLAIM, int(SECONDS_PER_CLAIM / max(self._seconds_per_item, 1e-6))))

    def _work_on(self, claimed: list[Item]) -> None:
        """Work on claimed items; commit together what takes less than a second or two."""
        finished: list[tuple[Item, Outcome, float]] = []
        since = time.monotonic()
        for item in claimed:
            begun = time.monotonic()
            try:
                outcome = self.procedure.work(self.campaign, item)
            except (PyMongoError, DatabaseError, LeaseLost, RunFailed):
                raise
            except (Exception, SystemExit) as error:  # an engine may try to leave the interpreter
                self._fail(item, error)
                continue
            seconds = time.monotonic() - begun
            mean = self._seconds_per_item
            self._seconds_per_item = seconds if mean is None else 0.7 * mean + 0.3 * seconds
            finished.append((item, outcome, seconds))
            if time.monotonic() - since > SECONDS_PER_CLAIM / 2:
                self._commit(finished)
                finished, since = [], time.monotonic()
        self._commit(finished)

    def _commit(self, finished: list[tuple[Item, Outcome, float]]) -> None:
        """Write the outcomes by id, fenced; then what follows; the items' commit comes last."""
        if not finished:
            return
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
        following = [item for _, outcome, _ in finished for item in outcome.items]
        if following:
            catalogue.work_items.insert(run, step, following)
        committed = catalogue.work_items.commit(
            run, step, self.owner, [(item, outcome.summary, seconds) for item, outcome, seconds in finished]
        )
        self.done += committed
        self.campaign.log("items committed", level="DEBUG", items=committed, taken_over=len(finished) - committed)

    def _fail(self, item: Item, error: BaseException) -> None:
        permanent = isinstance(error, EngineError) and error.permanent
        attempts = 1 if permanent else self.campaign.max_attempts
        text = str(error) if isinstance(error, GenarrisError) else f"{type(error).__name__}: {error}"
        state = self.campaign.catalogue.work_items.fail(
            self.campaign.run, self.campaign.step, self.owner, item, text.strip(), attempts
        )
        self.failed += state == "failed"
        if not isinstance(error, GenarrisError):
            self.campaign.log("traceback", level="DEBUG", item=item.key, traceback=traceback.format_exc())
        self.campaign.log("item failed", level="WARNING", item=item.key, then=state, error=text)
