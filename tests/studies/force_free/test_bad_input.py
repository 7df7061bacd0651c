"""What cannot be carried out is said before it begins, in one line each, and check ends with 2."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from command import genarris
from magnetograms import low_lou_magnetogram, write_sharp

from genarris_fw.options import OptionsError, load
from genarris_fw.studies.force_free.fields.low_lou import LARGEST
from genarris_fw.studies.force_free.options.fields import LowLouFieldOptions
from genarris_fw.studies.force_free.options.training import PINNTrainOptions

TRAIN = """\
[Genarris_master]
procedures = ["Low_Lou_Field", "PINN_Train"]
run_name = bad
[low_lou_field]
{field}
[pinn_train]
{train}
"""
MAGNETOGRAM = """\
[Genarris_master]
procedures = ["Magnetogram_Load", "PINN_Train"]
run_name = bad
[magnetogram_load]
{files}
"""


def problems(folder: Path, text: str) -> list[str]:
    """Return what check would say, without where."""
    conf = folder / "ui.conf"
    conf.write_text(text)
    try:
        said = load(conf).problems_here()
    except OptionsError as error:
        said = list(error.problems)
    assert all("\n" not in line and line.startswith(str(conf)) for line in said)
    return [line.removeprefix(f"{conf}: ") for line in said]


def the_one(folder: Path, field: str = "", train: str = "") -> str:
    [line] = problems(folder, TRAIN.format(field=field, train=train))
    return line


def test_nothing_is_wrong_with_the_defaults(tmp_path: Path) -> None:
    assert problems(tmp_path, TRAIN.format(field="", train="")) == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("n = 0", "n = '0': expected a whole number from 1 to 40"),
        ("m = -1", "m = '-1': expected a whole number from 0 to 40"),
        ("bounds = [[1, 1], [-1, 1], [0, 2]]", "x from 1 to 1: a box of no volume"),
        ("bounds = [[-1, 1], [-1, 1], [2, 0]]", "z from 2 to 0: a box of no volume"),
        ("bounds = [[-1, 1], [-1, 1]]", "expected the ends along x, y and z"),
        ("shape = [64, 64, 1]", "expected three whole numbers from 2 to 2000"),
        (
            "shape = [2000, 2000, 2000]\nmemory = 8GB",
            "a field of 8,000,000,000 nodes needs 1536.0 GB of memory, and there",
        ),
        ("field = a b", "expected a name of letters, digits and underscores"),
    ],
)
def test_fields(tmp_path: Path, option: str, said: str) -> None:
    assert said in problems(tmp_path, TRAIN.format(field=option, train=""))[0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("interior_points = 50000000\nmemory = 1GB", "a training with 50,000,000 interior points needs"),
        ("optimiser = [lbfgs, broyden]", "expected lbfgs, bfgs or broyden"),
        (
            "optimiser = ['lbfgs', 'broyden']\nunits = 512\nmemory = 4GB",
            "of memory, and there are 4.3 GB: ask for fewer",
        ),
        ("units = [16, 16]", "expected a whole number from 1 to 4096, or a list of different ones"),
        ("units = 0", "expected a whole number from 1 to 4096"),
        ("weights = [1, 1]", "expected three numbers not below 0"),
        ("weights = [[1, 1, 1], [0, 0, 0]]", "expected three numbers not below 0"),
        ("seeds = [1, 1]", "expected how many seeds"),
        ("fields = sun", "no earlier step makes a field of that name"),
        ("max_cpu_seconds = 0", "expected a number from 0.1 to 100000000 (s)"),
        ("field_scale = none", "expected a number above 0, largest or potential"),
        ("field_scale = 0", "field_scale = '0': expected a number above 0, largest or potential"),
        ("length_scale = 0", "length_scale = '0': expected a number above 0, or field"),
        ("length_scale = long", "expected a number above 0, or field"),
        ("relative = -1", "relative = '-1': expected a number from 0 to 4, or a list of different ones"),
        ("relative = nan", "relative = 'nan': expected a number from 0 to 4"),
        ("potential_weight = -0.1", "expected a number from 0 to 1000000"),
        ("fit_iterations = -1", "fit_iterations = '-1': expected a whole number from 0 to 1000000"),
        ("fit_iterations = 2.5", "fit_iterations = '2.5': expected a whole number"),
        ("sampler = weak", "expected uniform, sobol, low or strong"),
        ("matrix = float16", "expected float64 or float32"),
    ],
)
def test_trainings(tmp_path: Path, option: str, said: str) -> None:
    assert said in the_one(tmp_path, train=option)


def test_the_limits_of_n_and_m_are_those_of_the_fields() -> None:
    for name in ("n", "m"):
        assert LowLouFieldOptions.expected(name).endswith(f"to {LARGEST}")


def test_a_list_of_choices_is_a_list_of_trainings(tmp_path: Path) -> None:
    train = (
        "units = [8, 16]\nquasi_output = [True, False]\nweights = [[1, 1, 1], [1, 1, 0.95]]\nfield_scale = [1, largest]"
    )
    conf = tmp_path / "ui.conf"
    conf.write_text(TRAIN.format(field="", train=train.replace("largest", "'largest'")))
    options = load(conf).step("pinn_train").typed()
    assert isinstance(options, PINNTrainOptions)
    settings = list(options.settings())
    assert len(settings) == 16 and len({repr(one) for one in settings}) == 16
    assert options.varied == ["units", "quasi_output", "weights", "field_scale"]


def test_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    said = the_one(tmp_path, train="device = cuda")
    assert said.endswith(
        "device = cuda needs torch, which is missing: pip install 'genarris_fw[force_free]', or device = cpu"
    )
    assert problems(tmp_path, TRAIN.format(field="", train="device = cpu")) == []


def magnetogram(folder: Path, values: np.ndarray, **header: object) -> dict[str, str]:
    pytest.importorskip("astropy", reason="astropy reads FITS files: pip install 'genarris_fw[force_free]'")
    files = write_sharp(folder, values, **header)
    return {f"{name.lower()}": str(path) for name, path in files.items()}


def text_of(files: dict[str, str]) -> str:
    return MAGNETOGRAM.format(files="".join(f"{name} = {path}\n" for name, path in files.items()))


def test_a_magnetogram_that_is_whole(tmp_path: Path) -> None:
    assert problems(tmp_path, text_of(magnetogram(tmp_path, low_lou_magnetogram((12, 10))))) == []


def test_a_magnetogram_without_one_component(tmp_path: Path) -> None:
    files = magnetogram(tmp_path, low_lou_magnetogram((12, 10)))
    [said] = problems(tmp_path, text_of({name: path for name, path in files.items() if name != "bt"}))
    assert "missing required option bt; expected the path of a file" in said
    Path(files["br"]).unlink()
    [said] = problems(tmp_path, text_of(files))
    assert "no such file; expected the FITS file of the component Br" in said


def test_a_magnetogram_with_holes(tmp_path: Path) -> None:
    values = low_lou_magnetogram((12, 10))
    values[1, 3, 4] = np.nan
    [said] = problems(tmp_path, text_of(magnetogram(tmp_path, values)))
    assert "1 of 12 x 10 pixels have no value (NaN)" in said


@pytest.mark.parametrize(
    ("procedures", "said"),
    [
        ('"PINN_Train"', "missing fields, and no earlier procedure makes a field"),
        ('"Low_Lou_Field", "PINN_Evaluate"', "no earlier procedure trains networks; expected PINN_Train before it"),
        ('"Linear_Force_Free_Field"', "missing bottom, and no earlier procedure makes a field"),
        ('"Low_Lou_Field", "Linear_Force_Free_Field"', "missing required option alpha; expected a number"),
        ('"Potential_Field"', "missing fields, and no earlier procedure makes a field"),
    ],
)
def test_steps_without_what_they_work_on(tmp_path: Path, procedures: str, said: str) -> None:
    found = problems(tmp_path, f"[Genarris_master]\nprocedures = [{procedures}]\n")
    assert any(said in line for line in found)


def test_two_fields_of_one_name(tmp_path: Path) -> None:
    conf = '[Genarris_master]\nprocedures = ["Low_Lou_Field", "Low_Lou_Field"]\n[low_lou_field]\nfield_2 = low_lou\n'
    [said] = problems(tmp_path, conf)
    assert "field = 'low_lou': an earlier step makes a field of that name; expected another" in said


def test_check_and_run_end_with_two(tmp_path: Path) -> None:
    flat, many = "bounds = [[0, 1], [0, 1], [0, 0]]", "interior_points = 50000000\nmemory = 1GB"
    (tmp_path / "ui.conf").write_text(TRAIN.format(field=flat, train=many))
    for command in ("check", "run"):
        done = genarris(command, "ui.conf", cwd=tmp_path)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert (
            "[low_lou_field] z from 0 to 0: a box of no volume" in done.stderr
            and "50,000,000 interior points" in done.stderr
        )
    assert not (tmp_path / "genarris_db").exists()
