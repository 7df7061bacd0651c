"""From a configuration to a FireWorks workflow: begin, then plan and gate of every procedure, then finish."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

from fireworks import Firework, LaunchPad, Workflow

from genarris_fw.crystal import read_molecule
from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.engines import engine_class
from genarris_fw.errors import InputError
from genarris_fw.farm.begin_run import BeginRun
from genarris_fw.farm.finish_run import FinishRun
from genarris_fw.farm.resources import queue_type_of, replica_cores, spec_of
from genarris_fw.farm.sides import PATH_PRIORITY, add_workflows
from genarris_fw.options import Configuration, options_hash


def run_record(configuration: Configuration) -> dict[str, Any]:
    """Return what the run's document is made of: everything a rocket on another machine needs.

    Raises
    ------
    InputError
        When the molecule file cannot be used.
    """
    return {
        "options": configuration.to_dict(),
        "options_hash": options_hash(configuration),
        "text": configuration.text,
        "folder": str(configuration.folder),
        "seed": configuration.seed,
        "molecules": _molecules(configuration),
        "carried": _carried_files(configuration),
    }


def _molecules(configuration: Configuration) -> dict[str, Any]:
    """Return the molecule of every step that names one."""
    read = cache(read_molecule)
    paths = {step.name: step.options.get("molecule_path") for step in configuration.steps}
    molecules = {name: read(Path(path)) for name, path in paths.items() if path}
    return {
        name: {"species": list(molecule.species), "positions": molecule.positions.tolist()}
        for name, molecule in molecules.items()
    }


def _carried_files(configuration: Configuration) -> dict[str, dict[str, str]]:
    """Return step -> the settings of its engine that hold the text of a file, which then nobody needs any more."""
    found: dict[str, dict[str, str]] = {}
    for step in configuration.steps:
        if not step.options.get("engine"):
            continue
        for path_of, text_of in engine_class(step.options["engine"]).carries.items():
            file = Path(step.options.get(path_of) or "")
            if file.is_file():
                found.setdefault(step.name, {})[text_of] = file.read_text(encoding="utf-8", errors="replace")
    return found


def build_workflow(configuration: Configuration, workers: int | None = None) -> Workflow:
    """Return the self-contained workflow of a run: a pure chain of a few fireworks per procedure.

    Parameters
    ----------
    configuration : Configuration
        The user's ``ui.conf``, resolved.
    workers : int, optional
        How many rockets will work at a time, where that is known: the first step is planned before anybody else
        could tell.

    Returns
    -------
    Workflow
        Its first firework carries the run's record; nothing else is needed to carry it out.
    """
    run = configuration.run_name
    record = run_record(configuration) | ({"workers": workers} if workers else {})
    base = {"run": run, "_priority": PATH_PRIORITY, "_add_launchpad_and_fw_id": True}
    queue_type = queue_type_of(Path(configuration.folder))
    ends = base | spec_of(configuration.master, queue_type=queue_type)
    chain = [Firework(BeginRun(run=run, record=record), spec=dict(ends), name="begin")]
    for step in configuration.steps:
        task = PROCEDURES.load(step.procedure)
        spec = base | spec_of(step.options, replica_cores(step.procedure, step.options, step.origins), queue_type)
        for role in ("whole",) if task.cheap else ("plan", "gate"):
            name = step.name if role == "whole" else f"{step.name} {role}"
            parents = [chain[-1]]
            chain.append(
                Firework(task(run=run, step=step.name, role=role), spec=dict(spec), name=name, parents=parents)
            )
    chain.append(Firework(FinishRun(run=run), spec=dict(ends), name="finish", parents=[chain[-1]]))
    return Workflow(chain, name=run, metadata={"run": run, "options_hash": record["options_hash"]})


def find_workflow(launchpad: LaunchPad, run: str) -> dict[str, Any] | None:
    """Return the workflow document of a run's chain, or None; one that was added only half is removed."""
    query = {"metadata.run": run, "metadata.side_of": {"$exists": False}}
    document: dict[str, Any] | None = launchpad.workflows.find_one(query, {"nodes": 1, "metadata": 1, "state": 1})
    if document is None:
        return None
    if not _is_whole(launchpad, document):
        launchpad.fireworks.delete_many({"fw_id": {"$in": document["nodes"]}, "state": {"$in": ["READY", "WAITING"]}})
        launchpad.workflows.delete_one({"_id": document["_id"]})
        return None
    return document


def _is_whole(launchpad: LaunchPad, document: dict[str, Any]) -> bool:
    """Tell whether all fireworks of a workflow are there; one that is being added now gets a moment."""
    for seconds in (0.0, 0.5, 1.5):
        time.sleep(seconds)
        there = launchpad.fireworks.count_documents({"fw_id": {"$in": document["nodes"]}})
        if there == len(document["nodes"]):
            return True
    return False


def add_run(launchpad: LaunchPad, configuration: Configuration, workers: int | None = None) -> bool:
    """Add a run's workflow to a LaunchPad, unless it is there already.

    Parameters
    ----------
    launchpad : LaunchPad
        Where to.
    configuration, workers
        As in `build_workflow`.

    Returns
    -------
    bool
        True when it was added, False when a run of the same name and options is there.

    Raises
    ------
    InputError
        When a run of that name has other options; the message shows the difference.
    """
    run = configuration.run_name
    document = find_workflow(launchpad, run)
    if document is None:
        if launchpad.db["runs"].find_one({"_id": run}, {"_id": 1}):
            raise InputError(
                f"run '{run}' is in the catalogue without a workflow: "
                f"genarris-fw delete {run}, or choose another run_name"
            )
        add_workflows(launchpad, [build_workflow(configuration, workers)])
        return True
    if document["metadata"].get("options_hash") != options_hash(configuration):
        raise InputError(changed_options(launchpad, document, configuration))
    return False


def changed_options(launchpad: LaunchPad, document: dict[str, Any], configuration: Configuration) -> str:
    """Return the message for a ``ui.conf`` that was changed under the same run name."""
    from genarris_fw.options import difference

    first = launchpad.fireworks.find_one({"fw_id": {"$in": document["nodes"]}, "name": "begin"}, {"spec": 1})
    before = first["spec"]["_tasks"][0]["record"]["options"] if first else {}
    lines = difference(before, configuration.to_dict())
    shown = "; ".join(lines[:8]) + ("; ..." if len(lines) > 8 else "")
    return (
        f"run '{configuration.run_name}' was begun with other options ({shown}): "
        f"choose another run_name in [Genarris_master], or genarris-fw delete {configuration.run_name}"
    )
