"""Side replicas: one-firework workflows beside the run's chain, so that a dead one never blocks it."""

from __future__ import annotations

import contextlib
import io
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from fireworks import Firework, LaunchPad, Workflow

if TYPE_CHECKING:
    from genarris_fw.procedures.base import Procedure

# The path comes first: a missing priority would sort below every number.
PATH_PRIORITY = 10
SIDE_PRIORITY = 1


def add_sides(launchpad: LaunchPad, task: Procedure, number: int) -> int:
    """Add the side replicas of a step that are missing; return how many were added.

    Parameters
    ----------
    launchpad : LaunchPad
        Where to.
    task : Procedure
        The plan's task; its run and step name the sides.
    number : int
        How many sides the step shall have in all.
    """
    metadata = {"run": task["run"], "side_of": task["step"]}
    there = launchpad.workflows.count_documents({f"metadata.{key}": value for key, value in metadata.items()})
    sides = [
        Workflow(
            [
                Firework(
                    type(task)(run=task["run"], step=task["step"], role="side"),
                    spec={"run": task["run"], "_priority": SIDE_PRIORITY, "_add_launchpad_and_fw_id": True},
                    name=f"{task['step']} side",
                )
            ],
            name=f"{task['run']} {task['step']} side",
            metadata=dict(metadata),
        )
        for _ in range(number - there)
    ]
    if sides:
        add_workflows(launchpad, sides)
    return len(sides)


def add_workflows(launchpad: LaunchPad, workflows: list[Workflow]) -> None:
    """Add workflows in three calls, the workflow documents before their fireworks, and without a progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        launchpad.bulk_add_wfs(workflows)


def archive_unstarted_sides(launchpad: LaunchPad, run: str, step: str) -> int:
    """Archive the sides that no rocket has taken; those that run will find nothing to do and end."""
    archived = 0
    for workflow in launchpad.workflows.find({"metadata.run": run, "metadata.side_of": step}, {"nodes": 1}):
        for fw_id in workflow["nodes"]:
            found = launchpad.fireworks.find_one_and_update(
                {"fw_id": fw_id, "state": "READY"},
                {"$set": {"state": "ARCHIVED", "updated_on": datetime.now(timezone.utc)}},
            )
            if found:
                launchpad._refresh_wf(fw_id)
                archived += 1
    return archived
