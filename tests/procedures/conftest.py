"""Runs in this process, each with a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import InProcess


@pytest.fixture
def in_process(database_uri: str, tmp_path: Path) -> Iterator[InProcess]:
    farm = InProcess(database_uri, tmp_path)
    yield farm
    farm.close()
