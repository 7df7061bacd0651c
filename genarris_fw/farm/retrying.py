"""Failed work items again: their step, and every step that depends on it, is made ready anew."""

from __future__ import annotations

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.rockets import rerun_fizzled
from genarris_fw.farm.workflow import find_workflow


def retry_run(launchpad: LaunchPad, run: str, procedure: str | None = None) -> tuple[int, str | None]:
    """Send failed items back to ``waiting`` and run their step's gate and all later steps again.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run's fireworks are.
    run : str
        Name of the run.
    procedure : str, optional
        Only this step.

    Returns
    -------
    items : int
        How many items wait again.
    first : str or None
        The first step that runs anew; None when nothing had failed.
    """
    catalogue = Catalogue(launchpad.db)
    steps = [entry["name"] for entry in catalogue.runs.get(run)["options"]["steps"]]
    items, first = 0, None
    for step in [procedure] if procedure else steps:
        retried = catalogue.work_items.retry(run, step)
        items += retried
        if retried and first is None:
            first = step
    catalogue.runs.resumed(run)
    if first is None:
        return 0, run if rerun_fizzled(launchpad, run) else None
    _reopen(launchpad, catalogue, run, steps[steps.index(first) :], first)
    return items, first


def _reopen(launchpad: LaunchPad, catalogue: Catalogue, run: str, steps: list[str], first: str) -> None:
    """Forget what later steps made, and run the chain again from the first step's gate (or whole) on."""
    for step in steps:
        for role in ("plan", "gate", "whole"):
            if step != first or role != "plan":
                catalogue.leases.reopen(run, step, role)
        if step != first:
            catalogue.work_items.collection.delete_many({"run": run, "procedure": step})
            # New items count their tokens from one again: the fence of the old ones must not shut them out.
            catalogue.structures.collection.update_many({"run": run}, {"$unset": {f"fence.{step}": ""}})
    catalogue.runs.collection.update_one(
        {"_id": run},
        {
            "$set": {"state": "running"},
            "$unset": {f"{kind}.{step}": "" for step in steps for kind in ("summaries", "procedures")},
        },
    )
    document = find_workflow(launchpad, run)
    names = [first, f"{first} gate"]
    query = {"fw_id": {"$in": document["nodes"] if document else []}, "name": {"$in": names}}
    for firework in launchpad.fireworks.find(query, {"fw_id": 1}):
        launchpad.rerun_fw(firework["fw_id"])
