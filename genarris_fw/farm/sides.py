"""Side replicas: one-firework workflows beside the run's chain, so that a dead one never blocks it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from fireworks import Firework, LaunchPad, Workflow
from pymongo.errors import DuplicateKeyError

from genarris_fw.farm.repair.mending import mend_workflow
from genarris_fw.farm.resources import inherited_spec
from genarris_fw.farm.task import Task

# The path comes first: a missing priority would sort below every number.
PATH_PRIORITY = 10
SIDE_PRIORITY = 1
# Sides in these states can still do work; those of an earlier try of the step are COMPLETED or ARCHIVED.
OF_USE = ("READY", "RESERVED", "RUNNING")


def add_sides(launchpad: LaunchPad, task: Task[Any], number: int) -> int:
    """Add the side replicas of a step that are missing; return how many were added.

    Parameters
    ----------
    launchpad : LaunchPad
        Where to.
    task : Task
        The plan's task; its run and step name the sides, which run where its firework was told to.
    number : int
        How many sides the step shall have in all.
    """
    spec = inherited_spec(launchpad, getattr(task, "fw_id", None))
    _complete_half_added(launchpad, task, spec)
    sides = [
        side_workflow(task["run"], task["step"], type(task), spec)
        for _ in range(number - launchpad.fireworks.count_documents(_sides_of(task["run"], task["step"], OF_USE)))
    ]
    if sides:
        add_workflows(launchpad, sides)
    return len(sides)


def side_firework(run: str, step: str, task_class: type[Task[Any]], spec_extra: dict[str, Any]) -> Firework:
    """Return the firework of one side replica.

    Parameters
    ----------
    run, step : str
        What it works for.
    task_class : type
        The procedure.
    spec_extra : dict
        Where it runs and what it needs there: `inherited_spec` of the plan, or of the replica that it follows.
    """
    own = {"run": run, "_priority": SIDE_PRIORITY, "_add_launchpad_and_fw_id": True}
    return Firework(task_class(run=run, step=step, role="side"), spec=spec_extra | own, name=f"{step} side")


def side_workflow(run: str, step: str, task_class: type[Task[Any]], spec_extra: dict[str, Any]) -> Workflow:
    """Return the workflow of one side replica; see `side_firework`."""
    firework = side_firework(run, step, task_class, spec_extra)
    return Workflow([firework], name=f"{run} {step} side", metadata={"run": run, "side_of": step})


def _sides_of(run: str, step: str, states: Sequence[str]) -> dict[str, Any]:
    """Return the query for the side fireworks of a step that are in one of these states."""
    return {"spec.run": run, "state": {"$in": list(states)}, "name": f"{step} side"}


def _complete_half_added(launchpad: LaunchPad, task: Task[Any], spec: dict[str, Any]) -> None:
    """Give the side workflows of a plan that was killed while it added them their fireworks."""
    query = {"metadata.run": task["run"], "metadata.side_of": task["step"]}
    nodes = [node for workflow in launchpad.workflows.find(query, {"nodes": 1}) for node in workflow["nodes"]]
    there = {record["fw_id"] for record in launchpad.fireworks.find({"fw_id": {"$in": nodes}}, {"fw_id": 1})}
    for fw_id in set(nodes) - there:
        side = side_firework(task["run"], task["step"], type(task), spec)
        side.fw_id, side.state = fw_id, "READY"
        with contextlib.suppress(DuplicateKeyError):
            launchpad.fireworks.insert_one(side.to_db_dict())


def add_workflows(launchpad: LaunchPad, workflows: list[Workflow]) -> None:
    """Add workflows in three calls, the workflow documents before their fireworks, and without a progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        launchpad.bulk_add_wfs(workflows)


def archive_unstarted_sides(launchpad: LaunchPad, run: str, step: str) -> int:
    """Archive the sides that no rocket has taken; those that run will find nothing to do and end."""
    archived = 0
    ready = launchpad.fireworks.find(_sides_of(run, step, ["READY"]), {"fw_id": 1})
    for fw_id in [record["fw_id"] for record in ready]:
        found = launchpad.fireworks.find_one_and_update(
            {"fw_id": fw_id, "state": "READY"},
            {"$set": {"state": "ARCHIVED", "updated_on": datetime.now(timezone.utc)}},
        )
        if found:
            mend_workflow(launchpad, fw_id)
            archived += 1
    return archived
