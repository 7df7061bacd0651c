"""A run that goes on is looked at from Python, beside the command that carries it out."""

from __future__ import annotations

from pathlib import Path

from command import finish, start, urea_folder
from waiting import wait_until

import genarris_fw as gfw
from genarris_fw.database.server import Server
from genarris_fw.errors import GenarrisError


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    """Its own database serves both; it stays until the last of them has done with it."""
    conf = urea_folder(tmp_path / "urea", number=8, groups="[4]")
    process = start("run", "ui.conf", "--workers", "1", cwd=conf.parent)
    opened: list[gfw.Run] = []

    def opens() -> bool:
        try:
            opened.append(gfw.open(conf.parent))
        except GenarrisError:  # there is no database, or no run in it yet
            return False
        return True

    wait_until(opens)
    with opened[0] as run:
        wait_until(lambda: run.state != "waiting")
        assert run.state in ("running", "finished") and run.molecule is not None
        ended = finish(process, 240)
        assert ended.returncode == 0, ended.stderr
        assert run.state == "finished" and Server(conf.parent).running()
        frame = run.pool().to_dataframe()
        assert len(frame) == run.pools[run.pool().name] == 8 and (frame["attempted_spg"] == 4).all()
    assert not Server(conf.parent).running()
