"""A farm with a database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing import Farm


@pytest.fixture
def farm(database_uri: str, tmp_path: Path):
    farm = Farm(database_uri, tmp_path)
    yield farm
    farm.close()
