"""The suite's arrangements, tried on a small one: who runs where, how nice it is, and what a run is said to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from command import TOOLS, environment
from distribution import COMPUTES, NICE
from in_a_row import Ran, run, table

CONFTEST = """\
import pytest
from distribution import Alongside, be_nice, distribute
from needs import mark_needs, skip_without

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        mark_needs(item)
    distribute(items)

def pytest_xdist_make_scheduler(config, log):
    return Alongside(config, log)

def pytest_runtest_setup(item):
    skip_without(item)
    be_nice(item)
"""
HEAD = """\
import json, os, pytest, time
from pathlib import Path

def note(name):
    time.sleep(0.05)
    line = json.dumps([os.environ["PYTEST_XDIST_WORKER"], time.monotonic(), os.getpriority(os.PRIO_PROCESS, 0)])
    Path(__file__).with_name(f"ran.{name}").write_text(line)
"""
FILES = {
    "computing": "@pytest.mark.parametrize('n', range(6))\ndef test(n): note(f'computing.{n}')\n",
    "waiting": "import subprocess\n@pytest.mark.parametrize('n', range(8))\ndef test(n): note(f'waiting.{n}')\n",
    "alone": "import subprocess, slurm\n@pytest.mark.parametrize('n', range(4))\ndef test(n): note(f'alone.{n}')\n",
    "once": "import subprocess\n@pytest.fixture(scope='module')\ndef made(): pass\n"
    "@pytest.mark.parametrize('n', range(4))\ndef test(made, n): note(f'once.{n}')\n",
    "failing": "def test_wrong(): assert False\ndef test_skipped(): pytest.skip('as it is')\ndef test_right(): pass\n",
    "elk": "@pytest.mark.elk\ndef test_with_a_program(): pass\n",
}
INI = "[pytest]\nmarkers =\n" + "".join(
    f"    {name}: -\n" for name in ("mongod", "processes", "mpi", "slurm", "elk", "cp2k", "root")
)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text(INI)
    return tmp_path


def write(suite: Path, *names: str) -> None:
    for name in names:
        (suite / f"test_{name}.py").write_text(HEAD + FILES[name])


def call(suite: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *words]
    kept = {name: value for name, value in environment(PATH="").items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(command, cwd=suite, env=kept, capture_output=True, text=True, timeout=120, check=False)


def test_waiting_tests_come_first_and_computing_ones_are_nice(suite: Path) -> None:
    write(suite, "computing", "waiting", "alone", "once")
    done = call(suite, "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder")
    assert done.returncode == 0, done.stdout
    ran: dict[str, list[Any]] = {path.name: json.loads(path.read_text()) for path in suite.glob("ran.*")}
    workers: dict[str, set[str]] = defaultdict(set)
    for name, (worker, _, priority) in ran.items():
        kind = name.split(".")[1]
        workers[kind].add(worker)
        assert priority == (NICE if kind == "computing" else os.getpriority(os.PRIO_PROCESS, 0)), name
    # One at a time, and what its file makes once is made once; the others are spread.
    assert [len(workers[kind]) for kind in ("alone", "once", "computing", "waiting")] == [1, 1, 1, 2]
    for worker in ("gw0", "gw1"):
        kinds = [name.split(".")[1] == "computing" for name, (at, *_) in sorted(ran.items(), key=_when) if at == worker]
        assert kinds == sorted(kinds)


def test_the_fifth_worker_computes_from_the_start(suite: Path) -> None:
    for number in range(8):
        (suite / f"test_computing_{number}.py").write_text(HEAD + f"def test(): note('computing.{number}')\n")
    write(suite, "waiting")
    assert call(suite, "-n", "5", "--dist", "loadgroup", "--no-loadscope-reorder").returncode == 0
    ran = [(*json.loads(path.read_text()), path.name.split(".")[1]) for path in suite.glob("ran.*")]
    assert {kind for worker, _, _, kind in ran if worker == COMPUTES} == {"computing"}
    first = {worker: kind for worker, _, _, kind in sorted(ran, reverse=True)}
    assert [first[f"gw{number}"] for number in range(5)] == ["waiting"] * 4 + ["computing"]


def _when(entry: tuple[str, list[Any]]) -> float:
    return float(entry[1][1])


def test_without_workers_nothing_is_nice(suite: Path) -> None:
    (suite / "test_here.py").write_text(
        "import os\ndef test(): assert os.getpriority(os.PRIO_PROCESS, 0) == int(os.environ['BEFORE'])\n"
    )
    command = [sys.executable, "-m", "pytest", "-q"]
    kept = {name: value for name, value in environment().items() if not name.startswith("PYTEST_XDIST")}
    kept["BEFORE"] = str(os.getpriority(os.PRIO_PROCESS, 0))
    assert subprocess.run(command, cwd=suite, env=kept, stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_a_program_that_is_missing_is_named(suite: Path) -> None:
    write(suite, "elk")
    assert "no elk-lapw on this machine: apt-get install elk-lapw" in call(suite, "-rs").stdout


def test_what_a_run_is_said_to_be(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(suite, "failing")
    monkeypatch.setenv("PYTHONPATH", str(TOOLS))
    ran = run([str(suite), "-p", "no:cacheprovider"], suite / "report.xml", suite / "output")
    assert (ran.passed, ran.skipped, ran.code, ran.is_clean) == (1, 1, 1, False)
    assert len(ran.failed) == 1 and ran.failed[0].endswith("test_failing::test_wrong")
    assert set(ran.times) >= {ran.failed[0]} and len(ran.times) == 3
    told = table([ran, Ran(12.3, 5, 0, times={"long": 5.0, "short": 1.0}), Ran(12.3, 5, 0, times={"long": 4.0})])
    assert "| 2 | 12 | 5 | 0 | - | 0 |" in told and "2 of 3 runs without a failure" in told
    assert f"* {ran.failed[0]}: failed 1 times" in told
    assert "* long: 4.0 to 5.0 s" in told and "short" not in told.split("longest time:")[1]
