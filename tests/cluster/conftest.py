"""A SLURM of its own for each test: it is up within two seconds, and nothing of one test's queue is in the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm import Slurm


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    with Slurm(tmp_path) as slurm:
        for name, value in slurm.environment.items():
            monkeypatch.setenv(name, value)
        yield slurm
        print(f"\nThe account listing:\n{slurm.listing()}")
