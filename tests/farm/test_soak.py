"""Everything is killed, ``genarris-fw run`` and the database server too: nothing is lost, nothing counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from havoc import Havoc, Verdict, disturbed, undisturbed
from killing import Farm

from genarris_fw.database.launchpads import with_database
from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own in the run's folder: this is where ``genarris-fw run`` looks for it."""
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    server = Server(tmp_path, cache_gb=0.25)
    with server.use():
        yield server


def under_kills(server: Server, items: int, steps: int, kills: int, seed: int, seconds: float) -> Verdict:
    uri, folder = server.uri, server.folder
    truth = undisturbed(with_database(uri, "undisturbed"), folder / "undisturbed", items, steps)
    farm = Farm(uri, folder)
    havoc = Havoc(farm, server, rockets=1, workers=2, seed=seed)
    farm.hold(after=3 * items * steps // 4)
    settings = {"items": items, "steps": steps, "seconds": seconds, "replicas": 3, "lease_seconds": 2.0}
    try:
        verdict = disturbed(havoc, truth, kills, 500, **settings, plan_seconds=0.3, collect_seconds=0.3)
    finally:
        havoc.close()
        farm.close()
    print(verdict)
    return verdict


def test_everything_is_killed(server: Server) -> None:
    verdict = under_kills(server, items=120, steps=2, kills=15, seed=5, seconds=0.05)
    assert (verdict.lost, verdict.twice, verdict.equal) == (0, 0, True)
    assert verdict.kills == 15
    assert {"run", "server"} <= set(verdict.killed)


@pytest.mark.slow
def test_everything_is_killed_for_two_minutes(server: Server) -> None:
    verdict = under_kills(server, items=1000, steps=2, kills=120, seed=2, seconds=0.05)
    assert (verdict.lost, verdict.twice, verdict.equal) == (0, 0, True)
    assert verdict.kills == 120
    assert {"run", "server", "worker", "rocket", "path", "heartbeat"} <= set(verdict.killed)
