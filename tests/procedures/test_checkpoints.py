"""A relaxation that has to stop goes on from where it was, whoever claims its structure next."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from aims_inputs import COMMAND, control
from engine_data import crystal, molecule, rattled
from in_process import WATER, InProcess, waters
from walltimes import EndsAfter

from genarris_fw.crystal import write
from genarris_fw.engines.programs import process
from genarris_fw.farm import carry_out
from genarris_fw.pools.documents import from_document
from genarris_fw.procedures.kit import checkpoints
from genarris_fw.walltime import Walltime

CONF = """\
[Genarris_master]
procedures = ["Run_FHI_Aims_Batch"]
run_name = water
retry_delay = 0

[run_fhi_aims_batch]
structure_dir = raw
molecule_path = water.in
Z = 2
engine = ase
calculator = moody:steady
fmax = 0.004
smax = 0.0001
num_replicas = 1
"""


@pytest.fixture
def water(in_process: InProcess) -> InProcess:
    (in_process.folder / "water.in").write_text(WATER)
    in_process.write_pool(waters(1, seed=3))
    return in_process


def relaxed(farm: InProcess) -> dict:
    [document] = farm.database.structures.find({"parent": {"$exists": True}})
    return document


def test_undisturbed(water: InProcess) -> None:
    assert water.run(CONF)["state"] == "finished"
    assert relaxed(water)["energies"]["energy"]["converged"]
    # Long enough that it can be stopped in the middle.
    assert relaxed(water)["energies"]["energy"]["details"]["steps"] > 8


def test_a_stopped_relaxation_goes_on_from_its_checkpoint(water: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carry_out, "of_this_process", lambda: EndsAfter(7))
    # The rocket ends by itself: it must not pull its own successor.
    with pytest.raises(SystemExit):
        water.run_pulling(CONF)
    [item] = water.database.work_items.find({})
    assert (item["state"], item["attempts"], item["lost"]) == ("waiting", 0, 0)
    reached = from_document(item["checkpoint"] | {"properties": {}})
    [parent] = water.database.structures.find({})
    assert not np.allclose(reached.positions, parent["geometry"]["positions"], atol=1e-4)

    monkeypatch.setattr(carry_out, "of_this_process", Walltime)
    started: list[np.ndarray] = []
    start = checkpoints.Checkpoints.start

    def watched(self, structure):
        found = start(self, structure)
        started.append(found.positions)
        return found

    monkeypatch.setattr(checkpoints.Checkpoints, "start", watched)
    assert water.run(CONF)["state"] == "finished"
    assert np.array_equal(started, [reached.positions])
    document = relaxed(water)
    assert document["energies"]["energy"]["converged"] and document["parent"] == parent["struct_id"]
    [item] = water.database.work_items.find({})
    assert item["state"] == "done" and "checkpoint" not in item


AIMS = f"""\
[Genarris_master]
procedures = ["Run_FHI_Aims_Batch"]
run_name = water
retry_delay = 0

[run_fhi_aims_batch]
structure_dir = urea
molecule_path = alone/urea.in
Z = 2
engine = aims
aims_command = {COMMAND}
control_path = control.in
aims_output_dir = aims
num_replicas = 1
"""


class EndsWithAStep(Walltime):
    """A walltime that is over as soon as FHI-aims has made a step."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def ending(self) -> bool:
        if list(self.folder.glob(".*/geometry.in.next_step")):
            self.told = True
        return super().ending()


def test_fhi_aims_goes_on_with_its_hessian_and_is_told_from_its_beginning(
    water: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    urea = rattled(crystal("urea"), 0.05)
    water.write_pool([urea], "urea")
    write([molecule("urea").to_structure("urea")], water.folder / "alone", "geometry")
    text = control(["H", "C", "N", "O"], relax=True).replace("relax_unit_cell full", "relax_unit_cell none")
    (water.folder / "control.in").write_text(text)
    monkeypatch.setenv("AIMS_STAND_IN_WIDTH", "1")
    monkeypatch.setattr(process, "PAUSE", 0.02)  # its steps take little longer
    monkeypatch.setattr(carry_out, "of_this_process", lambda: EndsWithAStep(water.folder / "aims"))
    with pytest.raises(SystemExit):
        water.run_pulling(AIMS)
    [item] = water.database.work_items.find({})
    assert (item["state"], item["attempts"], item["lost"]) == ("waiting", 0, 0)
    [folder] = (water.folder / "aims").iterdir()
    assert (folder / "hessian.aims").exists() and not (folder / "aims.out").read_text().count("Have a nice day")

    monkeypatch.setattr(carry_out, "of_this_process", Walltime)
    assert water.run(AIMS)["state"] == "finished"
    document, [parent] = relaxed(water), water.database.structures.find({"parent": {"$exists": False}})
    details = document["energies"]["energy"]["details"]
    assert details["reason"] == "converged, from the geometry of an earlier attempt"
    assert "hessian_file" in (folder / "geometry.in").read_text()
    assert details["volume_before"] == pytest.approx(abs(np.linalg.det(parent["geometry"]["lattice"])), rel=1e-6)


def test_a_killed_relaxation_goes_on_from_what_was_kept_on_the_way(
    water: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    kept: list[float] = []
    keep = checkpoints.Checkpoints.keep

    def watched(self, structure):
        assert keep(self, structure)
        kept.append(time.monotonic())

    monkeypatch.setattr(checkpoints.Checkpoints, "keep", watched)
    assert water.run(CONF)["state"] == "finished"
    assert len(kept) > 8
