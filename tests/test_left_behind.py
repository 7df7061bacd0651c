"""The check at the end of the test session finds what a test leaves running."""

from __future__ import annotations

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
    # Its parent ends at once: nobody's child any more.
    subprocess.run("setsid sleep 600 >/dev/null 2>&1 &", shell=True, check=True)
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
