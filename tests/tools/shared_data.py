"""The data set that lies beside the repository, where there is one."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def shared(name: str) -> Path:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the data set ../shared/data/{name} is not here")
    return path
