"""A catalogue that holds the small run of tests/tools/small_run.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from small_run import add_chain, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name


@pytest.fixture
def empty(database_uri: str) -> Iterator[Catalogue]:
    with MongoClient(database_uri) as client:
        made = Catalogue(client[database_name(database_uri)])
        made.ensure_indexes()
        yield made


@pytest.fixture
def catalogue(empty: Catalogue, tmp_path: Path) -> Catalogue:
    fill(empty, tmp_path)
    add_chain(empty)
    return empty
