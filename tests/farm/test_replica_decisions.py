"""What a replica does next: states in, actions out, without clock and database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.farm.decisions.replica import (
    IDLE_SLEEP,
    LARGEST_CLAIM,
    NOTHING,
    ROOM_FOR_AN_ITEM,
    SECONDS_PER_CLAIM,
    SHORTEST_ITEM,
    Claim,
    Do,
    End,
    OnFailure,
    Standing,
    Turn,
    Wait,
    after_failure,
    attempts_allowed,
    checks_now,
    commits_now,
    expected,
    in_quarantine,
    longer,
    most_to_claim,
    next_action,
    share_of_waiting,
)

UNFINISHED = (NOTHING, "waiting", "leased", "resting", "committed")
SECONDS = st.floats(0.0, 1e5)

turns = st.builds(
    Turn,
    seconds_left=SECONDS | st.just(float("inf")),
    seconds_per_item=st.none() | SECONDS,
    interrupted=st.booleans(),
    quarantined=st.booleans(),
    suspected=st.integers(0, 3),
    pause=st.floats(*IDLE_SLEEP),
    idle_limit=SECONDS | st.just(float("inf")),
    idle_seconds=SECONDS,
    others_work=st.none() | st.booleans(),
    claimed=st.none() | st.integers(0, LARGEST_CLAIM),
    unfinished=st.none() | st.sampled_from(UNFINISHED),
    more=st.none() | st.booleans(),
    settled=st.none() | st.integers(0, 3),
    reaped=st.none() | st.integers(0, 3),
    gate_lost=st.none() | st.booleans(),
)
# What the world would answer to each question of a turn.
worlds = st.fixed_dictionaries(
    {
        Do.ASK_WHO_WORKS: st.booleans(),
        Claim: st.integers(0, LARGEST_CLAIM),
        Do.LOOK: st.sampled_from(UNFINISHED),
        Do.ASK_FOR_MORE: st.booleans(),
        Do.SETTLE: st.integers(0, 3),
        Do.REAP: st.integers(0, 3),
        Do.ASK_AFTER_GATE: st.booleans(),
    }
)
beginnings = turns.map(
    lambda turn: replace(
        turn, others_work=None, claimed=None, unfinished=None, more=None, settled=None, reaped=None, gate_lost=None
    )
)
ANSWERS = {
    Do.ASK_WHO_WORKS: "others_work",
    Claim: "claimed",
    Do.LOOK: "unfinished",
    Do.ASK_FOR_MORE: "more",
    Do.SETTLE: "settled",
    Do.REAP: "reaped",
    Do.ASK_AFTER_GATE: "gate_lost",
}
LAST = (Do.WORK, Do.AGAIN, Do.GIVE_BACK, *End)


def played(turn: Turn, world: dict) -> list[tuple[Turn, Do | Claim | Wait | End]]:
    """Play a turn to its end; return what was known before each action, and the action."""
    taken = []
    while True:
        action = next_action(turn)
        taken.append((turn, action))
        assert len(taken) < 12, taken
        if isinstance(action, Wait) or action in LAST:
            return taken
        if action is Do.GIVE_UP:
            turn = replace(turn, suspected=0)
            continue
        question = Claim if isinstance(action, Claim) else action
        answer = min(world[Claim], action.at_most) if isinstance(action, Claim) else world[question]
        turn = replace(turn, **{ANSWERS[question]: answer})


def actions(turn: Turn, **answers: object) -> list:
    """Play a turn whose world answers so; where nothing is said, there is nothing."""
    world = {
        Do.ASK_WHO_WORKS: answers.get("others_work", False),
        Claim: answers.get("claimed", 0),
        Do.LOOK: answers.get("unfinished", "leased"),
        Do.ASK_FOR_MORE: answers.get("more", False),
        Do.SETTLE: answers.get("settled", 0),
        Do.REAP: answers.get("reaped", 0),
        Do.ASK_AFTER_GATE: answers.get("gate_lost", False),
    }
    return [action for _, action in played(turn, world)]


def test_the_first_claim_is_of_one_item_and_is_worked_on() -> None:
    assert actions(Turn(), claimed=1) == [Claim(1), Do.WORK]


def test_who_finds_nothing_looks_reaps_and_waits() -> None:
    assert actions(Turn(pause=0.4)) == [Claim(1), Do.LOOK, Do.REAP, Do.ASK_AFTER_GATE, Wait(0.4)]


def test_when_all_is_done_it_asks_for_more_before_it_ends() -> None:
    assert actions(Turn(), unfinished=NOTHING) == [Claim(1), Do.LOOK, Do.ASK_FOR_MORE, End.FINISHED]
    assert actions(Turn(), unfinished=NOTHING, more=True)[2:] == [
        Do.ASK_FOR_MORE,
        Do.REAP,
        Do.ASK_AFTER_GATE,
        Wait(0.1),
    ]


def test_what_follows_from_committed_items_is_inserted_before_anything_else() -> None:
    assert actions(Turn(), unfinished="committed", settled=2) == [Claim(1), Do.LOOK, Do.SETTLE, Do.AGAIN]
    # Somebody else was quicker.
    assert actions(Turn(), unfinished="committed", settled=0, reaped=1)[2:] == [Do.SETTLE, Do.REAP, Do.AGAIN]


def test_a_lost_gate_ends_who_has_nothing_to_do_and_nobody_else() -> None:
    assert actions(Turn(), gate_lost=True)[-1] is End.GATE_LOST
    assert actions(Turn(), gate_lost=True, claimed=1) == [Claim(1), Do.WORK]
    assert actions(Turn(), gate_lost=True, reaped=1)[-1] is Do.AGAIN


def test_idleness_ends_a_replica_after_its_limit() -> None:
    assert actions(Turn(idle_limit=10.0, idle_seconds=10.0))[-1] == Wait(0.1)
    assert actions(Turn(idle_limit=10.0, idle_seconds=10.1))[-1] is End.IDLE


def test_an_interrupted_replica_gives_back_at_once() -> None:
    assert actions(Turn(interrupted=True)) == [Do.GIVE_BACK]
    assert actions(Turn(interrupted=True, suspected=2)) == [Do.GIVE_UP, Do.GIVE_BACK]


def test_an_item_has_room_to_spare_before_the_end() -> None:
    assert next_action(Turn(seconds_per_item=10.0, seconds_left=15.0)) is Do.GIVE_BACK
    assert next_action(Turn(seconds_per_item=10.0, seconds_left=15.1)) == Claim(1)
    assert next_action(Turn(seconds_left=0.0)) is Do.GIVE_BACK


def test_in_quarantine_others_are_asked_for_every_time() -> None:
    assert actions(Turn(quarantined=True), others_work=True)[:2] == [Do.ASK_WHO_WORKS, Do.LOOK]
    assert actions(Turn(quarantined=True), others_work=False)[:2] == [Do.ASK_WHO_WORKS, Claim(1)]


@given(beginnings, worlds)
def test_a_turn_asks_nothing_twice_and_ends(turn: Turn, world: dict) -> None:
    taken = [action for _, action in played(turn, world)]
    kinds = [Claim if isinstance(action, Claim) else action for action in taken]
    assert len(kinds) == len(set(kinds))


@given(beginnings, worlds)
def test_the_last_replica_never_stands_back(turn: Turn, world: dict) -> None:
    taken = [action for _, action in played(turn, world | {Do.ASK_WHO_WORKS: False})]
    assert any(isinstance(action, Claim) for action in taken) == turn.fits


@given(beginnings, worlds)
def test_in_quarantine_nothing_is_claimed_while_others_work(turn: Turn, world: dict) -> None:
    taken = played(replace(turn, quarantined=True), world | {Do.ASK_WHO_WORKS: True})
    assert not any(isinstance(action, Claim) or action is Do.WORK for _, action in taken)


@given(turns)
def test_a_claim_never_outlives_the_walltime(turn: Turn) -> None:
    action = next_action(turn)
    if isinstance(action, Claim):
        each = turn.seconds_per_item or 0.0
        assert 1 <= action.at_most <= LARGEST_CLAIM
        # One item has room to spare; more fit as they are expected.
        assert each * ROOM_FOR_AN_ITEM < turn.seconds_left
        assert action.at_most == 1 or action.at_most * max(each, SHORTEST_ITEM) <= turn.seconds_left * (1 + 1e-9)
        assert action.at_most == 1 or action.at_most * each <= SECONDS_PER_CLAIM * (1 + 1e-9)


@given(turns)
def test_it_works_on_what_it_claimed_and_on_nothing_else(turn: Turn) -> None:
    action = next_action(turn)
    assert (action is Do.WORK) <= bool(turn.claimed)
    # Who holds what it has claimed does not go on to wait or end, but for the end of its time.
    if turn.claimed:
        assert action in (Do.WORK, Do.ASK_WHO_WORKS) or not turn.fits


@given(beginnings, worlds)
def test_suspected_items_are_written_before_a_replica_waits_or_ends(turn: Turn, world: dict) -> None:
    known, last = played(turn, world)[-1]
    assert known.suspected == 0 or last is Do.WORK


@given(beginnings, worlds)
def test_failed_is_written_only_when_nothing_can_be_claimed_or_the_time_is_over(turn: Turn, world: dict) -> None:
    for known, action in played(turn, world):
        if action is Do.GIVE_UP:
            assert known.suspected and (not known.fits or known.claimed == 0 or known.stands_back)


@given(beginnings, worlds)
def test_finished_is_said_only_when_nothing_is_unfinished_and_nothing_may_come(turn: Turn, world: dict) -> None:
    known, last = played(turn, world)[-1]
    if last is End.FINISHED:
        assert known.unfinished == NOTHING and known.more is False and known.fits
    if last is End.GATE_LOST:
        assert known.gate_lost and known.reaped == 0
    if last is End.IDLE:
        assert known.idle_seconds > known.idle_limit
    if isinstance(last, Wait):
        assert last.seconds == turn.pause <= IDLE_SLEEP[1]


def test_the_words_of_the_ends_are_those_of_existing_launches() -> None:
    assert [end.value for end in End] == ["finished", "gate lost", "idle", "ending"]


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [IDLE_SLEEP[0]]
    for _ in range(5):
        pauses.append(longer(pauses[-1]))
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


@pytest.mark.parametrize(
    ("seconds", "left", "number"),
    [
        (None, float("inf"), 1),  # nobody knows
        (0.0, float("inf"), LARGEST_CLAIM),
        (0.1, float("inf"), 40),
        (0.1, 1.0, 10),
        (3.0, float("inf"), 1),
        (100.0, 1000.0, 1),
    ],
)
def test_size_of_a_claim(seconds: float | None, left: float, number: int) -> None:
    assert most_to_claim(seconds, left) == number


def test_shares_expectations_commits_and_checks() -> None:
    assert share_of_waiting(4) == 0.25 and share_of_waiting(0) == 1.0
    assert expected(None, 2.0) == 2.0 and expected(2.0, 4.0) == pytest.approx(2.6)
    assert not commits_now(2.0) and commits_now(2.1)
    assert not checks_now(4.9) and checks_now(5.0)


# Failures


@given(st.lists(st.none() | st.sampled_from("abcde"), max_size=12))
def test_different_items_that_failed_since_a_success_are_counted(history: list[str | None]) -> None:
    standing = Standing()
    for key in history:
        standing = standing.after(key)
    since = history[len(history) - history[::-1].index(None) :] if None in history else history
    assert set(standing.failed_in_a_row) == set(since)
    assert len(standing.failed_in_a_row) == len(set(since))


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 8), st.integers(1, 9), st.booleans())
def test_an_attempt_that_is_not_the_last_is_never_the_end_of_an_item(
    attempts: int, allowed: int, in_a_row: int, quarantine_after: int, quarantined: bool
) -> None:
    standing = Standing(tuple(f"{i}" for i in range(in_a_row + 1)), quarantined)
    first, *then = after_failure(standing, attempts, allowed, quarantine_after)
    assert first is (OnFailure.WRITE if attempts + 1 < allowed else OnFailure.SUSPECT)
    if quarantined:
        assert then == [OnFailure.GIVE_UP]
    else:
        assert then == ([OnFailure.QUARANTINE] if in_a_row + 1 >= quarantine_after else [])


def test_a_last_attempt_is_not_written_as_failed_at_once() -> None:
    assert after_failure(Standing(("a",)), attempts=2, allowed=3, quarantine_after=5) == (OnFailure.SUSPECT,)
    assert after_failure(Standing(("a",)), attempts=0, allowed=3, quarantine_after=5) == (OnFailure.WRITE,)


def test_what_is_held_in_quarantine_goes_to_others_or_has_failed() -> None:
    assert in_quarantine(others_work=True) is OnFailure.FORGIVE
    assert in_quarantine(others_work=False) is OnFailure.GIVE_UP
    assert Standing(("a",)).in_quarantine(others_work=True) == Standing(("a",), quarantined=True, leaves=True)
    assert Standing(("a",)).in_quarantine(others_work=False) == Standing(("a",), quarantined=True)


def test_a_permanent_error_leaves_one_attempt() -> None:
    assert attempts_allowed(3, permanent=True) == 1 and attempts_allowed(3, permanent=False) == 3
