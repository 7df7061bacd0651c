"""FHI-aims' library over the farm's MPI rockets, with the stand-in built here: MPICH's wheel and Open MPI."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aims_inputs import control
from aims_library_build import build_module
from command import environment, genarris
from leases import scaled
from mpi import mpi_launcher
from pymongo import MongoClient

from genarris_fw.crystal import Structure, write
from genarris_fw.engines.aims import parse_output

pytestmark = pytest.mark.timeout(240)
BIN = Path(sys.executable).parent
UREA = ["C", "O", "N", "N", "H", "H", "H", "H"]
ITEMS = 8
CONF = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = library
lease_seconds = {lease}
max_attempts = 2
retry_delay = 0

[fhi_aims_energy_evaluation]
structure_dir = mine
Z = 1
num_replicas = 2
control_path = control.in
aims_lib_dir = {library}
aims_output_dir = aims
output_dir = with_energies
"""


def crystal(number: int) -> Structure:
    """Atoms far enough from each other, each time a little elsewhere."""
    shifts = np.random.default_rng(number).uniform(-0.3, 0.3, (8, 3)).round(8)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return Structure(8 * np.eye(3), UREA, 3.0 * corners + shifts, {}, f"crystal_{number}")


def energy(structure: Structure) -> float:
    """The stand-in's: minus the sum of 1/r over the pairs of atoms of the cell."""
    distances = np.linalg.norm(structure.positions[:, None] - structure.positions, axis=-1)
    return float(-(1 / distances[np.triu_indices(len(structure), 1)]).sum())


class Launch:
    """A run of single points, and parallel launches of rockets for it."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri = folder, uri
        self.client: MongoClient = MongoClient(uri)
        self.database = self.client.get_default_database()
        self.processes: list[subprocess.Popen] = []

    def add(self, library: Path, more: str = "") -> None:
        write([crystal(i) for i in range(ITEMS)], self.folder / "mine", "json")
        (self.folder / "control.in").write_text(control(["C", "H", "N", "O"], more=more))
        (self.folder / "ui.conf").write_text(CONF.format(library=library, lease=scaled(5)))
        done = genarris("add", "ui.conf", "--uri", self.uri, cwd=self.folder)
        assert done.returncode == 0, done.stderr

    def rockets(self, mpi: str, *words: str) -> tuple[int, str, str]:
        rocket = [str(BIN / "genarris-fw"), "rockets", "--mpi", "--uri", self.uri]
        process = subprocess.Popen(
            [*mpi_launcher(mpi), *words, "-n", "4", *rocket],
            cwd=self.folder,
            env=environment(OMP_NUM_THREADS="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        output, errors = process.communicate(timeout=120)
        return process.returncode, output, errors

    def items(self) -> list[dict[str, Any]]:
        return list(self.database.work_items.find({}))

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.client.close()


@pytest.fixture
def launch(tmp_path: Path, database_uri: str) -> Iterator[Launch]:
    (tmp_path / "run").mkdir()
    launch = Launch(tmp_path / "run", database_uri)
    yield launch
    launch.close()


def test_single_points_over_two_teams(launch: Launch, tmp_path: Path) -> None:
    """Every structure is computed by the two ranks of one replica; the energies are right, each of its structure."""
    launch.add(build_module(tmp_path / "library", "mpich"))
    code, output, errors = launch.rockets("mpich")
    assert code == 0, errors
    assert "2 replicas, ranks of each: 2" in output and "run library: finished" in output
    assert "parallel tasks" not in output + errors and "Have a nice day" not in output + errors
    found = {record["struct_id"]: record for record in launch.database.structures.find({"run": "library"})}
    assert set(found) == {f"crystal_{i}" for i in range(ITEMS)}
    for i in range(ITEMS):
        record = found[f"crystal_{i}"]
        kept = record["energies"]["energy"]
        assert kept["value"] == pytest.approx(energy(crystal(i)), abs=2e-9) and kept["converged"]
        assert (kept["engine"], kept["engine_version"]) == ("aims", "FHI-aims stand-in")
        assert "with_energies" in record["pools"]
        folder = launch.folder / "aims" / f"crystal_{i}"
        assert parse_output(folder / "aims.out").energy == kept["value"]
        assert "Using        2 parallel tasks." in (folder / "aims.out").read_text()
    assert {item["state"] for item in launch.items()} == {"done"}
    # By replicas of two ranks, not by each of the four ranks; the slower replica to start may find all done.
    assert len({item["done_by"] for item in launch.items()}) <= 2
    assert not [path for path in (launch.folder / "aims").iterdir() if path.name.startswith(".")]


def test_a_library_that_cannot_be_loaded_fails_each_item_with_its_reason(launch: Launch, tmp_path: Path) -> None:
    """Said once, in the engine's words; the crew is there for the next item."""
    launch.add(build_module(tmp_path / "library", "openmpi"))
    launch.rockets("mpich")
    assert {item["state"] for item in launch.items()} == {"failed"} and len(launch.items()) == ITEMS
    for item in launch.items():
        assert (item["failure"]["kind"], item["attempts"]) == ("missing", 1)
        assert item["error"].count("another MPI library (Open MPI") == 1
        assert re.match(r"rank 0 of 2 on \S+: ", item["error"])
        assert item["failure"]["folder"] == str(launch.folder / "aims" / item["key"])


def test_a_rank_that_the_library_ends_is_noticed(launch: Launch, tmp_path: Path) -> None:
    """``stop`` ends one rank, even with status 0, and the other one waits for it: both replicas end, and say why."""
    launch.add(build_module(tmp_path / "library", "openmpi"), more="stand_in stop")
    _, output, errors = launch.rockets("openmpi", "--enable-recovery")
    assert "Traceback" not in output + errors
    assert errors.count("is gone: the call of genarris_fw.procedures.kit.crew_evaluation:evaluate_on_every_rank") == 2
    assert "done" not in {item["state"] for item in launch.items()}
    assert launch.database.structures.count_documents({"energies.energy": {"$exists": True}}) == 0
