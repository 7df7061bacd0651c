"""Shared fixtures: one real MongoDB server for the session, a fresh database on it for each test."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from genarris_fw.errors import DatabaseError
from genarris_fw.farm.launchpads import with_database
from genarris_fw.farm.mongod import find_mongod
from genarris_fw.farm.server import Server


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a real server that lives as long as the session."""
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    with Server(Path(tmp_path_factory.mktemp("mongod")), cache_gb=0.25).use() as uri:
        yield uri


@pytest.fixture
def database_uri(mongod: str) -> Iterator[str]:
    """The URI of an empty database, dropped after the test."""
    from pymongo import MongoClient

    name = f"test_{secrets.token_hex(6)}"
    yield with_database(mongod, name)
    with MongoClient(mongod) as client:
        client.drop_database(name)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything a test needs is installed (GENARRIS_FW_NO_SKIP=1), a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("GENARRIS_FW_NO_SKIP") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
