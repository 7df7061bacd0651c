"""What another package brings, in an environment of its own: check, options, run, status, pictures, export, rlaunch."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest
from how_to_pages import files_of, read_page

import genarris_fw
from genarris_fw.crystal import Structure, write
from genarris_fw.declaring.door import DOORS

PACKAGE = Path(__file__).parent / "tools" / "plugin_package"
SCRIPTS = Path(sysconfig.get_path("scripts"))

UI_CONF = """
[Genarris_master]
procedures = ["Sleepy", "sleepy"]
run_name = night
Z = 1

[sleepy]
structure_dir = beds
molecule_path = molecule.in
seconds = 0.02
naps = 2
dreams = true
bed = HARD
hours = [22, 23.5]
words = "good night"
sheep = ["Dolly", "Shaun"]
loudness = 2
share = 3
pull = ["exponential", 1.5]
groups = [2, 14]
rules = vdw
radii = {"H": 1.1}
distances = {"O-H": 1.5}
settings = {"window": "open", "cats": [1, 2]}
symmetry = C2v
factory = beds.makers:Bed
alias = second
lullaby = lullaby.txt
blankets = beds
nightmares = nightmares.dat
attic = attic
alarm = 7:00:00
pillow = 2GB
room = upstairs
output_format = both
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that has the packages of this one, and the plug-in installed by pip."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False, symlinks=True)  # this one's pip installs into it
    found = place / "bin" / "python"
    [packages] = (place / "lib").glob("python*/site-packages")
    (packages / "theirs.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    built = tmp_path_factory.mktemp("built")
    shutil.copytree(PACKAGE, built / "plugin")
    pip = ["-m", "pip", "--quiet"]
    wheel = [sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", "-w", built, built / "plugin"]
    subprocess.run(wheel, check=True)
    install = [sys.executable, *pip, "--python", found, "install", "--no-index", "--no-deps", *built.glob("*.whl")]
    subprocess.run(install, check=True)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder with four crystals of one atom."""
    crystals = [Structure(np.eye(3) * (4 + k), ["Ar"], np.zeros((1, 3)), {"Z": 1}, f"bed_{k}") for k in range(4)]
    write(crystals, tmp_path / "beds", "json")
    (tmp_path / "molecule.in").write_text("atom 0 0 0 Ar\n")
    (tmp_path / "lullaby.txt").write_text("sleep well\n")
    (tmp_path / "ui.conf").write_text(UI_CONF)
    return tmp_path


def call(python: Path, *arguments: object, cwd: Path, script: str = "genarris-fw") -> subprocess.CompletedProcess[str]:
    command = [python, SCRIPTS / script, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, text=True, capture_output=True, timeout=300, check=False)


def test_its_options_are_shown_and_checked(python: Path, folder: Path) -> None:
    shown = call(python, "options", "Sleepy", "--json", cwd=folder)
    assert shown.returncode == 0, shown.stderr
    [table] = json.loads(shown.stdout).values()
    assert {row["option"] for row in table["options"]} >= {"seconds", "pull", "alarm", "structure_dir", "num_cores"}
    checked = call(python, "check", "ui.conf", "--json", cwd=folder)
    assert checked.returncode == 0, checked.stderr
    assert "sleepy_2" in checked.stdout and "Dolly" in checked.stdout
    (folder / "ui.conf").write_text(UI_CONF.replace("bed = HARD", "bed = firm").replace("naps = 2", "naps = 11"))
    refused = call(python, "check", "ui.conf", cwd=folder)
    assert refused.returncode == 2
    assert "bed = 'firm': expected soft or hard" in refused.stderr
    assert "naps = '11': expected a whole number from 1 to 10" in refused.stderr


def test_it_runs(python: Path, folder: Path) -> None:
    done = call(python, "run", "ui.conf", "--workers", 2, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sleepy_2" in done.stdout
    told = json.loads(call(python, "status", "night", "--json", cwd=folder).stdout)
    assert [step["name"] for step in told["steps"]] == ["sleepy", "sleepy_2"] and told["state"] == "finished"
    assert (folder / "dreams.txt").read_text() == "sleep well\n4 slept 0.02 s\n"
    files = sorted(path.name for path in (folder / "sleepy").iterdir())
    assert [name for name in files if name.endswith(".json")] == [f"bed_{k}.json" for k in range(4)]
    assert json.loads((folder / "sleepy_2" / "bed_0.json").read_text())["properties"]["slept_2"] == 0.04


def test_plain_rlaunch_carries_it_out(python: Path, folder: Path) -> None:
    assert call(python, "db", "start", cwd=folder).returncode == 0
    try:
        assert call(python, "add", "ui.conf", cwd=folder).returncode == 0
        assert call(python, "init", cwd=folder).returncode == 0
        launched = call(python, "-l", "my_launchpad.yaml", "rapidfire", cwd=folder, script="rlaunch")
        assert launched.returncode == 0, launched.stderr
        assert json.loads(call(python, "status", "night", "--json", cwd=folder).stdout)["state"] == "finished"
    finally:
        call(python, "db", "stop", cwd=folder)


ENERGIES = """
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = beds
Z = 1

[fhi_aims_energy_evaluation]
structure_dir = beds
output_dir = made
output_format = bunk
engine = bed
comfort = 2.5
"""


def test_its_engine_picture_and_formats_are_used(python: Path, folder: Path) -> None:
    (folder / "ui.conf").write_text(ENERGIES)
    shown = json.loads(call(python, "options", "FHI_Aims_Energy_Evaluation", "--json", cwd=folder).stdout)
    [row] = [row for table in shown.values() for row in table["options"] if row["option"] == "comfort"]
    assert row["description"] == "Bed: energy of an atom that has 1 Å³" and row["unit"] == "eV"
    checked = call(python, "check", "ui.conf", "--json", cwd=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    used = {engine["name"]: engine["used"] for engine in json.loads(checked.stdout)["engines"] if engine["used"]}
    assert used == {"bed": ["fhi_aims_energy_evaluation"]}
    done = call(python, "run", "ui.conf", "--workers", 1, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (folder / "made").iterdir()) == [f"bed_{k}.bunk" for k in range(4)]
    assert (folder / "made" / "bed_0.bunk").read_text().startswith("# a bed\n")
    with genarris_fw.open(folder) as run:
        energies = [one.properties["energy"] for one in run.structures("made")]
    assert energies == pytest.approx([-2.5 / (4 + k) ** 3 for k in range(4)])
    drawn = call(python, "pictures", "beds", "--format", "svg", "--output", "drawn", cwd=folder)
    assert drawn.returncode == 0, drawn.stderr
    assert "width of the bed" in (folder / "drawn" / "made_widths.svg").read_text()
    written = call(python, "export", "beds", "--format", "bunk,dormitory", "--to", "files", cwd=folder)
    assert written.returncode == 0, written.stderr
    [all_beds] = (folder / "files").glob("*.dormitory")
    assert all_beds.read_text().splitlines() == [f"bed_{k} {(4 + k) ** 3:.3f}" for k in range(4)]
    assert len(list((folder / "files").glob("*.bunk"))) == 4
    taken = call(python, "import", "made", "--run", "other", "--pool", "again", cwd=folder)
    assert taken.returncode == 0, taken.stderr
    with genarris_fw.open(folder, "other") as run:
        assert [one.cell_volume for one in run.structures("again")] == pytest.approx([(4 + k) ** 3 for k in range(4)])


def test_its_potential_is_tried(python: Path, folder: Path) -> None:
    conf = ENERGIES.replace("engine = bed\ncomfort = 2.5", "engine = ase\ncalculator = pillow")
    (folder / "ui.conf").write_text(conf)
    checked = call(python, "check", "ui.conf", "--json", cwd=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "genarris_sleepy 1.0" in checked.stdout
    (folder / "ui.conf").write_text(conf.replace("pillow", "pilow"))
    refused = call(python, "check", "ui.conf", cwd=folder)
    assert refused.returncode == 2 and "calculator = 'pilow': expected module:factory or" in refused.stderr
    assert "pillow" in refused.stderr.replace("pilow", "")


def test_a_setting_that_its_engine_does_not_take(python: Path, folder: Path) -> None:
    (folder / "ui.conf").write_text(ENERGIES.replace("comfort = 2.5", "comfort = 101"))
    refused = call(python, "check", "ui.conf", cwd=folder)
    assert refused.returncode == 2
    assert "comfort = '101': expected a number from 0.0 to 100.0 (eV)" in refused.stderr


def test_a_worker_without_it_refuses_the_run_and_another_carries_it_out(python: Path, folder: Path) -> None:
    assert call(python, "db", "start", cwd=folder).returncode == 0
    try:
        assert call(python, "add", "ui.conf", cwd=folder).returncode == 0
        refused = call(Path(sys.executable), "rockets", "night", cwd=folder)
        assert refused.returncode == 2 and "Traceback" not in refused.stderr
        said = "run 'night' has steps that no package installed here brings (genarris_sleepy.sleepy.Sleepy): install"
        assert said in refused.stderr
        done = call(python, "rockets", "night", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert json.loads(call(python, "status", "night", "--json", cwd=folder).stdout)["state"] == "finished"
    finally:
        call(python, "db", "stop", cwd=folder)


def test_without_it_the_procedure_is_unknown(folder: Path) -> None:
    refused = call(Path(sys.executable), "check", "ui.conf", cwd=folder)
    assert refused.returncode == 2 and "unknown procedure 'Sleepy'" in refused.stderr


def test_the_page_on_plug_in_packages_shows_it() -> None:
    """Its pyproject.toml stands there, it brings something by every door, and every door is in the table."""
    [shown] = files_of("plug-in-packages.md").values()
    text = (PACKAGE / "pyproject.toml").read_text()
    assert shown == f"# pyproject.toml\n{text}"
    page = read_page("plug-in-packages.md")
    for door in DOORS:
        assert f'[project.entry-points."{door.group}"]' in text and f"| `{door.group}` |" in page


def test_modules_for_other_packages_are_there() -> None:
    """What the page calls stable, by module, and the names it has."""
    page = read_page("plug-in-packages.md")
    table = page[page.index("| module | what for |") : page.index("All else may change")]
    found = set()
    for line in table.splitlines()[2:]:
        modules, _, words = line.strip("| ").partition(" | ")
        places = [importlib.import_module(name) for name in re.findall(r"`([\w.]+)`", modules)]
        for name in re.findall(r"`([A-Za-z]\w+)`", words):
            assert any(hasattr(place, name) for place in places), f"{modules} has no {name}"
            found.add(name)
    assert {"option", "Procedure", "Engine", "PoolPicture", "StructureFormat", "OnStructures"} <= found


def distribution(place: Path, name: str, groups: dict[str, str], module: str = "") -> None:
    """Lay out an installed distribution: its entry points by group, and a module of its own name."""
    about = place / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("".join(f"[{group}]\n{line}\n" for group, line in groups.items()))
    (place / f"{name}.py").write_text(module)


def told(folder: Path, place: Path, conf: str = UI_CONF) -> subprocess.CompletedProcess[str]:
    (folder / "ui.conf").write_text(conf)
    paths = os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, SCRIPTS / "genarris-fw", "check", "ui.conf"]
    environment = os.environ | {"PYTHONPATH": paths}
    return subprocess.run(
        command, cwd=folder, text=True, capture_output=True, timeout=300, env=environment, check=False
    )


SLEEPY = {"genarris_fw.procedures": "Sleepy = sleepers:Sleepy", "genarris_fw.options": "Sleepy = sleepers:Options"}


def test_one_that_cannot_be_imported_is_named(folder: Path, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "sleepers", SLEEPY, "import no_such_module\n")
    refused = told(folder, tmp_path / "site")
    assert refused.returncode == 2
    assert "'Sleepy': package 'sleepers' cannot be loaded (ModuleNotFoundError: No module named" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_two_of_one_name_are_both_named(folder: Path, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "sleepers", SLEEPY)
    twice = {group: line.replace("sleepers:", "dozers:") for group, line in SLEEPY.items()}
    distribution(tmp_path / "site", "dozers", twice)
    refused = told(folder, tmp_path / "site")
    assert refused.returncode == 2
    assert "'Sleepy' is brought by two packages, 'dozers' and 'sleepers': uninstall one of them" in refused.stderr


def test_one_made_for_another_interface_is_named(folder: Path, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "sleepers", SLEEPY | {"genarris_fw.interface": "0 = sleepers"})
    refused = told(folder, tmp_path / "site")
    assert refused.returncode == 2
    assert (
        "package 'sleepers' was made for interface 0 of genarris_fw, and this version has interface 1" in refused.stderr
    )


def test_one_without_options_is_named(folder: Path, tmp_path: Path) -> None:
    only = {"genarris_fw.procedures": SLEEPY["genarris_fw.procedures"]}
    distribution(tmp_path / "site", "sleepers", only)
    refused = told(folder, tmp_path / "site")
    assert refused.returncode == 2 and "package 'sleepers' registers no options of it" in refused.stderr
