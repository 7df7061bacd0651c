"""Calling the command line in this process, with what it prints and its exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from genarris_fw.cli.main import main


@dataclass
class Called:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(capsys: pytest.CaptureFixture[str], *words: object) -> Called:
    """Run ``genarris-fw`` with these words."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    return Called(int(stop.value.code or 0), printed.out, printed.err)
