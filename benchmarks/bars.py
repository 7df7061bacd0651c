"""Figures of a benchmark and their bars."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A figure and its bar; without a bar it is only told."""

    name: str
    value: float
    bar: str = ""
    held: bool = True
    seconds: float = 0.0

    def line(self) -> str:
        seconds = f"{self.seconds:9.3f} CPU-s" if self.seconds else ""
        verdict = "" if not self.bar else "held" if self.held else "MISSED"
        return f"{self.name:60s}{self.value:14.6g}  {self.bar:22s}{verdict:7s}{seconds}"


def at_least(name: str, value: float, bar: float, seconds: float = 0.0) -> Figure:
    return Figure(name, float(value), f">= {bar:g}", bool(value >= bar), seconds)


def at_most(name: str, value: float, bar: float, seconds: float = 0.0) -> Figure:
    return Figure(name, float(value), f"<= {bar:g}", bool(value <= bar), seconds)


def within(name: str, value: float, wanted: float, tolerance: float, seconds: float = 0.0) -> Figure:
    bar = f"{wanted:g} +- {tolerance:g}"
    return Figure(name, float(value), bar, bool(abs(value - wanted) <= tolerance), seconds)


def timed(function: Callable[[], Any], times: int = 1) -> tuple[Any, float]:
    """What a function gives, and the CPU seconds of its quickest call."""
    best, found = math.inf, None
    for _ in range(times):
        begun = time.process_time()
        found = function()
        best = min(best, time.process_time() - begun)
    return found, best
