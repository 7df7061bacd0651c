"""Measure the engines against their bars.

python benchmarks/engines.py                                   # everything: hours on a machine without load
python benchmarks/engines.py --small                           # a smoke test: some minutes
python benchmarks/engines.py --only farm,lattice --json engines.json
python benchmarks/engines.py --only relaxation --crystals 6 --no-plain
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

# Read by the numerical libraries when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

import engines_farm
import engines_numbers
import engines_relaxation
from farm_table import Bar, machine, show, write

from genarris_fw import engines

Part = Callable[[argparse.Namespace], list[Bar | None]]
PARTS: dict[str, Part] = {
    "farm": lambda given: [*engines_farm.farm(8 if given.small else 100)],
    "relaxation": lambda given: [
        engines_relaxation.relaxations(2 if given.small else given.crystals, given.width, not given.no_plain)
    ],
    "lattice": lambda given: [engines_numbers.lattice_energies(*([("urea", "benzene")] if given.small else []))],
    "parsing": lambda given: [engines_numbers.parsing(1.0 if given.small else 5.0)],
    "glycine": lambda given: [engines_numbers.glycine(relax=not given.small)],
    "aluminium": lambda given: [engines_numbers.aluminium()],
    "silicon": lambda given: [None if given.small else engines_numbers.silicon()],
}
NEEDS = {"aluminium": "lapw", "silicon": "lapw"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas: " + ", ".join(PARTS))
    parser.add_argument("--small", action="store_true", help="reduced sizes; the bars are not those of the full ones")
    parser.add_argument("--crystals", type=int, default=20, help="how many are relaxed, 20 at most")
    parser.add_argument("--width", type=float, default=6.0, help="min_width of the supercells in the relaxations, Å")
    parser.add_argument("--no-plain", action="store_true", help="relax with the engine only, not with ASE's BFGS")
    parser.add_argument("--json", type=Path, help="also write the numbers into this file")
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    print(f"{machine()}\n\n| what | bar | measured | |\n|---|---|---|---|", flush=True)
    bars: list[Bar] = []
    for name in names:
        available, remark = engines.installed()[NEEDS.get(name, "tblite")]
        found = PARTS[name](given) if available else [None]
        if found == [None]:
            print(f"    {name}: left out" + ("" if available else f" ({remark})"), flush=True)
        for bar in filter(None, found):
            bars.append(bar)
            show(bar)
        if given.json:
            write(bars, given.small, given.json)
    missed = [bar.name for bar in bars if not bar.met]
    print(f"\n{len(bars) - len(missed)} of {len(bars)} bars met" + (f"; not: {'; '.join(missed)}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
