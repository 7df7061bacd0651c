"""The plain way, for comparison: FireWorks with one firework per task, run by ``rlaunch rapidfire`` processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from fireworks import FiretaskBase, Firework, FWAction, Workflow, explicit_serialize

from genarris_fw.database.launchpads import launchpad as open_launchpad
from genarris_fw.database.launchpads import prepare
from genarris_fw.farm.sides import add_workflows


@explicit_serialize
class Nothing(FiretaskBase):
    """Do nothing."""

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:
        return FWAction()


def plain_fireworks(uri: str, number: int, processes: int) -> float:
    """Return how many trivial fireworks a second plain FireWorks carries out, every one a workflow of its own.

    Counted from the first checkout to the last completion, so without the second that the processes' imports take.
    """
    launchpad = open_launchpad(uri)
    prepare(launchpad)
    add_workflows(launchpad, [Workflow([Firework(Nothing(), name=f"nothing {i}")]) for i in range(number)])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "my_launchpad.yaml"
        config.write_text(f"host: '{uri}'\nname: {launchpad.name}\nuri_mode: true\n")
        running = []
        for i in range(processes):
            place = Path(folder) / str(i)
            place.mkdir()
            command = [Path(sys.executable).parent / "rlaunch", "-s", "-l", config, "rapidfire", "--nlaunches", "0"]
            environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
            running.append(subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.DEVNULL))
        for process in running:
            process.wait()
    times: list[datetime] = []
    for launch in launchpad.launches.find({"state": "COMPLETED"}, {"state_history": 1}):
        times += [_time(entry["created_on"]) for entry in launch["state_history"]]
        times += [_time(entry["updated_on"]) for entry in launch["state_history"] if "updated_on" in entry]
    done = launchpad.fireworks.count_documents({"state": "COMPLETED"})
    launchpad.connection.close()
    if done != number:
        raise RuntimeError(f"plain FireWorks completed {done} of {number} fireworks")
    return number / (max(times) - min(times)).total_seconds()


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
