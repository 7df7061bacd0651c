"""A catalogue with its indexes on an empty database."""

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name


@pytest.fixture
def catalogue(database_uri: str) -> Iterator[Catalogue]:
    with MongoClient(database_uri) as client:
        made = Catalogue(client[database_name(database_uri)])
        made.ensure_indexes()
        yield made
