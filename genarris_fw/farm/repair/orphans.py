"""Fireworks that no workflow names, and workflows without their firework: what a kill leaves of something appended.

FireWorks inserts the new firework first, as READY, and enters it into its workflow afterwards; both under the
workflow's lock. A rocket that takes one in between, or for good after a kill, ends in an error of FireWorks.
``lpad add`` writes in the same order, without a lock. Our sides are workflows of their own: of these the workflow is
written first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.repair.mending import is_orphan


def remove_orphans(launchpad: LaunchPad, catalogue: Catalogue, run: str, grace_seconds: float) -> Iterator[str]:
    """Remove the fireworks of a run that no workflow names, and the sides that have no firework.

    Nobody may be about to write the other half. The firework that would have been followed has not ended for
    FireWorks, so the recovery of its lease, or of its finished launch, makes the successor anew.

    Parameters
    ----------
    launchpad : LaunchPad
        The run's LaunchPad.
    catalogue : Catalogue
        Where it is noted since when a firework is seen like this.
    run : str
        Name of the run.
    grace_seconds : float
        How long after it was first seen a half stays: ``lpad add`` may be at work.

    Yields
    ------
    str
        What was done, a line for each.
    """
    found = launchpad.fireworks.find({"spec.run": run}, {"name": 1, "fw_id": 1})
    made = {firework["fw_id"]: firework["name"] for firework in found}
    if launchpad.workflows.find_one({"metadata.run": run, "locked": True}, {"_id": 1}):
        return  # read after the fireworks and before the workflows: a writer was not, and is not, between the two
    orphans = dict(made)
    for document in launchpad.workflows.find({"metadata.run": run}, {"nodes": 1, "metadata": 1, "name": 1}):
        for fw_id in document["nodes"]:
            orphans.pop(fw_id, None)
            if fw_id not in made and "side_of" in document["metadata"]:
                yield from _remove_half(launchpad, catalogue, document, run, grace_seconds)
    for fw_id, name in orphans.items():
        if catalogue.leases.unheld_for(run, fw_id, None, grace_seconds) and is_orphan(launchpad, fw_id):
            firework = launchpad.fireworks.find_one_and_delete({"fw_id": fw_id}) or {}
            launchpad.launches.delete_many({"launch_id": {"$in": firework.get("launches") or []}})
            yield f"firework {fw_id} ({name}): no workflow names it, removed"


def _remove_half(
    launchpad: LaunchPad, catalogue: Catalogue, document: dict[str, Any], run: str, grace_seconds: float
) -> Iterator[str]:
    """Remove the workflow of a side whose firework was never added."""
    [fw_id] = document["nodes"]
    if not catalogue.leases.unheld_for(run, fw_id, None, grace_seconds):
        return
    if launchpad.fireworks.find_one({"fw_id": fw_id}, {"_id": 1}) is None:
        launchpad.workflows.delete_one({"_id": document["_id"]})
        yield f"workflow '{document['name']}': its firework was never added, removed"
