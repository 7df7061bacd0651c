"""Fireworks that no workflow names, and workflows without their firework: what a kill leaves of something appended.

FireWorks inserts the new firework first, as READY, and enters it into its workflow afterwards; both under the
workflow's lock. A rocket that takes one in between, or for good after a kill, ends in an error of FireWorks.
``lpad add`` writes in the same order, without a lock. Our sides are workflows of their own: of these the workflow is
written first.
"""

from __future__ import annotations

from collections.abc import Iterator

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.fireworks.workflows import Noted


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
    made = documents.names_of_run(launchpad.db, run)
    if workflows.anything_locked(launchpad.db, run):
        return  # read after the fireworks and before the workflows: a writer was not, and is not, between the two
    orphans = dict(made)
    for workflow in workflows.of_run(launchpad.db, run):
        for fw_id in workflow.nodes:
            orphans.pop(fw_id, None)
            if fw_id not in made and workflow.is_side:
                yield from _remove_half(launchpad, catalogue, workflow, run, grace_seconds)
    for fw_id, name in orphans.items():
        if catalogue.leases.unheld_for(run, fw_id, None, grace_seconds) and workflows.is_orphan(launchpad.db, fw_id):
            documents.remove(launchpad.db, fw_id)
            yield f"firework {fw_id} ({name}): no workflow names it, removed"


def _remove_half(
    launchpad: LaunchPad, catalogue: Catalogue, workflow: Noted, run: str, grace_seconds: float
) -> Iterator[str]:
    """Remove the workflow of a side whose firework was never added."""
    [fw_id] = workflow.nodes
    if not catalogue.leases.unheld_for(run, fw_id, None, grace_seconds):
        return
    if not documents.is_there(launchpad.db, fw_id):
        workflows.remove(launchpad.db, workflow)
        yield f"workflow '{workflow.name}': its firework was never added, removed"
