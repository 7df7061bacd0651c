"""Rounds of work items: planned where nobody looks, counted when they are recorded, whoever planned them."""

from __future__ import annotations

import pytest

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.leases import LeaseLost, lease_id
from genarris_fw.catalogue.work_items import Item

RUN, STEP, OWNER = "urea", "rdf", "me"
GATE = lease_id(RUN, STEP, "gate", 0)


def states(catalogue: Catalogue) -> dict[str, str]:
    return {record["key"]: record["state"] for record in catalogue.work_items.collection.find({})}


def items(*keys: str, **payload: object) -> list[Item]:
    return [Item(key, dict(payload)) for key in keys]


def take(catalogue: Catalogue) -> int:
    token = catalogue.leases.take(RUN, STEP, "gate", 1, 1, OWNER, -1.0)  # expired at once: anybody may take it over
    assert token is not None
    return token


def test_what_is_planned_counts_for_nothing(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    assert work.plan(RUN, STEP, items("a", "b"), 0, 1) == 2
    assert not work.unfinished(RUN, STEP) and work.claim(RUN, STEP, OWNER, 9, 60) == []
    assert work.claim(RUN, STEP, OWNER, 1, 60) == []
    assert set(work.counts(RUN, STEP).values()) == {0}
    assert work.release(RUN, STEP, 0, 1) == 2 and work.release(RUN, STEP, 0, 1) == 0
    assert len(work.claim(RUN, STEP, OWNER, 9, 60)) == 2


def test_planned_again_by_the_same_holder_is_planned_once(catalogue: Catalogue) -> None:
    assert [catalogue.work_items.plan(RUN, STEP, items("a", "b"), 1, 4) for _ in range(2)] == [2, 2]
    assert catalogue.work_items.collection.count_documents({}) == 2


def test_a_later_holder_takes_over_what_an_overtaken_one_planned(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    work.plan(RUN, STEP, items("a", "b", "only of the first", by="first"), 1, 1)
    assert work.plan(RUN, STEP, items("a", "b", "c", by="second"), 1, 2) == 3
    assert work.plan(RUN, STEP, items("a", "c", by="first"), 1, 1) == 0  # it wakes up, and goes on inserting
    assert work.release(RUN, STEP, 1, 2) == 3
    assert states(catalogue) == {"a": "waiting", "b": "waiting", "c": "waiting", "only of the first": "planned"}
    assert {item.payload["by"] for item in work.claim(RUN, STEP, OWNER, 9, 60)} == {"second"}
    assert work.forget_planned(RUN, STEP, {"round": 1, "token": 2}) == 0
    assert work.forget_planned(RUN, STEP, {"round": 1, "token": 1}) == 1


def test_what_is_removed_while_it_is_taken_over_is_planned_nevertheless(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overtaken holder learns that it was, and removes what it planned, just after a later one has met it."""
    work = catalogue.work_items
    work.plan(RUN, STEP, items("a", "b"), 1, 1)
    insert = work._insert

    def met_and_gone(batch: list[dict]) -> list[dict]:
        there = insert(batch)
        work.forget_planned(RUN, STEP, {"round": 1, "token": 1})
        return there

    monkeypatch.setattr(work, "_insert", met_and_gone)
    assert work.plan(RUN, STEP, items("a", "b"), 1, 2) == 2
    assert work.release(RUN, STEP, 1, 2) == 2


def test_items_that_are_there_already_stay_as_they_are(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    work.insert(RUN, STEP, items("done", "waits"))
    [item] = [item for item in work.claim(RUN, STEP, OWNER, 9, 60) if item.key == "done"]
    work.commit(RUN, STEP, OWNER, [(item, {"x": 1}, Cost(0.1))])
    work.give_back(OWNER)
    assert work.plan(RUN, STEP, items("done", "waits", "new"), 1, 7) == 1
    assert states(catalogue) == {"done": "done", "waits": "waiting", "new": "planned"}


def test_only_who_holds_the_lease_records_a_round(catalogue: Catalogue) -> None:
    first = take(catalogue)
    second = take(catalogue)
    with pytest.raises(LeaseLost):
        catalogue.leases.record_round(GATE, first, 1, 5, "first")
    catalogue.leases.record_round(GATE, second, 1, 5, "second")
    assert catalogue.leases.decisions(GATE)["rounds"] == {"1": {"token": second, "items": 5, "by": "second"}}


def test_only_who_holds_the_lease_decides_the_result_and_only_once(catalogue: Catalogue) -> None:
    first = take(catalogue)
    second = take(catalogue)
    with pytest.raises(LeaseLost):
        catalogue.leases.commit(GATE, first, {"parts": []})
    assert "committed" not in catalogue.leases.decisions(GATE)
    catalogue.leases.commit(GATE, second, {"parts": [1]})
    for decide in (
        lambda: catalogue.leases.commit(GATE, second, {"parts": [2]}),
        lambda: catalogue.leases.record_round(GATE, second, 2, 1, OWNER),
    ):
        with pytest.raises(LeaseLost):
            decide()
    assert catalogue.leases.decisions(GATE)["committed"] == {"parts": [1], "token": second}
    third = take(catalogue)  # who takes it over makes the same result visible
    assert catalogue.leases.decisions(GATE)["committed"]["token"] == second
    catalogue.leases.collected(GATE, third)
    assert catalogue.leases.decisions(GATE).get("committed") is None


def test_a_new_try_of_a_step_has_tokens_above_all_of_the_old_one(catalogue: Catalogue) -> None:
    for _ in range(4):
        take(catalogue)
    catalogue.leases.take(RUN, STEP, "plan", 1, 1, OWNER, 60)
    assert catalogue.leases.reopen(RUN, STEP) == {"gate": 5, "plan": 5}
    plan = catalogue.leases.take(RUN, STEP, "plan", 1, 1, OWNER, 60)
    assert plan == 6
    catalogue.leases.open(RUN, STEP, "gate", 0, above=plan)
    assert take(catalogue) == 7


def test_what_follows_from_an_item_is_part_of_its_commit(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    work.insert(RUN, STEP, items("a"))
    [mine] = work.claim(RUN, STEP, OWNER, 1, 60)
    work.release_lost(OWNER)
    [theirs] = work.claim(RUN, STEP, "another", 1, 60)
    # The first one was overtaken: neither its outcome nor what follows from it counts.
    assert work.commit(RUN, STEP, OWNER, [(mine, {}, Cost(0.1))], {"a": items("mine")}) == 0
    assert work.settle(RUN, STEP) == 0
    assert work.commit(RUN, STEP, "another", [(theirs, {"n": 1}, Cost(0.1))], {"a": items("theirs")}) == 1
    assert states(catalogue) == {"a": "committed"}
    assert work.unfinished(RUN, STEP) and work.counts(RUN, STEP)["leased"] == 1
    assert [record["outcome"] for record in work.outcomes(RUN, STEP)] == [{"n": 1}]
    assert work.settle(RUN, STEP) == 1 and work.settle(RUN, STEP) == 0  # by anybody
    assert states(catalogue) == {"a": "done", "theirs": "waiting"}


def test_what_follows_counts_where_an_overtaken_holder_had_only_planned_it(catalogue: Catalogue) -> None:
    work = catalogue.work_items
    work.plan(RUN, STEP, items("b", by="overtaken"), 1, 1)
    work.insert(RUN, STEP, items("b", by="another"))
    assert states(catalogue) == {"b": "waiting"}
    assert work.claim(RUN, STEP, OWNER, 1, 60)[0].payload == {"by": "another"}


def test_the_runs_document_refuses_lower_tokens(catalogue: Catalogue) -> None:
    catalogue.runs.create(RUN, {}, begun_by=1)
    catalogue.runs.step_finished(RUN, STEP, {"n": 1}, guard="rdf gate", token=1, pools={"a.b": 3}, published=1)
    catalogue.runs.fence(RUN, "rdf gate", 3)
    with pytest.raises(LeaseLost):
        catalogue.runs.step_finished(RUN, STEP, {"n": 2}, guard="rdf gate", token=2)
    with pytest.raises(LeaseLost):
        catalogue.runs.failed(RUN, STEP, "too late", "rdf gate", 2)
    record = catalogue.runs.get(RUN)
    assert (record["summaries"], record["state"], record["pools"]) == ({STEP: {"n": 1}}, "running", {"a.b": 3})
    assert record["published"] == {"rdf gate": 1}
    catalogue.runs.failed(RUN, STEP, "in time", "rdf gate", 3)
    assert catalogue.runs.get(RUN)["state"] == "failed"


def test_members_of_a_pool_stay_as_a_newer_token_has_left_them(catalogue: Catalogue) -> None:
    structures = catalogue.structures
    catalogue.runs.create(RUN, {}, begun_by=1)
    structures.write_new(RUN, STEP, [({"struct_id": name}, 1) for name in "abc"])
    structures.replace_members(RUN, "pool", ["a", "b"], ("rdf gate", 2))
    structures.replace_members(RUN, "pool", ["b", "c"], ("rdf gate", 1))  # of one that woke up
    assert structures.pool_ids(RUN, "pool") == ["a", "b", "c"]  # c had never been written: it knows no newer token
    structures.replace_members(RUN, "pool", ["a"], ("rdf gate", 3))
    assert structures.pool_ids(RUN, "pool") == ["a"]


def test_what_no_pool_of_a_finished_run_holds_is_kept_apart_and_comes_back(catalogue: Catalogue) -> None:
    structures = catalogue.structures
    structures.write_new(RUN, STEP, [({"struct_id": name}, 1) for name in "abc"])
    structures.add_members(RUN, "pool", ["a"])
    for _ in range(2):
        structures.set_aside(RUN)
        assert [record["struct_id"] for record in structures.collection.find({})] == ["a"]
        assert sorted(record["struct_id"] for record in structures.spare.find({})) == ["b", "c"]
    for _ in range(2):
        structures.take_back(RUN)
        assert structures.collection.count_documents({}) == 3 and structures.spare.count_documents({}) == 0
