"""The runs of a database that was restored from an archive: made ready to go on at once."""

from __future__ import annotations

from collections.abc import Iterator

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.repair.mending import mend_workflows
from genarris_fw.farm.repair.orphans import remove_orphans
from genarris_fw.farm.repair.recovery import known_runs, recover
from genarris_fw.farm.repair.retrying import _chain, _forget, _run_from


def take_up(launchpad: LaunchPad, of_one_moment: bool) -> Iterator[str]:
    """Repair what the runs of a restored database had under way, which no rocket works on here.

    Parameters
    ----------
    launchpad : LaunchPad
        The database.
    of_one_moment : bool
        Whether the archive is (`genarris_fw.database.restore.of_one_moment`). Of one that is not, what was under way is
        made again.

    Yields
    ------
    str
        What was done, a line for each.
    """
    if not of_one_moment:
        _raise_counters(launchpad)
    for run in known_runs(launchpad):
        if not of_one_moment and (step := _begin_again(launchpad, run)):
            yield f"{run}: the archive is not of one moment: {step} is made again"
        for line in recover(launchpad, run, grace_seconds=0):
            yield f"{run}: {line}"


def _raise_counters(launchpad: LaunchPad) -> None:
    """Have FireWorks number on after the highest numbers that it gave."""
    for field, collection in (("fw_id", launchpad.fireworks), ("launch_id", launchpad.launches)):
        last = collection.find_one({}, {field: 1}, sort=[(field, -1)])
        if last:
            launchpad.fw_id_assigner.update_one({}, {"$max": {f"next_{field}": last[field] + 1}})


def _begin_again(launchpad: LaunchPad, run: str) -> str | None:
    """Run the first step that was not collected anew, without the items that it had; return its name.

    In an archive of several moments structures are as they were before the items that made them were done. Of a
    step that was collected nothing is missing: leases were read before structures.
    """
    catalogue = Catalogue(launchpad.db)
    record = catalogue.runs.find(run)
    if record is None or record.get("state") != "running":
        return None
    steps = [entry["name"] for entry in record["options"]["steps"]]
    left = [step for step in steps if not _collected(catalogue, run, step)]
    if not left:
        return None
    first = left[0]
    for _ in remove_orphans(launchpad, catalogue, run, 0):
        pass
    mend_workflows(launchpad, run)
    catalogue.work_items.forget(run, first)
    catalogue.replicas.forget(run, first)
    catalogue.structures.lift_fence(run, first)
    _forget(catalogue, run, steps[steps.index(first) :], first)
    chain = _chain(launchpad, record)
    _run_from(launchpad, chain[first] if first in chain else chain[f"{first} plan"])
    return first


def _collected(catalogue: Catalogue, run: str, step: str) -> bool:
    leases = (catalogue.leases.find(run, step, role) for role in ("gate", "whole"))
    return any(lease is not None and lease["state"] == "collected" for lease in leases)
