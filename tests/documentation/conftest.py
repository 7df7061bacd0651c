"""One finished run for all pages: their tests are in one group, and so on one worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import new_database
from documented.workplace import Workplace


@pytest.fixture(scope="package")
def workplace(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """The folder and the database of the run, as every page finds them."""
    with new_database(mongod) as uri:
        yield Workplace(tmp_path_factory.mktemp("documented") / "urea", uri)
