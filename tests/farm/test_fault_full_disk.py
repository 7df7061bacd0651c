"""The database's disk full in the middle of a run: one line; with room again, the same command goes on to the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import genarris, one_line, start, urea_folder
from faults import fill, small_disk
from waiting import wait_for_events

from genarris_fw.database.server import Server

OPTIONS = {"number": 400, "sr": 1.02, "attempts": 6_000_000}


def pool(folder: Path) -> dict[str, list]:
    """Return id -> geometry of the exported pool."""
    return {path.stem: json.loads(path.read_text())["geometry"] for path in sorted((folder / "raw").glob("*.json"))}


@pytest.mark.root
def test_a_full_disk_for_the_database(tmp_path: Path) -> None:
    undisturbed = urea_folder(tmp_path / "undisturbed", **OPTIONS)
    assert genarris("run", str(undisturbed), "--workers", "1", cwd=tmp_path).returncode == 0
    conf = urea_folder(tmp_path / "run", **OPTIONS)
    folder = conf.parent
    with small_disk(tmp_path / "disk", 400) as disk:
        data = ("--dir", str(folder), "--data", str(disk / "database"))
        try:
            assert genarris("db", "start", *data, cwd=tmp_path).returncode == 0
            process = start("run", str(conf), "--workers", "2", cwd=tmp_path)
            wait_for_events(folder)
            fill(disk / "others")
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 2, errors
            line = one_line(errors)
            assert "the database has ended because its disk is full" in line and "again" in line
            assert str(folder / "genarris_db") in line
            # While it is full, every command says what to do.
            for words in (("run", str(conf)), ("status", "--dir", str(folder)), ("db", "start", *data)):
                full = genarris(*words, cwd=tmp_path)
                assert full.returncode == 2
                assert "its disk is full" in one_line(full.stderr) and "make room" in full.stderr
            assert "not running" in genarris("db", "status", "--dir", str(folder), cwd=tmp_path).stdout
            (disk / "others").unlink()
            result = genarris("run", str(conf), "--workers", "2", cwd=tmp_path)
            assert result.returncode == 0, result.stderr
            # What mongod still had room for may have been enough for the last step.
            assert "continuing" in result.stdout or "is finished: nothing to do" in result.stdout
            assert not Server(folder).running()
        finally:
            genarris("db", "stop", "--force", *data, cwd=tmp_path)
    assert pool(folder) == pool(tmp_path / "undisturbed") != {}
