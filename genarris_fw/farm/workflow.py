"""From a configuration to a FireWorks workflow: begin, then plan and gate of every procedure, then finish."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fireworks import Firework, LaunchPad, Workflow

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.engines import engine_class
from genarris_fw.errors import InputError
from genarris_fw.farm.begin_run import BeginRun
from genarris_fw.farm.finish_run import FinishRun
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.fireworks.names import BEGIN, FINISH, chain_metadata, name_of, path_spec
from genarris_fw.farm.fireworks.workflows import Noted
from genarris_fw.farm.forecast import kept
from genarris_fw.farm.resources import queue_type_of, replica_cores, spec_of
from genarris_fw.farm.sides import add_workflows
from genarris_fw.options import Configuration, options_hash
from genarris_fw.options.molecule_files import molecule_of


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
    } | ({"forecast": forecast} if (forecast := kept(configuration)) else {})


def _molecules(configuration: Configuration) -> dict[str, Any]:
    """Return the molecule of every step that names one."""
    molecules = {
        step.name: molecule_of(step.options)[0] for step in configuration.steps if step.options.get("molecule_path")
    }
    return {
        name: {
            **molecule.properties,
            "species": list(molecule.species),
            "positions": molecule.positions.tolist(),
        }
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
    return chain_of(configuration, run_record(configuration) | ({"workers": workers} if workers else {}))


def chain_of(configuration: Configuration, record: dict[str, Any]) -> Workflow:
    """Return the workflow of a run whose record is known; see `build_workflow`."""
    run = configuration.run_name
    base = path_spec(run)
    queue_type = queue_type_of(Path(configuration.folder))
    ends = base | spec_of(configuration.master, queue_type=queue_type)
    chain = [Firework(BeginRun(run=run, record=record), spec=dict(ends), name=BEGIN)]
    for step in configuration.steps:
        task = PROCEDURES.load(step.procedure)
        spec = base | spec_of(step.options, replica_cores(step.typed(), step.origins), queue_type)
        for role in ("whole",) if task.cheap else ("plan", "gate"):
            name = name_of(step.name, role)
            parents = [chain[-1]]
            chain.append(
                Firework(task(run=run, step=step.name, role=role), spec=dict(spec), name=name, parents=parents)
            )
    chain.append(Firework(FinishRun(run=run), spec=dict(ends), name=FINISH, parents=[chain[-1]]))
    return Workflow(chain, name=run, metadata=chain_metadata(run, record["options_hash"]))


def find_workflow(launchpad: LaunchPad, run: str) -> Noted | None:
    """Return the workflow that is a run's chain, or None; one that was added only half is removed."""
    chain = workflows.chain(launchpad.db, run)
    if chain is None:
        return None
    if not _is_whole(launchpad, chain):
        documents.remove_unstarted(launchpad.db, chain.nodes)
        workflows.remove(launchpad.db, chain)
        return None
    return chain


def _is_whole(launchpad: LaunchPad, chain: Noted) -> bool:
    """Tell whether all fireworks of a workflow are there; one that is being added now gets a moment."""
    for seconds in (0.0, 0.5, 1.5):
        time.sleep(seconds)
        if not documents.missing(launchpad.db, chain.nodes):
            return True
    return False


def add_run(launchpad: LaunchPad, configuration: Configuration, workers: int | None = None) -> bool:
    """Add a run's workflow to a LaunchPad, unless it is there already, or the run is finished.

    A run that was begun and whose workflow was deleted, or archived, gets it anew, and goes on from what is done.

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
    chain = find_workflow(launchpad, run)
    record = Catalogue(launchpad.db).runs.find(run)
    if chain is not None and chain.options_hash != options_hash(configuration):
        began = documents.run_record(launchpad.db, run, among=chain.nodes)
        raise InputError(changed_options(launchpad, began, configuration))
    if chain is not None:
        return False
    if record is None:
        add_workflows(launchpad, [build_workflow(configuration, workers)])
        return True
    if record.get("options_hash") != options_hash(configuration):
        raise InputError(changed_options(launchpad, record, configuration))
    if record["state"] == "finished":
        return False
    from genarris_fw.farm.repair.deleted import add_again  # which builds workflows, too

    add_again(launchpad, run, configuration)
    return True


def changed_options(launchpad: LaunchPad, began: Mapping[str, Any], configuration: Configuration) -> str:
    """Return the message for a ``ui.conf`` that was changed under the same run name.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run is.
    began : mapping
        The run's record, with ``options``.
    configuration : Configuration
        The ``ui.conf`` as it is now.
    """
    from genarris_fw.options import difference

    run = configuration.run_name
    results = Catalogue(launchpad.db).structures.count(run)
    lost = f" (which removes it with its {results} structures)" if results else ""
    todo = f"choose another run_name in [Genarris_master], or genarris-fw delete {run}{lost}"
    if began.get("state") == IMPORTED:
        return f"run '{run}' holds imported structures: {todo}"
    lines = difference(began.get("options", {}), configuration.to_dict())
    shown = "; ".join(lines[:8]) + ("; ..." if len(lines) > 8 else "")
    return f"run '{run}' was begun with other options ({shown}): {todo}"
