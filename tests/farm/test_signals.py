"""Processes of a run killed and frozen at random, under genarris-fw run and rlaunch: every file as undisturbed."""

from __future__ import annotations

from pathlib import Path

import pytest
from freezing import differences
from signalled import WAYS, Signalled, undisturbed

NUMBER, LEASE, PAUSES = 40, 2.0, (0.3, 1.0)


@pytest.mark.parametrize("way", WAYS)
def test_killed_and_frozen(tmp_path: Path, way: str) -> None:
    reference = undisturbed(tmp_path / "undisturbed", NUMBER, LEASE)
    assert reference["state"] == "finished" and reference["files"] and reference["structures"]
    run = Signalled(tmp_path / way, way, 3, NUMBER, LEASE, PAUSES)
    try:
        assert run.go(4, seconds=300) == 0
        assert differences(reference, run.result()) == {}
        assert sum(run.sent.values()) >= 2
    finally:
        run.close()
