"""A database that holds the small run of tests/tools/small_run.py, one for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import new_database
from small_run import add_chain, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.opening import open_database


@pytest.fixture(scope="module")
def uri(mongod: str) -> Iterator[str]:
    with new_database(mongod) as made:
        yield made


@pytest.fixture(scope="module")
def catalogue(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder: Path = tmp_path_factory.mktemp("urea")
    with open_database(folder, uri) as opened:
        fill(opened.catalogue, folder)
        add_chain(opened.catalogue)
        yield opened.catalogue
