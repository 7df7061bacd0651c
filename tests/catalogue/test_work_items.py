"""Claims, leases, commits and failures of work items on a real server."""

import multiprocessing
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from claiming import claim_until_empty

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.work_items import GIVEN_UP, MAX_LOST, Item

RUN, STEP = "urea", "step"


def fill(catalogue: Catalogue, number: int, **about) -> None:
    catalogue.work_items.insert(RUN, STEP, [Item(f"item{i:04d}", {"number": i}, **about) for i in range(number)])


def claim(catalogue: Catalogue, owner: str = "me", number: int = 100, seconds: float = 60.0) -> list[Item]:
    return catalogue.work_items.claim(RUN, STEP, owner, number, seconds)


def document(catalogue: Catalogue, key: str) -> dict:
    return catalogue.database["work_items"].find_one({"_id": f"{RUN}:{STEP}:{key}"})


def counts(catalogue: Catalogue) -> dict[str, int]:
    return {state: n for state, n in catalogue.work_items.counts(RUN, STEP).items() if n}


def test_claims_of_many_processes_never_overlap(catalogue: Catalogue, database_uri: str) -> None:
    fill(catalogue, 400)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        claimed = pool.starmap(claim_until_empty, [(database_uri, f"owner{i}", 3 + i) for i in range(4)])
    tokens = Counter(key for batch in claimed for key, _ in batch)
    assert len(tokens) == 400 and set(tokens.values()) == {1}
    assert all(token == 1 for batch in claimed for _, token in batch)
    assert counts(catalogue) == {"done": 400}
    assert sum(len(batch) > 0 for batch in claimed) >= 2


def test_inserting_again_changes_nothing(catalogue: Catalogue) -> None:
    fill(catalogue, 5)
    [item] = claim(catalogue, number=1)
    catalogue.work_items.commit(RUN, STEP, "me", [(item, {"answer": 42}, Cost(1.5))])
    fill(catalogue, 6)
    assert counts(catalogue) == {"waiting": 5, "done": 1}
    assert document(catalogue, item.key)["outcome"] == {"answer": 42}
    catalogue.work_items.insert(RUN, STEP, [])


def test_the_payload_comes_back(catalogue: Catalogue) -> None:
    catalogue.work_items.insert(RUN, STEP, [Item("a", {"group": 14, "ids": ["x", "y"]}, priority=2)])
    assert claim(catalogue) == [Item("a", {"group": 14, "ids": ["x", "y"]}, 2, token=1, attempts=0)]


def test_higher_priority_is_claimed_first_wherever_the_random_point_falls(catalogue: Catalogue) -> None:
    fill(catalogue, 30)
    catalogue.work_items.insert(RUN, STEP, [Item(f"urgent{i}", priority=5) for i in range(10)])
    for _ in range(5):
        assert all(item.key.startswith("urgent") for item in claim(catalogue, number=2))
    assert not any(item.key.startswith("urgent") for item in claim(catalogue))


def test_a_claim_takes_no_more_than_asked_and_only_of_its_procedure(catalogue: Catalogue) -> None:
    fill(catalogue, 10)
    catalogue.work_items.insert(RUN, "other", [Item("x")])
    catalogue.work_items.insert("other_run", STEP, [Item("x")])
    first, second = claim(catalogue, number=4), claim(catalogue, "you", number=100)
    assert (len(first), len(second)) == (4, 6)
    assert not {item.key for item in first} & {item.key for item in second}
    assert claim(catalogue) == []
    assert catalogue.work_items.counts(RUN, "other")["waiting"] == 1


def test_leases_run_by_the_servers_clock(catalogue: Catalogue) -> None:
    fill(catalogue, 1)
    before = catalogue.database.command("hello")["localTime"]
    claim(catalogue, seconds=90.0)
    after = catalogue.database.command("hello")["localTime"]
    lease = document(catalogue, "item0000")["lease"]
    assert before <= lease["since"] <= after
    assert lease["expires"] - lease["since"] == timedelta(seconds=90)


def test_an_expired_lease_is_reaped_and_its_holder_is_fenced_off(catalogue: Catalogue) -> None:
    fill(catalogue, 2)
    [stale] = claim(catalogue, "frozen", number=1, seconds=0.2)
    [held] = claim(catalogue, "alive", number=1, seconds=60)
    assert catalogue.work_items.reap(RUN, STEP) == 0
    time.sleep(0.4)
    assert catalogue.work_items.reap(RUN, "other") == 0
    assert catalogue.work_items.reap(RUN) == 1
    [again] = claim(catalogue, "alive")
    assert (again.key, again.token) == (stale.key, 2)
    # The frozen one wakes up: nothing that it does has an effect.
    assert catalogue.work_items.commit(RUN, STEP, "frozen", [(stale, {"answer": "old"}, Cost(1.0))]) == 0
    assert catalogue.work_items.fail(RUN, STEP, "frozen", stale, "late", 1) == "lost"
    both = [(again, {"answer": "new"}, Cost(1.0)), (held, {}, Cost(1.0))]
    assert catalogue.work_items.commit(RUN, STEP, "alive", both) == 2
    assert document(catalogue, stale.key)["outcome"] == {"answer": "new"}
    assert document(catalogue, stale.key)["lost"] == 1


def test_an_older_token_of_the_same_owner_commits_nothing(catalogue: Catalogue) -> None:
    fill(catalogue, 1)
    [old] = claim(catalogue, "me")
    catalogue.work_items.give_back("me")
    [new] = claim(catalogue, "me")
    assert catalogue.work_items.commit(RUN, STEP, "me", [(old, {"answer": "old"}, Cost(1.0))]) == 0
    assert catalogue.work_items.commit(RUN, STEP, "me", [(new, {"answer": "new"}, Cost(1.0))]) == 1
    assert catalogue.work_items.commit(RUN, STEP, "me", [(new, {"answer": "twice"}, Cost(1.0))]) == 0
    assert catalogue.work_items.outcomes(RUN, STEP) == [
        {"key": "item0000", "payload": {"number": 0}, "outcome": {"answer": "new"}, "seconds": 1.0}
    ]


def test_renewing_keeps_a_lease_alive(catalogue: Catalogue) -> None:
    fill(catalogue, 3)
    claim(catalogue, "me", number=2, seconds=0.3)
    claim(catalogue, "you", number=1, seconds=0.3)
    assert catalogue.work_items.renew("me", 60) == 2
    time.sleep(0.5)
    assert catalogue.work_items.reap(RUN, STEP) == 1
    assert catalogue.work_items.owners(RUN) == ["me"]


def test_giving_back_returns_everything_of_one_owner(catalogue: Catalogue) -> None:
    fill(catalogue, 5)
    claim(catalogue, "me", number=3)
    claim(catalogue, "you", number=1)
    assert catalogue.work_items.give_back("me") == 3
    assert counts(catalogue) == {"waiting": 4, "leased": 1}
    assert sum(d["lost"] for d in catalogue.database["work_items"].find()) == 0


def test_an_item_fails_for_good_after_its_attempts(catalogue: Catalogue) -> None:
    fill(catalogue, 1)
    for attempt, state in enumerate(["waiting", "waiting", "failed"], start=1):
        [item] = claim(catalogue)
        assert item.attempts == attempt - 1
        assert catalogue.work_items.fail(RUN, STEP, "me", item, f"error {attempt}", 3) == state
    assert claim(catalogue) == []
    assert not catalogue.work_items.unfinished(RUN, STEP)
    [failure] = catalogue.work_items.failures(RUN, STEP)
    assert failure == {
        "key": "item0000",
        "payload": {"number": 0},
        "error": "error 3",
        "attempts": 3,
        "failure": {},
        "failed_by": "me",
    }
    assert catalogue.work_items.retry(RUN, STEP) == 1
    [item] = claim(catalogue)
    assert (item.attempts, item.token) == (0, 4)
    catalogue.work_items.commit(RUN, STEP, "me", [(item, {}, Cost(0.1))])
    assert "error" not in document(catalogue, item.key)


def test_an_item_that_kills_its_replicas_is_given_up(catalogue: Catalogue) -> None:
    fill(catalogue, 1)
    for lost in range(1, MAX_LOST + 1):
        assert len(claim(catalogue, f"owner{lost}")) == 1
        assert catalogue.work_items.release_lost(f"owner{lost}") == 1
        assert counts(catalogue) == {"failed" if lost == MAX_LOST else "waiting": 1}
    [failure] = catalogue.work_items.failures(RUN, STEP)
    assert failure["error"] == GIVEN_UP


def test_unfinished_while_anything_waits_or_is_leased(catalogue: Catalogue) -> None:
    assert not catalogue.work_items.unfinished(RUN, STEP)
    fill(catalogue, 1)
    assert catalogue.work_items.unfinished(RUN, STEP)
    [item] = claim(catalogue)
    assert catalogue.work_items.unfinished(RUN, STEP)
    catalogue.work_items.commit(RUN, STEP, "me", [(item, {}, Cost(0.1))])
    assert not catalogue.work_items.unfinished(RUN, STEP)


def test_outcomes_come_in_the_order_of_their_keys(catalogue: Catalogue) -> None:
    fill(catalogue, 20)
    items = claim(catalogue)
    catalogue.work_items.commit(RUN, STEP, "me", [(item, {}, Cost(0.1)) for item in reversed(items)])
    keys = [outcome["key"] for outcome in catalogue.work_items.outcomes(RUN, STEP)]
    assert keys == sorted(keys) and len(keys) == 20
    assert catalogue.work_items.commit(RUN, STEP, "me", []) == 0


@pytest.mark.parametrize(
    ("number", "calls"),
    [(1, ["findAndModify"]), (2, ["aggregate", "update", "find"]), (100, ["aggregate", "update", "find"])],
)
def test_a_claim_costs_one_round_trip_or_three(
    catalogue: Catalogue, database_uri: str, number: int, calls: list[str]
) -> None:
    from pymongo import MongoClient, monitoring

    class Commands(monitoring.CommandListener):
        names: list[str] = []  # noqa: RUF012

        def started(self, event):
            self.names.append(event.command_name)

        def succeeded(self, event):
            pass

        def failed(self, event):
            pass

    fill(catalogue, number)
    listener = Commands()
    listener.names = []
    with MongoClient(database_uri, event_listeners=[listener]) as client:
        items = Catalogue(client[catalogue.database.name]).work_items
        assert len(items.claim(RUN, STEP, "me", number, 60)) == number
    asked = ("aggregate", "update", "find", "getMore", "findAndModify")
    assert [name for name in listener.names if name in asked] == calls


def test_a_single_claim_takes_the_highest_priority_wherever_it_begins(catalogue: Catalogue) -> None:
    catalogue.work_items.insert(RUN, STEP, [Item(f"low{i}") for i in range(20)] + [Item("high", priority=1)])
    [first] = claim(catalogue, number=1)
    assert first.key == "high"
    assert len({item.key for _ in range(20) for item in claim(catalogue, number=1)}) == 20
    assert claim(catalogue, number=1) == []


def test_a_failed_item_rests_longer_with_every_attempt(catalogue: Catalogue) -> None:
    def server_clock() -> datetime:
        return catalogue.database.command("hello")["localTime"]

    fill(catalogue, 1)
    for attempt in range(3):
        [item] = claim(catalogue)
        before = server_clock()
        assert catalogue.work_items.fail(RUN, STEP, "me", item, "$oops", 9, rest_seconds=15) == "resting"
        resting = document(catalogue, item.key)
        assert resting["error"] == "$oops"
        assert before <= resting["again"] - timedelta(seconds=15 * 2**attempt) <= server_clock()
        assert claim(catalogue) == [] and catalogue.work_items.unfinished(RUN, STEP)
        assert catalogue.work_items.counts(RUN, STEP)["waiting"] == 1
        assert not catalogue.work_items.reap(RUN, STEP)
        catalogue.work_items.collection.update_one({"_id": resting["_id"]}, {"$set": {"again": server_clock()}})
        while not catalogue.work_items.reap(RUN, STEP):  # that moment is over at the next tick of the server's clock
            time.sleep(0.001)
    [item] = claim(catalogue)
    assert item.attempts == 3 and document(catalogue, item.key)["lost"] == 0


def test_a_checkpoint_goes_to_whoever_claims_the_item_next(catalogue: Catalogue) -> None:
    fill(catalogue, 1)
    [item] = claim(catalogue, "first")
    assert catalogue.work_items.keep(RUN, STEP, "first", item, {"step": 7})
    assert catalogue.work_items.release_lost("first") == 1
    [again] = claim(catalogue, "second")
    assert again.checkpoint == {"step": 7}
    # Who lost the item keeps nothing any more.
    assert not catalogue.work_items.keep(RUN, STEP, "first", item, {"step": 8})
    assert catalogue.work_items.commit(RUN, STEP, "second", [(again, {}, Cost(0.1))]) == 1
    assert "checkpoint" not in document(catalogue, again.key)


def test_waiting_items_are_counted_up_to_a_limit(catalogue: Catalogue) -> None:
    fill(catalogue, 400)
    assert catalogue.work_items.waiting(RUN, STEP, 1.0, 70) == 70
    assert catalogue.work_items.waiting(RUN, STEP, 1.0, 7000) == 400
    shares = [catalogue.work_items.waiting(RUN, STEP, 0.25, 7000) for _ in range(50)]
    assert 60 < sum(shares) / 50 < 140 and max(shares) < 200


def test_a_generator_of_many_items_is_stored_without_being_held(catalogue: Catalogue) -> None:
    alive = 0

    def items():
        nonlocal alive
        for number in range(12_000):
            alive = max(alive, number - catalogue.work_items.collection.estimated_document_count())
            yield Item(f"{number:05d}")

    assert catalogue.work_items.insert(RUN, STEP, items()) == 12_000
    assert alive <= 5_000
    assert catalogue.work_items.insert(RUN, STEP, (Item(f"{i:05d}") for i in range(12_003))) == 3


def test_details_of_a_failure_are_kept(catalogue: Catalogue) -> None:
    fill(catalogue, 1)
    [item] = claim(catalogue)
    details = {"host": "node7", "folder": "/scratch/$x", "output": "** SCF did not converge"}
    assert catalogue.work_items.fail(RUN, STEP, "me", item, "no", 1, details=details) == "failed"
    assert catalogue.work_items.failures(RUN, STEP)[0]["failure"] == details


def test_items_of_owners_that_live_are_not_to_blame_for_a_lost_lease(catalogue: Catalogue) -> None:
    """A laptop that sleeps loses all leases, as often as it does."""
    fill(catalogue, 2)
    for _ in range(MAX_LOST + 2):
        assert len(claim(catalogue, "frozen", 1, seconds=-1.0)) == 1
        assert catalogue.work_items.reap(RUN, STEP, lives=lambda owner: owner == "frozen") == 1
    assert counts(catalogue) == {"waiting": 2}
    assert {document(catalogue, f"item{i:04d}")["lost"] for i in range(2)} == {0}
    [gone] = claim(catalogue, "gone", 1, seconds=-1.0)
    assert catalogue.work_items.reap(RUN, STEP, lives=lambda owner: owner == "frozen") == 1
    assert document(catalogue, gone.key)["lost"] == 1
