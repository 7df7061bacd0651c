"""What happens inside one firework of a procedure: its lease, its role, and what is left behind."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fireworks import FWAction, LaunchPad
from pymongo.errors import PyMongoError

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import LeaseDocument, Planned
from genarris_fw.catalogue.leases import LeaseLost, lease_id
from genarris_fw.catalogue.runs import now
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.errors import GenarrisError, Interrupted, RunFailed
from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.heartbeat import Heartbeat
from genarris_fw.farm.publication import Publication, publish, round_part, summary_part
from genarris_fw.farm.repair.recovery import recover_firework
from genarris_fw.farm.replica import Replica
from genarris_fw.farm.sides import add_sides, archive_unstarted_sides
from genarris_fw.farm.successors import successor
from genarris_fw.farm.task import Task
from genarris_fw.logs import Log
from genarris_fw.owner import is_dead, owner_name
from genarris_fw.patience import patiently
from genarris_fw.walltime import listening, of_this_process, stop_pulling

WAIT_FOR_HOLDER = 0.5


@dataclass
class Holding:
    """A firework's lease while it is held.

    Attributes
    ----------
    unfinished : bool
        The firework ends before its work does: its lease is given back, not closed.
    """

    catalogue: Catalogue
    identifier: str
    owner: str
    token: int
    unfinished: bool = False

    def still_mine(self) -> bool:
        """Tell whether nobody has taken the lease over."""
        return self.catalogue.leases.held(self.identifier, self.token)


@contextmanager
def hold(
    launchpad: LaunchPad, fw_id: int, run: str, step: str, role: str, lease_seconds: float, heartbeat: bool = True
) -> Iterator[Holding | None]:
    """Hold a firework's lease with a heartbeat; None when its work is already collected.

    A living process may hold it (this firework was run again too early): then wait, because returning would
    tell FireWorks that the step is done. At the end the lease is closed, or released when an error passes.
    Work of a moment needs no heartbeat.
    """
    catalogue = Catalogue(launchpad.db)
    launches = (launchpad.fireworks.find_one({"fw_id": fw_id}, {"launches": 1}) or {}).get("launches") or [None]
    owner = owner_name(fw_id)
    token: int | None = None
    while True:
        try:
            token = catalogue.leases.take(run, step, role, fw_id, launches[-1], owner, lease_seconds)
            break
        except LeaseLost:
            time.sleep(WAIT_FOR_HOLDER)
            release_dead_holder(catalogue, run, step, role)
    if token is None:
        yield None
        return
    if token > 1 and role != "side":
        catalogue.runs.fence(run, f"{step} {role}", token)  # whoever held it before writes nothing more there
        catalogue.runs.resumed(run)
    holding = Holding(catalogue, lease_id(run, step, role, fw_id), owner, token)
    try:
        with Heartbeat(launchpad.to_dict(), owner, lease_seconds) if heartbeat else nullcontext():
            yield holding
    except BaseException as error:
        catalogue.work_items.give_back(owner)
        mine = catalogue.leases.release(holding.identifier, token)
        if not mine and isinstance(error, Exception) and not isinstance(error, LeaseLost):
            # What goes wrong here says nothing about the run any more: another rocket carries it on.
            raise LeaseLost(f"{holding.identifier} was taken over before this rocket stopped") from error
        raise
    if not holding.unfinished:
        catalogue.leases.collected(holding.identifier, token)
    elif not catalogue.leases.release(holding.identifier, token):
        raise LeaseLost(f"{holding.identifier} was taken over before this rocket stopped")


def release_dead_holder(catalogue: Catalogue, run: str, step: str, role: str) -> None:
    """Free a lease whose holder ran on this machine and is gone; no need to wait for its expiry."""
    lease = catalogue.leases.find(run, step, role)
    if lease and is_dead(str(lease.get("owner", ""))):
        catalogue.leases.release(lease["_id"], lease["token"])


def carry_out(task: Task[Any]) -> FWAction:
    """Carry out a procedure's firework in the role it was given.

    Parameters
    ----------
    task : Task
        With ``run``, ``step`` and ``role``, and the LaunchPad and firework id that the rocket has set.

    Raises
    ------
    RunFailed
        When the step cannot give a result; the run's document says why.
    """
    launchpad = getattr(task, "launchpad", None)
    if launchpad is None:
        raise RunFailed("a run needs its database while it works: FireWorks' offline mode cannot be used")
    run, step, role, fw_id = task["run"], task["step"], task["role"], int(task.fw_id)
    catalogue = Catalogue(launchpad.db)
    check_schema(launchpad.db)
    record = catalogue.runs.find(run)
    if record is None and role == "side":
        return FWAction(stored_data={"remark": f"run {run} is gone"})
    record = catalogue.runs.get(run)
    options = next(entry for entry in record["options"]["steps"] if entry["name"] == step)["options"]
    level = "DEBUG" if options.get("verbose") else "INFO"
    log = Log(Path(record["folder"]), level, run=run, step=step, role=role, fw=fw_id)
    campaign = task.assignment(catalogue, record, step, log)
    campaign.walltime = walltime = of_this_process()
    begun = time.monotonic()
    try:
        with (
            listening(walltime),
            hold(launchpad, fw_id, run, step, role, campaign.lease_seconds) as holding,
        ):
            if holding is None:
                return FWAction(stored_data={"remark": "already collected"})
            log("started", launch_dir=Path.cwd())
            try:
                # Every role may be played again from its beginning: what is done stays done.
                counts = patiently(
                    lambda: ROLES[role](task, campaign, launchpad, holding),
                    again=lambda: catalogue.work_items.give_back(holding.owner),
                )
            except Exception as error:
                if role != "side" and not isinstance(error, PyMongoError | Interrupted | LeaseLost):
                    _fail(campaign, role, holding, error)
                raise
            log("finished", seconds=round(time.monotonic() - begun, 3), **counts)
    except LeaseLost as lost:
        log("taken over", level="WARNING", why=lost)
        if role == "side":  # nothing waits for a side, and its items are with the others
            return FWAction(stored_data={"remark": "taken over"})
        raise
    except Exception as error:
        message = explain(error, campaign.folder)
        log("stopped", level="ERROR", error=message)
        log("traceback", level="DEBUG", traceback=traceback.format_exc())
        if role == "side" or isinstance(error, PyMongoError | Interrupted):
            raise  # nothing is wrong with the run: another launch goes on
        raise RunFailed(message) from error
    if holding.unfinished:
        stop_pulling(launchpad)
        return successor(launchpad, task)
    return FWAction(stored_data={"run": run, "step": step, "role": role} | counts)


def _fail(campaign: Assignment, role: str, holding: Holding, error: Exception) -> None:
    """Mark the run as failed, while the lease is held: who was overtaken has nothing to say about the run."""
    if not holding.still_mine():
        raise LeaseLost(f"{holding.identifier} was taken over before this rocket stopped") from error
    message = explain(error, campaign.folder)
    campaign.catalogue.runs.failed(campaign.run, campaign.step, message, f"{campaign.step} {role}", holding.token)


def explain(error: Exception, folder: Path) -> str:
    """Return one line for a person: what is wrong, where, what to do."""
    if isinstance(error, GenarrisError):
        return str(error)
    if isinstance(error, OSError):
        where = error.filename or folder
        return f"{where}: {error.strerror or error}; mend that, then run the same command again to continue"
    return f"unexpected {type(error).__name__}: {error}"


def _plan(task: Task[Any], campaign: Assignment, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    """Plan the step's first round; its record is the commit of this firework."""
    leases, items = campaign.catalogue.leases, campaign.catalogue.work_items
    if "committed" not in leases.decisions(holding.identifier):
        with _preparing(campaign, holding):
            campaign.catalogue.runs.step_started(campaign.run, campaign.step)
            campaign.prepare_input()
            items.plan(campaign.run, campaign.step, task.plan(campaign), 0, holding.token)
            try:
                _commit(campaign, holding, [round_part(0)])
            except LeaseLost:
                _forget_planned(campaign, holding, 0)
                raise
    number = sum(_publish(campaign, task["role"], holding).values())
    # The gate's first token is this one or higher: what an overtaken plan still plans is below it.
    leases.open(campaign.run, campaign.step, "gate", 0, above=holding.token - 1)
    sides = min(task.wanted_replicas(campaign), max(1, task.most_replicas(campaign, number))) - 1
    return {"items": number, "sides": add_sides(launchpad, task, sides)}


@contextmanager
def _preparing(campaign: Assignment, holding: Holding) -> Iterator[None]:
    """Prepare a result; what cannot be committed leaves no files."""
    campaign.publication = Publication(campaign.folder, holding.identifier, holding.token)
    try:
        yield
    except BaseException as error:
        # An outage may have come after the commit and before its answer.
        if not isinstance(error, PyMongoError):
            campaign.publication.discard()
        raise


def _commit(campaign: Assignment, holding: Holding, parts: list[dict[str, Any]]) -> None:
    """Decide the firework's result: what was prepared, and these parts."""
    catalogue, publication = campaign.catalogue, campaign.publication
    everything = publication.parts() + parts
    prepared = catalogue.publications.prepare(campaign.run, holding.identifier, holding.token, everything)
    catalogue.leases.commit(holding.identifier, holding.token, prepared)


def _publish(campaign: Assignment, role: str, holding: Holding) -> dict[str, int]:
    """Make the committed result visible, whoever has committed it; return the step's items by state."""
    catalogue = campaign.catalogue
    committed = catalogue.leases.decisions(holding.identifier).get("committed")
    if committed is None:
        raise LeaseLost(f"{holding.identifier} was taken over and collected by another rocket")
    return publish(catalogue, campaign.record, campaign.step, role, holding.token, committed)


def _plan_round(task: Task[Any], campaign: Assignment, holding: Holding, round_: int) -> int:
    """Plan a round, record it, release it (docs/protocol.md); return how many items are new."""
    run, step, items = campaign.run, campaign.step, campaign.catalogue.work_items
    planned = items.plan(run, step, task.next_round(campaign) if round_ else task.plan(campaign), round_, holding.token)
    if not planned:
        campaign.publication.discard_scratch()
        return 0
    try:
        campaign.catalogue.leases.record_round(holding.identifier, holding.token, round_, planned, holding.owner)
    except LeaseLost:
        _forget_planned(campaign, holding, round_)
        raise
    campaign.publication.scratch.clear()
    return items.release(run, step, round_, holding.token)


def _forget_planned(campaign: Assignment, holding: Holding, round_: int) -> None:
    """Remove what this rocket planned after it was overtaken; it counts for nothing."""
    mine: Planned = {"round": round_, "token": holding.token}
    campaign.catalogue.work_items.forget_planned(campaign.run, campaign.step, mine)


def _work(task: Task[Any], campaign: Assignment, holding: Holding, replica: Replica) -> dict[str, Any]:
    """Work as a replica; note who does, for those who watch."""
    replicas = campaign.catalogue.replicas
    replicas.begin(holding.owner, campaign.run, campaign.step, task["role"], int(task.fw_id))
    try:
        state = replica.work()
    finally:
        replicas.end(holding.owner)
    holding.unfinished = state == "ending"
    return {"done": replica.done, "failed": replica.failed} | ({} if state == "finished" else {"then": state})


def _collect(task: Task[Any], campaign: Assignment, holding: Holding) -> None:
    """Prepare the step's result and decide it."""
    counts = campaign.catalogue.work_items.counts(campaign.run, campaign.step)
    summary = task.collect(campaign) | {"failed": counts["failed"]}
    _commit(campaign, holding, [summary_part(summary, counts, now())])


def _leading_replica(task: Task[Any], campaign: Assignment, holding: Holding, rounds: int) -> Replica:
    """Return the replica on the workflow's path: it plans the rounds that follow the first ``rounds``, and closes."""
    catalogue, recorded = campaign.catalogue, rounds

    def more_to_come() -> bool:
        nonlocal recorded
        if task.rounds and _plan_round(task, campaign, holding, recorded):
            recorded += 1
            return True
        catalogue.leases.all_planned(holding.identifier, holding.token)
        # A server that was frozen in the middle of its look may have seen an item in neither of two states.
        return catalogue.work_items.unfinished(campaign.run, campaign.step) is not None

    return Replica(
        task,
        campaign,
        holding.owner,
        still_mine=holding.still_mine,
        more_to_come=more_to_come,
        walltime=campaign.walltime,
    )


def _lead(task: Task[Any], campaign: Assignment, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    """Work along on the workflow's path, then collect; a successor does what is left when the time is over."""
    decisions = campaign.catalogue.leases.decisions(holding.identifier)
    counts: dict[str, Any] = {}
    if "committed" not in decisions:
        rounds = {int(number): about for number, about in decisions.get("rounds", {}).items()}
        if rounds:  # whoever recorded the last one may have died before its release
            last = max(rounds)
            campaign.catalogue.work_items.release(campaign.run, campaign.step, last, rounds[last]["token"])
        with _preparing(campaign, holding):
            if task["role"] == "whole":
                campaign.catalogue.runs.step_started(campaign.run, campaign.step)
                campaign.prepare_input()
                if not rounds:
                    _plan_round(task, campaign, holding, 0)
            # Round 0 is over, be it that of this firework's plan or of another one.
            replica = _leading_replica(task, campaign, holding, max(rounds, default=0) + 1)
            counts = _work(task, campaign, holding, replica)
            if holding.unfinished:
                campaign.publication.discard()
                return counts
            archive_unstarted_sides(launchpad, campaign.run, campaign.step)
            _collect(task, campaign, holding)
    _publish(campaign, task["role"], holding)
    return counts


def _side(task: Task[Any], campaign: Assignment, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    leases = campaign.catalogue.leases

    def lost_gate() -> LeaseDocument | None:
        # Sides are there before the plan ends: they may be the only ones to notice that it was lost.
        expired = leases.expired(campaign.run, campaign.step, "gate") or leases.expired(
            campaign.run, campaign.step, "plan"
        )
        return expired[0] if expired else None

    replica = Replica(
        task,
        campaign,
        holding.owner,
        gate_is_lost=lambda: lost_gate() is not None,
        more_to_come=lambda: task.rounds and leases.may_plan(campaign.run, campaign.step, "gate"),
        walltime=campaign.walltime,
        idle_limit=campaign.idle_limit,
    )
    counts = _work(task, campaign, holding, replica)
    # The rocket that recovers the gate returns at once, so that it is free to pull the gate itself.
    if not holding.unfinished and (lease := lost_gate()) is not None:
        recover_firework(launchpad, campaign.catalogue, lease, holding.owner)
    return counts


ROLES = {"plan": _plan, "gate": _lead, "side": _side, "whole": _lead}
