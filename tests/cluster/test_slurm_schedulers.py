"""What the farm asks a real SLURM: when a job ends, and what became of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from slurm import Slurm

from genarris_fw import schedulers
from genarris_fw.schedulers import job_end, job_state, job_states

ASK = f"""#!/bin/bash
{sys.executable} -m genarris_fw.schedulers
srun {sys.executable} -m genarris_fw.schedulers
"""


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1]


def test_end_of_a_job(slurm: Slurm, tmp_path: Path) -> None:
    """The same in the job script and in a step, in any time zone; the queue goes by what was asked for."""
    output = tmp_path / "output"
    begun = time.time()
    job = slurm.sbatch(ASK, "--time=3", f"--output={output}", TZ="America/New_York")
    assert slurm.wait(job, 120) == "COMPLETED"
    [script, step] = lines(output)
    assert script == step and begun + 178 < float(script) < begun + 300
    assert job_end(slurm.whole(SLURM_JOB_ID="4711")) is None


def test_end_of_parts_of_an_array(slurm: Slurm, tmp_path: Path) -> None:
    """The first part of an array bears the array's own number: it is asked for by its part."""
    begun = time.time()
    first = slurm.sbatch(ASK, "--time=3", "--array=0-1", f"--output={tmp_path}/%a")
    while len(list(tmp_path.glob("[01]"))) < 2 or slurm.jobs():
        time.sleep(0.2)
    for part in "01":
        [script, step] = lines(tmp_path / part)
        assert script == step and float(script) > begun + 178, first


def test_end_without_a_limit(slurm: Slurm, tmp_path: Path) -> None:
    """SLURM names a day a year ahead."""
    output = tmp_path / "output"
    slurm.wait(slurm.sbatch(ASK, "--time=UNLIMITED", f"--output={output}"), 120)
    assert all(not line or float(line) > time.time() + 86400 for line in lines(output))


def test_states_of_jobs(slurm: Slurm) -> None:
    environment = slurm.whole()
    sleep = "#!/bin/bash\nexec sleep 170\n"
    running = slurm.sbatch(sleep, "--time=3", "--ntasks=4")
    slurm.wait(running, 120, ("RUNNING",))
    waiting = slurm.sbatch(sleep, "--time=3", "--ntasks=4")
    held = slurm.sbatch(sleep, "--time=3", "--hold")
    done = slurm.sbatch("#!/bin/bash\n", "--time=3", "--hold")
    slurm.run("scancel", str(done))
    states = job_states([running, waiting, held, done, 4711], "SLURM", environment)
    assert list(states.values()) == ["running", "pending", "pending", "gone", "gone"]
    assert job_state(4711, "SLURM", environment) == "gone"  # asked for alone, SLURM calls this an error
    assert job_state(running, "SLURM", environment) == "running"
    slurm.run("scontrol", "suspend", str(running))
    assert job_state(running, "SLURM", environment) == "running"
    slurm.run("scontrol", "requeuehold", str(running))
    slurm.wait(running, 120, ("PENDING",))
    assert job_state(running, "SLURM", environment) == "pending"


def test_a_controller_that_is_away(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is not "gone"."""
    monkeypatch.setattr(schedulers, "ASK_SECONDS", 3.0)
    job = slurm.sbatch("#!/bin/bash\nexec sleep 100\n", "--time=3", "--hold")
    controller = slurm.daemons[1]
    controller.kill()
    controller.wait()
    assert job_state(job, "SLURM", slurm.whole()) is None
    assert job_end(slurm.whole(SLURM_JOB_ID=str(job))) is None
