"""A run's folder that is removed or moved, before a command or under it: one line names it, and nothing is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import BIN, environment, genarris, one_line, start, urea_folder
from waiting import wait_for_events


def remove(folder: Path) -> None:
    """Remove a folder as ``rm -rf`` does, again while others still write into it."""
    while folder.exists():
        subprocess.run(["rm", "-rf", str(folder)], check=False, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("own", [True, False], ids=["its own database", "a database elsewhere"])
def test_under_a_run(tmp_path: Path, database_uri: str, own: bool) -> None:
    folder = tmp_path / "run"
    conf = urea_folder(folder, number=400, sr=1.02, attempts=3_000_000)
    words = () if own else ("--uri", database_uri)
    process = start("run", str(conf), "--workers", "1", *words, cwd=tmp_path)
    wait_for_events(folder)
    remove(folder)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    line = one_line(errors)
    assert str(folder) in line and "removed or moved" in line
    assert not folder.exists()


@pytest.mark.parametrize("words", ["status", "rockets", "db status", "db stop"])
def test_before_a_command(tmp_path: Path, words: str) -> None:
    gone = tmp_path / "gone"
    result = genarris(*words.split(), "--dir", str(gone), cwd=tmp_path)
    assert result.returncode == 2
    assert one_line(result.stderr).startswith(f"genarris-fw: {gone}: no such folder")
    assert not gone.exists()


def test_the_current_folder_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", program, str(BIN / "genarris-fw"), "status"]
    result = subprocess.run(command, cwd=gone, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert one_line(result.stderr).startswith("genarris-fw: the current folder is gone")
