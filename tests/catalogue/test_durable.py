"""What an acknowledged write waits for: the journal, and of a set of several the majority of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.catalogue import DURABLE, DURABLE_ALONE, durable
from genarris_fw.database.launchpads import database_name


def test_the_journal_of_a_set_of_one(database_uri: str) -> None:
    with MongoClient(database_uri) as client:
        client.admin.command("ping")
        assert Catalogue(client[database_name(database_uri)]).database.write_concern == DURABLE_ALONE
    assert DURABLE_ALONE.document == {"w": 1, "j": True}


@pytest.mark.parametrize(
    "servers",
    [
        [],  # nothing is known yet
        [("rs", {"a:1", "b:1", "c:1"})],  # one member of three, reached directly
        [("rs", {"a:1", "b:1"}), ("rs", {"a:1", "b:1"})],
        [(None, set())],  # a router, or a server by itself
    ],
)
def test_the_majority_of_everything_else(servers: list[tuple[str | None, set[str]]]) -> None:
    described = {i: SimpleNamespace(replica_set_name=name, all_hosts=hosts) for i, (name, hosts) in enumerate(servers)}
    topology = SimpleNamespace(server_descriptions=lambda: described)
    database = SimpleNamespace(client=SimpleNamespace(topology_description=topology))
    assert durable(database) == DURABLE and DURABLE.document == {"w": "majority", "j": True}
