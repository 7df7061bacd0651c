"""A database that holds the small run of tests/tools/small_run.py, one for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import new_database
from pymongo import MongoClient
from small_run import add_chain, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name


@pytest.fixture(scope="module")
def uri(mongod: str) -> Iterator[str]:
    with new_database(mongod) as made:
        yield made


@pytest.fixture(scope="module")
def catalogue(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder: Path = tmp_path_factory.mktemp("urea")
    with MongoClient(uri) as client:
        made = Catalogue(client[database_name(uri)])
        made.ensure_indexes()
        fill(made, folder)
        add_chain(made)
        yield made
