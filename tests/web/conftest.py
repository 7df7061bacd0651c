"""The explorer's server in this process, on a filled database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import explored
import pytest
from databases import new_database
from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.database.launchpads import database_name

if TYPE_CHECKING:
    from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def filled_uri(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with new_database(mongod) as uri, MongoClient[Any](uri) as client:
        catalogue = Catalogue(client[database_name(uri)])
        check_schema(catalogue.database)
        catalogue.ensure_indexes()
        explored.fill(catalogue, tmp_path_factory.mktemp("run"))
        yield uri


@pytest.fixture(scope="module")
def catalogue(filled_uri: str) -> Iterator[Catalogue]:
    with MongoClient[Any](filled_uri) as client:
        yield Catalogue(client[database_name(filled_uri)])


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """On a busy machine a small pool takes its time, too; those who would not wait say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genarris_fw.web.cache.PATIENCE", 60.0)
        yield


@pytest.fixture(scope="module")
def client(catalogue: Catalogue) -> Iterator[TestClient]:
    with explored.explorer(catalogue) as found:
        yield found
