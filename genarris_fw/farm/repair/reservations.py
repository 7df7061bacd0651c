"""Fireworks that are RESERVED for a queue job that will never come, made READY again.

``qlaunch -r`` marks a firework, submits a job for it and writes the job's id into the launch. Where the job was
cancelled, failed before its rocket started, or was never submitted, FireWorks would wait for two weeks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.repair.mending import run_again
from genarris_fw.schedulers import job_states

# qlaunch writes the job's id within a second or two of the reservation; without one after this long, it was killed.
UNSUBMITTED_SECONDS = 60.0
# What qlaunch writes where it submits a job, and how the job script of each queue is told.
SCRIPT = "FW_submit.script"
_DIRECTIVES = {"SLURM": r"^#SBATCH ", "PBS": r"^#PBS ", "SGE": r"^#\$ "}


def release_reservations(
    launchpad: LaunchPad, run: str, unsubmitted_seconds: float = UNSUBMITTED_SECONDS
) -> Iterator[str]:
    """Make the RESERVED fireworks of a run READY again whose job is gone; safe to call by many at once.

    The queue is asked only about jobs that were submitted from a folder that is seen here: another cluster's
    queue may have given the same number to another job.

    Parameters
    ----------
    launchpad : LaunchPad
        The run's LaunchPad.
    run : str
        Name of the run.
    unsubmitted_seconds : float, optional
        How long a reservation may be without the id of its job, from when it was first seen so.

    Yields
    ------
    str
        What was done, one line each.
    """
    reserved = list(_reserved(launchpad, run))
    leases = Catalogue(launchpad.db).leases
    for fw_id, launch in reserved:
        launch_id = launch["launch_id"]
        if _job(launch) is not None or not leases.unheld_for(run, fw_id, launch_id, unsubmitted_seconds):
            continue
        if run_again(launchpad, fw_id, launch_id):
            yield f"firework {fw_id}: reserved, but no job was submitted for it, ready again"
    by_queue: dict[str, dict[str, tuple[int, int]]] = {}
    for fw_id, launch in reserved:
        job, queue = _job(launch), _queue(launch)
        if job is not None and queue is not None:
            by_queue.setdefault(queue, {})[job] = (fw_id, launch["launch_id"])
    for queue, jobs in by_queue.items():
        states = job_states(jobs, queue)
        for job, (fw_id, launch_id) in jobs.items():
            # Not FireWorks' cancel_reservation: called twice it throws a firework that runs by now back to READY.
            if states[job] == "gone" and run_again(launchpad, fw_id, launch_id):
                yield f"firework {fw_id}: reserved for {queue} job {job}, which is gone, ready again"


def _reserved(launchpad: LaunchPad, run: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the RESERVED fireworks of a run, each with its launch that is RESERVED."""
    query = {"spec.run": run, "state": "RESERVED"}
    fireworks = list(launchpad.fireworks.find(query, {"fw_id": 1, "launches": 1}))
    ids = [firework["launches"][-1] for firework in fireworks if firework.get("launches")]
    fields = {"launch_id": 1, "launch_dir": 1, "state_history": 1}
    launches = {
        launch["launch_id"]: launch
        for launch in launchpad.launches.find({"launch_id": {"$in": ids}, "state": "RESERVED"}, fields)
    }
    for firework in fireworks:
        for launch_id in (firework.get("launches") or [])[-1:]:
            if launch_id in launches:
                yield firework["fw_id"], launches[launch_id]


def _job(launch: dict[str, Any]) -> str | None:
    """Return the id of the job that a launch is reserved for."""
    ids = [entry["reservation_id"] for entry in launch["state_history"] if entry.get("reservation_id")]
    return str(ids[-1]) if ids else None


def _queue(launch: dict[str, Any]) -> str | None:
    """Return the queueing system of the job, from the script that it was submitted with; None where it is not here."""
    try:
        text = (Path(launch["launch_dir"]) / SCRIPT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return next((queue for queue, sign in _DIRECTIVES.items() if re.search(sign, text, re.MULTILINE)), None)
