"""What the database spends on the farm's operations: the processor seconds of the embedded server, one client.

python benchmarks/farm_costs.py
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from farm_replicas import LEASE_SECONDS, STEP, catalogue_at, make_run
from farm_speed import SMALL, Place
from farm_table import machine

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.work_items import Item
from genarris_fw.database.server import Server

RUN, OWNER, WAITING = "costs", "here:1:1:1:costs", 100_000
FEW, MANY = 4, 100  # items of a claim: on items of a second, and the most
TIMES = {FEW: 600, MANY: 100}


def measured(waiting: int = WAITING) -> dict[str, float]:
    """Return seconds of the server's processors for every operation, and per item of it (`farm_model.Costs`)."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        with server.use() as uri:
            make_run(uri, RUN, waiting)
            place = Place(uri, server.status()["pid"], SMALL)
            with catalogue_at(uri) as catalogue:
                return _measure(place, catalogue)


def _measure(place: Place, catalogue: Catalogue) -> dict[str, float]:
    items, costs = catalogue.work_items, {}
    by_size: dict[tuple[str, int], float] = {}

    def claim(size: int) -> list[Item]:
        return items.claim(RUN, STEP, OWNER, size, LEASE_SECONDS)

    for size, times in TIMES.items():
        claims: list[list[Item]] = []
        by_size["claim", size] = _cost(place, times, lambda: claims.append(claim(size)))  # noqa: B023
        by_size["commit", size] = _cost(
            place,
            times,
            lambda: items.commit(RUN, STEP, OWNER, [(item, {"number": 1}, Cost(1.0)) for item in claims.pop()]),  # noqa: B023
        )
    for size in (0, MANY):
        if size:
            claim(size)
        by_size["renew", size] = _cost(
            place, 500, lambda: (catalogue.leases.renew(OWNER, 60.0), items.renew(OWNER, 60.0))
        )
    for name, few in (("claim", FEW), ("commit", FEW), ("renew", 0)):
        per_item = max(0.0, (by_size[name, MANY] - by_size[name, few]) / (MANY - few))
        costs[name] = max(0.0, by_size[name, few] - few * per_item)
        costs[f"{name}_item"] = per_item
    catalogue.replicas.begin(OWNER, RUN, STEP, "side", 1)
    one, thousands = (_cost(place, 200, lambda: items.waiting(RUN, STEP, 1.0, n)) for n in (1, 10_000))  # noqa: B023
    costs["look"], costs["look_item"] = one, (thousands - one) / 10_000
    costs["tally"] = _cost(place, 1000, lambda: catalogue.replicas.tally(OWNER, 1, 0, 1.0))
    return costs


def _cost(place: Place, times: int, operation: Callable[[], object]) -> float:
    """Return the processor seconds that the server spends on an operation."""
    before = place.server_seconds()
    for _ in range(times):
        operation()
    time.sleep(0.2)  # what it does behind is part of it
    return (place.server_seconds() - before) / times


if __name__ == "__main__":
    print(machine())
    print(json.dumps({name: round(seconds, 6) for name, seconds in measured().items()}, indent=1))
