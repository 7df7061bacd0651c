"""Successors: what a replica whose time is over leaves behind, for a rocket that has time."""

from __future__ import annotations

from typing import Any

from fireworks import Firework, FWAction, LaunchPad, Workflow

from genarris_fw.farm.fireworks.names import name_of, path_spec
from genarris_fw.farm.resources import inherited_spec
from genarris_fw.farm.sides import add_workflows, side_workflow
from genarris_fw.farm.task import Task


def successor(launchpad: LaunchPad, task: Task[Any]) -> FWAction:
    """Return the action that ends a firework whose work another one goes on with.

    On the run's path the successor is a detour: what comes after the step waits for it. A side replica's is a
    workflow of its own as every side is, added at once; should this rocket die before it ends, its firework is
    closed as that of a lost side, and nothing is there twice.
    """
    run, step, role = task["run"], task["step"], task["role"]
    spec = inherited_spec(launchpad, task.fw_id)
    told = {"run": run, "step": step, "role": role, "remark": "the time was over: a successor goes on"}
    if role == "side":
        add_workflows(launchpad, [side_workflow(run, step, type(task), spec)])
        return FWAction(stored_data=told)
    next_one = Firework(type(task)(run=run, step=step, role=role), spec=spec | path_spec(run), name=name_of(step, role))
    return FWAction(stored_data=told, detours=[Workflow([next_one])])
