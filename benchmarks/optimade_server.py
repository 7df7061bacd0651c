"""``genarris-fw serve-optimade`` with a large pool.

    python benchmarks/optimade_server.py                          # 10^5 structures (a minute and a half)
    python benchmarks/optimade_server.py --number 2000            # a small one, some ten seconds
    python benchmarks/optimade_server.py --folder /tmp/kept       # fills the database there once, and keeps it

A real server is started in a folder and filled with the explorer's made-up crystals (16 atoms, 25 properties, 3 kB
each). ``genarris-fw serve-optimade`` runs as a process of its own: once without an index, which it makes, and once
with it. One client asks for pages of 20 structures with their coordinates, of every kind ten. Bars: the index is made
within 30 s and looked through within 10 s; 95 of 100 pages of each kind come within a second; 400 MB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
from explorer import POOL, RUN, fill
from farm_table import Bar, machine, quantile, show, write

from genarris_fw.database.server import Server

START, AGAIN, PAGE, MEMORY = 30.0, 10.0, 1.0, 400
TIMES = 10


def pages(number: int) -> dict[str, dict[str, Any]]:
    """Return the queries, by what is asked."""
    half = number // 2
    return {
        "the first page": {},
        "a page in the middle": {"page_offset": half},
        "a filter by numbers": {"filter": "_gfw_density > 1.3 AND _gfw_lattice_energy < -100"},
        "a filter by elements": {"filter": 'elements HAS ALL "C","N" AND nelements = 4'},
        "a filter by formula": {"filter": 'chemical_formula_reduced = "CH4N2O" AND space_group_it_number = 14'},
        "a filter by pool and text": {"filter": f'_gfw_pools HAS "{POOL}" AND _gfw_mode STARTS WITH "pack"'},
        "sorted": {"sort": "_gfw_lattice_energy"},
        "sorted, in the middle": {"sort": "-_gfw_density", "page_offset": half},
        "the largest page": {"page_limit": 500},
        "numbers alone": {"page_limit": 500, "response_fields": "_gfw_density,_gfw_lattice_energy"},
    }


def start(uri: str, port: int) -> tuple[subprocess.Popen[str], float]:
    """Start the server; return it, and the seconds until it said its address."""
    began = time.perf_counter()
    command = "from genarris_fw.cli.main import main; main()"
    words = ["serve-optimade", RUN, "--uri", uri, "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-c", command, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline().startswith("http://")
    return process, time.perf_counter() - began


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait()


def asked(port: int, query: dict[str, Any]) -> tuple[float, int]:
    """Return the seconds that an answer took, and how many structures its query finds."""
    began = time.perf_counter()
    with urlopen(f"http://127.0.0.1:{port}/v1/structures?{urlencode(query)}", timeout=120) as answer:
        content = answer.read()
    return time.perf_counter() - began, json.loads(content)["meta"]["data_returned"]


def measured(port: int, number: int) -> list[Bar]:
    bars = []
    for name, query in pages(number).items():
        found = [asked(port, query) for _ in range(TIMES)]
        most = quantile([seconds for seconds, _ in found], 0.95)
        details = {"median_ms": round(1e3 * quantile([s for s, _ in found], 0.5)), "found": found[0][1]}
        bars.append(Bar(name, f"p95 <= {1e3 * PAGE:.0f} ms", f"{1e3 * most:.0f} ms", most <= PAGE, details))
    return bars


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--number", type=int, default=10**5)
    arguments.add_argument("--port", type=int, default=8678)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--json", type=Path, default=Path("optimade.json"))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        with Server(folder, cache_gb=1.0).use() as uri:
            fill(uri, given.number)
            process, first = start(uri, given.port)
            stop(process)
            process, again = start(uri, given.port)
            try:
                bars = measured(given.port, given.number)
                memory = psutil.Process(process.pid).memory_info().rss / 1e6
            finally:
                stop(process)
    bars += [
        Bar("the index is made", f"<= {START:.0f} s", f"{first:.1f} s", first <= START),
        Bar("and found again", f"<= {AGAIN:.0f} s", f"{again:.1f} s", again <= AGAIN),
        Bar("memory", f"<= {MEMORY} MB", f"{memory:.0f} MB", memory <= MEMORY),
    ]
    for bar in bars:
        show(bar)
    write(bars, given.number < 10**5, given.json)
    print(machine(), os.path.relpath(given.json))


if __name__ == "__main__":
    main()
