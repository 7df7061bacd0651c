"""Measure the farm against its bars, on an embedded database, and plain FireWorks beside it.

python benchmarks/farm.py                                  # everything: about half an hour on a machine without load
python benchmarks/farm.py --small                          # a smoke test: some minutes
python benchmarks/farm.py --only throughput,latency --json farm.json
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("GENARRIS_FW_ALLOW", "sleepy.Sleepy")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

import farm_faults
import farm_speed
import farm_status
from farm_speed import SMALL, Place, Sizes
from farm_table import Bar, machine, show, write

from genarris_fw.database.server import Server

PARTS: dict[str, Callable[[Place], Bar]] = {
    "throughput": farm_speed.throughput,
    "adding": farm_speed.adding,
    "roundtrips": farm_speed.round_trips,
    "latency": farm_speed.latency,
    "overhead": farm_speed.overhead,
    "status": farm_status.status,
    "lost": farm_faults.lost_worker,
    "kills": farm_faults.kills,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas: " + ", ".join(PARTS))
    parser.add_argument("--small", action="store_true", help="reduced sizes; the bars are not those of the full ones")
    parser.add_argument("--json", type=Path, help="also write the numbers into this file")
    parser.add_argument("--profile", help="write a cProfile of one replica of the throughput into this file")
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    print(f"{machine()}\n\n| what | bar | measured | |\n|---|---|---|---|", flush=True)
    bars = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        with server.use() as uri:
            place = Place(uri, server.status()["pid"], SMALL if given.small else Sizes())
            for name in names:
                if name == "throughput":
                    bars.append(farm_speed.throughput(place, given.profile))
                else:
                    bars.append(PARTS[name](place))
                show(bars[-1])
                if given.json:
                    write(bars, given.small, given.json)
    missed = [bar.name for bar in bars if not bar.met]
    print(f"\n{len(bars) - len(missed)} of {len(bars)} bars met" + (f"; not: {'; '.join(missed)}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
