"""What a queue says of jobs: here with stand-ins for PBS' and SGE's programs; SLURM's are in tests/cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from genarris_fw import schedulers
from genarris_fw.schedulers import job_end, job_state, job_states

# What `qstat -f` of PBS prints: a value goes on after a tab.
PBS_JOB = """\
Job Id: 1234.pbs-server
    Job_Name = genarris
    Job_Owner = ada@login1
    job_state = {state}
    queue = workq
    Resource_List.ncpus = 16
    Resource_List.walltime = 01:30:00
    stime = {stime}
    Variable_List = PBS_O_HOME=/home/ada,PBS_O_LANG=en_US.UTF-8,
\tjob_state = X,PBS_O_LOGNAME=ada,
\tPBS_O_PATH=/usr/bin
    comment = Job run at Tue Nov 24 at 10:00 on (node1:ncpus=16)

"""

SGE_LIST = """\
job-ID  prior   name       user         state submit/start at     queue                          slots ja-task-ID
-----------------------------------------------------------------------------------------------------------------
  44275 0.55500 genarris   ada          r     11/24/2026 10:00:00 all.q@node1                       16
  44276 0.55500 genarris   ada          qw    11/24/2026 10:05:00                                   16
  44277 0.00000 genarris   ada          hqw   11/24/2026 10:05:01                                   16
  44278 0.55500 genarris   ada          Eqw   11/24/2026 10:05:02                                   16
  44279 0.55500 genarris   ada          dr    11/24/2026 10:05:03 all.q@node1                       16
"""

SGE_JOB = """\
==============================================================
job_number:                 44275
owner:                      ada
job_name:                   genarris
hard resource_list:         h_vmem=4G,h_rt=5400
parallel environment:  smp range: 16
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Make a program that prints a text; return an environment in which only it and the usual tools are found."""

    def make(program: str, output: str = "", errors: str = "", code: int = 0, then: str = "") -> dict[str, str]:
        (tmp_path / f"{program}.out").write_text(output)
        (tmp_path / f"{program}.err").write_text(errors)
        file = tmp_path / program
        lines = ["#!/bin/sh", 'echo "$@" >> "$0.asked"', 'cat "$0.out"', 'cat "$0.err" >&2', then, f"exit {code}"]
        file.write_text("\n".join(lines) + "\n")
        file.chmod(0o755)
        return {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    return make


def asked(environment: dict[str, str], program: str) -> list[str]:
    """Return the arguments of every call of a stand-in."""
    return (Path(environment["PATH"].partition(":")[0]) / f"{program}.asked").read_text().splitlines()


# ---- where there is no queue, or none that answers


@pytest.mark.parametrize("queue", ["SLURM", "PBS", "SGE", "LoadLeveler"])
def test_no_programs(queue: str, tmp_path: Path) -> None:
    assert job_states(["17", 18], queue, {"PATH": str(tmp_path)}) == {"17": None, "18": None}


@pytest.mark.parametrize("name", ["SLURM_JOB_ID", "PBS_JOBID", "JOB_ID"])
def test_no_end_without_programs(name: str, tmp_path: Path) -> None:
    assert job_end({name: "17", "SGE_TASK_ID": "undefined", "PATH": str(tmp_path)}) is None


def test_outside_a_job(tmp_path: Path) -> None:
    assert job_end({"PATH": str(tmp_path)}) is None


def test_a_program_that_hangs(stand_in: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "ASK_SECONDS", 0.5)
    environment = stand_in("squeue", then="exec sleep 60")
    begun = time.monotonic()
    assert job_state(17, "SLURM", environment) is None
    assert job_end({**environment, "SLURM_JOB_ID": "17"}) is None
    assert time.monotonic() - begun < 50  # the program would take 60 s, twice


def test_a_program_that_fails(stand_in: Callable[..., dict[str, str]]) -> None:
    trouble = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"
    environment = stand_in("squeue", errors=trouble, code=1)
    assert job_state(17, "SLURM", environment) is None
    environment = stand_in("qstat", errors="error: commlib error: got select error (Connection refused)\n", code=1)
    assert job_state(17, "SGE", environment) is None
    assert job_state(17, "PBS", environment) is None


def test_a_program_that_cannot_be_run(stand_in: Callable[..., dict[str, str]]) -> None:
    environment = stand_in("qstat", "\0\xff no such thing")
    assert job_state(17, "PBS", environment) is None
    (Path(environment["PATH"].partition(":")[0]) / "qstat").chmod(0o644)
    assert job_state(17, "PBS", environment) is None


# ---- the end


def test_what_is_said_goes_first() -> None:
    assert job_end({"GENARRIS_FW_END": "100.5", "SLURM_JOB_END_TIME": "200"}) == 100.5
    assert job_end({"GENARRIS_FW_END": "", "SLURM_JOB_END_TIME": "200"}) == 200.0
    assert job_end({"GENARRIS_FW_END": "soon", "SLURM_JOB_END_TIME": "200"}) == 200.0


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_slurm_end_in_any_time_zone(stand_in: Callable[..., dict[str, str]], zone: str) -> None:
    """The stand-in prints a time in its own time zone, as squeue does."""
    environment = stand_in("squeue", then='date -d @1795573122 +%Y-%m-%dT%H:%M:%S; [ "$SLURM_TIME_FORMAT" = standard ]')
    assert job_end({**environment, "TZ": zone, "SLURM_JOB_ID": "7", "SLURM_TIME_FORMAT": "relative"}) == 1795573122
    assert asked(environment, "squeue") == ["-h -j 7 -o %e"]


def test_slurm_end_of_a_part_of_an_array(stand_in: Callable[..., dict[str, str]]) -> None:
    environment = stand_in("squeue", "2026-11-25T02:18:42\n")
    array = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}
    assert job_end({**environment, **array}) == 1795573122
    assert asked(environment, "squeue") == ["-h -j 7_3 -o %e"]


@pytest.mark.parametrize("text", ["N/A\n", "NONE\n", "", "2026-11-25T02:18:42\n2026-11-25T02:18:43\n"])
def test_slurm_without_an_end(stand_in: Callable[..., dict[str, str]], text: str) -> None:
    assert job_end({**stand_in("squeue", text), "SLURM_JOB_ID": "7"}) is None


def in_a_job(environment: dict[str, str]) -> tuple[float | None, float]:
    """Start a process as a queue starts a job, and a child of it in a session of its own.

    Return what the child sees, and when the first one began by its own account.
    """
    ask = (
        "import psutil, subprocess, sys, time; print(psutil.Process().create_time(), flush=True); time.sleep(3); "
        "subprocess.run([sys.executable, '-m', 'genarris_fw.schedulers'], start_new_session=True)"
    )
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
    begun, end = done.stdout.splitlines()
    return (float(end) if end else None), float(begun)


def test_pbs_walltime_counts_from_the_start_of_the_job(tmp_path: Path) -> None:
    environment = {"PBS_JOBID": f"{os.getpid()}.here", "PBS_WALLTIME": "3600", "PATH": str(tmp_path)}
    end, begun = in_a_job(environment)
    assert end is not None and abs(end - (begun + 3600)) < 2  # not from when it was asked, 3 s later


def test_pbs_end_from_qstat(stand_in: Callable[..., dict[str, str]]) -> None:
    """Where PBS does not set PBS_WALLTIME, and the job's first process is on another machine."""
    text = PBS_JOB.format(state="R", stime="Tue Nov 24 10:00:00 2026")
    end = job_end({**stand_in("qstat", text), "PBS_JOBID": "1234.pbs-server"})
    assert end == datetime(2026, 11, 24, 11, 30).timestamp()


def test_pbs_end_unknown(stand_in: Callable[..., dict[str, str]]) -> None:
    text = PBS_JOB.format(state="R", stime="whenever")
    assert job_end({**stand_in("qstat", text), "PBS_JOBID": "1234.pbs-server"}) is None
    assert job_end({**stand_in("qstat", text), "PBS_JOBID": "99.pbs-server"}) is None


def test_sge_end(stand_in: Callable[..., dict[str, str]]) -> None:
    environment = stand_in("qstat", SGE_JOB) | {"JOB_ID": f"{os.getpid()}", "SGE_TASK_ID": "undefined"}
    end, begun = in_a_job(environment)
    assert end is not None and abs(end - (begun + 5400)) < 2
    environment = stand_in("qstat", SGE_JOB.replace("h_rt=5400", "h_rt=1:30:00"))
    end, begun = in_a_job(environment | {"JOB_ID": f"{os.getpid()}", "SGE_TASK_ID": "undefined"})
    assert end is not None and abs(end - (begun + 5400)) < 2
    environment = stand_in("qstat", SGE_JOB.replace(",h_rt=5400", ""))
    assert in_a_job(environment | {"JOB_ID": f"{os.getpid()}", "SGE_TASK_ID": "undefined"})[0] is None


def test_a_job_script_asks_anew() -> None:
    """A job that is submitted from within a job inherits its environment; its end is not the same."""
    environment = {"PATH": "/nowhere", "GENARRIS_FW_END": "100", "SLURM_JOB_END_TIME": "200"}
    assert in_a_job(environment)[0] == 200


# ---- the state


@pytest.mark.parametrize(
    ("state", "expected"),
    [(letter, "pending") for letter in "QHWT"] + [("R", "running"), ("E", "running"), ("F", "gone"), ("?", None)],
)
def test_pbs_states(stand_in: Callable[..., dict[str, str]], state: str, expected: str | None) -> None:
    environment = stand_in("qstat", PBS_JOB.format(state=state, stime="Tue Nov 24 10:00:00 2026"))
    assert job_state("1234", "PBS", environment) == expected
    assert job_state("1234.pbs-server", "PBS", environment) == expected


@pytest.mark.parametrize(
    "said",
    [
        "qstat: Unknown Job Id 77.pbs-server\n",
        "qstat: Unknown Job Id Error 77.pbs-server\n",
        "qstat: 77.pbs-server Job has finished, use -x or -H to obtain historical job information\n",
    ],
)
def test_pbs_job_that_is_gone(stand_in: Callable[..., dict[str, str]], said: str) -> None:
    running = PBS_JOB.format(state="R", stime="Tue Nov 24 10:00:00 2026")
    environment = stand_in("qstat", running, said, code=35)
    assert job_states(["1234", "77", "78"], "PBS", environment) == {"1234": "running", "77": "gone", "78": None}
    assert asked(environment, "qstat") == ["-f 1234 77 78"]


def test_sge_states(stand_in: Callable[..., dict[str, str]]) -> None:
    environment = stand_in("qstat", SGE_LIST)
    states = job_states([44275, 44276, 44277, 44278, 44279, 44274], "SGE", environment)
    assert list(states.values()) == ["running", "pending", "pending", "pending", "running", "gone"]
    assert asked(environment, "qstat") == ["-u *"]


def test_many_jobs_are_few_questions(stand_in: Callable[..., dict[str, str]]) -> None:
    environment = stand_in("squeue", "3 PENDING\n250 RUNNING\n251 COMPLETING\n252 TIMEOUT\n")
    states = job_states(range(1, 301), "SLURM", environment)
    assert (states["3"], states["250"], states["251"], states["252"]) == ("pending", "running", "running", "gone")
    assert states["1"] == "gone" and len(states) == 300
    assert len(asked(environment, "squeue")) == 2


def test_no_jobs_no_question(stand_in: Callable[..., dict[str, str]]) -> None:
    environment = stand_in("squeue")
    assert job_states([], "SLURM", environment) == {}
    assert not Path(environment["PATH"].partition(":")[0], "squeue.asked").exists()
