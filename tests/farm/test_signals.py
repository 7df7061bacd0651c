"""Processes of a run killed and frozen at random, under genarris-fw run and rlaunch: every file as undisturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from freezing import differences
from signalled import WAYS, Signalled, undisturbed

NUMBER, LEASE, PAUSES = 40, 2.0, (0.3, 1.0)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed run leaves; it does not depend on the way it is started."""
    found = undisturbed(tmp_path_factory.mktemp("u") / "undisturbed", NUMBER, LEASE)
    assert found["state"] == "finished" and found["files"] and found["structures"]
    return found


@pytest.mark.parametrize("way", WAYS)
def test_killed_and_frozen(tmp_path: Path, way: str, reference: dict[str, Any]) -> None:
    run = Signalled(tmp_path / way, way, 3, NUMBER, LEASE, PAUSES)
    try:
        assert run.go(4, seconds=300) == 0
        assert differences(reference, run.result()) == {}
        assert sum(run.sent.values()) >= 2
    finally:
        run.close()
