"""Leases of fireworks: one holder, expiry by the server's clock, recovery by one alone."""

import multiprocessing

import pytest
from claiming import begin_recovery, take_lease
from passing import let_pass

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.leases import LeaseLost, lease_id

RUN, STEP = "urea", "step"
GATE = lease_id(RUN, STEP, "gate", 7)


def take(catalogue: Catalogue, owner: str, seconds: float = 60.0, role: str = "gate", fw_id: int = 7):
    return catalogue.leases.take(RUN, STEP, role, fw_id, 1, owner, seconds)


def test_one_lease_per_role_on_the_path_and_one_per_side(catalogue: Catalogue) -> None:
    assert lease_id(RUN, STEP, "gate", 1) == lease_id(RUN, STEP, "gate", 2)
    assert lease_id(RUN, STEP, "side", 1) != lease_id(RUN, STEP, "side", 2)
    assert take(catalogue, "a", role="side", fw_id=1) == take(catalogue, "b", role="side", fw_id=2) == 1


def test_only_one_of_many_processes_takes_it(catalogue: Catalogue, database_uri: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        tokens = pool.starmap(take_lease, [(database_uri, f"owner{i}") for i in range(12)])
    assert sorted(token or 0 for token in tokens) == [0] * 11 + [1]


def test_a_living_holder_keeps_it(catalogue: Catalogue) -> None:
    assert take(catalogue, "a") == 1
    with pytest.raises(LeaseLost, match="held by a"):
        take(catalogue, "b")
    assert catalogue.leases.held(GATE, 1)
    assert [lease["owner"] for lease in catalogue.leases.holders(RUN)] == ["a"]


def test_an_expired_one_goes_to_the_next_with_a_higher_token(catalogue: Catalogue) -> None:
    assert take(catalogue, "a", 60.0) == 1
    assert catalogue.leases.expired(RUN, STEP, "gate") == []
    let_pass(catalogue.leases.collection, 61.0)
    assert [lease["_id"] for lease in catalogue.leases.expired(RUN)] == [GATE]
    assert catalogue.leases.expired(RUN, "other", "gate") == []
    assert take(catalogue, "b") == 2
    assert not catalogue.leases.held(GATE, 1) and catalogue.leases.held(GATE, 2)
    with pytest.raises(LeaseLost, match="taken over"):
        catalogue.leases.collected(GATE, 1)
    catalogue.leases.release(GATE, 1)  # an old token gives nothing back
    assert catalogue.leases.held(GATE, 2) and catalogue.leases.find(RUN, STEP, "gate")["owner"] == "b"


def test_the_heartbeat_keeps_it(catalogue: Catalogue) -> None:
    take(catalogue, "a", 60.0)
    let_pass(catalogue.leases.collection, 30.0)
    assert catalogue.leases.renew("a", 60) == 1
    let_pass(catalogue.leases.collection, 50.0)
    assert catalogue.leases.expired(RUN) == []
    assert catalogue.leases.renew("nobody", 60) == 0


def test_a_collected_one_is_never_taken_again_until_reopened(catalogue: Catalogue) -> None:
    token = take(catalogue, "a")
    catalogue.leases.collected(GATE, token)
    assert take(catalogue, "b") is None
    assert catalogue.leases.holders(RUN) == [] and not catalogue.leases.held(GATE, token)
    with pytest.raises(LeaseLost):
        catalogue.leases.collected(GATE, token)
    catalogue.leases.reopen(RUN, STEP)
    assert take(catalogue, "b") == token + 2  # one of them for the reopening


def test_reopening_fences_a_living_holder(catalogue: Catalogue) -> None:
    token = take(catalogue, "a")
    catalogue.leases.reopen(RUN, STEP)
    assert not catalogue.leases.held(GATE, token)
    with pytest.raises(LeaseLost):
        catalogue.leases.collected(GATE, token)


def test_a_released_one_is_free_at_once(catalogue: Catalogue) -> None:
    catalogue.leases.release(GATE, take(catalogue, "a"))
    assert take(catalogue, "b") == 2


def test_recovery_is_begun_by_one_of_many(catalogue: Catalogue, database_uri: str) -> None:
    take(catalogue, "a", 60.0)
    let_pass(catalogue.leases.collection, 61.0)
    [lost] = catalogue.leases.expired(RUN)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        begun = pool.starmap(begin_recovery, [(database_uri, lost, f"r{i}") for i in range(8)])
    assert sum(begun) == 1
    assert not catalogue.leases.held(GATE, 1)
    assert catalogue.leases.renew("a", 60) == 0  # the old holder's heartbeat no longer counts
    assert take(catalogue, "b") == 3  # the firework that runs again need not wait
    assert "recoverer" not in catalogue.leases.find(RUN, STEP, "gate")


def test_a_holder_that_renewed_meanwhile_is_not_recovered(catalogue: Catalogue) -> None:
    take(catalogue, "a", 60.0)
    let_pass(catalogue.leases.collection, 61.0)
    [lost] = catalogue.leases.expired(RUN)
    catalogue.leases.renew("a", 60)
    assert not catalogue.leases.begin_recovery(lost, "r")
    assert catalogue.leases.held(GATE, 1)


def test_when_the_recoverer_dies_too_another_may_try(catalogue: Catalogue) -> None:
    take(catalogue, "a", 60.0)
    let_pass(catalogue.leases.collection, 61.0)
    [lost] = catalogue.leases.expired(RUN)
    assert catalogue.leases.begin_recovery(lost, "r1", seconds=20.0)
    assert catalogue.leases.expired(RUN) == []
    let_pass(catalogue.leases.collection, 21.0)
    [lost] = catalogue.leases.expired(RUN)
    assert catalogue.leases.begin_recovery(lost, "r2")


def test_opening_again_changes_nothing(catalogue: Catalogue) -> None:
    take(catalogue, "a")
    catalogue.leases.open(RUN, STEP, "gate", 99)
    lease = catalogue.leases.find(RUN, STEP, "gate")
    assert (lease["owner"], lease["fw_id"], lease["token"]) == ("a", 7, 1)


def test_a_turn_comes_once_in_its_time(catalogue: Catalogue) -> None:
    """However many replicas ask, one of them looks after lost items; by the server's clock."""
    leases = catalogue.leases
    assert not any(leases.my_turn("urea", "step", 60.0) for _ in range(5))  # the first look is a turn away
    let_pass(catalogue.leases.collection, 61.0)
    assert [leases.my_turn("urea", "step", 60.0) for _ in range(5)] == [True, False, False, False, False]
    assert not leases.my_turn("urea", "another", 60.0)
    assert leases.expired("urea") == leases.holders("urea") == []


def test_who_was_overtaken_decides_nothing(catalogue: Catalogue) -> None:
    assert take(catalogue, "a", 60.0) == 1
    let_pass(catalogue.leases.collection, 61.0)
    assert take(catalogue, "b") == 2
    leases = catalogue.leases
    for decide in (
        lambda: leases.record_round(GATE, 1, 0, 5, "a"),
        lambda: leases.all_planned(GATE, 1),
        lambda: leases.commit(GATE, 1, {"what": "a"}),
        lambda: leases.collected(GATE, 1),
    ):
        with pytest.raises(LeaseLost, match="was taken over"):
            decide()
    assert leases.decisions(GATE) == {}
    leases.commit(GATE, 2, {"what": "b"})
    assert leases.decisions(GATE) == {"committed": {"what": "b", "token": 2}}
