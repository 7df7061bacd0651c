"""Kills and freezes, mixed, until so many signals were sent; every run's result against an undisturbed one.

python benchmarks/signals.py --signals 1000 --seed 1             # half under genarris-fw run, half under rlaunch multi
python benchmarks/signals.py --signals 100 --way run --number 1500
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

from freezing import differences
from signalled import WAYS, Signalled, undisturbed

SIGNALS_PER_RUN = 15


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=1000, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--way", choices=WAYS, help="only under this; default: in turn")
    parser.add_argument("--number", type=int, default=250, help="structures of a run")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no run after so long")
    parser.add_argument("--json", type=Path, help="also write the numbers into this file")
    given = parser.parse_args()
    ways, begun, sent, rows = [given.way] if given.way else list(WAYS), time.monotonic(), Counter(), []
    with tempfile.TemporaryDirectory() as name:
        reference = undisturbed(Path(name) / "undisturbed", given.number)
        print("| run | under | kills | freezes | exit code | result | seconds |\n" + "|---" * 7 + "|", flush=True)
        while sum(sent.values()) < given.signals and time.monotonic() - begun < given.seconds:
            k, since = len(rows), time.monotonic()
            run = Signalled(Path(name) / f"run-{k}", ways[k % len(ways)], 1000 * given.seed + k, given.number)
            try:
                code = run.go(SIGNALS_PER_RUN)
                different = differences(reference, run.result())
            finally:
                run.close()
            sent += run.sent
            said = "as undisturbed" if not different else f"OTHER: {', '.join(different)}"
            rows.append({"way": run.way, **run.sent, "code": code, "different": sorted(different)})
            print(
                f"| {k} | {run.way} | {run.sent['kill']} | {run.sent['freeze']} | {code} | {said} "
                f"| {time.monotonic() - since:.0f} |",
                flush=True,
            )
            if different:
                print(json.dumps(different, default=str)[:3000], flush=True)
    bad = sum(bool(row["different"]) for row in rows)
    print(f"\n{len(rows)} runs, {sum(sent.values())} signals ({dict(sent)}): {bad} with another result")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
