"""A run without a database server: jobs of a real SLURM bring it, one after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import python_path
from killing import TOOLS, Farm
from sleepy import hold, let_go, sleepy_workflow
from slurm import OVER, Slurm
from waiting import wait_until

from genarris_fw.database.in_job import allocation
from genarris_fw.database.in_job import data as allocation_data
from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.server import FOLDER, Server
from genarris_fw.errors import DatabaseError

BIN = Path(sys.executable).parent
JOB = """\
#!/bin/bash
export PATH={bin}:"$PATH" PYTHONPATH={tools}
cd {folder} || exit 2
genarris-fw db start --in-allocation --host 127.0.0.1 {data} || exit 2
trap 'genarris-fw db stop' EXIT
if [ -e workflow.yaml ]; then
    lpad -l genarris_db/my_launchpad.yaml add workflow.yaml && mv workflow.yaml added.yaml
fi
srun --ntasks=3 rlaunch -l genarris_db/my_launchpad.yaml rapidfire --nlaunches 0 --sleep 1
"""


class Site:
    """A run's folder, and jobs that work in it."""

    def __init__(self, folder: Path, slurm: Slurm) -> None:
        self.folder, self.home, self.slurm = folder, folder / FOLDER, slurm
        self.seen = folder / "seen"  # with a launchpad file of the test alone
        self.seen.mkdir(parents=True)
        sleepy_workflow("nap", folder).to_file(str(folder / "workflow.yaml"))
        hold(folder)  # so that the first job is killed in the middle

    def submit(self, data: str = "", *options: str) -> int:
        script = JOB.format(bin=BIN, tools=python_path(TOOLS), folder=self.folder, data=data)
        words = ("--ntasks=3", "--time=5", f"--output={self.folder}/job-%j.out", *options)
        return self.slurm.sbatch(script, *words)

    def wait_for_work(self, job: int) -> None:
        """Wait until an item is done and others are held, seen through the job's own database."""

        def works() -> bool:
            assert self.slurm.state(job) not in OVER, self.outputs()
            record = allocation.read(self.home)
            if record is None:
                return False
            try:
                farm = Farm(record.uri, self.seen)
            except DatabaseError:
                return False
            counts = farm.catalogue.work_items.counts("nap", "sleepy_0")
            farm.close()
            return counts["done"] > 0 and counts["leased"] > 0

        wait_until(works, said=self.outputs)

    def outputs(self) -> str:
        files = [*self.folder.glob("job-*.out"), *self.home.glob("keeper.log")]
        return "\n".join(f"== {file}\n{file.read_text()[-3000:]}" for file in files) + self.slurm.listing()

    def left(self) -> str:
        """Return the processes of the folder's databases that live."""
        pattern = f"mongod.*{self.home}|keeper.*{self.home}"
        done = subprocess.run(["pgrep", "-af", pattern], capture_output=True, text=True, check=False)
        return done.stdout

    def check(self) -> None:
        """Without a job, as on a login node: the undisturbed result, and nothing under way."""
        wait_until(lambda: not self.left(), said=self.left)  # a keeper tells of the end with its last breath
        with Server(self.folder).use() as uri:
            farm = Farm(uri, self.seen)
            try:
                farm.check(farm.finish(1))
                farm.check_fireworks()
            finally:
                farm.close()


@pytest.fixture
def site(tmp_path: Path, slurm: Slurm) -> Iterator[Site]:
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    site = Site(tmp_path / "run", slurm)
    yield site
    print(site.outputs())


def test_cancelled_in_the_middle(site: Site) -> None:
    """Files in the run's folder: nothing that was acknowledged is lost, and the next job goes on."""
    first = site.submit()
    site.wait_for_work(first)
    site.slurm.run("scancel", str(first))
    assert site.slurm.wait(first, 60) == "CANCELLED"
    let_go(site.folder)
    second = site.submit()
    assert site.slurm.wait(second, 120) == "COMPLETED", site.outputs()
    site.check()


def test_node_local_files_and_a_killed_job(site: Site, tmp_path: Path) -> None:
    """Files on the node's disk, the job killed without a warning: the next one restores a backup and finishes."""
    first = site.submit(f"--data {tmp_path}/disk1 --backup-every 0.03")
    site.wait_for_work(first)
    wait_until(lambda: allocation_data.backups(site.home), said=site.outputs)
    site.slurm.run("scancel", "--full", "--signal=KILL", str(first))
    record = allocation.read(site.home)
    if record is not None:  # a queue with cgroups kills these as well
        subprocess.run(["kill", "-KILL", record.keeper.rsplit(":", 4)[1]], check=False)
    site.slurm.wait(first, 60)
    let_go(site.folder)
    second = site.submit(f"--data {tmp_path}/disk2 --backup-every 1")
    assert site.slurm.wait(second, 120) == "COMPLETED", site.outputs()
    assert "restored from" in (site.folder / f"job-{second}.out").read_text()
    assert list((tmp_path / "disk2").iterdir()) == []
    site.check()
