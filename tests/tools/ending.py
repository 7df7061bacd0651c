"""Limits of an evaluation that end it when something has happened, not after so many seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genarris_fw.engines.base import Context


def _never() -> bool:
    return False


@dataclass
class EndsWhen(Context):
    """A context whose time is over once something is so."""

    so: Callable[[], bool] = _never

    def stop_reason(self, needed: float = 0.0) -> str | None:
        if self.so():
            self.deadline = time.time()
        return super().stop_reason(needed)


def says_something(path: Path) -> Callable[[], bool]:
    """Return what tells whether a program has written into a file."""
    return lambda: path.exists() and path.stat().st_size > 0
