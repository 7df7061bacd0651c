"""A firework in its role: plan, gate, side, or whole.

What it does is decided in `genarris_fw.farm.decisions.role`; here each of these moves is made. The order of writes is
that of docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from fireworks import LaunchPad
from pymongo.errors import PyMongoError

from genarris_fw.catalogue.documents import LeaseDocument, Planned
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.runs import now
from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.decisions.replica import End
from genarris_fw.farm.decisions.role import (
    Decided,
    Move,
    after_commit,
    after_work,
    sides_wanted,
    until_commit,
    when_all_is_done,
)
from genarris_fw.farm.holding import Holding
from genarris_fw.farm.meter import number_of_ranks
from genarris_fw.farm.publication import Publication, publish, round_part, summary_part
from genarris_fw.farm.repair.recovery import recover_firework
from genarris_fw.farm.replica import Replica
from genarris_fw.farm.sides import add_sides, archive_unstarted_sides
from genarris_fw.farm.task import Task


class Role:
    """A firework in its role, while its lease is held.

    Parameters
    ----------
    task : Task
        The procedure's task, with ``role``.
    campaign : Assignment
        The run and the step.
    launchpad : LaunchPad
        Where sides are added, and a lost gate is recovered.
    holding : Holding
        The lease.
    """

    def __init__(self, task: Task[Any], campaign: Assignment, launchpad: LaunchPad, holding: Holding) -> None:
        self.task = task
        self.campaign = campaign
        self.launchpad = launchpad
        self.holding = holding
        self.role: str = task["role"]
        self._decided = Decided()
        self._next_round = 0
        self._result: list[dict[str, Any]] = []  # the parts that are committed with what is prepared
        self._items = 0
        self._counts: dict[str, Any] = {}
        self._moves: dict[Move, Callable[[], None]] = {
            Move.RELEASE: self._release,
            Move.BEGIN: self._begin,
            Move.PLAN: self._plan,
            Move.PLAN_FIRST_ROUND: self._plan_first_round,
            Move.WORK: self._work,
            Move.ARCHIVE_SIDES: self._archive_sides,
            Move.COLLECT: self._collect,
            Move.COMMIT: self._commit,
            Move.DISCARD: lambda: campaign.publication.discard(),
            Move.LEAVE: self._leave,
            Move.PUBLISH: self._publish,
            Move.OPEN_GATE: self._open_gate,
            Move.ADD_SIDES: self._add_sides,
            Move.LOOK_AFTER_GATE: self._look_after_gate,
        }

    def play(self) -> dict[str, Any]:
        """Do what the role asks for, noting who does for those who watch; return what is kept with the launch.

        It may be played again from its beginning: what is done stays done.
        """
        replicas, owner = self.campaign.catalogue.replicas, self.holding.owner
        cores = self.task.cores(self.campaign, number_of_ranks())
        replicas.begin(owner, self.campaign.run, self.campaign.step, self.role, int(self.task.fw_id), cores)
        try:
            return self._play()
        finally:
            replicas.end(owner)

    def _play(self) -> dict[str, Any]:
        on_path = self.role != "side"
        if on_path:
            decisions = self.campaign.catalogue.leases.decisions(self.holding.identifier)
            self._decided = Decided.read(decisions)
            self._next_round = self._decided.next_round
        if moves := until_commit(self.role, self._decided):
            with self._preparing() if on_path else nullcontext():
                self._make(moves)
        if not self.holding.unfinished:
            self._make(after_commit(self.role))
        return self._counts

    def _make(self, moves: Sequence[Move]) -> None:
        for move in moves:
            self._moves[move]()

    @contextmanager
    def _preparing(self) -> Iterator[None]:
        """Prepare a result; what cannot be committed leaves no files."""
        self.campaign.publication = Publication(self.campaign.folder, self.holding.identifier, self.holding.token)
        try:
            yield
        except BaseException as error:
            # An outage may have come after the commit and before its answer.
            if not isinstance(error, PyMongoError):
                self.campaign.publication.discard()
            raise

    # Rounds

    def _release(self) -> None:
        last = self._decided.last_round
        assert last is not None
        token = self._decided.rounds[last]
        self.campaign.catalogue.work_items.release(self.campaign.run, self.campaign.step, last, token)

    def _begin(self) -> None:
        self.campaign.catalogue.runs.step_started(self.campaign.run, self.campaign.step)
        self.campaign.prepare_input()

    def _plan(self) -> None:
        self._insert_planned(0)
        self._result = [round_part(0)]

    def _plan_first_round(self) -> None:
        self._plan_round(0)

    def _insert_planned(self, round_: int) -> int:
        items = self.task.next_round(self.campaign) if round_ else self.task.plan(self.campaign)
        run, step, token = self.campaign.run, self.campaign.step, self.holding.token
        return self.campaign.catalogue.work_items.plan(run, step, items, round_, token)

    def _plan_round(self, round_: int) -> int:
        """Plan a round, record it, release it; return how many items are new."""
        catalogue, holding = self.campaign.catalogue, self.holding
        planned = self._insert_planned(round_)
        if not planned:
            self.campaign.publication.discard_scratch()
            return 0
        try:
            catalogue.leases.record_round(holding.identifier, holding.token, round_, planned, holding.owner)
        except LeaseLost:
            self._forget_planned(round_)
            raise
        self.campaign.publication.scratch.clear()
        return catalogue.work_items.release(self.campaign.run, self.campaign.step, round_, holding.token)

    def _forget_planned(self, round_: int) -> None:
        """Remove what this rocket planned after it was overtaken; it counts for nothing."""
        mine: Planned = {"round": round_, "token": self.holding.token}
        self.campaign.catalogue.work_items.forget_planned(self.campaign.run, self.campaign.step, mine)

    # Work

    def _work(self) -> None:
        """Work as a replica; then do what follows."""
        replica = self._side_replica() if self.role == "side" else self._leading_replica()
        end = End(replica.work())
        then = {} if end is End.FINISHED else {"then": end.value}
        self._counts = {"done": replica.done, "failed": replica.failed} | then
        self._make(after_work(self.role, end))

    def _leading_replica(self) -> Replica:
        """Return the replica on the workflow's path: it plans the rounds that follow, and closes."""
        return Replica(
            self.task,
            self.campaign,
            self.holding.owner,
            still_mine=self.holding.still_mine,
            more_to_come=self._more_to_come,
            walltime=self.campaign.walltime,
        )

    def _more_to_come(self) -> bool:
        """Plan the next round, where there is one; else close the step, and look once more."""
        move = when_all_is_done(self.task.rounds)
        if move is Move.PLAN_NEXT_ROUND:
            move = when_all_is_done(self.task.rounds, self._plan_round(self._next_round))
        if move is Move.WORK:
            self._next_round += 1
            return True
        catalogue = self.campaign.catalogue
        catalogue.leases.all_planned(self.holding.identifier, self.holding.token)
        # A server that was frozen in the middle of its look may have seen an item in neither of two states.
        return catalogue.work_items.unfinished(self.campaign.run, self.campaign.step) is not None

    def _side_replica(self) -> Replica:
        campaign, leases = self.campaign, self.campaign.catalogue.leases
        return Replica(
            self.task,
            campaign,
            self.holding.owner,
            gate_is_lost=lambda: self._lost_gate() is not None,
            more_to_come=lambda: self.task.rounds and leases.may_plan(campaign.run, campaign.step, "gate"),
            walltime=campaign.walltime,
            idle_limit=campaign.idle_limit,
        )

    def _lost_gate(self) -> LeaseDocument | None:
        # Sides are there before the plan ends: they may be the only ones to notice that it was lost.
        leases, run, step = self.campaign.catalogue.leases, self.campaign.run, self.campaign.step
        expired = leases.expired(run, step, "gate") or leases.expired(run, step, "plan")
        return expired[0] if expired else None

    def _look_after_gate(self) -> None:
        if (lease := self._lost_gate()) is not None:
            recover_firework(self.launchpad, self.campaign.catalogue, lease, self.holding.owner)

    def _leave(self) -> None:
        self.holding.unfinished = True

    # The end of a step

    def _archive_sides(self) -> None:
        archive_unstarted_sides(self.launchpad, self.campaign.run, self.campaign.step)

    def _collect(self) -> None:
        counts = self.campaign.catalogue.work_items.counts(self.campaign.run, self.campaign.step)
        summary = self.task.collect(self.campaign) | {"failed": counts["failed"]}
        if words := self.task.in_words(self.campaign, summary):
            summary["words"] = words
        self._result = [summary_part(summary, counts, now())]

    def _commit(self) -> None:
        """Decide the firework's result: what was prepared, and the parts of this result."""
        catalogue, holding = self.campaign.catalogue, self.holding
        parts = self.campaign.publication.parts() + self._result
        try:
            prepared = catalogue.publications.prepare(self.campaign.run, holding.identifier, holding.token, parts)
            catalogue.leases.commit(holding.identifier, holding.token, prepared)
            self.campaign.publication.forget()
        except LeaseLost:
            if self.role == "plan":
                self._forget_planned(0)
            raise

    def _publish(self) -> None:
        catalogue, token = self.campaign.catalogue, self.holding.token
        committed = catalogue.leases.decisions(self.holding.identifier).get("committed")
        if committed is None:
            raise LeaseLost(f"{self.holding.identifier} was taken over and collected by another rocket")
        counts = publish(catalogue, self.campaign.record, self.campaign.step, self.role, token, committed)
        self._items = sum(counts.values())

    def _open_gate(self) -> None:
        # The gate's first token is this one or higher: what an overtaken plan still plans is below it.
        run, step, above = self.campaign.run, self.campaign.step, self.holding.token - 1
        self.campaign.catalogue.leases.open(run, step, "gate", 0, above=above)

    def _add_sides(self) -> None:
        wanted = self.task.wanted_replicas(self.campaign)
        sides = sides_wanted(wanted, self.task.most_replicas(self.campaign, self._items))
        self._counts = {"items": self._items, "sides": add_sides(self.launchpad, self.task, sides)}
