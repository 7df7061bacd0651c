"""Who works on which step, and how much each has done."""

from datetime import datetime, timedelta, timezone

import pytest

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.replicas import SECONDS_UNSEEN, WINDOW_SECONDS, summed
from genarris_fw.catalogue.work_items import Item
from genarris_fw.owner import user_name

RUN, STEP = "$urea", "rdf"  # a run's name may be anything
ONE, TWO = "node1:11:1:5:aa", "node2:22:1:6:bb"


@pytest.fixture
def replicas(catalogue: Catalogue):
    for number, owner in enumerate((ONE, TWO)):
        catalogue.replicas.begin(owner, RUN, STEP, "side", 5 + number)
    return catalogue.replicas


def past(replicas, owner: str, **seconds: float) -> None:
    """Move dates of a replica back by so many seconds."""
    record = replicas.collection.find_one({"_id": owner})
    dates = {}
    for word, by in seconds.items():
        name = word.replace("_", ".")
        value = record[name.split(".")[0]]
        dates[name] = (value["at"] if "." in name else value) - timedelta(seconds=by)
    replicas.collection.update_one({"_id": owner}, {"$set": dates})


def test_beginning_again_changes_nothing_but_that_it_was_seen(replicas) -> None:
    replicas.tally(ONE, 3, 1, 4.5)
    before = replicas.collection.find_one({"_id": ONE})
    replicas.begin(ONE, RUN, STEP, "side", 5)
    after = replicas.collection.find_one({"_id": ONE})
    assert after["seen"] >= before.pop("seen")
    assert before.items() <= after.items()
    assert before == {
        "_id": ONE, "run": RUN, "step": STEP, "role": "side", "host": "node1", "fw_id": 5,
        "user": user_name(), "started": before["started"], "done": 3, "failed": 1, "seconds": 4.5,
        "past": {"done": 0, "at": before["started"]}, "mark": {"done": 0, "at": before["started"]},
    }  # fmt: skip
    assert abs(before["started"].replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)) < timedelta(seconds=20)
    assert [record["_id"] for record in replicas.of_step(RUN, STEP)] == [ONE, TWO]
    assert replicas.of_step(RUN, "other") == []


def test_a_tally_sent_twice_counts_once(replicas) -> None:
    for _ in range(2):
        replicas.tally(ONE, 10, 2, 5.0)
    replicas.tally(TWO, 1, 0, 2.0)
    found = replicas.hosts(RUN)
    assert [{name: host[name] for name in ("host", "replicas", "done", "failed", "seconds")} for host in found] == [
        {"host": "node1", "replicas": 1, "done": 10, "failed": 2, "seconds": 5.0},
        {"host": "node2", "replicas": 1, "done": 1, "failed": 0, "seconds": 2.0},
    ]
    [step] = summed(replicas.tallies(RUN), "step")
    assert (step["step"], step["done"], step["failed"], step["replicas"]) == (STEP, 11, 2, 2)
    replicas.tally("nobody:1:1:1:x", 5, 0, 1.0)  # it never began: nothing to count
    assert replicas.collection.count_documents({}) == 2


def test_the_rate_is_that_of_the_last_minutes(replicas) -> None:
    past(replicas, ONE, started=1000, past_at=1000, mark_at=1000)
    replicas.tally(ONE, 900, 0, 1.0)  # the first tally for long: the window moves
    record = replicas.collection.find_one({"_id": ONE})
    assert (record["past"]["done"], record["mark"]["done"]) == (0, 900)
    assert replicas.hosts(RUN)[0]["rate"] == pytest.approx(0.9, rel=0.02)
    past(replicas, ONE, past_at=WINDOW_SECONDS, mark_at=WINDOW_SECONDS + 1)
    replicas.tally(ONE, 1000, 0, 1.0)
    record = replicas.collection.find_one({"_id": ONE})
    assert (record["past"]["done"], record["mark"]["done"]) == (900, 1000)
    # 100 items in about a minute, whatever was before; and within the window nothing moves.
    assert replicas.hosts(RUN)[0]["rate"] == pytest.approx(100 / (WINDOW_SECONDS + 1), rel=0.05)
    replicas.tally(ONE, 1001, 0, 1.0)
    assert replicas.collection.find_one({"_id": ONE})["past"] == record["past"]


@pytest.mark.parametrize("how", ["end", "quarantine", "unseen"])
def test_who_is_at_work(replicas, how: str) -> None:
    assert replicas.others_at_work(RUN, STEP, ONE) and replicas.others_at_work(RUN, STEP, TWO)
    assert not replicas.others_at_work(RUN, "other", ONE)
    replicas.tally(TWO, 50, 0, 1.0)
    assert replicas.hosts(RUN)[1]["rate"] > 0
    if how == "end":
        replicas.end(TWO)
        assert "ended" in replicas.collection.find_one({"_id": TWO})
    elif how == "quarantine":
        replicas.quarantine(TWO, "10 items failed in a row")
    else:
        past(replicas, TWO, seen=SECONDS_UNSEEN + 1)
    assert not replicas.others_at_work(RUN, STEP, ONE)  # not itself, and not the other one
    assert replicas.others_at_work(RUN, STEP, TWO)
    two = replicas.hosts(RUN)[1]
    assert (two["replicas"], two["rate"], two["done"]) == (0, 0, 50)
    quarantined = [out for tally in replicas.tallies(RUN) for out in tally["quarantined"]]
    assert quarantined == ([{"owner": TWO, "why": "10 items failed in a row"}] if how == "quarantine" else [])
    if how == "unseen":
        replicas.beat(TWO)
        assert replicas.others_at_work(RUN, STEP, ONE)


def test_recounting_says_what_the_items_say(catalogue: Catalogue, replicas) -> None:
    items = catalogue.work_items
    items.insert(RUN, STEP, [Item(f"{i}") for i in range(9)])
    for owner, number in ((ONE, 5), (TWO, 4)):
        claimed = items.claim(RUN, STEP, owner, number, 60)
        items.commit(RUN, STEP, owner, [(item, {}, Cost(2.0)) for item in claimed[1:]])
        items.fail(RUN, STEP, owner, claimed[0], "no", 1)
    replicas.tally(ONE, 1, 0, 0.5)  # killed before the next one
    replicas.recount(ONE)
    [one, two] = replicas.of_step(RUN, STEP)
    assert (one["done"], one["failed"], one["seconds"]) == (4, 1, 8.0)
    assert two["done"] == 0
    replicas.recount(TWO)
    assert sum(host["done"] for host in replicas.hosts(RUN)) == items.counts(RUN, STEP)["done"] == 7
    replicas.recount("nobody:1:1:1:x")
    assert replicas.collection.count_documents({}) == 2


def test_a_step_that_is_done_again_begins_at_nothing(replicas) -> None:
    replicas.tally(ONE, 3, 2, 1.0)
    replicas.forget_failures(RUN, STEP)
    assert [(r["done"], r["failed"]) for r in replicas.of_step(RUN, STEP)] == [(3, 0), (0, 0)]
    replicas.forget(RUN, "other")
    assert len(replicas.of_step(RUN, STEP)) == 2
    replicas.forget(RUN, STEP)
    assert replicas.of_step(RUN, STEP) == []


def test_they_go_with_their_run(catalogue: Catalogue, replicas) -> None:
    replicas.begin("node3:1:1:1:cc", "another", STEP, "gate", 1)
    assert catalogue.delete_run(RUN)["replicas"] == 2
    assert [record["run"] for record in replicas.collection.find()] == ["another"]
