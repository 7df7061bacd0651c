"""Another package's procedure, in an environment of its own: check, options, run, status, plain rlaunch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

from genarris_fw.crystal import Structure, write

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
    venv.create(place, with_pip=True, symlinks=True)
    found = place / "bin" / "python"
    [packages] = (place / "lib").glob("python*/site-packages")
    (packages / "theirs.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    built = tmp_path_factory.mktemp("built")
    shutil.copytree(PACKAGE, built / "plugin")
    pip = ["-m", "pip", "--quiet"]
    wheel = [sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", "-w", built, built / "plugin"]
    subprocess.run(wheel, check=True)
    subprocess.run([found, *pip, "install", "--no-index", "--no-deps", *built.glob("*.whl")], check=True)
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


def test_without_it_the_procedure_is_unknown(folder: Path) -> None:
    refused = call(Path(sys.executable), "check", "ui.conf", cwd=folder)
    assert refused.returncode == 2 and "unknown procedure 'Sleepy'" in refused.stderr


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
