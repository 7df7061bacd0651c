"""The explorer's server in this process, on a filled database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import explored
import pytest
from databases import new_database
from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name

if TYPE_CHECKING:
    from starlette.testclient import TestClient

LOOPBACK = "http://127.0.0.1:8600"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def filled_uri(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with new_database(mongod) as uri, MongoClient[Any](uri) as client:
        catalogue = Catalogue(client[database_name(uri)])
        catalogue.ensure_indexes()
        explored.fill(catalogue, tmp_path_factory.mktemp("run"))
        yield uri


@pytest.fixture(scope="module")
def catalogue(filled_uri: str) -> Iterator[Catalogue]:
    with MongoClient[Any](filled_uri) as client:
        yield Catalogue(client[database_name(filled_uri)])


@pytest.fixture(scope="module")
def client(catalogue: Catalogue) -> Iterator[TestClient]:
    pytest.importorskip("fastapi", reason="the extra [web] is not installed")
    pytest.importorskip("httpx", reason="httpx is not installed: the extra [test] brings it")
    from starlette.testclient import TestClient

    from genarris_fw.web.app import create_app

    with TestClient(create_app(catalogue), base_url=LOOPBACK, raise_server_exceptions=True) as found:
        yield found
