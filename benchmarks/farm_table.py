"""The table of bars: what was measured, and whether it is enough."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Bar:
    """One line of the table.

    Attributes
    ----------
    name, bar, measured : str
        What was measured, what is asked for, and what came out.
    met : bool
        Whether it is enough.
    details : dict
        The numbers behind it.
    """

    name: str
    bar: str
    measured: str
    met: bool
    details: dict[str, Any] = field(default_factory=dict)


def machine() -> dict[str, Any]:
    """Return where and under which load this is measured."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(x, 2) for x in os.getloadavg()],
    }


def show(bar: Bar) -> None:
    """Print one line of the table, and the details below it."""
    print(f"| {bar.name} | {bar.bar} | {bar.measured} | {'met' if bar.met else 'NOT MET'} |")
    print(f"    {json.dumps(bar.details, default=str)}", flush=True)


def write(bars: Sequence[Bar], small: bool, path: Path) -> None:
    """Write all lines as JSON."""
    record = {"small": small, "machine": machine(), "bars": [asdict(bar) for bar in bars]}
    path.write_text(json.dumps(record, indent=1, default=str) + "\n")


def quantile(values: Sequence[float], q: float) -> float:
    """Return a quantile of some numbers: the smallest one that at least a part ``q`` of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(q * 1e6) * len(ordered) // 1_000_000) - 1))]
