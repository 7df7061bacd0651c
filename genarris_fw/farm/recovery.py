"""Lost rockets and leases: found by our own leases, repaired in FireWorks' documents.

A firework whose rocket died stays RUNNING in FireWorks for hours. Its lease says within seconds that nobody works
on it any more: a firework on the path is then made READY again, a side replica is closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from fireworks import FWAction, LaunchPad
from fireworks.core.launchpad import WFLock

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.owner import is_dead, owner_name

# A workflow lock older than this belongs to a dead process: FireWorks holds one for milliseconds.
STALE_LOCK_SECONDS = 20
# A firework that was checked out but has no lease after this long died between the two.
GRACE_SECONDS = 60.0


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
    me = owner_name(0)
    done = []
    lost = {lease["_id"]: lease for lease in catalogue.leases.expired(run)}
    lost |= {lease["_id"]: lease for lease in catalogue.leases.holders(run) if is_dead(lease["owner"])}
    for lease in lost.values():
        released = catalogue.work_items.release_lost(lease["owner"])
        if recover_firework(launchpad, catalogue, lease, me):
            done.append(f"{lease['step']} {lease['role']} (firework {lease['fw_id']}): its rocket is gone, repaired")
        if released:
            done.append(f"{lease['step']}: {released} work items of a lost rocket released")
    for owner in catalogue.work_items.owners(run):
        if is_dead(owner) and (released := catalogue.work_items.release_lost(owner)):
            done.append(f"{released} work items of a lost rocket released")
    if reaped := catalogue.work_items.reap(run):
        done.append(f"{reaped} work items with expired leases released")
    done += _recover_without_lease(launchpad, catalogue, run, grace_seconds)
    return done


def recover_firework(launchpad: LaunchPad, catalogue: Catalogue, lease: dict[str, Any], recoverer: str) -> bool:
    """Repair the firework of one lost lease; False when somebody else does, or there is nothing to repair."""
    if not catalogue.leases.begin_recovery(lease, recoverer):
        return False
    if lease["role"] == "side":
        return _close_side(launchpad, catalogue, lease)
    return run_again(launchpad, lease["fw_id"], lease.get("launch_id"))


def run_again(launchpad: LaunchPad, fw_id: int, launch_id: int | None) -> bool:
    """Make a firework READY again, if the launch that is known to be dead is still its live one.

    A compare and swap inside the workflow's lock: rerunning twice would throw a finished firework and its
    children back. A launch that had finished already only needs its workflow refreshed.
    """
    with WFLock(launchpad, fw_id, expire_secs=STALE_LOCK_SECONDS, kill=True):
        firework = launchpad.fireworks.find_one({"fw_id": fw_id}, {"state": 1, "launches": 1})
        if firework is None or firework["state"] not in ("RUNNING", "RESERVED"):
            return False
        live = (firework.get("launches") or [None])[-1]
        if live != launch_id:
            return False
        launch = launchpad.launches.find_one({"launch_id": launch_id}, {"state": 1}) or {}
        workflow = launchpad.get_wf_by_fw_id_lzyfw(fw_id)
        finished = launch.get("state") == "COMPLETED"
        updated = workflow.refresh(fw_id) if finished else workflow.rerun_fw(fw_id)
        launchpad._update_wf(workflow, updated)
    if launch and not finished:
        # After the rerun the launch is archived: this only records what became of it.
        launchpad.mark_fizzled(launch_id)
    return True


def _close_side(launchpad: LaunchPad, catalogue: Catalogue, lease: dict[str, Any]) -> bool:
    """Close a dead side replica: its items go to the others, so its firework is done."""
    catalogue.leases.collection.update_one({"_id": lease["_id"]}, {"$set": {"state": "collected"}})
    firework = launchpad.fireworks.find_one({"fw_id": lease["fw_id"]}, {"state": 1, "launches": 1})
    if firework is None or firework["state"] != "RUNNING" or not firework["launches"]:
        return False
    launchpad.complete_launch(firework["launches"][-1], FWAction(stored_data={"remark": "its rocket was lost"}))
    return True


def _recover_without_lease(launchpad: LaunchPad, catalogue: Catalogue, run: str, grace_seconds: float) -> list[str]:
    """Repair fireworks that were checked out but never came to hold a lease."""
    done = []
    long_ago = datetime.now(timezone.utc) - timedelta(seconds=grace_seconds)
    query = {"spec.run": run, "state": {"$in": ["RUNNING", "RESERVED"]}}
    for firework in launchpad.fireworks.find(query, {"fw_id": 1, "state": 1, "launches": 1, "updated_on": 1}):
        live = (firework.get("launches") or [None])[-1]
        if firework["state"] == "RESERVED" and live is not None:
            continue  # reserved for a job in a queue: the scheduler's business
        if _updated(firework) > long_ago:
            continue
        held = catalogue.leases.collection.find_one({"fw_id": firework["fw_id"], "launch_id": live, "state": "open"})
        if held is None and run_again(launchpad, firework["fw_id"], live):
            done.append(f"firework {firework['fw_id']}: checked out by a rocket that is gone, ready again")
    return done


def _updated(firework: dict[str, Any]) -> datetime:
    """Return when FireWorks last touched a firework (it stores dates or their text)."""
    value = firework.get("updated_on")
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is None:
        return datetime.fromtimestamp(0, timezone.utc)
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
