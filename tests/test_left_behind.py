"""The check at the end of the test session finds what a test leaves running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"
SESSION = """\
import subprocess
import pytest
from left_behind import left_behind, mark_session

mark_session()

@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_behind():
    yield
    if left := left_behind(patience=0.2):
        pytest.fail("left running: " + "; ".join(left), pytrace=False)

def test_that_leaves_one():
    # Its parent ends at once: nobody's child any more. It is looked for once it sleeps.
    shell = "setsid sleep 600 >/dev/null 2>&1 & until grep -aq ^sleep /proc/$!/cmdline; do :; done"
    subprocess.run(shell, shell=True, check=True)
"""


def session(folder: Path, *words: str) -> subprocess.CompletedProcess:
    (folder / "test_one.py").write_text(SESSION)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={TOOLS}", *words]
    return subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True, check=False)


def test_a_process_that_is_left_fails_the_session_and_is_named(tmp_path: Path) -> None:
    for words in ([], ["-n", "1"]):
        result = session(tmp_path, *words)
        assert result.returncode == 1, result.stdout + result.stderr
        assert "left running: process" in result.stdout and "sleep 600" in result.stdout


SHARED = """\
import os
import pytest
from left_behind import RUN, left_behind, mark_session, share

mark_session()
if "PYTEST_XDIST_WORKER" in os.environ:
    share("sleep 601")

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    left = left_behind(0.2, RUN) if session.config.pluginmanager.has_plugin("dsession") else left_behind(0.2)
    if left:
        where = "run" if session.config.pluginmanager.has_plugin("dsession") else "worker"
        print(f"left by the {where}: {left}")
"""


def test_what_workers_share_is_looked_for_at_the_end_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(SHARED)
    shell = "setsid sleep 601 >/dev/null 2>&1 & until grep -aq ^sleep /proc/$!/cmdline; do :; done"
    (tmp_path / "test_two.py").write_text(
        f"import subprocess\ndef test(): subprocess.run({shell!r}, shell=True, check=True)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-o", f"pythonpath={TOOLS}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    said = subprocess.run([*command, "-n", "1"], cwd=tmp_path, capture_output=True, text=True, env=kept, check=False)
    assert "left by the run" in said.stdout and "sleep 601" in said.stdout, said.stdout + said.stderr
    assert "left by the worker" not in said.stdout + said.stderr
