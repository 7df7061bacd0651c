"""Folders that were copied or moved with their database: each has a server of its own; always the real mongod."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from genarris_fw.database import mongod
from genarris_fw.database.find import find_server
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError

CACHE = 0.25


@pytest.fixture(autouse=True)
def _needs_mongod() -> None:
    try:
        mongod.find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of a fresh folder, ended by force afterwards."""
    server = Server(tmp_path / "run", cache_gb=CACHE)
    yield server
    server.stop(force=True)


def copied(server: Server, name: str) -> Server:
    """Return the server of a copy of a folder, made as a user makes it."""
    target = server.folder.with_name(name)
    subprocess.run(["cp", "-r", server.folder, target], check=True)
    return Server(target, cache_gb=CACHE)


@pytest.mark.parametrize("name", ["short", "long" * 30])
def test_a_copied_folder_has_a_server_of_its_own(tmp_path: Path, name: str) -> None:
    """Its record names the original's socket, which lies elsewhere where the folder's name is long."""
    original = Server(tmp_path / name, cache_gb=CACHE)
    with original.use() as uri, MongoClient(uri) as client:
        client.genarris.things.insert_one({"_id": 1})
    copy = copied(original, name + "_copy")
    with original.use(), copy.use() as other, MongoClient(other) as client:
        client.genarris.things.insert_one({"_id": 2})
        assert copy.socket_path != original.socket_path and copy.former_sockets == [original.socket_path]
    with original.use() as uri, MongoClient(uri) as client:
        assert client.genarris.things.distinct("_id") == [1]
    for path in (original.socket_path, copy.socket_path):
        assert path is not None and (path.is_relative_to(tmp_path) or not path.parent.exists())


def test_a_copy_of_a_folder_whose_server_runs_is_refused_until_it_ends(server: Server) -> None:
    with server.use():
        copy = copied(server, "copy")
        for attempt in (copy.start, lambda: copy.uri, lambda: copy.use().__enter__()):
            with pytest.raises(DatabaseError, match=f"{copy.folder}: a copy of {server.folder}, made while its data"):
                attempt()
        assert not copy.stop() and server.running()


def test_a_socket_that_the_folder_had_before_still_means_its_server(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a moved folder my_launchpad.yaml names the old place."""
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    with server.use() as uri:
        pass
    moved = Server(server.folder.rename(server.folder.with_name("moved")), cache_gb=CACHE)
    for _ in range(2):  # the second time its record names the new socket
        found = find_server(moved.folder, uri)
        assert found.server is not None and found.server.home == moved.home
        with found.use() as now, MongoClient(now) as client:
            client.admin.command("ping")
            assert now != uri
