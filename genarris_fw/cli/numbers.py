"""Numbers on the command line: finite, and in a range that the message names."""

from __future__ import annotations

import math
from typing import Any

import click


class Number(click.FloatRange):
    """A number above `least` and not above `most`; ``nan`` is none."""

    def __init__(self, least: float, most: float, least_too: bool = False) -> None:
        super().__init__(min=least, max=most, min_open=not least_too)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):  # which no comparison refuses
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number
