"""What the rooms offer: every public name is there and is described, and the examples in their docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import EXAMPLES

ROOMS = (
    *("clustering", "comparing", "crystal", "descriptors", "energetics", "engines", "generation", "lattice"),
    "pictures",
)
# Their examples need a run; docs/python.md has the same, which tests/python/test_notebooks.py carries out.
OF_RUNS = {"Pool", "Run", "open", "runs"}


def public() -> Iterator[tuple[str, str, Any]]:
    for name in ("genarris_fw", *(f"genarris_fw.{room}" for room in ROOMS)):
        module = importlib.import_module(name)
        yield from ((name, public, getattr(module, public)) for public in module.__all__)


NAMES = [(module, name, value) for module, name, value in public() if callable(value)]
WITH_EXAMPLES = {
    getattr(value, "__qualname__", name): value
    for _, name, value in NAMES
    if ">>>" in (value.__doc__ or "") and name not in OF_RUNS
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(EXAMPLES, folder / "examples")
    return folder


@pytest.mark.parametrize("name", WITH_EXAMPLES)
@pytest.mark.filterwarnings("ignore")
def test_an_example_is_true(name: str, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    [test] = [
        one for one in doctest.DocTestFinder(recurse=False).find(WITH_EXAMPLES[name], name, globs={}) if one.examples
    ]
    said: list[str] = []
    results = doctest.DocTestRunner(verbose=False).run(test, out=said.append, clear_globs=False)
    assert results.attempted and not results.failed, "".join(said)


def test_the_principal_names_have_an_example() -> None:
    """In each room that has functions, some of them; who adds a room adds one."""
    having = {module for module, name, value in NAMES if ">>>" in (value.__doc__ or "")}
    assert having >= {f"genarris_fw.{room}" for room in ROOMS} and len(WITH_EXAMPLES) > 40


def test_every_public_name_is_described() -> None:
    assert [f"{module}.{name}" for module, name, value in NAMES if not inspect.getdoc(value)] == []


def test_rooms_are_loaded_when_they_are_asked_for() -> None:
    """As attributes of the package, with all their names, and without pymongo or FireWorks: they need neither."""
    code = (
        "import sys, genarris_fw as gfw\n"
        "assert 'numpy' not in sys.modules\n"
        f"for room in [getattr(gfw, name) for name in {ROOMS}]:\n"
        "    assert all(hasattr(room, name) for name in room.__all__), room\n"
        "    assert set(room.__all__) <= set(dir(room)), room\n"
        "assert not {'Any', 'TYPE_CHECKING', 'importlib', 'annotations'} & set(dir(gfw)), 'completed in a notebook'\n"
        "assert not {'pymongo', 'fireworks'} & sys.modules.keys(), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
