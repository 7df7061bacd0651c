"""Failed work items again: their step, and every step that depends on it, is made ready anew."""

from __future__ import annotations

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.fireworks.documents import KnownFirework
from genarris_fw.farm.fireworks.names import COMPLETED, name_of
from genarris_fw.farm.repair.deleted import add_again
from genarris_fw.farm.repair.mending import lock, mend_workflows


def retry_run(launchpad: LaunchPad, run: str, procedure: str | None = None) -> tuple[int, str | None]:
    """Send failed items back to ``waiting`` and run their step and all later steps again.

    What is done in the step stays done; later steps are built anew. Called again after a kill, it goes on.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run's fireworks are.
    run : str
        Name of the run.
    procedure : str, optional
        Only this step.

    Returns
    -------
    items : int
        How many items wait again.
    first : str or None
        The first step that runs anew; None when nothing had failed.
    """
    catalogue = Catalogue(launchpad.db)
    record = catalogue.runs.get(run)
    steps = [entry["name"] for entry in record["options"]["steps"]]
    mend_workflows(launchpad, run)
    gone = workflows.chain(launchpad.db, run) is None
    chain = {} if gone else _chain(launchpad, record)
    items, first = 0, None
    for step in [procedure] if procedure else steps:
        retried = catalogue.work_items.retry(run, step)
        if retried:
            catalogue.replicas.forget_failures(run, step)
        items += retried
        if first is None and (retried or _half_retried(catalogue, chain, run, step)):
            first = step
    catalogue.runs.resumed(run)
    if first is None:
        if gone and record["state"] == "failed":
            add_again(launchpad, run)
            return 0, run
        return 0, run if rerun_fizzled(launchpad, run) else None
    _forget(catalogue, run, steps[steps.index(first) :], first)
    if gone:  # somebody deleted it
        add_again(launchpad, run)
    else:
        _run_from(launchpad, _first_of(chain, first))
    return items, first


def _chain(launchpad: LaunchPad, record: RunDocument) -> dict[str, KnownFirework]:
    """Return the fireworks of a run's chain by name: the chain that made the run, not one that was refused."""
    return documents.named(launchpad.db, workflows.with_firework(launchpad.db, record["begun_by"]))


def _first_of(chain: dict[str, KnownFirework], step: str) -> int:
    """Return the firework with which a step begins."""
    whole = chain.get(name_of(step, "whole"))
    return (whole or chain[name_of(step, "plan")]).fw_id


def _half_retried(catalogue: Catalogue, chain: dict[str, KnownFirework], run: str, step: str) -> bool:
    """Tell whether items of a step wait though its firework is done: an earlier retry was killed in between."""
    last = chain.get(name_of(step, "whole")) or chain.get(name_of(step, "gate"))
    return last is not None and last.state == COMPLETED and catalogue.work_items.unfinished(run, step) is not None


def _forget(catalogue: Catalogue, run: str, steps: list[str], first: str) -> None:
    """Forget the items of the steps after the first one, and that any of these steps has finished."""
    catalogue.structures.take_back(run)
    for step in [*steps, "finish"]:
        for role, token in catalogue.leases.reopen(run, step).items():
            # Whoever still works there writes nothing more into the run's document.
            catalogue.runs.fence(run, f"{step} {role}", token)
    for step in steps:
        if step != first:
            catalogue.engine_results.settle(run, step)
            catalogue.work_items.forget(run, step)
            catalogue.replicas.forget(run, step)
            # New items count their tokens from one again: the fence of the old ones must not shut them out.
            catalogue.structures.lift_fence(run, step)
    catalogue.runs.begin_again(run, steps)


def _run_from(launchpad: LaunchPad, fw_id: int) -> None:
    """Run the chain again from a firework on; the plan comes again for the side replicas."""
    with lock(launchpad, fw_id):
        workflow = launchpad.get_wf_by_fw_id_lzyfw(fw_id)
        launchpad._update_wf(workflow, list(workflow.rerun_fw(fw_id)))


def rerun_fizzled(launchpad: LaunchPad, run: str) -> int:
    """Make the failed fireworks of a run ready again; return how many."""
    failed = documents.given_up(launchpad.db, run)
    for firework in failed:
        launchpad.rerun_fw(firework.fw_id)
    return len(failed)
