"""The bar of ``genarris-fw status``, from `benchmarks/status.py`."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from farm_speed import Place
from farm_table import Bar, machine

PROCESS, QUERY = "process: genarris-fw status", "query: status"


def status(place: Place) -> Bar:
    """Look at a run of many structures: the command with its start-up, and the query alone."""
    number = place.sizes.waiting[-1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "status.json"
        program = Path(__file__).parent / "status.py"
        words = [sys.executable, program, "--number", str(number), "--json", file]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if not file.exists():
            raise RuntimeError(f"{program} wrote nothing: {done.stderr[-500:]}")
        seconds = json.loads(file.read_text())["seconds"]
    command, query = (statistics.median(seconds[name]) for name in (PROCESS, QUERY))
    details = {name: [round(1e3 * value, 1) for value in values] for name, values in seconds.items()}
    measured = f"{command:.2f} s, query {1e3 * query:.1f} ms"
    met = command < 1.5 and query < 0.05
    return Bar(f"status on {number:,} structures", "< 1.5 s, query < 50 ms", measured, met, details | machine())
