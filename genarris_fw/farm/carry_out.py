"""What happens inside one firework of a procedure: its lease, and what is left behind.

What it does while it holds the lease is `genarris_fw.farm.roles`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fireworks import FWAction, LaunchPad
from pymongo.errors import PyMongoError

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.leases import LeaseLost, lease_id
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.errors import GenarrisError, Interrupted, RunFailed
from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.decisions.role import Ending, Trouble, after_trouble
from genarris_fw.farm.fireworks import documents
from genarris_fw.farm.heartbeat import Heartbeat
from genarris_fw.farm.holding import Holding
from genarris_fw.farm.notifying import notify
from genarris_fw.farm.roles import Role
from genarris_fw.farm.sides import restore_sides
from genarris_fw.farm.successors import successor
from genarris_fw.farm.task import Task
from genarris_fw.logs import Log
from genarris_fw.owner import is_dead, owner_name
from genarris_fw.patience import patiently
from genarris_fw.walltime import listening, of_this_process, stop_pulling

WAIT_FOR_HOLDER = 0.5


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
    firework = documents.known(launchpad.db, fw_id)
    launch = firework.launch if firework else None
    owner = owner_name(fw_id)
    token: int | None = None
    while True:
        try:
            token = catalogue.leases.take(run, step, role, fw_id, launch, owner, lease_seconds)
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
                if role == "plan":  # that of a workflow that was deleted has planned, and its sides went with it
                    restore_sides(launchpad, task, campaign)
                return FWAction(stored_data={"remark": "already collected"})
            log("started", launch_dir=Path.cwd())
            try:
                # Every role may be played again from its beginning: what is done stays done.
                counts = patiently(
                    lambda: Role(task, campaign, launchpad, holding).play(),
                    again=lambda: catalogue.work_items.give_back(holding.owner),
                )
            except Exception as error:
                if after_trouble(role, what_it_says(error)) is Ending.RUN_FAILED:
                    _fail(campaign, role, holding, error)
                raise
            log("finished", seconds=round(time.monotonic() - begun, 3), **counts)
    except LeaseLost as lost:
        log("taken over", level="WARNING", why=lost)
        if after_trouble(role, Trouble.OVERTAKEN) is Ending.COMPLETED:
            return FWAction(stored_data={"remark": "taken over"})
        raise
    except Exception as error:
        message = explain(error, campaign.folder)
        log("stopped", level="ERROR", error=message)
        log("traceback", level="DEBUG", traceback=traceback.format_exc())
        if after_trouble(role, what_it_says(error)) is Ending.RUN_FAILED:
            raise RunFailed(message) from error
        raise  # another launch goes on
    if holding.unfinished:
        stop_pulling(launchpad)
        return successor(launchpad, task)
    return FWAction(stored_data={"run": run, "step": step, "role": role} | counts)


def what_it_says(error: Exception) -> Trouble:
    """Return what an error says of a firework's work."""
    if isinstance(error, LeaseLost):
        return Trouble.OVERTAKEN
    return Trouble.PASSING if isinstance(error, PyMongoError | Interrupted) else Trouble.LASTING


def _fail(campaign: Assignment, role: str, holding: Holding, error: Exception) -> None:
    """Mark the run as failed, while the lease is held: who was overtaken has nothing to say about the run."""
    if not holding.still_mine():
        raise LeaseLost(f"{holding.identifier} was taken over before this rocket stopped") from error
    message = explain(error, campaign.folder)
    campaign.catalogue.runs.failed(campaign.run, campaign.step, message, f"{campaign.step} {role}", holding.token)
    notify(campaign.catalogue, campaign.run, campaign.log)


def explain(error: Exception, folder: Path) -> str:
    """Return one line for a person: what is wrong, where, what to do."""
    if isinstance(error, GenarrisError):
        return str(error)
    if isinstance(error, OSError):
        where = error.filename or folder
        return f"{where}: {error.strerror or error}; mend that, then run the same command again to continue"
    return f"unexpected {type(error).__name__}: {error}"
