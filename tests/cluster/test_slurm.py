"""Whole runs through a real SLURM: jobs cancelled, out of time, on nodes that drain or fail; the same result always."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from command import genarris, python_path, urea_folder
from killing import TOOLS
from pymongo import MongoClient
from queued import QueuedFarm
from slurm import Slurm

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name, with_database
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.repair.reservations import release_reservations

RUNNING = ("RUNNING",)
ONE_JOB = ("rapidfire", "--maxjobs_queue", "1", "--nlaunches", "1")


@pytest.fixture
def farm(database_uri: str, tmp_path: Path, slurm: Slurm) -> Iterator[QueuedFarm]:
    folder = tmp_path / "run"
    folder.mkdir()
    farm = QueuedFarm(database_uri, folder, slurm)
    yield farm
    farm.close()


def ends_well(farm: QueuedFarm, job: int, **expected: int) -> None:
    """The run ends with the undisturbed result, nothing of it under way, and its last job by itself."""
    farm.let_go()
    farm.check(farm.finish(), **expected)
    assert farm.slurm.wait(job, 60) == "COMPLETED"
    recover(farm.launchpad, farm.run)
    farm.check_fireworks()


def test_undisturbed(farm: QueuedFarm) -> None:
    farm.add()
    [job] = farm.qlaunch(*ONE_JOB)
    ends_well(farm, job)
    hosts = {lease["owner"].split(":")[0] for lease in farm.catalogue.leases.collection.find({"owner": {"$exists": 1}})}
    assert all(host.startswith(farm.slurm.node) for host in hosts)
    assert farm.slurm.listing().count("COMPLETED") == 1


def test_running_job_cancelled(farm: QueuedFarm) -> None:
    farm.add()
    farm.hold()
    [job] = farm.qlaunch(*ONE_JOB)
    farm.at_work(1)
    farm.slurm.run("scancel", str(job))
    assert farm.slurm.wait(job, 60) == "CANCELLED"
    assert farm.done() < 60
    second = farm.qlaunch_again(*ONE_JOB)
    ends_well(farm, second)


def test_only_rocket_of_a_job_killed(farm: QueuedFarm) -> None:
    """As where memory is short. ``qlaunch`` submits only where a firework is ready, so ``recover`` comes first."""
    farm.add(steps=1, replicas=1)
    farm.hold()
    farm.ask(ntasks_per_node=1)
    [job] = farm.qlaunch(*ONE_JOB)
    os.kill(farm.holder("gate"), signal.SIGKILL)
    assert farm.slurm.wait(job, 60) == "FAILED"
    assert farm.done() < 60 and farm.qlaunch("singleshot") == []
    done = genarris("recover", cwd=farm.folder)
    assert "gate (firework 3): its rocket is gone, repaired" in done.stdout, done.stdout + done.stderr
    [second] = farm.qlaunch("singleshot")
    ends_well(farm, second, steps=1)


def test_time_limit_unknown_to_the_rockets(farm: QueuedFarm) -> None:
    """The job is shortened after its start: the time limit comes as a surprise."""
    farm.add(items=150, steps=1)
    farm.hold()
    [job] = farm.qlaunch(*ONE_JOB)
    farm.at_work(1)
    farm.slurm.run("scontrol", "update", f"jobid={job}", "EndTime=now+5")
    assert farm.slurm.wait(job, 120) == "TIMEOUT"
    assert farm.done() < 150
    farm.ask(ntasks_per_node=4)
    second = farm.qlaunch_again(*ONE_JOB)
    ends_well(farm, second, items=150, steps=1)


def test_warned_ahead_of_the_end(farm: QueuedFarm) -> None:
    """The signal that my_qadapter.yaml asks for reaches every process of the job: the rockets leave by themselves.

    A rocket that has no firework passes over it, and may take one afterwards. So the run is planned before the job:
    there is a firework for each of its rockets, and all of them are warned at work.
    """
    farm.add(items=150, steps=1)
    farm.hold()
    for _ in ("begin", "plan"):
        assert farm.rlaunch("singleshot").wait() == 0
    [job] = farm.qlaunch(*ONE_JOB)
    farm.at_work(3)
    farm.slurm.run("scancel", "--signal=USR1", str(job))
    assert farm.slurm.wait(job, 60) == "COMPLETED"
    counts = farm.catalogue.work_items.counts(farm.run, "sleepy_0")
    assert counts["leased"] == 0 and counts["done"] < 150  # all given back
    [second] = farm.qlaunch(*ONE_JOB)
    ends_well(farm, second, items=150, steps=1)
    assert begun_in_vain(farm) == 0


def begun_in_vain(farm: QueuedFarm) -> int:
    """Return how many items were lost with a rocket, or failed, at least once."""
    trouble = [{"attempts": {"$gt": 0}}, {"lost": {"$gt": 0}}]
    return farm.catalogue.work_items.collection.count_documents({"run": farm.run, "$or": trouble})


@pytest.mark.slow  # its fast form is test_warned_ahead_of_the_end
def test_time_limit_known_to_the_rockets(farm: QueuedFarm) -> None:
    """One minute, SLURM's shortest, is too short for the run: the rockets leave in time, the next job goes on."""
    farm.add(seconds=0.5, items=400, steps=1)
    farm.ask(walltime="'00:01:00'")
    [job] = farm.qlaunch(*ONE_JOB)
    assert farm.slurm.wait(job, 100) == "COMPLETED"
    counts = farm.catalogue.work_items.counts(farm.run, "sleepy_0")
    assert counts["leased"] == 0 and 100 < counts["done"] < 400  # all given back
    farm.ask(walltime="'00:05:00'", ntasks_per_node=4)
    [second] = farm.qlaunch(*ONE_JOB)
    ends_well(farm, second, items=400, steps=1)
    assert begun_in_vain(farm) == 0


def test_node_drained_and_resumed(farm: QueuedFarm) -> None:
    """A draining node finishes what runs there; the next job waits until it is resumed."""
    # Of five replicas the first job has three: something is left to submit.
    farm.add(items=200, steps=1, replicas=5)
    farm.hold()
    [job] = farm.qlaunch(*ONE_JOB)
    farm.at_work(1)
    node = f"nodename={farm.slurm.node}"
    farm.slurm.run("scontrol", "update", node, "state=drain", "reason=test")
    done = farm.done()
    [second] = farm.qlaunch(*ONE_JOB[:1], "--nlaunches", "1", "--maxjobs_queue", "2")
    farm.hold(after=done + 10)
    farm.wait_for_done(done + 10)
    farm.slurm.run("scancel", str(job))
    farm.slurm.wait(job, 60)
    assert (farm.slurm.node_state(), farm.slurm.state(second)) == ("drained", "PENDING")
    assert farm.done() < 200
    farm.slurm.run("scontrol", "update", node, "state=resume")
    farm.slurm.wait(second, 60, RUNNING)
    farm.let_go()
    ends_well(farm, second, items=200, steps=1)


def test_node_fails_and_the_job_is_requeued(farm: QueuedFarm) -> None:
    """The job script of ``init``, submitted as it is: SLURM starts the job once more, and it goes on."""
    farm.add()
    farm.hold()
    job = farm.slurm.sbatch(farm.folder / "job.sh", "--ntasks=3", "--signal=USR1@0", PYTHONPATH=python_path(TOOLS))
    farm.at_work(1)
    node = f"nodename={farm.slurm.node}"
    farm.slurm.run("scontrol", "update", node, "state=down", "reason=test")
    farm.slurm.wait(job, 60, ("PENDING",))
    farm.slurm.run("scontrol", "update", node, "state=resume")
    ends_well(farm, job)
    assert "Restarts=1" in farm.slurm.run("scontrol", "show", "job", str(job)).stdout
    assert "NODE_FAIL" in farm.slurm.listing()


def test_a_job_for_each_firework(farm: QueuedFarm) -> None:
    """``qlaunch -r``; a job that is cancelled while it waits gives its firework back."""
    farm.add(seconds=0.02, steps=1, replicas=2)
    reserve = ("-q", "my_qadapter_reserve.yaml", "-r")
    node = f"nodename={farm.slurm.node}"
    farm.slurm.run("scontrol", "update", node, "state=drain", "reason=test")
    [job] = farm.qlaunch(*reserve, "singleshot")
    query = {"spec.run": farm.run, "state": "RESERVED"}
    assert farm.launchpad.fireworks.count_documents(query) == 1
    assert list(release_reservations(farm.launchpad, farm.run, 0)) == []  # its job waits
    farm.slurm.run("scancel", str(job))
    [line] = release_reservations(farm.launchpad, farm.run, 0)
    assert f"SLURM job {job}" in line
    assert farm.launchpad.fireworks.count_documents(query) == 0
    assert list(release_reservations(farm.launchpad, farm.run, 0)) == []
    farm.slurm.run("scontrol", "update", node, "state=resume")
    farm.hold()
    before = set(farm.slurm.jobs("all"))
    with ThreadPoolExecutor(1) as beside:
        submitting: list[Future[list[int]]] = []

        def are_submitted(number: int) -> bool:
            """Tell whether so many jobs are; qlaunch ends where it looks when none is ready, and is called again."""
            if all(one.done() for one in submitting) and len(submitted()) < number:
                submitting.append(beside.submit(farm.qlaunch, *reserve, "rapidfire", "--sleep", "1", seconds=400))
            return len(submitted()) >= number

        def submitted() -> list[int]:
            return sorted(set(farm.slurm.jobs("all")) - before)

        farm.wait_until(lambda: are_submitted(4))  # begin, plan, gate, side: the gate does not end before its side is
        farm.let_go()
        farm.wait_until(lambda: are_submitted(5))  # finish
        for one in submitting:
            one.result()
        jobs = submitted()
    assert len(jobs) == 5
    ends_well(farm, jobs[-1], steps=1)


def test_crystals_through_the_queue(database_uri: str, tmp_path: Path, slurm: Slurm) -> None:
    """``init``, ``add``, ``qlaunch singleshot``: a cancelled job and its successor make the pool of a plain run."""
    # So many that the rest takes several seconds when the first is there: the job is cancelled in their middle.
    many = {"number": 3_000, "attempts": 2_000_000}
    farm = QueuedFarm(database_uri, urea_folder(tmp_path / "queued", **many).parent, slurm)
    farm.run = "urea"
    done = genarris("add", "ui.conf", cwd=farm.folder)
    assert done.returncode == 0, done.stderr
    [job] = farm.qlaunch("singleshot")
    while not farm.catalogue.structures.collection.count_documents({}):
        assert slurm.state(job) in ("PENDING", "RUNNING"), farm.outputs()
        time.sleep(0.1)
    slurm.run("scancel", str(job))
    slurm.wait(job, 60)
    assert farm.catalogue.runs.get(farm.run).get("state") != "finished", "the job was cancelled too late"
    second = farm.qlaunch_again("singleshot")
    assert farm.finish(300)["state"] == "finished"
    assert slurm.wait(second, 60) == "COMPLETED"
    queued = pool(farm.catalogue)
    farm.close()

    name = f"{database_name(database_uri)}_plain"
    plain = with_database(database_uri, name)
    conf = urea_folder(tmp_path / "plain", **many)
    done = genarris("run", str(conf), "--workers", "2", "--uri", plain, cwd=conf.parent)
    assert done.returncode == 0, done.stderr
    with MongoClient(plain) as client:
        undisturbed = pool(Catalogue(client[name]))
        client.drop_database(name)
    assert len(queued) > 2_900 and queued == undisturbed


def pool(catalogue: Catalogue) -> list[str]:
    """Return the ids of the crystals that were made."""
    return sorted(record["struct_id"] for record in catalogue.structures.collection.find({"pools": "raw"}))
