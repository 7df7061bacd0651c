"""What a queueing system knows of our jobs, asked with its own programs: when this one ends, and whether one lives.

Every call has a time limit, and a program that is absent or fails means "cannot tell", never an error.
``python -m genarris_fw.schedulers`` prints the end of the job that it is called in, for job scripts.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Literal

State = Literal["pending", "running", "gone"]

END = "GENARRIS_FW_END"  # unix seconds; comes before everything that the queue says
ASK_SECONDS = 10.0
AT_ONCE = 200  # jobs in one question

_PENDING = "PENDING REQUEUED REQUEUE_HOLD REQUEUE_FED SPECIAL_EXIT RESV_DEL_HOLD"
_GONE = "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT"
_SLURM: dict[str, State] = {  # any other state is one of a job that holds a node
    **dict.fromkeys(_PENDING.split(), "pending"),
    **dict.fromkeys(_GONE.split(), "gone"),
}
_PBS: dict[str, State] = {
    **dict.fromkeys("QHWTM", "pending"),
    **dict.fromkeys("REBSU", "running"),
    **dict.fromkeys("CFX", "gone"),
}
_DATE = "%a %b %d %H:%M:%S %Y"  # as PBS writes it


# ---- when this job ends


def job_end(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return when the allocation that this process runs in ends.

    Parameters
    ----------
    environment : mapping, optional
        The environment of a process of the job.

    Returns
    -------
    float or None
        Unix time; None outside a job, and where the queue does not tell.
    """
    for name in (END, "SLURM_JOB_END_TIME"):
        with suppress(ValueError):
            return float(environment.get(name, ""))
    if environment.get("SLURM_JOB_ID"):
        return _slurm_end(environment)
    if environment.get("PBS_JOBID"):
        return _pbs_end(environment)
    if environment.get("JOB_ID") and "SGE_TASK_ID" in environment:
        return _sge_end(environment)
    return None


def _slurm_end(environment: Mapping[str, str]) -> float | None:
    job = environment["SLURM_JOB_ID"]
    if environment.get("SLURM_ARRAY_TASK_ID"):  # the id of an array's first job stands for the whole array
        job = f"{environment.get('SLURM_ARRAY_JOB_ID', job)}_{environment['SLURM_ARRAY_TASK_ID']}"
    utc = {"TZ": "UTC", "SLURM_TIME_FORMAT": "standard"}
    answer = _ask(["squeue", "-h", "-j", job, "-o", "%e"], {**environment, **utc})
    if answer is None or answer.returncode != 0:
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(answer.stdout.strip()).replace(tzinfo=timezone.utc).timestamp()
    return None


def _pbs_end(environment: Mapping[str, str]) -> float | None:
    job = environment["PBS_JOBID"]
    begun, walltime = _begun("PBS_JOBID", job), _seconds(environment.get("PBS_WALLTIME", ""))
    if walltime is None or begun is None:
        answer = _ask(["qstat", "-f", job], environment)
        fields = _pbs_fields(answer.stdout if answer else "").get(_number(job), {})
        walltime = walltime or _seconds(fields.get("Resource_List.walltime", ""))
        with suppress(ValueError):
            text = fields.get("stime") or fields.get("start_time") or ""
            begun = datetime.strptime(text, _DATE).astimezone().timestamp()
    return None if walltime is None or begun is None else begun + walltime


def _sge_end(environment: Mapping[str, str]) -> float | None:
    job = environment["JOB_ID"]
    answer = _ask(["qstat", "-j", job], environment)
    found = re.search(r"^hard.resource_list.*\bh_rt=([\d:]+)", answer.stdout if answer else "", re.MULTILINE)
    begun = _begun("JOB_ID", job)
    walltime = _seconds(found[1]) if found else None
    return None if walltime is None or begun is None else begun + walltime


def _begun(variable: str, job: str) -> float | None:
    """Return when the first process of the job on this machine started: the oldest with its id in its environment."""
    import psutil  # only here: SLURM says more, and every command asks

    starts = (
        process.info["create_time"]
        for process in psutil.process_iter(["environ", "create_time"])
        if (process.info["environ"] or {}).get(variable) == job
    )
    return min(starts, default=None)


def _seconds(text: str) -> float | None:
    """Return the seconds in ``86400``, ``24:00:00`` or ``1:00:00:00``."""
    if not re.fullmatch(r"\d+(:\d+){0,3}", text):
        return None
    parts = [int(part) for part in reversed(text.split(":"))]
    return float(sum(part * unit for part, unit in zip(parts, (1, 60, 3600, 86400))))


# ---- whether a job lives


def job_state(job_id: str | int, queue: str, environment: Mapping[str, str] = os.environ) -> State | None:
    """Return what became of a job; None when that cannot be told. See :func:`job_states`."""
    return job_states([job_id], queue, environment)[str(job_id)]


def job_states(
    job_ids: Iterable[str | int], queue: str, environment: Mapping[str, str] = os.environ
) -> dict[str, State | None]:
    """Return what became of jobs, with few questions to the queue.

    Parameters
    ----------
    job_ids : iterable of str or int
        As the queue named them when they were submitted.
    queue : {'SLURM', 'PBS', 'SGE'}
        The queueing system, as FireWorks' ``_fw_q_type`` has it.
    environment : mapping, optional
        Where the queue's programs are found (PATH) and how they are set up.

    Returns
    -------
    dict
        Job id -> ``'pending'``, ``'running'``, ``'gone'``, or None: the queue is not here or does not answer.
    """
    ids = [str(job_id) for job_id in job_ids]
    ask = _QUEUES.get(queue)
    states: dict[str, State | None] = dict.fromkeys(ids)
    if ask is None:
        return states
    for first in range(0, len(ids), AT_ONCE):
        states |= ask(ids[first : first + AT_ONCE], environment)
    return states


def _slurm_states(ids: list[str], environment: Mapping[str, str]) -> dict[str, State | None]:
    answer = _ask(["squeue", "-h", "--states=all", "-j", ",".join(ids), "-o", "%A %T"], environment)
    if answer is None:
        return {}
    if answer.returncode != 0:  # one id alone, not known any more, is an error; among others it is left out
        known = "Invalid job id" in answer.stderr and len(ids) == 1
        return dict.fromkeys(ids, "gone") if known else {}
    found: dict[str, State | None] = {}
    for line in answer.stdout.splitlines():
        job, _, state = line.strip().partition(" ")
        found[job] = _SLURM.get(state, "running")
    return {job: found.get(job, "gone") for job in ids}


def _pbs_states(ids: list[str], environment: Mapping[str, str]) -> dict[str, State | None]:
    answer = _ask(["qstat", "-f", *ids], environment)
    if answer is None:
        return {}
    known = {job: _PBS.get(fields.get("job_state", "")) for job, fields in _pbs_fields(answer.stdout).items()}
    over = re.findall(r"Unknown Job Id(?: Error)?:? +(\d+)|(\d+)\S* Job has finished", answer.stderr)
    gone: dict[str, State | None] = dict.fromkeys((first or second for first, second in over), "gone")
    return {job: (known | gone).get(_number(job)) for job in ids}


def _pbs_fields(text: str) -> dict[str, dict[str, str]]:
    """Return what ``qstat -f`` says: number of the job -> field -> value; long values go on after a tab."""
    jobs: dict[str, dict[str, str]] = {}
    for line in text.replace("\n\t", "").splitlines():
        if line.startswith("Job Id:"):
            fields = jobs.setdefault(_number(line.partition(":")[2]), {})
        elif jobs and " = " in line:
            name, _, value = line.strip().partition(" = ")
            fields[name] = value.strip()
    return jobs


def _sge_states(ids: list[str], environment: Mapping[str, str]) -> dict[str, State | None]:
    answer = _ask(["qstat", "-u", "*"], environment)
    if answer is None or answer.returncode != 0:
        return {}
    states: dict[str, State | None] = dict.fromkeys(ids, "gone")
    for line in answer.stdout.splitlines():
        words = line.split()
        if len(words) > 4 and words[0] in states and states[words[0]] != "running":
            # qw, hqw, Eqw wait; r, t, s, dr and others hold slots. An array has a line for each of its parts.
            states[words[0]] = "pending" if "w" in words[4] else "running"
    return states


_QUEUES: dict[str, Callable[[list[str], Mapping[str, str]], dict[str, State | None]]] = {
    "SLURM": _slurm_states,
    "PBS": _pbs_states,
    "SGE": _sge_states,
}


def _number(job: str) -> str:
    """Return the number of a PBS job, without its server's name."""
    return job.strip().partition(".")[0]


def _ask(words: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str] | None:
    """Run one of the queue's programs; None when it is absent, cannot be run, or does not come back."""
    try:
        return subprocess.run(
            words, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=ASK_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None


if __name__ == "__main__":
    # Not END: a job that is submitted from within a job inherits that one's.
    end = job_end({name: value for name, value in os.environ.items() if name != END})
    print("" if end is None else int(end))  # noqa: T201
