"""A relaxation that has to stop goes on from where it was, whoever claims its structure next."""

from __future__ import annotations

import time

import numpy as np
import pytest
from in_process import WATER, InProcess, waters

from genarris_fw.farm import carry_out
from genarris_fw.farm.walltime import Walltime
from genarris_fw.procedures import checkpoints
from genarris_fw.procedures.documents import from_document

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


class EndsAfter(Walltime):
    """A walltime that is over after so many questions."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self.questions = questions

    def ending(self) -> bool:
        self.questions -= 1
        if self.questions < 0:
            self.told = True
        return super().ending()


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
    print(relaxed(water)["energies"]["energy"])
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
