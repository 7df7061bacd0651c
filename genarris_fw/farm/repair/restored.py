"""The runs of a database that no rocket can be at work on (restored, or a new job's): made ready to go on at once."""

from __future__ import annotations

from collections.abc import Iterator

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import raise_counters
from genarris_fw.farm.repair.mending import mend_workflows
from genarris_fw.farm.repair.orphans import remove_orphans
from genarris_fw.farm.repair.recovery import known_runs, recover
from genarris_fw.farm.repair.retrying import _chain, _first_of, _forget, _run_from


def take_up(launchpad: LaunchPad, of_one_moment: bool) -> Iterator[str]:
    """Repair what the runs of a database had under way; none of their rockets can reach it any more.

    Their leases are over already (`genarris_fw.database.held.end_leases`), and nobody is waited for: rockets of plain
    ``rlaunch`` would not notice later what is lost, and idle.

    Parameters
    ----------
    launchpad : LaunchPad
        The database.
    of_one_moment : bool
        Whether what it was restored from is (`genarris_fw.database.restore.of_one_moment`); files that a server had
        are. Of an archive that is not, what was under way is made again.

    Yields
    ------
    str
        What was done, a line for each.
    """
    if not of_one_moment:
        raise_counters(launchpad)
    for run in known_runs(launchpad):
        if not of_one_moment and (step := _begin_again(launchpad, run)):
            yield f"{run}: the archive is not of one moment: {step} is made again"
        for line in recover(launchpad, run, grace_seconds=0):
            yield f"{run}: {line}"


def _begin_again(launchpad: LaunchPad, run: str) -> str | None:
    """Run the first step that was not collected anew, without the items that it had; return its name.

    In an archive of several moments structures are as they were before the items that made them were done. Of a
    step that was collected nothing is missing: leases were read before structures.
    """
    catalogue = Catalogue(launchpad.db)
    record = catalogue.runs.find(run)
    if record is None or record.get("state") != "running":
        return None
    steps: list[str] = [entry["name"] for entry in record["options"]["steps"]]
    left = [step for step in steps if not _collected(catalogue, run, step)]
    if not left:
        return None
    first = left[0]
    for _ in remove_orphans(launchpad, catalogue, run, 0):
        pass
    mend_workflows(launchpad, run)
    catalogue.engine_results.settle(run, first)
    catalogue.work_items.forget(run, first)
    catalogue.replicas.forget(run, first)
    catalogue.structures.lift_fence(run, first)
    _forget(catalogue, run, steps[steps.index(first) :], first)
    _run_from(launchpad, _first_of(_chain(launchpad, record), first))
    return first


def _collected(catalogue: Catalogue, run: str, step: str) -> bool:
    leases = (catalogue.leases.find(run, step, role) for role in ("gate", "whole"))
    return any(lease is not None and lease["state"] == "collected" for lease in leases)
