"""What happens inside one firework of a procedure: its lease, its role, and what is left behind."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fireworks import FWAction, LaunchPad
from pymongo.errors import PyMongoError

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.leases import LeaseLost, lease_id
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.errors import GenarrisError, Interrupted, RunFailed
from genarris_fw.farm.heartbeat import Heartbeat
from genarris_fw.farm.logs import Log
from genarris_fw.farm.owner import is_dead, owner_name
from genarris_fw.farm.patience import patiently
from genarris_fw.farm.recovery import recover_firework
from genarris_fw.farm.replica import Replica
from genarris_fw.farm.sides import add_sides, archive_unstarted_sides
from genarris_fw.farm.successors import successor
from genarris_fw.farm.walltime import Walltime, listening, of_this_process, stop_pulling
from genarris_fw.procedures.campaign import Campaign

if TYPE_CHECKING:
    from genarris_fw.procedures.base import Procedure

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

    def check(self, doing: str) -> None:
        """Raise LeaseLost when another rocket has taken the firework over."""
        if not self.still_mine():
            raise LeaseLost(f"{self.identifier} was taken over while this rocket was {doing}")


@contextmanager
def hold(
    launchpad: LaunchPad, fw_id: int, run: str, step: str, role: str, lease_seconds: float
) -> Iterator[Holding | None]:
    """Hold a firework's lease with a heartbeat; None when its work is already collected.

    A living process may hold it (this firework was run again too early): then wait, because returning would
    tell FireWorks that the step is done. At the end the lease is closed, or released when an error passes.
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
    holding = Holding(catalogue, lease_id(run, step, role, fw_id), owner, token)
    try:
        with Heartbeat(launchpad.to_dict(), owner, lease_seconds):
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


def carry_out(task: Procedure) -> FWAction:
    """Carry out a procedure's firework in the role it was given.

    Parameters
    ----------
    task : Procedure
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
    campaign = Campaign(catalogue, record, step, log)
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
            # Every role may be played again from its beginning: what is done stays done.
            counts = patiently(
                lambda: ROLES[role](task, campaign, launchpad, holding),
                again=lambda: catalogue.work_items.give_back(holding.owner),
            )
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
        catalogue.runs.failed(run, step, message)
        raise RunFailed(message) from error
    if holding.unfinished:
        stop_pulling(launchpad)
        return successor(launchpad, task)
    return FWAction(stored_data={"run": run, "step": step, "role": role} | counts)


def explain(error: Exception, folder: Path) -> str:
    """Return one line for a person: what is wrong, where, what to do."""
    if isinstance(error, GenarrisError):
        return str(error)
    if isinstance(error, OSError):
        where = error.filename or folder
        return f"{where}: {error.strerror or error}; mend that, then run the same command again to continue"
    return f"unexpected {type(error).__name__}: {error}"


def _plan(task: Procedure, campaign: Campaign, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    number = _insert_items(task, campaign)
    campaign.catalogue.leases.open(campaign.run, campaign.step, "gate", 0)
    sides = min(task.wanted_replicas(campaign), max(1, task.most_replicas(campaign, number))) - 1
    holding.check("planning")  # sides that a plan woken too late adds would find nothing to do
    return {"items": number, "sides": add_sides(launchpad, task, sides)}


def _insert_items(task: Procedure, campaign: Campaign) -> int:
    """Store the step's work items; return how many it has."""
    run, step = campaign.run, campaign.step
    campaign.catalogue.runs.procedure_started(run, step)
    campaign.import_pool()
    campaign.catalogue.work_items.insert(run, step, task.plan(campaign))
    counts = campaign.catalogue.work_items.counts(run, step)
    campaign.catalogue.runs.count_items(run, step, counts)
    return sum(counts.values())


def _work(task: Procedure, campaign: Campaign, holding: Holding, replica: Replica) -> dict[str, Any]:
    """Work as a replica; note who does, for those who watch."""
    replicas = campaign.catalogue.replicas
    replicas.begin(holding.owner, campaign.run, campaign.step, task["role"], int(task.fw_id))
    try:
        state = replica.work()
    finally:
        replicas.end(holding.owner)
    holding.unfinished = state == "ending"
    return {"done": replica.done, "failed": replica.failed} | ({} if state == "finished" else {"then": state})


def _collect(task: Procedure, campaign: Campaign, holding: Holding) -> None:
    run, step = campaign.run, campaign.step
    counts = campaign.catalogue.work_items.counts(run, step)
    summary = task.collect(campaign) | {"failed": counts["failed"]}
    holding.check("collecting")
    campaign.catalogue.runs.count_items(run, step, counts)
    campaign.catalogue.runs.procedure_finished(run, step, summary)


def _leading_replica(task: Procedure, campaign: Campaign, holding: Holding, walltime: Walltime) -> Replica:
    """Return the replica on the workflow's path: it adds the items of the next round."""

    def more_to_come() -> bool:
        if not task.rounds:
            return False
        added = campaign.catalogue.work_items.insert(campaign.run, campaign.step, task.next_round(campaign))
        if not added:
            campaign.catalogue.leases.all_planned(holding.identifier, holding.token)
        return added > 0

    return Replica(
        task, campaign, holding.owner, still_mine=holding.still_mine, more_to_come=more_to_come, walltime=walltime
    )


def _lead(task: Procedure, campaign: Campaign, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    """Work along on the workflow's path, then collect; a successor does what is left when the time is over."""
    counts = _work(task, campaign, holding, _leading_replica(task, campaign, holding, campaign.walltime))
    if not holding.unfinished:
        archive_unstarted_sides(launchpad, campaign.run, campaign.step)
        _collect(task, campaign, holding)
    return counts


def _side(task: Procedure, campaign: Campaign, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    leases = campaign.catalogue.leases

    def lost_gate() -> dict[str, Any] | None:
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


def _whole(task: Procedure, campaign: Campaign, launchpad: LaunchPad, holding: Holding) -> dict[str, Any]:
    _insert_items(task, campaign)
    return _lead(task, campaign, launchpad, holding)


ROLES = {"plan": _plan, "gate": _lead, "side": _side, "whole": _whole}
