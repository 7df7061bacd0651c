"""Where does the farm saturate with thousands of replicas? The model is in `farm_model.py`.

python benchmarks/simulate_farm.py                    # the table over replicas and seconds per item
python benchmarks/simulate_farm.py --whole            # also 1,000 replicas x 10^6 items from begin to end, with kills
python benchmarks/simulate_farm.py --measure          # with the costs measured here and now, not the written ones
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from farm_model import Costs, Setting, Simulation, saturation

WARM_UP = 60.0
MOST_OPERATIONS = 200_000


def table(numbers: list[int], times: list[float], given: Setting) -> list[dict[str, Any]]:
    """Simulate every number of replicas with every time of an item; print a line each."""
    print("| seconds per item | replicas | items/s | of the ideal | database busy | replica idle | claim p50 | p99 |")
    print("|---" * 8 + "|")
    rows = []
    for seconds in times:
        limit = saturation(seconds, given.slots, given.costs, given.lease)
        for number in numbers:
            until = WARM_UP + max(60.0, 4 * seconds)
            changed = {"replicas": number, "seconds": seconds, "until": until, "warm_up": WARM_UP}
            setting = Setting(**{**vars(given), **changed, "items": 10**8 // 2, "operations": MOST_OPERATIONS})
            found = Simulation(setting).run()
            rows.append({"seconds": seconds, "replicas": number, "saturates at": round(limit), **asdict(found)})
            ideal = number / seconds
            print(
                f"| {seconds:g} | {number:,} | {found.throughput:,.1f} | {100 * found.throughput / ideal:.0f} % | "
                f"{100 * found.database:.0f} % | {100 * found.idle:.1f} % | {1e3 * found.claim_p50:.1f} ms | "
                f"{1e3 * found.claim_p99:.1f} ms |",
                flush=True,
            )
        print(f"|  | saturates at {limit:,.0f} replicas, {limit / seconds:,.0f} items/s | | | | | | |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, nargs="+", default=[10, 100, 1000, 3000, 10_000])
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.1, 1.0, 10.0, 100.0])
    parser.add_argument("--slots", type=int, default=2, help="cores of the database")
    parser.add_argument("--network", type=float, default=0.5, help="milliseconds of a round trip")
    parser.add_argument("--lease", type=float, default=60.0)
    parser.add_argument("--kills", type=float, default=0.1, help="kills per replica and hour")
    parser.add_argument("--costs", type=json.loads, default={}, help='as {"claim": 0.002, "commit_item": 0.0001}')
    parser.add_argument("--measure", action="store_true", help="measure the costs on an embedded server first")
    parser.add_argument("--whole", action="store_true", help="also 1,000 replicas x 10^6 items of a second")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    costs = Costs(**given.costs)
    if given.measure:
        from farm_costs import measured

        costs = Costs(**measured())
    print(f"costs in ms: { {name: round(1e3 * value, 3) for name, value in asdict(costs).items()} }\n")
    setting = Setting(slots=given.slots, network=given.network / 1e3, lease=given.lease, kills=given.kills, costs=costs)
    rows = table(given.replicas, given.seconds, setting)
    if given.whole:
        found = Simulation(Setting(**{**vars(setting), "replicas": 1000, "items": 1_000_000, "seconds": 1.0})).run()
        rows.append({"whole": True, **asdict(found)})
        print(f"\n1,000 replicas x 1,000,000 items of 1 s, {given.kills:g} kills per replica and hour: {found}")
    if given.json:
        given.json.write_text(json.dumps({"costs": asdict(costs), "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
