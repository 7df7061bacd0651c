"""Who gets a second chance, and that it hides nothing: on small suites that fail in all ways."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from again import MOST, TIMES, refusal
from command import TOOLS
from failures import Failure

CONFTEST = """\
import failures, pytest

def pytest_sessionstart(session):
    failures.begin(session.config)

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(session.config, "workerinput"):
        failures.finish(session.config, reporter, int(exitstatus), [])
"""
HEAD = """\
import os, pytest
from pathlib import Path

BESIDE_OTHERS = "PYTEST_XDIST_WORKER" in os.environ
ran = Path(__file__).with_name("ran")

def test_right(): pass
"""
RACE = """\
@pytest.mark.processes
@pytest.mark.xdist_group("soak")
@pytest.mark.parametrize("what", {what})
def test_race(what):
    ran.open("a").write("x")
    assert not BESIDE_OTHERS, f"{{what}} was too slow"
"""
SUITES = {
    "a race": RACE.format(what=["the@gate"]),
    "four races": RACE.format(what=list("abcd")),
    "a race and a plain one": RACE.format(what=["a"]) + "def test_plain(): assert not BESIDE_OTHERS\n",
    "seldom": "@pytest.mark.processes\ndef test_seldom():\n"
    "    ran.open('a').write('x')\n    assert not BESIDE_OTHERS and len(ran.read_text()) < 4\n",
    "what is left": "@pytest.fixture\ndef left():\n    yield\n    assert not BESIDE_OTHERS\n"
    "@pytest.mark.processes\ndef test_left(left): pass\n",
    "a worker that dies": "@pytest.mark.processes\ndef test_dies():\n    if BESIDE_OTHERS: os._exit(1)\n",
    "not to be read": "import no_such_module\n",
}


def suite(folder: Path, kind: str) -> None:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(
        f"[pytest]\nmarkers = processes: -\npythonpath = {TOOLS}\naddopts = -p xdist.plugin\n"
    )
    (folder / "test_small.py").write_text(HEAD + SUITES.get(kind, ""))


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other plugins take most of the time
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=kept, capture_output=True, text=True, timeout=120, check=False
    )


def again(folder: Path, kind: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a suite beside others, and what failed again; return how that went, and what was told at its end."""
    suite(folder, kind)
    call(folder, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup")
    done = call(folder, str(TOOLS / "again.py"), "--told", "told", "-q")
    told = folder / "told"
    return done, told.read_text() if told.exists() else ""


def test_a_race_passes_three_times_alone_and_is_told(tmp_path: Path) -> None:
    done, told = again(tmp_path, "a race")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((tmp_path / "ran").read_text()) == 1 + TIMES
    assert "test_small.py::test_race[the@gate] (call)" in told and "AssertionError: the@gate was too slow" in told
    assert told in done.stdout


REFUSED = {
    "four races": f"4 tests failed: no more than {MOST} are run again",
    "a race and a plain one": "test_small.py::test_plain watches no processes",
    "what is left": "test_small.py::test_left failed when it was over",
    "a worker that dies": "crashed",
    "not to be read": "nothing is run again",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_nothing_else_is_run_again(tmp_path: Path, kind: str) -> None:
    done, told = again(tmp_path, kind)
    assert done.returncode == 1 and told == ""
    assert done.stdout.startswith("nothing is run again: ") and REFUSED[kind] in done.stdout, done.stdout
    assert "again, alone" not in done.stdout


def test_what_a_failed_test_left_is_its_own_and_nothing_else() -> None:
    failed = Failure("tests/x.py::test_killed_before_its_end_and_more[b-1]", "call", True, "")
    left = "process 7: sleep 600 (in /dev/shm/t1/t/popen-gw1/{}0)"
    assert refusal([failed], [left.format("test_killed_before_its_end_and")]) == ""
    for other in (left.format("test_killed_before_its_end_an"), left.format("test_another"), "gw1: it crashed"):
        assert refusal([failed], [other]) == other


def test_one_failure_alone_is_the_end(tmp_path: Path) -> None:
    done, told = again(tmp_path, "seldom")
    assert done.returncode == 1 and told == ""
    assert done.stdout.count("again, alone") == TIMES and "it fails alone as well" in done.stdout


def test_a_run_that_never_ended_stands_for_nothing(tmp_path: Path) -> None:
    """What an earlier one left does not count, and without any run there is nothing."""
    suite(tmp_path, "a race")
    told = "nothing is run again: the test run did not come to its end"
    assert call(tmp_path, str(TOOLS / "again.py")).stdout.strip() == told
    call(tmp_path, "-m", "pytest", "-q", "-n", "2")
    (tmp_path / "test_small.py").write_text("import os\ndef test_end(): os._exit(3)\n")
    call(tmp_path, "-m", "pytest", "-q", "-n", "0")
    done = call(tmp_path, str(TOOLS / "again.py"))
    assert (done.returncode, done.stdout.strip()) == (1, told)


def test_faults_of_the_run_itself_are_no_races() -> None:
    race = Failure("tests/test_a.py::test_race", "call", True, "too slow")
    assert refusal([race] * 2, []) == "" == refusal([race], [])
    assert refusal([race], ["process 7: sleep 600"]) == "process 7: sleep 600"
    assert refusal([], []) == "no test failed"
