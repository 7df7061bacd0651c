"""What a command imports before it does anything: a list of commands and a glance at a run are to be there at once.

Modules are counted, not seconds: those are the machine's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command import environment, python_path

import genarris_fw

HERE = Path(genarris_fw.__file__).parents[1]
UREA = HERE / "examples" / "urea_robust"
RUN_AND_COUNT = """
import json, sys
before, sys.argv[1:] = set(sys.modules), sys.argv[2:]
from genarris_fw.cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
with open({place!r}, "w") as file:
    json.dump({{"code": code, "modules": sorted(set(sys.modules) - before)}}, file)
"""
# No command that only looks needs these; to look at a run, nothing of these either.
NEVER = {"fireworks", "matplotlib", "sklearn", "scipy", "mpi4py", "pymatgen", "prometheus_client", "cryptography"}
OF_SCIENCE = {"numpy", "ase", "spglib", "pydantic", "ruamel", "genarris_fw.options", "genarris_fw.engines"}


def imported(folder: Path, *words: str, code: int = 0) -> set[str]:
    """Return the modules that a command imports."""
    place = folder / "modules.json"
    script = RUN_AND_COUNT.format(place=str(place))
    # HERE first: the package that is tested, wherever another one is installed.
    env = environment(PYTHONPATH=python_path(HERE))
    command = [sys.executable, "-c", script, "genarris-fw", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    found = json.loads(place.read_text())
    assert found["code"] == code, done.stderr
    return set(found["modules"])


def refuse(modules: set[str], packages: set[str]) -> None:
    """Fail where one of the packages or modules, or a part of one, was imported."""
    assert not {name for name in modules if any(name == one or name.startswith(f"{one}.") for one in packages)}


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_the_list_of_commands_imports_none_of_them(tmp_path: Path, words: list[str]) -> None:
    modules = imported(tmp_path, *words)
    refuse(modules, NEVER | {"numpy", "pymongo", "pydantic", "rich", "ase", "ruamel", "asyncio", "importlib.metadata"})
    ours = {f"genarris_fw.cli.{name}" for name in ("main", "answers", "interrupting")}
    assert {name for name in modules if name.startswith("genarris_fw.cli.")} == ours
    assert len(modules) < 150


def test_status_of_a_run(database_uri: str, tmp_path: Path) -> None:
    modules = imported(tmp_path, "status", "--uri", database_uri)
    assert "pymongo" in modules
    refuse(modules, NEVER | OF_SCIENCE)
    assert len(modules) < 550


def test_status_without_a_database(tmp_path: Path) -> None:
    modules = imported(tmp_path, "status", code=2)
    refuse(modules, NEVER | OF_SCIENCE)
    assert len(modules) < 500


def test_check_of_the_example(tmp_path: Path) -> None:
    for file in ("ui.conf", "urea.in"):
        (tmp_path / file).write_bytes((UREA / file).read_bytes())
    modules = imported(tmp_path, "check", "ui.conf", "--no-engine-test")
    refuse(modules, NEVER | {"pymongo", "asyncio", "numpy.ma", "genarris_fw.catalogue", "genarris_fw.farm.task"})
    refuse(modules, {"genarris_fw.clustering", "genarris_fw.descriptors", "genarris_fw.pictures"})
    assert len(modules) < 680


def test_check_imports_the_options_of_the_procedures_that_are_named(tmp_path: Path) -> None:
    for file in ("ui.conf", "urea.in"):
        (tmp_path / file).write_bytes((UREA / file).read_bytes())
    modules = imported(tmp_path, "check", "ui.conf", "--no-engine-test")
    of_procedures = "genarris_fw.procedures.options."
    assert f"{of_procedures}run_rdf_calc" in modules
    refuse(modules, {of_procedures + name for name in ("compare_engines", "lapw_convergence", "remove_duplicates")})
