"""Procedures of other packages: what the how-to pages of docs/developing/ make is run as it stands there."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import python_path
from how_to_pages import changes_of, files_of, package_of, read_page
from in_process import InProcess
from installed_packages import Package, installed
from ui_conf import problems

import genarris_fw
from genarris_fw.crystal import Structure
from genarris_fw.declaring.option import Option
from genarris_fw.farm.allow_list import allowed_tasks
from genarris_fw.options.tables import model_named, rows

PROCEDURE, OPTION = "add-a-procedure.md", "add-an-option.md"


def with_the_option() -> Package:
    """The procedure's package with the changes of the page on options."""
    package = package_of(PROCEDURE)
    files = dict(package.files)
    for path, old, new in changes_of(OPTION):
        assert files[path].count(old) == 1, f"{OPTION}: {old!r} stands {files[path].count(old)} times in {path}"
        files[path] = files[path].replace(old, new)
    return dataclasses.replace(package, files=files)


def test_the_page_on_adding_a_procedure(tmp_path: Path) -> None:
    """The tests that the page shows pass, with the package that it shows, in processes of their own."""
    place = package_of(PROCEDURE).write(tmp_path / "installed")
    shown, tests = files_of(PROCEDURE), tmp_path / "tests"
    tests.mkdir()
    (tests / "ui.conf").write_text(shown["ui.conf"])
    (tests / "test_keep_dense.py").write_text(shown["tests/test_keep_dense.py"])
    source = Path(genarris_fw.__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, tests],
        env={**os.environ, "PYTHONPATH": python_path(source, place)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ran.returncode == 0 and "2 passed" in ran.stdout, ran.stdout + ran.stderr


def test_the_page_on_adding_an_option(database_uri: str, tmp_path: Path) -> None:
    """One line, and it is in the tables, checked, and takes effect."""
    cells = [Structure(edge * np.eye(3), ["Ar"], np.zeros((1, 3)), {}, f"edge_{edge}") for edge in (3.0, 3.33, 3.66)]
    text = files_of(PROCEDURE)["ui.conf"].replace("min_density = 1.5", "min_density = 1.5\nmax_density = {}")
    with installed(tmp_path / "installed", with_the_option()):
        table = {row.option: row for row in rows(model_named("Keep_Dense"))}
        assert (table["max_density"].description, table["max_density"].unit) == ("And at most so dense", "g/cm³")
        in_process = InProcess(database_uri, tmp_path / "run")
        in_process.write_pool(cells)
        lines = "\n".join(problems(tmp_path / "run", text.format(26)))
        assert "max_density = '26': expected a number from 0.0 to 25.0 (g/cm³)" in lines
        record = in_process.run(text.format(2.0))
        in_process.close()
    assert record["state"] == "finished", record
    assert [record["summaries"][step]["structures"] for step in ("keep_dense", "keep_dense_2")] == [1, 0]


def test_its_firetask_is_allowed_while_the_package_is_installed(tmp_path: Path) -> None:
    task = "{{dense_crystals.keep_dense.KeepDense}}"
    assert task not in allowed_tasks()
    with installed(tmp_path, package_of(PROCEDURE)):
        assert task in allowed_tasks()
    assert task not in allowed_tasks()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Option)])
def test_the_page_on_options_explains_all_that_one_may_say(field: str) -> None:
    assert f"| `{field}` |" in read_page(OPTION)
