"""A large pool as a data frame: ``run.pool(...).to_dataframe()``.

    python benchmarks/python_door.py                       # 10^5 structures (about a minute, most of it to fill)
    python benchmarks/python_door.py --number 10000
    python benchmarks/python_door.py --folder /tmp/kept    # fills the database there once, and keeps it

A real server is started in a folder and filled as by benchmarks/explorer.py: crystals of two urea molecules, 25
properties, a vector of 40 numbers, an energy with its source, some 3 kB each. Then a process of its own opens the run
and reads the pool, first into a data frame, then structure by structure. The bar: 5 s for the data frame of 10^5. The
memory is what the process takes beyond what it had before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from explorer import POOL, RUN, fill
from farm_table import Bar, machine, show

from genarris_fw.database.server import Server

SECONDS = 5.0
READER = """
import json, resource, sys, time
import genarris_fw as gfw

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

run = gfw.open(sys.argv[1], uri=sys.argv[2])
pool = run.pool(sys.argv[3])
import pandas
before, began, cpu = peak(), time.perf_counter(), time.process_time()
frame = pool.to_dataframe()
seconds, memory, cpu = time.perf_counter() - began, peak() - before, time.process_time() - cpu
began = time.perf_counter()
atoms = sum(len(structure) for structure, _ in zip(pool, range(10_000)))
each = time.perf_counter() - began
print(json.dumps({
    "rows": len(frame), "columns": frame.shape[1], "seconds": seconds, "cpu_seconds": cpu, "MB": memory, "atoms": atoms,
    "frame_MB": frame.memory_usage(deep=True).sum() / 2**20, "structures_per_second": min(len(frame), 10_000) / each,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, Server(options.folder or Path(temporary)).use() as uri:
        fill(uri, options.number)
        command = [sys.executable, "-c", READER, RUN, uri, POOL]
        told = subprocess.run(command, check=False, capture_output=True, text=True)
        if told.returncode:
            sys.exit(told.stderr)
    found = json.loads(told.stdout)
    assert found["rows"] == options.number and found["atoms"] == 16 * min(options.number, 10_000)
    bar = SECONDS * options.number / 100_000
    name = f"a data frame of {options.number:,} structures, {found['columns']} columns"
    show(Bar(name, f"<= {bar:g} s", f"{found['seconds']:.2f} s", found["seconds"] <= bar, found | machine()))


if __name__ == "__main__":
    main()
