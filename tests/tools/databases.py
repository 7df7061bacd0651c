"""Databases of their own on a server that everybody shares."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo import MongoClient

from genarris_fw.database.launchpads import database_name, with_database


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Yield the URI of an empty database on a server; it is dropped in the end."""
    uri = with_database(server, f"test_{secrets.token_hex(6)}")
    try:
        yield uri
    finally:
        with MongoClient(server) as client:
            client.drop_database(database_name(uri))
