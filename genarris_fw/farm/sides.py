"""Side replicas: one-firework workflows beside the run's chain, so that a dead one never blocks it."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from fireworks import Firework, LaunchPad, Workflow

from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.decisions.role import sides_wanted
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.fireworks.names import READY, name_of, side_metadata, side_spec
from genarris_fw.farm.repair.mending import mend_workflow
from genarris_fw.farm.resources import inherited_spec
from genarris_fw.farm.task import Task


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
    run, step = task["run"], task["step"]
    there = documents.number_of_sides(launchpad.db, run, step)
    sides = [side_workflow(run, step, type(task), spec) for _ in range(number - there)]
    if sides:
        add_workflows(launchpad, sides)
    return len(sides)


def restore_sides(launchpad: LaunchPad, task: Task[Any], campaign: Assignment) -> int:
    """Add the sides that are missing of a step whose plan is done and whose gate is not; return how many.

    Parameters
    ----------
    launchpad : LaunchPad
        Where to.
    task : Task
        The plan's task.
    campaign : Assignment
        The step.
    """
    leases = campaign.catalogue.leases
    states = [(leases.find(campaign.run, campaign.step, role) or {}).get("state") for role in ("plan", "gate")]
    if states != ["collected", "open"]:
        return 0
    items = sum(campaign.catalogue.work_items.counts(campaign.run, campaign.step).values())
    wanted = sides_wanted(task.wanted_replicas(campaign), task.most_replicas(campaign, items))
    return add_sides(launchpad, task, wanted)


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
    task = task_class(run=run, step=step, role="side")
    return Firework(task, spec=spec_extra | side_spec(run), name=name_of(step, "side"))


def side_workflow(run: str, step: str, task_class: type[Task[Any]], spec_extra: dict[str, Any]) -> Workflow:
    """Return the workflow of one side replica; see `side_firework`."""
    firework = side_firework(run, step, task_class, spec_extra)
    return Workflow([firework], name=f"{run} {step} side", metadata=side_metadata(run, step))


def _complete_half_added(launchpad: LaunchPad, task: Task[Any], spec: dict[str, Any]) -> None:
    """Give the side workflows of a plan that was killed while it added them their fireworks."""
    named = workflows.sides(launchpad.db, task["run"], task["step"])
    for fw_id in documents.missing(launchpad.db, named):
        side = side_firework(task["run"], task["step"], type(task), spec)
        side.fw_id, side.state = fw_id, READY
        documents.insert(launchpad.db, side.to_db_dict())


def add_workflows(launchpad: LaunchPad, new: list[Workflow]) -> None:
    """Add workflows in three calls, the workflow documents before their fireworks, and without a progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        launchpad.bulk_add_wfs(new)


def archive_unstarted_sides(launchpad: LaunchPad, run: str, step: str) -> int:
    """Archive the sides that no rocket has taken; those that run will find nothing to do and end."""
    archived = 0
    for fw_id in documents.ready_sides(launchpad.db, run, step):
        if documents.archive(launchpad.db, fw_id):
            mend_workflow(launchpad, fw_id)
            archived += 1
    return archived
