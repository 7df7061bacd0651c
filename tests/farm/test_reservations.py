"""Reservations of ``qlaunch -r`` whose job is gone, with stand-ins for the programs of PBS and SGE."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest
from command import BIN, environment
from fireworks import FWorker
from killing import Farm
from waiting import wait_until

from genarris_fw.farm.launch.launcher_files import Destination, launcher_files, write_files
from genarris_fw.farm.repair.reservations import release_reservations

SUBMITTED = {"PBS": "1234.pbs-server", "SGE": 'Your job 1234 ("begin") has been submitted'}
GONE = {"PBS": "echo 'qstat: Unknown Job Id 1234.pbs-server' >&2; exit 153", "SGE": "exit 0"}
WAITS = {
    "PBS": "echo 'Job Id: 1234.pbs-server'; echo '    job_state = Q'",
    "SGE": "echo '   1234 0.55500 begin      ada          qw    11/24/2026 10:05:00            1'",
}
TROUBLE = {"PBS": "echo 'qstat: cannot connect to server' >&2; exit 111", "SGE": "echo 'error: commlib' >&2; exit 1"}


class Queue:
    """Stand-ins for qsub, which accepts everything as job 1234, and qstat, which says what it is told to."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        folder.mkdir()
        self._program("qsub", f"echo '{SUBMITTED[kind]}'")
        self.says(WAITS[kind])

    def says(self, script: str) -> None:
        self._program("qstat", script)

    def _program(self, name: str, script: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)


@pytest.fixture(params=["PBS", "SGE"])
def queue(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue(request.param, tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{queue.folder}:{os.environ['PATH']}")
    return queue


def reserve(farm: Farm, queue: Queue) -> Path:
    """Have ``qlaunch -r`` submit a job for the run's first firework; return the folder of the launch."""
    place = Destination(str(farm.folder), farm.uri, "the test", False, str(BIN), "here")
    files = launcher_files(place, queue.kind.lower())
    write_files(farm.folder, files)
    launch = farm.folder / "launch"
    launch.mkdir()
    subprocess.run(
        [BIN / "qlaunch", "-q", "my_qadapter_reserve.yaml", "--launch_dir", launch, "-r", "singleshot"],
        cwd=farm.folder, env=environment(), capture_output=True, check=True,
    )  # fmt: skip
    assert "singleshot --fw_id 1\n" in (launch / "FW_submit.script").read_text()
    assert farm.launchpad.get_reservation_id_from_fw_id(1) == "1234"
    return launch


def states(farm: Farm) -> list[str]:
    """Return the states of the run's fireworks, as their own documents and as the workflow's have them."""
    fireworks = farm.launchpad.fireworks.find({"spec.run": farm.run}).sort("fw_id", 1)
    states = [firework["state"] for firework in fireworks]
    [workflow] = farm.launchpad.workflows.find({"metadata.run": farm.run})
    noted = [workflow["fw_states"][node] for node in sorted(workflow["fw_states"], key=int)]
    assert noted == states or (noted[0], states[0]) == ("READY", "RESERVED")
    return states


def released(farm: Farm, **options: float) -> list[str]:
    return list(release_reservations(farm.launchpad, farm.run, **options))


def test_released_when_the_job_is_gone(farm: Farm, queue: Queue) -> None:
    farm.add(replicas=1)
    reserve(farm, queue)
    assert states(farm)[0] == "RESERVED"
    assert released(farm, unsubmitted_seconds=0) == [] and states(farm)[0] == "RESERVED"  # it waits
    queue.says(TROUBLE[queue.kind])
    assert released(farm, unsubmitted_seconds=0) == [] and states(farm)[0] == "RESERVED"  # who knows
    queue.says(GONE[queue.kind])
    [line] = released(farm)
    assert f"{queue.kind} job 1234" in line and "ready again" in line
    assert states(farm) == ["READY"] + ["WAITING"] * 5
    assert released(farm) == []
    farm.rlaunch()
    farm.check(farm.finish())


def test_not_asked_about_a_job_of_another_site(farm: Farm, queue: Queue) -> None:
    """The same number may be another job here: only where the launch's folder is seen is the queue the right one."""
    farm.add(replicas=1)
    place = reserve(farm, queue)
    queue.says(GONE[queue.kind])
    place.rename(farm.folder / "elsewhere")
    assert released(farm, unsubmitted_seconds=0) == [] and states(farm)[0] == "RESERVED"


def test_a_running_firework_is_left_alone(farm: Farm, queue: Queue) -> None:
    farm.add(replicas=1)
    reserve(farm, queue)
    queue.says(GONE[queue.kind])
    firework, _ = farm.launchpad.checkout_fw(FWorker(), str(farm.folder), fw_id=1)
    assert firework.fw_id == 1 and states(farm)[0] == "RUNNING"
    assert released(farm, unsubmitted_seconds=0) == [] and states(farm)[0] == "RUNNING"


def test_many_at_once(farm: Farm, queue: Queue) -> None:
    """A firework that was released and is carried out by now is not thrown back."""
    farm.add(replicas=1)
    reserve(farm, queue)
    queue.says(GONE[queue.kind])
    lines: list[str] = []
    threads = [threading.Thread(target=lambda: lines.extend(released(farm))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines) == 1 and states(farm)[0] == "READY"


def test_late_to_release(farm: Farm, queue: Queue) -> None:
    """One that has seen the reservation before it was released by another, and acts when the firework runs anew."""
    farm.add(replicas=1)
    reserve(farm, queue)
    # The queue's answer comes late: in the meantime the firework is released and checked out by a rocket.
    asked, go = queue.folder / "asked", queue.folder / "go"
    queue.says(f"touch {asked}; while [ ! -e {go} ]; do sleep 0.1; done\n{GONE[queue.kind]}")
    lines: list[str] = []
    late = threading.Thread(target=lambda: lines.extend(released(farm)))
    late.start()
    wait_until(asked.exists)
    farm.launchpad.rerun_fw(1)
    firework, _ = farm.launchpad.checkout_fw(FWorker(), str(farm.folder))
    assert firework.fw_id == 1
    go.touch()
    late.join()
    assert lines == [] and states(farm)[0] == "RUNNING"


def test_never_submitted(farm: Farm) -> None:
    """``qlaunch -r`` was killed between the reservation and the submission."""
    farm.add(replicas=1)
    farm.launchpad.reserve_fw(FWorker(), str(farm.folder))
    assert states(farm)[0] == "RESERVED"
    assert released(farm) == []  # it may be submitting just now
    assert states(farm)[0] == "RESERVED"
    [line] = released(farm, unsubmitted_seconds=0)
    assert "no job was submitted" in line and states(farm)[0] == "READY"
