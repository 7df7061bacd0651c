"""From fields to field lines in one run: what is known by name, what each document says, tables and pictures."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from in_process import InProcess
from magnetograms import low_lou_magnetogram, write_sharp
from trainings import documents
from walltimes import EndsAfter

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm import carry_out
from genarris_fw.procedures.kit.item_files import FOLDER
from genarris_fw.studies.force_free.fields.field import read_field
from genarris_fw.studies.force_free.judging.field_lines import read_lines
from genarris_fw.studies.force_free.judging.metrics import metrics
from genarris_fw.studies.force_free.network.envelope import Envelope
from genarris_fw.studies.force_free.network.evaluate import field_of
from genarris_fw.studies.force_free.network.shape import Shape
from genarris_fw.studies.force_free.procedures.problem import Problem
from genarris_fw.studies.force_free.procedures.tables import case_of, settings_name
from genarris_fw.studies.force_free.procedures.training import PINNTrain, key_of
from genarris_fw.studies.force_free.training.training import Training

TRAINED = """
[pinn_train]
hidden_layers = 2
units = 8
interior_points = 100
max_iterations = 12
fit_iterations = 9
"""
EVERYTHING = """\
[Genarris_master]
procedures = ["Low_Lou_Field", "Linear_Force_Free_Field", "Magnetogram_Load", "Potential_Field", "PINN_Train", \
"PINN_Evaluate", "Field_Lines"]
run_name = corona
seed = 5

[low_lou_field]
shape = [8, 8, 8]

[linear_force_free_field]
alpha = 0.3

[magnetogram_load]
bp = {Bp}
bt = {Bt}
br = {Br}
layers = 6

[potential_field]
fields = ["low_lou", "magnetogram"]
method = green

[pinn_evaluate]
pictures = False

[field_lines]
seeds_along_edge = 3
pictures = False
"""


@pytest.fixture
def in_process(database_uri: str, tmp_path: Path) -> Iterator[InProcess]:
    farm = InProcess(database_uri, tmp_path)
    yield farm
    farm.close()


def test_everything_in_one_run(in_process: InProcess) -> None:
    pytest.importorskip("astropy", reason="astropy reads FITS files: pip install 'genarris_fw[force_free]'")
    files = write_sharp(in_process.folder, low_lou_magnetogram((12, 10)))
    several = "quasi_output = [True, False]\nboundary = bottom_and_potential\n"
    record = in_process.run(EVERYTHING.format(**files) + TRAINED + several)
    assert record["state"] == "finished", record.get("failure")
    catalogue, folder = Catalogue(in_process.database), in_process.folder
    # Fields by name, each with what it came from.
    fields = {name.partition("/")[2]: name for name in catalogue.artifacts.names("corona", "field/")}
    assert set(fields) == {"low_lou", "linear", "magnetogram", "low_lou_potential", "magnetogram_potential"}
    about = {name: catalogue.artifacts.find("corona", full)["about"] for name, full in fields.items()}
    for name in fields:
        path = catalogue.artifacts.fetch("corona", f"field/{name}", folder)
        assert path is not None and read_field(path).digest == about[name]["digest"]
    assert about["low_lou"]["a2"] == pytest.approx(0.4274083768548)
    assert (about["linear"]["alpha"], about["linear"]["bottom_digest"]) == (0.3, about["low_lou"]["digest"])
    assert about["magnetogram_potential"]["of_digest"] == about["magnetogram"]["digest"]
    # An item of each field, settings and seed; its document says what it was made from.
    found = documents(catalogue, "corona", "pinn_train")
    assert len(found) == 3 * 2
    one = found["pinn_train low_lou-quasi_output=False-seed=5"]
    assert (one["field_digest"], one["seed"]) == (about["low_lou"]["digest"], 5)
    assert one["settings"]["quasi_output"] is False and one["settings"]["units"] == 8
    assert one["potential_digest"] == about["low_lou_potential"]["digest"]
    assert one["iterations"] == 12 and one["why_ended"] and one["loss"] > 0
    # The parameters are found by name, and their worth is that of the field that they are.
    with np.load(folder / "pinn_train" / "low_lou-quasi_output=False-seed=5.npz", allow_pickle=False) as file:
        parameters, told = file["parameters"], json.loads(str(file["about"]))
    assert told["settings"] == one["settings"] and len(parameters) == one["parameters"]
    known, potential = (read_field(folder / place) for place in ("low_lou_field/low_lou.npz",
                                                                "potential_field/low_lou_potential.npz"))  # fmt: skip
    expected = metrics(
        known, field_of(Shape(2, 8, False), parameters, known.grid, Envelope(**one["envelope"])), potential
    )
    judged = documents(catalogue, "corona", "pinn_evaluate")
    of_it = judged["pinn_evaluate low_lou-quasi_output=False-seed=5"]
    assert of_it["metrics"] == pytest.approx(expected) and len(of_it["factors"]["height"]) == 8
    measured = judged["pinn_evaluate magnetogram-quasi_output=True-seed=5"]
    assert measured["metrics"] == {} and measured["boundary_error"] > 0
    with (folder / "pinn_evaluate" / "low_lou.csv").open() as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert float(rows["quasi_output=False-seed=5"]["E_n"]) == pytest.approx(expected["E_n"], rel=1e-5)
    # Field lines of three fields and all that was trained on them.
    lines = catalogue.artifacts.names("corona", "lines/")
    assert len(lines) == 3 + 6 and len(read_lines(folder / "field_lines" / "low_lou.npz")) == 9
    assert record["summaries"]["field_lines"]["fields"] == 9


SMALL = """\
[Genarris_master]
procedures = ["Low_Lou_Field", "PINN_Train"]
run_name = {run}
[low_lou_field]
shape = [8, 8, 8]
"""


def test_a_training_whose_time_is_over_goes_on_later(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same numbers."""
    in_process.run(SMALL.format(run="calm") + TRAINED)
    monkeypatch.setattr(carry_out, "of_this_process", lambda: EndsAfter(6))
    with pytest.raises(SystemExit):
        in_process.run_pulling(SMALL.format(run="ended") + TRAINED)
    monkeypatch.undo()
    catalogue = Catalogue(in_process.database)
    [item] = in_process.database.work_items.find({"run": "ended"})
    assert (item["state"], item["attempts"]) == ("waiting", 0) and 0 < item["checkpoint"]["iterations"] < 12
    assert (in_process.folder / item["checkpoint"]["file"]["place"]).is_file()
    advanced, advance = [], Training.advance
    monkeypatch.setattr(Training, "advance", lambda training: (advanced.append(1), advance(training))[1])
    monkeypatch.setattr(Problem, "fitted", lambda problem: pytest.fail("it is fitted again"))
    assert in_process.run(SMALL.format(run="ended") + TRAINED)["state"] == "finished"
    assert len(advanced) == 12 - item["checkpoint"]["iterations"]  # what was done is not done again
    assert documents(catalogue, "ended", "pinn_train") == documents(catalogue, "calm", "pinn_train")
    [calm, ended] = [in_process.database.work_items.find_one({"run": run})["outcome"] for run in ("calm", "ended")]
    assert ended["fit"]["iterations"] == calm["fit"]["iterations"] == 9
    assert ended["cpu_seconds"] > ended["fit"]["cpu_seconds"] > 0
    assert "goes on from a checkpoint" in "".join(p.read_text() for p in (in_process.folder / "logs").iterdir())


def test_checkpoints_go_when_their_training_is_committed(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only with the end of the run: those of many large trainings would fill a disk. And pictures are drawn."""
    monkeypatch.setattr(PINNTrain, "tidy", lambda *_: None)
    conf = SMALL.format(run="one").replace('"PINN_Train"', '"PINN_Train", "PINN_Evaluate", "Field_Lines"')
    in_process.run(conf + TRAINED + "checkpoint_seconds = 0\n")
    left = [path.name for path in (in_process.folder / FOLDER).rglob("*") if path.is_file()]
    assert [name for name in left if "checkpoint" in name] == [] and len(left) == 1  # the result
    drawn = ("pinn_evaluate/loss_low_lou", "pinn_evaluate/heights_low_lou", "field_lines/lines_low_lou")
    assert all((in_process.folder / f"{name}.png").stat().st_size > 5000 for name in drawn)


def test_a_field_that_was_lost_stops_the_run_with_a_line(in_process: InProcess) -> None:
    def lose(pad: object, run: str) -> None:
        from killing import launch_all

        lost = in_process.folder / "low_lou_field"
        original = PINNTrain.plan

        def plan(self: PINNTrain, campaign: object) -> list:
            shutil.rmtree(lost)
            return original(self, campaign)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PINNTrain, "plan", plan)
            launch_all(pad, run)

    record = in_process.run(SMALL.format(run="lost") + TRAINED, launch=lose)
    assert record["state"] == "failed"
    assert "pinn_train: the file" in record["failure"] and "is gone or was changed" in record["failure"]


def test_alpha_that_is_too_large_is_said(in_process: InProcess) -> None:
    conf = SMALL.format(run="steep").replace('"PINN_Train"', '"Linear_Force_Free_Field"')
    record = in_process.run(conf + "[linear_force_free_field]\nalpha = 100\n")
    assert record["state"] == "failed" and "alpha = 100 is too large for this box" in record["failure"]


def test_keys_are_names_of_files_of_bounded_length() -> None:
    class Many:
        varied = ("units", "weights", "field_scale", "sampler", "boundary", "optimiser")

    settings = {"units": 8, "weights": [1.0, 1.0, 0.95], "field_scale": "largest", "sampler": "uniform"}
    settings |= {"boundary": "bottom_and_potential", "optimiser": "lbfgs"}
    keys = {
        key_of(Many(), "sun", settings | {"optimiser": name}, seed) for name in ("lbfgs", "bfgs") for seed in (1, 2)
    }  # type: ignore[arg-type]
    assert len(keys) == 4 and all(len(key) < 100 and "/" not in key for key in keys)
    assert all(key.startswith("sun-units=8-weights=1_1_0.95-") for key in keys)


def test_trainings_that_differ_in_their_seed_have_a_name_together() -> None:
    def named(key: str) -> str:
        return settings_name({"training": f"training/{key}", "made_from": {"field": "sun"}})

    assert named("sun-seed=3") == "all seeds"
    assert named("sun-tolerance=1e-05-dtype=mixed-seed=12") == "tolerance = 1e-05, dtype = mixed"


def test_published_rows_stand_beside_the_paper_s_cases_alone() -> None:
    from genarris_fw.studies.force_free.fields.grid import PAPER_GRID

    class Known:
        grid = PAPER_GRID

    case_1 = {"kind": "low_lou", "n": 1, "m": 1, "l": 0.3, "phi": np.pi / 4}
    assert case_of(case_1, Known()) == 1  # type: ignore[arg-type]
    assert case_of(case_1 | {"n": 3, "phi": 4 * np.pi / 5}, Known()) == 2  # type: ignore[arg-type]
    assert case_of(case_1 | {"m": 2}, Known()) is None  # type: ignore[arg-type]
