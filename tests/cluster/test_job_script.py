"""The job script of ``init`` in a folder whose database is its own: everything from ``add`` to the end in one job."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import genarris, urea_folder
from slurm import Slurm

from genarris_fw.database.mongod import find_mongod
from genarris_fw.errors import DatabaseError


def test_the_job_script_brings_the_folders_database(slurm: Slurm, tmp_path: Path) -> None:
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    conf = urea_folder(tmp_path / "urea")
    for words in (("init", "--queue", "slurm"), ("add", str(conf))):
        done = genarris(*words, cwd=conf.parent)
        assert done.returncode == 0, done.stderr
    job = slurm.sbatch(conf.parent / "job.sh", "--ntasks=2", f"--output={tmp_path}/job.out", PYTHONPATH="")
    slurm.wait(job, 180)
    output = (tmp_path / "job.out").read_text()
    assert slurm.state(job) == "COMPLETED", output
    shown = genarris("status", cwd=conf.parent)
    assert "finished" in shown.stdout, shown.stdout + shown.stderr + output
    assert len(list((conf.parent / "raw").glob("*.json"))) == 12
