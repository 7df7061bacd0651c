"""FireWorks' documents made whole again where a kill came between two of its writes.

FireWorks changes a launch, then fireworks, then the workflow, under a lock that has no owner and no time. What is
left of a kill in between: a lock that nobody holds, a workflow that says other states than its fireworks, a
finished launch whose firework still runs, a child that waits for a parent that is done.
"""

from __future__ import annotations

import time

from fireworks import FWAction, LaunchPad, Workflow
from fireworks.core.launchpad import WFLock

from genarris_fw.farm.fireworks import documents, launches
from genarris_fw.farm.fireworks.names import CHECKED_OUT, COMPLETED, RESERVED, RUNNING, UNDER_WAY
from genarris_fw.farm.fireworks.workflows import Noted, is_orphan, of_run

# A workflow lock older than this belongs to a dead process: FireWorks holds one for milliseconds.
STALE_LOCK_SECONDS = 20.0


def lock(launchpad: LaunchPad, fw_id: int) -> WFLock:
    """Return the lock of a firework's workflow; one that nobody gives back is taken after a while."""
    return WFLock(launchpad, fw_id, expire_secs=STALE_LOCK_SECONDS, kill=True)


def run_again(launchpad: LaunchPad, fw_id: int, launch_id: int | None) -> bool:
    """Make a firework READY again, if the launch that is known to be dead is still its live one.

    A compare and swap inside the workflow's lock: rerunning twice would throw a finished firework and its
    children back. A launch that had finished already only needs its workflow refreshed.
    """
    if is_orphan(launchpad.db, fw_id):
        return False
    with lock(launchpad, fw_id):
        if not _lives(launchpad, fw_id, launch_id):
            return False
        state = launches.launch(launchpad.db, launch_id).state
        workflow = launchpad.get_wf_by_fw_id_lzyfw(fw_id)
        updated = refresh_all(workflow) if state == COMPLETED else workflow.rerun_fw(fw_id)
        launchpad._update_wf(workflow, list(updated))
    if state in CHECKED_OUT:
        # After the rerun the launch is archived: this only records what became of it.
        launchpad.mark_fizzled(launch_id)
    return True


def complete(launchpad: LaunchPad, fw_id: int, launch_id: int | None, remark: str) -> bool:
    """Complete the live launch of a firework that has nothing left to do; False when it is another launch's."""
    if is_orphan(launchpad.db, fw_id):
        return False
    with lock(launchpad, fw_id):
        if launch_id is None or not _lives(launchpad, fw_id, launch_id):
            return False
        launch = launchpad.get_launch_by_id(launch_id)
        if launch.state != COMPLETED:
            launch.state = COMPLETED
            launch.action = FWAction(stored_data={"remark": remark})
            launches.write(launchpad.db, launch.to_db_dict())
        workflow = launchpad.get_wf_by_fw_id_lzyfw(fw_id)
        launchpad._update_wf(workflow, list(refresh_all(workflow)))
    return True


def _lives(launchpad: LaunchPad, fw_id: int, launch_id: int | None) -> bool:
    """Tell whether a firework is under way, with this launch as its live one."""
    firework = documents.known(launchpad.db, fw_id)
    return firework is not None and firework.state in UNDER_WAY and firework.launch == launch_id


def mend_workflows(launchpad: LaunchPad, run: str) -> list[str]:
    """Bring the workflows of a run in line with their fireworks and launches, and free forgotten locks.

    Returns
    -------
    list of str
        What was done, one line each.
    """
    states = documents.states_of_run(launchpad.db, run)
    done = []
    for workflow in of_run(launchpad.db, run):
        if not all(node in states for node in workflow.nodes):
            continue  # half added: `find_workflow` and `add_sides` see to that
        if not workflow.locked and not _differs(workflow, states):
            continue
        begun = time.monotonic()
        changed = mend_workflow(launchpad, workflow.nodes[0])
        if time.monotonic() - begun > STALE_LOCK_SECONDS:
            done.append(f"workflow '{workflow.name}': a lock that nobody held is freed")
        elif changed:
            done.append(f"workflow '{workflow.name}': brought in line with its fireworks")
    return done


def _differs(workflow: Noted, states: dict[int, str]) -> bool:
    """Tell whether a workflow says other states than its fireworks; RESERVED is not always noted there."""
    return any(states[node] not in (workflow.states.get(node), RESERVED) for node in workflow.nodes)


def mend_workflow(launchpad: LaunchPad, fw_id: int) -> bool:
    """Bring the workflow of a firework in line with its fireworks and launches; tell whether it was not."""
    with lock(launchpad, fw_id):
        workflow = launchpad.get_wf_by_fw_id_lzyfw(fw_id)
        before = dict(workflow.fw_states)
        updated = refresh_all(workflow)
        changed = bool(updated) or workflow.fw_states != before
        if changed:
            launchpad._update_wf(workflow, list(updated))
    return changed


def refresh_all(workflow: Workflow) -> set[int]:
    """Derive the states of all fireworks from their parents and launches, parents first; return those changed.

    Refreshing one firework trusts the states that the workflow's document gives its parents: after a kill they
    may be old.
    """
    updated: set[int] = set()
    noted = dict(workflow.fw_states)
    order = list(workflow.root_fw_ids)
    for fw_id in order:
        order += [child for child in workflow.links[fw_id] if child not in order]
        firework = workflow.id_fw[fw_id]
        if firework.state == RESERVED and not firework.launches:
            continue  # a rocket may be between its checkout and its launch
        if firework.state == COMPLETED and noted.get(fw_id) != COMPLETED:
            # Its end has not reached the workflow, and so its action has not been applied: a successor would be lost.
            firework.state = noted.get(fw_id, RUNNING)
        updated |= workflow.refresh(fw_id, updated)
    return updated
