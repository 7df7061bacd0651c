"""What attempts on work items cost: as they are written, and as one query sums them."""

import random
from collections import defaultdict

import pytest

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import BROKEN_OFF, DONE, FAILED, Cost
from genarris_fw.catalogue.work_items import Item
from genarris_fw.owner import user_name

RUN, STEP = "urea", "relaxation"
OWNERS = ("node1:1:1:1:aa", "node1:2:1:2:bb", "node2:1:1:3:cc")


def by_end(catalogue: Catalogue, run: str = RUN) -> dict[str, dict]:
    return {row["end"]: row for row in catalogue.item_costs.attempts(run)}


def test_every_attempt_of_an_item_counts_with_whoever_made_it(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    catalogue.replicas.begin(OWNERS[0], RUN, STEP, "gate", 1, cores=4)
    work.insert(RUN, STEP, [Item("a", {"struct_id": "a"})])
    [item] = work.claim(RUN, STEP, OWNERS[0], 1, 60)
    assert work.fail(RUN, STEP, OWNERS[0], item, "$no", 3, cost=Cost(7.0, 20.0, 4)) == "waiting"
    [item] = work.claim(RUN, STEP, OWNERS[1], 1, 60)
    work.broken_off(RUN, STEP, OWNERS[1], item, Cost(2.0, 1.5, 2))
    work.give_back(OWNERS[1])
    [item] = work.claim(RUN, STEP, OWNERS[2], 1, 60)
    assert work.commit(RUN, STEP, OWNERS[2], [(item, {}, Cost(3.0, 2.5, 1))]) == 1

    found = by_end(catalogue)
    assert {end: (row["owner"], row["host"]) for end, row in found.items()} == {
        FAILED: (OWNERS[0], "node1"),
        BROKEN_OFF: (OWNERS[1], "node1"),
        DONE: (OWNERS[2], "node2"),
    }
    assert {end: (row["seconds"], row["core_seconds"], row["cpu_seconds"]) for end, row in found.items()} == {
        FAILED: (7.0, 28.0, 20.0),
        BROKEN_OFF: (2.0, 4.0, 1.5),
        DONE: (3.0, 3.0, 2.5),
    }
    assert (found[FAILED]["user"], found[DONE]["user"]) == (user_name(), None)  # the other replica has left nothing
    [dearest] = catalogue.item_costs.dearest(RUN, [STEP], 5)
    assert dearest == {"struct_id": "a", "attempts": 3, "seconds": 12.0, "core_seconds": 35.0}
    assert catalogue.item_costs.attempts("another") == []


def test_who_was_overtaken_adds_no_cost(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    work.insert(RUN, STEP, [Item("a")])
    [stale] = work.claim(RUN, STEP, OWNERS[0], 1, 60)
    work.release_lost(OWNERS[0])
    [held] = work.claim(RUN, STEP, OWNERS[1], 1, 60)
    work.broken_off(RUN, STEP, OWNERS[0], stale, Cost(9.0, 9.0, 1))
    work.fail(RUN, STEP, OWNERS[0], stale, "late", 3, cost=Cost(9.0, 9.0, 1))
    work.commit(RUN, STEP, OWNERS[0], [(stale, {}, Cost(9.0, 9.0, 1))])
    assert catalogue.item_costs.attempts(RUN) == []
    work.commit(RUN, STEP, OWNERS[1], [(held, {}, Cost(1.0, 1.0, 1))])
    assert by_end(catalogue)[DONE]["seconds"] == 1.0


def test_items_of_an_older_version_answer_with_what_they_have(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    work.insert(RUN, STEP, [Item("old"), Item("given up"), Item("waits")])
    items = {item.key: item for item in work.claim(RUN, STEP, OWNERS[0], 3, 60)}
    work.commit(RUN, STEP, OWNERS[0], [(items["old"], {}, Cost(2.5))])
    work.fail(RUN, STEP, OWNERS[0], items["given up"], "no", 1)
    [row] = catalogue.item_costs.attempts(RUN)
    assert row | {"owner": "", "end": ""} == {
        "step": STEP, "owner": "", "end": "", "host": "node1", "user": None,
        "attempts": 1, "seconds": 2.5, "core_seconds": 2.5, "cpu_seconds": 0, "cores": 0, "cpu": 0,
    }  # fmt: skip
    stored = work.collection.find_one({"key": "old"})
    assert "cores" not in stored and "cpu_seconds" not in stored and "spent" not in stored


def test_the_sums_are_those_of_the_attempts_one_by_one(catalogue: Catalogue) -> None:
    """Some hundred attempts at random, summed here as they are made."""
    rng, work = random.Random(7), catalogue.work_items
    sums: dict[tuple, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    of_structure: dict[str, float] = defaultdict(float)
    for step in ("one", "two"):
        work.insert(RUN, step, [Item(f"{i:02d}", {"struct_id": f"s{i % 7}"}) for i in range(40)])
    for _ in range(300):
        step, owner = rng.choice(("one", "two")), rng.choice(OWNERS)
        for item in work.claim(RUN, step, owner, 1, 60):
            cost = Cost(rng.uniform(0, 9), rng.uniform(0, 9), rng.randint(1, 8))
            end = rng.choice((DONE, FAILED, BROKEN_OFF))
            if end == DONE:
                work.commit(RUN, step, owner, [(item, {}, cost)])
            elif end == FAILED:
                work.fail(RUN, step, owner, item, "no", 9, cost=cost)
            else:
                work.broken_off(RUN, step, owner, item, cost)
                work.give_back(owner)
            total = sums[step, end, owner]
            total[0] += 1
            total[1] += cost.seconds * (cost.cores or 0)
            total[2] += cost.cpu_seconds or 0.0
            of_structure[item.payload["struct_id"]] += cost.seconds * (cost.cores or 0)
    found = {
        (row["step"], row["end"], row["owner"]): [row["attempts"], row["core_seconds"], row["cpu_seconds"]]
        for row in catalogue.item_costs.attempts(RUN)
    }
    assert len(sums) > 12 and found.keys() == sums.keys()
    for key, total in sums.items():
        assert found[key] == pytest.approx(total)
    dearest = catalogue.item_costs.dearest(RUN, ["one", "two"], 5)
    expected = sorted(of_structure.items(), key=lambda pair: -pair[1])[:5]
    assert [row["struct_id"] for row in dearest] == [name for name, _ in expected]
    assert [row["core_seconds"] for row in dearest] == pytest.approx([total for _, total in expected])


def test_the_time_of_replicas_ends_where_they_were_last_seen(catalogue: Catalogue) -> None:
    replicas = catalogue.replicas
    for owner in OWNERS:
        replicas.begin(owner, RUN, STEP, "side", 1, cores=2)
        replicas.collection.update_one(
            {"_id": owner}, [{"$set": {"started": {"$subtract": ["$seen", 10_000]}, "seconds": 6.0}}]
        )
    replicas.lost(OWNERS[0])
    replicas.end(OWNERS[1])
    replicas.lost(OWNERS[1])  # it had ended before somebody found its lease expired
    records = {record["_id"]: record for record in replicas.collection.find()}
    assert records[OWNERS[0]]["lost"] and not records[OWNERS[1]]["lost"]
    assert records[OWNERS[0]]["ended"] == records[OWNERS[0]]["seen"]
    [node1, node2] = replicas.held(RUN)
    assert (node1["host"], node1["replicas"], node1["lost"]) == ("node1", 2, 1)
    assert node1["lost_core_seconds"] == pytest.approx(20.0) and node1["lost_known"] == pytest.approx(12.0)
    assert node1["core_seconds"] >= 40.0  # the second one ended when it was told to, some milliseconds later
    assert (node2["replicas"], node2["lost"], node2["core_seconds"]) == (1, 0, pytest.approx(20.0))
