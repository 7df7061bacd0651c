"""Where the index lies: beside the catalogue, or in a server of its own where the user may only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from genarris_fw.database.launchpads import CLIENT_OPTIONS, database_name
from genarris_fw.database.server import Server
from genarris_fw.optimade.index import may_write

CACHE_GB = 0.25


@contextmanager
def place_of_index(catalogue: Database[Any]) -> Iterator[Database[Any]]:
    """Yield the database of the index: the catalogue's where that may be written to, else a new one for the while.

    Raises
    ------
    DatabaseError
        Where the catalogue may not be written to, and there is no MongoDB server on this machine.
    """
    if may_write(catalogue):
        yield catalogue
        return
    with (
        TemporaryDirectory(prefix="genarris_fw_optimade_") as folder,
        Server(Path(folder), cache_gb=CACHE_GB).use() as uri,
        MongoClient[Any](uri, **CLIENT_OPTIONS) as client,
    ):
        yield client[database_name(uri)]
