"""Engines of other packages: the one that the documentation makes, and what goes wrong with others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command import TOOLS, genarris
from how_to_pages import files_of, package_of
from installed_packages import Package, installed
from ui_conf import problems, resolve

import genarris_fw
from genarris_fw import engines
from genarris_fw.crystal import Structure, write
from genarris_fw.engines import registry
from genarris_fw.errors import EngineError, InputError
from genarris_fw.farm.workflow import run_record
from genarris_fw.options.tables import model_named, rows
from genarris_fw.procedures.kit.energies import engine_settings

PAGE = "add-an-engine.md"
ROOT = Path(genarris_fw.__file__).parents[1]


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[Path]:
    with installed(tmp_path / "installed", package_of(PAGE)):
        yield tmp_path


def conf(folder: Path, more: str = "") -> str:
    """Return the documentation's ui.conf, in a folder with two crystals of argon."""
    cells = [Structure(edge * np.eye(3), ["Ar"], np.zeros((1, 3)), {}, f"cell_{edge}") for edge in (3.6, 4.0)]
    write(cells, folder / "raw", "json")
    return files_of(PAGE)["ui.conf"] + more


def test_it_computes_and_its_settings_are_checked(plugged: Path) -> None:
    engine = engines.get("pairwise", depth=0.02)
    cell = Structure(3.6 * np.eye(3), ["Ar"], np.zeros((1, 3)))
    found = engine.evaluate(cell, relax=True)
    assert found.converged and found.energy < engine.evaluate(cell).energy
    assert found.details["settings"]["depth"] == 0.02
    assert engines.get("pairwise", fmax=1.0).settings_hash == engines.get("pairwise").settings_hash
    assert engines.get("pairwise", depth=0.03).settings_hash != engines.get("pairwise").settings_hash
    with pytest.raises(InputError, match=r"setting 'depth' must be a number from 1e-06 to 1 \(eV\), not 5"):
        engines.get("pairwise", depth=5)
    with pytest.raises(InputError, match="did you mean 'distance'"):
        engines.get("pairwise", distanse=5)


def test_its_settings_are_options_of_ui_conf(plugged: Path) -> None:
    table = {row.option: row for row in rows(model_named("Run_FHI_Aims_Batch"))}
    assert table["depth"].description == "Pairwise: depth of the well"
    assert (table["depth"].default, table["depth"].unit) == ("0.01", "eV")
    assert table["fmax"].description.startswith("ase, GFN-FF, SevenNet, tblite, Pairwise: ")
    folder = plugged / "run"
    [step] = resolve(folder, conf(folder)).steps
    assert step.options["engine"] == "pairwise"
    settings = step.options["engine_settings"]
    assert (settings["depth"], settings["distance"], settings["fmax"]) == (0.02, 3.0, 0.01)
    assert "method" not in settings and engines.get("pairwise", **settings).options.depth == 0.02
    [line] = problems(folder, conf(folder).replace("depth = 0.02", "depth = 5"))
    assert "depth = '5': expected a number from 1e-06 to 1 (eV)" in line
    notices = resolve(folder, conf(folder, "min_width = 12\n")).notices
    assert any("'min_width' has no effect with engine = pairwise" in notice for notice in notices)


def test_it_is_a_run_like_any_other(tmp_path: Path) -> None:
    """From ui.conf: check, run, status, in processes of their own."""
    place = package_of(PAGE).write(tmp_path / "installed")
    path = os.pathsep.join(map(str, (TOOLS, ROOT, place)))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "ui.conf").write_text(conf(folder, "\n"))
    checked = genarris("check", "ui.conf", "--json", cwd=folder, truly=True, PYTHONPATH=path)
    assert checked.returncode == 0, checked.stderr + checked.stdout
    assert '"pairwise 1.0"' in checked.stdout
    run = genarris("run", "ui.conf", "--quiet", cwd=folder, truly=True, PYTHONPATH=path)
    assert run.returncode == 0, run.stderr
    assert len(list((folder / "run_fhi_aims_batch").glob("*.json"))) == 2
    status = genarris("status", "--json", cwd=folder, truly=True, PYTHONPATH=path)
    assert status.returncode == 0 and '"finished"' in status.stdout


OTHER = """
from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Real, Whole
from genarris_fw.engines import Engine, Settings

class OtherSettings(Settings):
    min_width: Whole = option("cells", 3, ge=1, le=5)
    fmax: Real = option("a relaxation has converged when no force is larger", 0.2, unit="eV/Å", ge=1e-9, le=100)

class Other(Engine):
    name = "other"
    model = OtherSettings
    version = "other 1"
    relaxes = False
    def evaluate(self, structure, relax=False, context=None):
        raise NotImplementedError

def made(**settings):
    return Other(**settings)
"""


def brought(name: str, text: str = OTHER, interface: str = "", **points: str) -> Package:
    """A package of one module that registers engines."""
    engines_of = {engine: f"{name}:{made}" for engine, made in points.items()}
    return Package(name, {f"{name}.py": text}, {"genarris_fw.engines": engines_of}, interface=interface)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    with installed(tmp_path / "a", brought("other", other="Other", bare="made")):
        yield tmp_path


def test_a_setting_that_engines_understand_differently(other: Path) -> None:
    """One row says both; the value is read by the engine that is chosen."""
    [row] = [row for row in rows(model_named("FHI_Aims_Energy_Evaluation")) if row.option == "min_width"]
    words = "GFN-FF, tblite: a cell is repeated until every perpendicular width reaches this; other: cells"
    assert row.description == words
    assert (row.default, row.type, row.unit) == ("8 for GFN-FF, 9 for tblite, 3 for other", "float or int", "")
    number = "a number from 0.1 to 100 (Å)"
    assert row.expected == f"for GFN-FF {number}; for tblite {number}; for other a whole number from 1 to 5"
    folder = other / "run"
    text = conf(folder, "min_width = 4.0\n").replace("Run_FHI_Aims_Batch", "FHI_Aims_Energy_Evaluation")
    text = text.replace("run_fhi_aims_batch", "fhi_aims_energy_evaluation").replace("depth = 0.02\nfmax = 0.01\n", "")
    width = {}
    for name in ("other", "tblite"):
        [step] = resolve(folder, text.replace("pairwise", name)).steps
        width[name] = step.options["engine_settings"]["min_width"]
        assert step.options["engine_settings"]["fmax"] == (0.2 if name == "other" else 0.05)
    assert width == {"other": 4, "tblite": 4.0} and isinstance(width["other"], int)
    [line] = problems(folder, text.replace("pairwise", "other").replace("4.0", "12.5"))
    assert "min_width = '12.5': expected a whole number from 1 to 5" in line


def test_what_it_says_of_itself_is_asked(other: Path) -> None:
    folder = other / "run"
    text = conf(folder).replace("depth = 0.02\n", "").replace("pairwise", "other")
    [line] = problems(folder, text)
    assert (
        "engine = other relaxes nothing; take another engine here: aims, ase, bare, gfnff, lattice, sevennet, tblite"
        in line
    )


def test_an_engine_that_is_a_mere_function(other: Path) -> None:
    assert engines.get("bare", min_width=2).options.min_width == 2
    assert engines.installed()["bare"] == (True, "brought by other")
    assert registry.engine_class("bare").model.declared() == [] and registry.title("bare") == "bare"


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        (
            [brought("broken", "import no_such_library\n", odd="Engine")],
            "engine 'odd': package 'broken' cannot be loaded (ModuleNotFoundError: No module named 'no_such_library')",
        ),
        (
            [brought("one", odd="Other"), brought("two", odd="Other")],
            "engine 'odd' is brought by two packages, 'one' and 'two': uninstall one of them",
        ),
        (
            [brought("alias", odd="Other")],
            "engine 'odd': its class calls it 'other'; its package must register it as that",
        ),
        (
            [brought("late", odd="Other", interface="7")],
            "engine 'odd': package 'late' was made for interface 7 of genarris_fw, and this version has interface 1",
        ),
    ],
)
def test_a_package_that_cannot_be_used_is_named_and_the_rest_works(
    tmp_path: Path, packages: list[Package], words: str
) -> None:
    folder = tmp_path / "run"
    text = conf(folder).replace("depth = 0.02\n", "")
    with installed(tmp_path / "a", *packages):
        with pytest.raises(InputError) as caught:
            engines.get("odd")
        assert str(caught.value).startswith(words)
        available, remark = engines.installed()["odd"]
        assert not available and remark.startswith(words)
        [line] = problems(folder, text.replace("pairwise", "odd"))
        assert words in line and "ui.conf" not in words
        assert resolve(folder, text.replace("pairwise", "tblite")).steps[0].options["engine"] == "tblite"


def test_a_worker_without_the_package_says_so_of_the_item() -> None:
    campaign = SimpleNamespace(options=SimpleNamespace(engine="pairwise", engine_settings={}), record={}, step="run")
    with pytest.raises(EngineError, match=r"engine pairwise cannot be used on .*, install the package") as caught:
        engine_settings(campaign)
    assert caught.value.kind == "missing" and not caught.value.permanent


def test_a_run_carries_the_files_of_its_engines(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    text = conf(folder, "control_path = control.in\naims_command = aims.x\n").replace("engine = pairwise\n", "")
    (folder / "control.in").write_text("xc pbe\n")
    configuration = resolve(folder, text.replace("depth = 0.02\n", ""))
    [step] = configuration.steps
    assert step.options["engine"] == "aims" and step.options["control_path"] == str(folder / "control.in")
    assert run_record(configuration)["carried"] == {"run_fhi_aims_batch": {"control": "xc pbe\n"}}
    assert list(configuration.digests) == ["run_fhi_aims_batch.control_path"]


def test_files_of_settings_travel_with_the_run() -> None:
    settings = {"aims_command": "a.x", "control_path": "/x"}
    options = SimpleNamespace(engine="aims", engine_settings=settings, omp_num_threads=2)
    for record in ({"carried": {"run": {"control": "xc pbe"}}}, {"control": {"run": "xc pbe"}}):
        settings = engine_settings(SimpleNamespace(options=options, record=record, step="run"))
        assert (settings["control"], settings["omp_num_threads"]) == ("xc pbe", 2)
