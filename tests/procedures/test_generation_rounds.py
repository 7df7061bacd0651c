"""The rounds of a generation, without a database: draws that are made up, in any partition, give one pool."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genarris_fw.procedures.kit import generation_rounds
from genarris_fw.procedures.kit.generation_account import COMPARISON, read_account
from genarris_fw.procedures.kit.generation_rounds import Rounds

FIRST = 256


class MadeUp:
    """Groups with given yields: whether a draw gives a structure, and which, follows from its number alone."""

    def __init__(
        self,
        yields: dict[int, list[float]],
        wanted: int,
        *,
        kinds: dict[int, int] | None = None,
        mode: str = "packing",
        budget: int = 10**6,
        limit: int = 10**6,
        refill: bool = True,
        tolerance: float = 0.01,
    ) -> None:
        self.yields, self.kinds, self.mode = yields, kinds or {}, mode
        quota = -(-wanted // len(yields))
        self.plan: Any = SimpleNamespace(
            sites={group: ["site"] * len(sites) for group, sites in yields.items()},
            quotas=dict.fromkeys(yields, quota),
            budget=lambda group, mode: budget // len(yields[group]),
            refilled_to=wanted if refill else None,
            options=SimpleNamespace(
                max_draws_per_structure=limit,
                duplicate_tolerance=tolerance,
            ),
        )
        self.done: list[Any] = []
        self.failed: list[Any] = []
        self.draws = 0

    def gives(self, group: int, site: int, first: int, last: int) -> list[int]:
        """The draws of a range that give a structure."""
        rate = self.yields[group][site]
        if rate == 0.0:
            return []
        # A hash of the number, for all at once.
        d = np.arange(first, last, dtype=np.uint64) + np.uint64(1_000_003 * (1000 * group + site))
        for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
            d = (d ^ (d >> np.uint64(30))) * np.uint64(factor)
        return (first + np.flatnonzero((d >> np.uint64(11)) < rate * 2**53)).tolist()

    def begin(self) -> None:
        for group, sites in self.yields.items():
            quota, S = self.plan.quotas[group], len(sites)
            rows = sorted((d, s) for s in range(S) for d in self.gives(group, s, 0, FIRST))[:quota]
            draws = FIRST * S if len(rows) < quota else rows[-1][0] * S + rows[-1][1] + 1
            self._commit(f"{group:03d}", {"space_group": group}, rows, draws, mode=self.mode)

    def _commit(self, key: str, payload: dict[str, Any], rows: list[Any], draws: int, **more: Any) -> None:
        self.draws += draws
        outcome = {"accepted": [list(row) for row in rows], "draws": draws} | more
        self.done.append({"key": key, "payload": payload, "outcome": outcome})

    def rounds(self) -> Rounds:
        def records() -> list[Any]:
            return random.Random(1).sample(self.done, len(self.done))  # they come in any order

        return Rounds(self.plan, read_account(lambda group: len(self.yields[group]), records(), self.failed))

    def work(self, item: Any) -> None:
        task = item.payload
        if COMPARISON in task:
            found = {group: drawn.found for group, drawn in self.rounds().account.items()}
            duplicates = {
                str(group): self._same(group, found[group][:count].tolist()) for group, count in task[COMPARISON]
            }
            self.done.append({"key": item.key, "payload": task, "outcome": {"duplicates": duplicates}})
            return
        group, site, first = task["space_group"], task["site"], task["first"]
        assert task["quota"] > 0
        found = self.gives(group, site, first, first + task["size"])[: task["quota"]]
        draws = task["size"] if len(found) < task["quota"] else found[-1] - first + 1
        self._commit(item.key, task, [(d, site) for d in found], draws)

    def _same(self, group: int, numbers: list[int]) -> list[list[int]]:
        """A group may have few kinds of structures."""
        kinds, firsts, pairs = self.kinds.get(group), {}, []
        for place, number in enumerate(numbers):
            kind = number if kinds is None else hash((group, number)) % kinds
            if firsts.setdefault(kind, place) != place:
                pairs.append([place, firsts[kind]])
        return pairs

    def finish(self, fails: Callable[[Any], bool] = lambda item: False) -> Rounds:
        self.begin()
        seen: set[str] = set()
        for _ in range(60):
            rounds = self.rounds()
            new = [item for item in rounds.items if item.key not in seen]
            if not new:
                return rounds
            for item in new:
                seen.add(item.key)
                if fails(item):
                    self.failed.append({"key": item.key, "payload": item.payload})
                else:
                    self.work(item)
        raise AssertionError("it goes on and on")


def pool(rounds: Rounds) -> dict[int, list[int]]:
    """The numbers of the structures that are kept, by group."""
    kept = {}
    for group, drawn in rounds.account.items():
        count = rounds.count(group)
        kept[group] = drawn.found[:count][drawn.kept(count)].tolist()
    return kept


def size(rounds: Rounds) -> int:
    return sum(map(len, pool(rounds).values()))


YIELDS = {2: [0.5], 14: [0.3, 0.02], 19: [0.001], 33: [0.0], 61: [0.05, 0.0, 0.2]}


@pytest.mark.parametrize("per_item", [7, 100, 500])
def test_the_quota_keeps_the_lowest_draws_whatever_the_items(per_item, monkeypatch):
    monkeypatch.setattr(generation_rounds, "ACCEPTED_BY_AN_ITEM", per_item)
    made_up = MadeUp(YIELDS, 1000, refill=False, tolerance=0)
    kept = pool(made_up.finish())
    for group, sites in YIELDS.items():
        deep = 400_000 if group == 19 else 20_000
        all_of_it = sorted(d * len(sites) + s for s in range(len(sites)) for d in made_up.gives(group, s, 0, deep))
        assert kept[group] == all_of_it[:200]


def test_a_hopeless_group_is_given_up_and_a_poor_one_is_not():
    made_up = MadeUp(YIELDS, 1000, refill=False)
    rounds = made_up.finish()
    assert set(rounds.given_up) == {33}
    assert "more than" in rounds.given_up[33].reason
    assert 29_900 <= rounds.account[33].through <= 30_000  # packings; the budget is a million
    assert len(pool(rounds)[19]) == 200  # one of a thousand


def test_a_group_of_which_a_structure_takes_less_than_the_limit_is_never_given_up():
    made_up = MadeUp({2: [0.5], 19: [1e-4]}, 40, refill=False)
    rounds = made_up.finish()
    assert not rounds.given_up
    assert len(pool(rounds)[19]) == 20


def test_where_all_are_poor_none_is_given_up_before_its_attempts_are_spent():
    rounds = MadeUp({2: [0.0], 14: [0.0]}, 10, mode="rejection", budget=10**7).finish()
    assert not rounds.given_up
    assert {drawn.through for drawn in rounds.account.values()} == {10**7}


def test_the_users_limit_is_the_upper_one():
    rounds = MadeUp({2: [0.5], 14: [0.0]}, 10, budget=1000).finish()
    assert rounds.account[14].through == 1000
    assert "spent" in rounds.ended[14].reason


def test_what_empty_groups_and_duplicates_leave_open_is_refilled():
    made_up = MadeUp(YIELDS, 1000, kinds={2: 150})
    rounds = made_up.finish()
    assert size(rounds) >= 1000
    assert len(pool(rounds)[2]) <= 150
    assert len(pool(rounds)[33]) == 0
    without = MadeUp(YIELDS, 1000, kinds={2: 150}, refill=False)
    assert size(without.finish()) < 850


@pytest.mark.parametrize("wanted", [1, 7, 50, 333])
def test_no_more_than_a_few_are_made_in_vain(wanted):
    rounds = MadeUp(YIELDS, wanted).finish()
    assert wanted <= size(rounds) <= 1.1 * wanted + len(YIELDS)


def test_where_no_group_has_more_to_give_it_ends():
    made_up = MadeUp({205: [0.9]}, 12, kinds={205: 1})
    rounds = made_up.finish()
    assert size(rounds) == 1
    assert rounds.count(205) < 500


def test_refilling_is_the_same_whatever_the_items(monkeypatch):
    pools = []
    for per_item in (20, 500):
        monkeypatch.setattr(generation_rounds, "ACCEPTED_BY_AN_ITEM", per_item)
        monkeypatch.setattr(generation_rounds, "COMPARED_BY_AN_ITEM", 5 * per_item)
        pools.append(pool(MadeUp(YIELDS, 1000, kinds={2: 150, 61: 400}).finish()))
    assert pools[0] == pools[1]


def test_an_item_that_failed_for_good_leaves_a_gap_and_no_more():
    made_up = MadeUp(YIELDS, 1000)
    rounds = made_up.finish(fails=lambda item: item.payload.get("space_group") == 61 and item.payload["site"] == 2)
    assert size(rounds) >= 1000
    assert len(pool(rounds)[61]) > 0


def test_a_group_whose_first_item_failed_is_left_out():
    made_up = MadeUp(YIELDS, 1000)
    made_up.begin()
    made_up.done = [record for record in made_up.done if record["payload"].get("space_group") != 2]
    made_up.failed = [{"key": "002", "payload": {"space_group": 2}}]
    rounds = made_up.rounds()
    assert "failed" in rounds.ended[2].reason
    assert all(item.payload.get("space_group") != 2 for item in rounds.items)


def test_the_lanes_of_an_earlier_version_are_read():
    """Its items leave gaps, and its rows hold the ids."""
    made_up = MadeUp({14: [0.1]}, 2000, refill=False, tolerance=0)
    made_up.begin()
    for record in made_up.done:
        record["outcome"]["accepted"] = [[*row, "geometry_x"] for row in record["outcome"]["accepted"]]
    lane = {"space_group": 14, "mode": "packing", "site": 0, "first": 4096, "size": 1000, "lanes": 2, "lane": 1}
    rows = [[d, 0, "geometry_x"] for d in made_up.gives(14, 0, 4096, 5096)]
    outcome = {"accepted": rows, "draws": 1000}
    made_up.done.append({"key": "014-000-00000000004096", "payload": lane, "outcome": outcome})
    rounds = made_up.rounds()
    assert rounds.account[14].through == FIRST
    assert rounds.items[0].payload["first"] == FIRST
    ranges = [(item.payload["first"], item.payload["first"] + item.payload["size"]) for item in rounds.items]
    assert not any(first < 5096 and last > 4096 for first, last in ranges)
