"""Runs whose workflow, or whose sides, somebody deleted or archived on the LaunchPad: what they need is added anew.

What a run has come to lies in the catalogue and not in FireWorks' documents, so ``lpad delete_wflows``,
``lpad archive_wflows`` and ``lpad reset`` lose no result. A chain that is added anew passes over the steps that are
collected, since their leases say so, and its gates go on with the items that are left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.fireworks.names import name_of
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.sides import add_workflows, restore_sides
from genarris_fw.farm.task import Task
from genarris_fw.farm.workflow import chain_of
from genarris_fw.logs import Log
from genarris_fw.options import Configuration

# What the first firework carries of a run's document.
_CARRIED = (
    "options",
    "options_hash",
    "text",
    "folder",
    "seed",
    "molecules",
    "carried",
    "control",
    "workers",
    "forecast",
)


def workflow_is_gone(catalogue: Catalogue, run: str) -> bool:
    """Tell whether a run that a workflow has begun, and that is not finished, has none on the LaunchPad any more."""
    record = catalogue.runs.find(run)
    if record is None or record["state"] not in ("running", "failed"):
        return False
    return workflows.chain(catalogue.database, run) is None


def add_again(launchpad: LaunchPad, run: str, configuration: Configuration | None = None) -> None:
    """Add the workflow of a run anew, from what the run's document holds.

    Parameters
    ----------
    launchpad : LaunchPad
        Where to.
    run : str
        Name of a run that has no workflow (`workflow_is_gone`).
    configuration : Configuration, optional
        Its ``ui.conf``, with the same options; by default as it is in the run's document.
    """
    catalogue = Catalogue(launchpad.db)
    record: RunDocument = catalogue.runs.get(run)
    recover(launchpad, run, grace_seconds=0)  # leases of rockets that are gone with their fireworks
    catalogue.leases.forget_fireworks(run, documents.names_of_run(launchpad.db, run))
    carried: dict[str, Any] = {name: record[name] for name in _CARRIED if name in record}  # type: ignore[literal-required]
    chain = chain_of(configuration or Configuration.from_dict(dict(record["options"])), carried)
    add_workflows(launchpad, [chain])
    catalogue.runs.resumed(run)


def restore_deleted_sides(launchpad: LaunchPad, run: str) -> int:
    """Add the sides that are missing beside the gates of a run that are at work or to come; return how many.

    Sides that have ended by themselves are missing, too. Those that come in their place end like them.

    Parameters
    ----------
    launchpad : LaunchPad
        Where to.
    run : str
        Name of a run that has its workflow.
    """
    catalogue = Catalogue(launchpad.db)
    record, chain = catalogue.runs.find(run), workflows.chain(launchpad.db, run)
    if record is None or chain is None:
        return 0
    fireworks = documents.named(launchpad.db, chain.nodes)
    added = 0
    for entry in record["options"]["steps"]:
        step = entry["name"]
        plan = fireworks.get(name_of(step, "plan"))
        if plan is None:
            continue
        task_class: type[Task[Any]] = PROCEDURES.load(entry["procedure"])
        task = task_class(run=run, step=step, role="plan")
        task.fw_id = plan.fw_id
        log = Log(Path(record["folder"]), run=run, step=step, role="plan", fw=plan.fw_id)
        added += restore_sides(launchpad, task, task.assignment(catalogue, record, step, log))
    return added
