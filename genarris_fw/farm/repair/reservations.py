"""Fireworks that are RESERVED for a queue job that will never come, made READY again.

``qlaunch -r`` marks a firework, submits a job for it and writes the job's id into the launch. Where the job was
cancelled, failed before its rocket started, or was never submitted, FireWorks would wait for two weeks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.fireworks import documents, launches
from genarris_fw.farm.fireworks.launches import Reservation
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
    for fw_id, reservation in reserved:
        launch_id, job = reservation.launch, reservation.job
        if job is not None or not leases.unheld_for(run, fw_id, launch_id, unsubmitted_seconds):
            continue
        if run_again(launchpad, fw_id, launch_id):
            yield f"firework {fw_id}: reserved, but no job was submitted for it, ready again"
    by_queue: dict[str, dict[str, tuple[int, int]]] = {}
    for fw_id, reservation in reserved:
        queue = _queue(reservation.folder)
        if reservation.job is not None and queue is not None:
            by_queue.setdefault(queue, {})[reservation.job] = (fw_id, reservation.launch)
    for queue, jobs in by_queue.items():
        states = job_states(jobs, queue)
        for job, (fw_id, launch_id) in jobs.items():
            # Not FireWorks' cancel_reservation: called twice it throws a firework that runs by now back to READY.
            if states[job] == "gone" and run_again(launchpad, fw_id, launch_id):
                yield f"firework {fw_id}: reserved for {queue} job {job}, which is gone, ready again"


def _reserved(launchpad: LaunchPad, run: str) -> Iterator[tuple[int, Reservation]]:
    """Yield the RESERVED fireworks of a run, each with its launch that is RESERVED."""
    fireworks = documents.reserved(launchpad.db, run)
    found = launches.reservations(launchpad.db, [one.launch for one in fireworks if one.launch is not None])
    for firework in fireworks:
        if firework.launch in found:
            yield firework.fw_id, found[firework.launch]


def _queue(folder: str) -> str | None:
    """Return the queueing system of a job, from the script that it was submitted with; None where it is not here."""
    try:
        text = (Path(folder) / SCRIPT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return next((queue for queue, sign in _DIRECTIVES.items() if re.search(sign, text, re.MULTILINE)), None)
