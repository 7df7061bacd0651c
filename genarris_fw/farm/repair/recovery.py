"""Lost rockets and leases: found by our own leases, repaired in FireWorks' documents.

A firework whose rocket died stays RUNNING in FireWorks for hours. Its lease says within seconds that nobody works
on it any more: its firework is then made READY again, or closed where it is a side of a step that is collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from fireworks import FWAction, FWorker, LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import LeaseDocument
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.farm.fireworks import documents, launches, workflows
from genarris_fw.farm.fireworks.names import BEGIN, RESERVED
from genarris_fw.farm.notifying import notify
from genarris_fw.farm.repair.mending import complete, mend_workflows, run_again
from genarris_fw.farm.repair.orphans import remove_orphans
from genarris_fw.farm.repair.reservations import release_reservations
from genarris_fw.farm.sides import archive_unstarted_sides
from genarris_fw.logs import Log
from genarris_fw.owner import is_alive, is_dead, owner_name

# A firework that was checked out but has no lease after this long died between the two.
GRACE_SECONDS = 60.0
# The clocks of two machines may differ by this much.
LARGEST_CLOCK_SKEW = 3600.0
# A firework that ended in an error of the database or was interrupted is tried again, but not for ever.
MOST_LAUNCHES = 20


def recover(launchpad: LaunchPad, run: str, grace_seconds: float = GRACE_SECONDS) -> list[str]:
    """Find and repair what dead rockets of a run left behind; safe to call at any time, by many at once.

    Parameters
    ----------
    launchpad : LaunchPad
        The run's LaunchPad; its database is the catalogue.
    run : str
        Name of the run.
    grace_seconds : float
        How long a firework may be checked out before it has to hold a lease.

    Returns
    -------
    list of str
        What was done, one line each.
    """
    catalogue = Catalogue(launchpad.db)
    return [
        *mend_workflows(launchpad, run),
        *remove_orphans(launchpad, catalogue, run, grace_seconds),
        *_recover_leases(launchpad, catalogue, run),
        *_release_items(catalogue, run),
        *_recover_without_lease(launchpad, catalogue, run, grace_seconds),
        *release_reservations(launchpad, run),
        *_rerun_given_up(launchpad, catalogue, run),
        *_tidy_finished(launchpad, catalogue, run),
    ]


def known_runs(launchpad: LaunchPad) -> list[str]:
    """Return the names of all runs, those whose first firework has not made their document yet included."""
    names = Catalogue(launchpad.db).runs.names()
    return names + sorted(set(workflows.runs(launchpad.db)) - set(names))


def recover_firework(launchpad: LaunchPad, catalogue: Catalogue, lease: LeaseDocument, recoverer: str) -> bool:
    """Repair the firework of one lost lease; False when somebody else does, or there is nothing to repair."""
    if not catalogue.leases.begin_recovery(lease, recoverer):
        return False
    if lease["role"] != "side":
        catalogue.runs.fence(lease["run"], f"{lease['step']} {lease['role']}", lease["token"] + 1)
    if not documents.is_there(launchpad.db, lease["fw_id"]):
        return _close_of_deleted(catalogue, lease)
    if lease["role"] != "side" or _is_wanted(launchpad, catalogue, lease):
        return run_again(launchpad, lease["fw_id"], lease.get("launch_id"))
    # The step is collected, so a dead side replica is done. The lease is closed last: until then, a recoverer that
    # dies here is followed by another.
    closed = complete(launchpad, lease["fw_id"], lease.get("launch_id"), "its rocket was lost")
    with suppress(LeaseLost):
        catalogue.leases.collected(lease["_id"], lease["token"] + 1)
    return closed


def _close_of_deleted(catalogue: Catalogue, lease: LeaseDocument) -> bool:
    """Free the lease of a firework that somebody deleted, for the one that is added in its place; a side's is over."""
    if lease["role"] != "side":
        return catalogue.leases.release(lease["_id"], lease["token"] + 1)
    with suppress(LeaseLost):
        catalogue.leases.collected(lease["_id"], lease["token"] + 1)
    return True


def _is_wanted(launchpad: LaunchPad, catalogue: Catalogue, lease: LeaseDocument) -> bool:
    """Tell whether a lost side replica shall be replaced: its step goes on, and it was not lost again and again."""
    gate = catalogue.leases.find(lease["run"], lease["step"], "gate") or {}
    side = documents.known(launchpad.db, lease["fw_id"])
    return gate.get("state") != "collected" and (side is None or side.earlier < MOST_LAUNCHES)


def _recover_leases(launchpad: LaunchPad, catalogue: Catalogue, run: str) -> Iterator[str]:
    """Repair the fireworks whose lease has expired, or whose holder is known to be dead."""
    me = owner_name(0)
    lost = {lease["_id"]: lease for lease in catalogue.leases.expired(run)}
    lost |= {lease["_id"]: lease for lease in catalogue.leases.holders(run) if is_dead(lease["owner"])}
    for lease in lost.values():
        # A rocket that was frozen is not lost by the fault of its items.
        release = catalogue.work_items.give_back if is_alive(lease["owner"]) else catalogue.work_items.release_lost
        released = release(lease["owner"])
        if recover_firework(launchpad, catalogue, lease, me):
            # It may have died between the commit of its last items and its tally.
            catalogue.replicas.recount(lease["owner"])
            catalogue.replicas.lost(lease["owner"])
            yield f"{lease['step']} {lease['role']} (firework {lease['fw_id']}): its rocket is gone, repaired"
        if released:
            yield f"{lease['step']}: {released} work items of a lost rocket released"


def _release_items(catalogue: Catalogue, run: str) -> Iterator[str]:
    """Release work items that nobody holds any more."""
    for owner in catalogue.work_items.owners(run):
        if is_dead(owner) and (released := catalogue.work_items.release_lost(owner)):
            yield f"{released} work items of a lost rocket released"
    if reaped := catalogue.work_items.reap(run, lives=is_alive):
        yield f"{reaped} work items with expired leases released"


def undecided(launchpad: LaunchPad, run: str, grace_seconds: float = GRACE_SECONDS) -> bool:
    """Tell whether a firework is checked out without a lease, and it is too early to say that its rocket is gone."""
    return any(not lost for _, _, lost in _without_lease(launchpad, Catalogue(launchpad.db), run, grace_seconds))


def _recover_without_lease(launchpad: LaunchPad, catalogue: Catalogue, run: str, grace_seconds: float) -> Iterator[str]:
    """Repair fireworks that were checked out but whose rocket holds no lease: not yet, or not any more."""
    for fw_id, live, lost in _without_lease(launchpad, catalogue, run, grace_seconds):
        if lost and run_again(launchpad, fw_id, live):
            yield f"firework {fw_id}: checked out by a rocket that is gone, ready again"


def _without_lease(
    launchpad: LaunchPad, catalogue: Catalogue, run: str, grace_seconds: float
) -> Iterator[tuple[int, int | None, bool]]:
    """Yield firework, live launch, and whether its rocket is lost, for those checked out without a lease."""
    certainly = datetime.now(timezone.utc) - timedelta(seconds=grace_seconds + LARGEST_CLOCK_SKEW)
    held = {lease["fw_id"] for lease in catalogue.leases.holders(run) if "recoverer" not in lease}
    for firework in documents.checked_out(launchpad.db, run):
        fw_id, live = firework.fw_id, firework.launch
        launch = launches.launch(launchpad.db, live)
        gone = is_dead(launch.worker)  # workers of `run` name themselves there
        if fw_id in held:
            continue
        if firework.state == launch.state == RESERVED:
            continue  # for a job in a queue: the scheduler's business
        old = firework.updated is None or firework.updated < certainly
        yield fw_id, live, gone or old or catalogue.leases.unheld_for(run, fw_id, live, grace_seconds)


def _rerun_given_up(launchpad: LaunchPad, catalogue: Catalogue, run: str) -> Iterator[str]:
    """Make FIZZLED fireworks READY again where the run itself has not failed.

    A procedure that cannot give a result marks the run as failed. Without that, its rocket was interrupted, lost
    the database or was taken over, and nothing speaks against another launch.
    """
    record = catalogue.runs.find(run) or {}
    if record.get("state", "running") == "failed":
        return
    for firework in documents.given_up(launchpad.db, run):
        refused = firework.name == BEGIN and record.get("begun_by") not in (None, firework.fw_id)
        if refused or firework.earlier >= MOST_LAUNCHES:
            continue  # the same run added twice stays refused
        if run_again(launchpad, firework.fw_id, firework.launch):
            yield f"firework {firework.fw_id} ({firework.name}): interrupted, ready again"


def _tidy_finished(launchpad: LaunchPad, catalogue: Catalogue, run: str) -> Iterator[str]:
    """Close what a finished step or run has left READY: no rocket may ever come for it."""
    record = catalogue.runs.find(run) or {}
    for step in record.get("summaries", {}):
        lease = catalogue.leases.find(run, step, "gate")
        if lease and lease["state"] == "collected" and (number := archive_unstarted_sides(launchpad, run, step)):
            yield f"{step}: {number} side replicas with nothing to do archived"
    if record.get("state") != "finished":
        return
    for last in documents.ready_finish(launchpad.db, run):
        # Its work is in the run's document already: only FireWorks has not heard of it, and who is told of the end.
        _, launch_id = launchpad.checkout_fw(FWorker(name="recover"), str(Path.cwd()), fw_id=last)
        if launch_id is not None:
            notify(catalogue, run, Log(Path(record["folder"]), run=run, step="finish", role="finish", fw=last))
            launchpad.complete_launch(
                launch_id, FWAction(stored_data={"remark": "finished before its rocket was lost"})
            )
            yield f"firework {last}: the run had finished, completed"
