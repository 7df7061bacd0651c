"""A database that is away, far away, or changes its primary: one line, or the right result; nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command import genarris, one_line, python_path, urea_folder
from faults import free_port, replica_set, tcp_mongod, wait_for_primary
from killing import TOOLS, Farm
from pymongo import MongoClient
from pymongo.errors import AutoReconnect
from slow_proxy import slow_proxy
from waiting import wait_until

from genarris_fw.database.launchpads import with_database
from genarris_fw.farm.launch.rockets import Rockets
from genarris_fw.farm.repair.recovery import recover


@pytest.mark.parametrize(
    "words", [("run", "ui.conf"), ("add", "ui.conf"), ("status",), ("rockets",)], ids=lambda w: w[0]
)
def test_unreachable(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Nothing listens there: exit code 2 and one line with the address, within seconds."""
    urea_folder(tmp_path)
    port = free_port()
    begun = time.monotonic()
    result = genarris(*words, "--uri", f"mongodb://ada:hidden@127.0.0.1:{port}/genarris", cwd=tmp_path)
    assert result.returncode == 2
    line = one_line(result.stderr)
    assert f"127.0.0.1:{port}" in line and "does not answer" in line and "hidden" not in line
    assert time.monotonic() - begun < 30  # the driver's own patience; a rocket's is ten minutes


@pytest.fixture
def tcp(tmp_path: Path) -> Iterator[int]:
    with tcp_mongod(tmp_path / "server") as port:
        yield port


@pytest.mark.parametrize("latency", [0.03, pytest.param(0.2, marks=pytest.mark.slow)])
def test_far_away(tcp: int, tmp_path: Path, latency: float) -> None:
    """Rockets behind a slow line finish the run; a lease lasts although its renewal takes long."""
    items = 20
    with slow_proxy(tcp, latency) as port:
        farm = Farm(f"mongodb://127.0.0.1:{port}/far", tmp_path)
        try:
            with MongoClient(farm.uri) as client:
                begun = time.monotonic()
                client.admin.command("ping")
                begun = time.monotonic()
                client.admin.command("ping")
                assert time.monotonic() - begun >= latency  # the line is slow indeed
            farm.add(items=items, seconds=0.3, replicas=2, steps=1)
            begun = time.monotonic()
            farm.rockets(2)
            record = farm.finish(seconds=180)
            print(f"a run of {items} items of 0.3 s, {latency} s from the database: {time.monotonic() - begun:.1f} s")
            farm.check(record, items=items, steps=1)
            assert farm.collects() == 1
            tried = {"$or": [{"attempts": {"$gt": 0}}, {"lost": {"$gt": 0}}, {"token": {"$gt": 1}}]}
            assert farm.catalogue.work_items.collection.count_documents(tried) == 0
        finally:
            farm.close()


def direct(uri: str) -> str:
    """Return the URI that talks to this server whether it is the primary or not."""
    return uri.replace("replicaSet=rs0", "directConnection=true")


def elections(client: MongoClient) -> Callable[[], bool]:
    """Return what tells whether the set has elected its primary once more."""

    def term() -> int:
        return int(client.admin.command("replSetGetStatus")["term"])

    before = term()
    return lambda: term() > before


def test_the_primary_steps_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes are refused for some seconds in the middle of a run, by a server that then takes them again."""
    monkeypatch.setenv("PYTHONPATH", python_path(TOOLS))
    with replica_set(tmp_path / "server") as uri:
        farm = Farm(with_database(uri, "stepping"), tmp_path)
        try:
            farm.add(items=60, seconds=0.1, replicas=2, steps=1)
            farm.hold()
            with Rockets(farm.launchpad, farm.run, farm.folder, 2) as rockets, MongoClient(direct(uri)) as client:
                farm.holder("gate")
                for _ in range(2):
                    elected_anew = elections(client)
                    with suppress(AutoReconnect):  # it may cut the connection that asks for it
                        client.admin.command("replSetStepDown", 2, force=True)
                    farm.let_go()
                    wait_until(elected_anew)
                    wait_for_primary(client)
                record = rockets.watch(lambda record: None)
            farm.check(record, items=60, steps=1)
            recover(farm.launchpad, farm.run)
            farm.check_fireworks()
        finally:
            farm.close()
