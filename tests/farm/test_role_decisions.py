"""What a firework does in its role: a lease's decisions in, moves out, without clock and database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.farm.decisions.replica import End
from genarris_fw.farm.decisions.role import (
    ROLES,
    Decided,
    Ending,
    Move,
    Trouble,
    after_commit,
    after_trouble,
    after_work,
    sides_wanted,
    until_commit,
    when_all_is_done,
)

roles = st.sampled_from(ROLES)
decided = st.builds(
    Decided,
    committed=st.booleans(),
    rounds=st.integers(0, 4).map(lambda number: {round_: 10 + round_ for round_ in range(number)}),
)
ON_PATH = ("plan", "gate", "whole")


def whole_play(role: str, decided: Decided, end: End) -> list[Move]:
    """Return all moves of a firework whose work, if it does any, ends so."""
    moves = list(until_commit(role, decided))
    if Move.WORK in moves:
        moves += after_work(role, end)
    return moves if Move.LEAVE in moves else [*moves, *after_commit(role)]


def test_a_plan_commits_its_round_before_anybody_sees_it() -> None:
    assert whole_play("plan", Decided(), End.FINISHED) == [
        Move.BEGIN,
        Move.PLAN,
        Move.COMMIT,
        Move.PUBLISH,
        Move.OPEN_GATE,
        Move.ADD_SIDES,
    ]


def test_a_gate_works_then_collects() -> None:
    assert whole_play("gate", Decided(), End.FINISHED) == [
        Move.WORK,
        Move.ARCHIVE_SIDES,
        Move.COLLECT,
        Move.COMMIT,
        Move.PUBLISH,
    ]


def test_a_whole_step_plans_its_first_round_once() -> None:
    assert until_commit("whole", Decided()) == (Move.BEGIN, Move.PLAN_FIRST_ROUND, Move.WORK)
    assert until_commit("whole", Decided(rounds={0: 1})) == (Move.RELEASE, Move.BEGIN, Move.WORK)


def test_a_side_works_and_looks_after_the_gate() -> None:
    assert whole_play("side", Decided(), End.FINISHED) == [Move.WORK, Move.LOOK_AFTER_GATE]
    assert whole_play("side", Decided(), End.GATE_LOST) == [Move.WORK, Move.LOOK_AFTER_GATE]


def test_who_takes_a_committed_lease_over_publishes_and_nothing_else() -> None:
    committed = Decided(committed=True, rounds={0: 3, 1: 4})
    assert whole_play("gate", committed, End.FINISHED) == whole_play("whole", committed, End.FINISHED) == [Move.PUBLISH]
    assert whole_play("plan", committed, End.FINISHED) == [Move.PUBLISH, Move.OPEN_GATE, Move.ADD_SIDES]


def test_when_the_time_is_over_nothing_is_decided_and_no_file_is_left() -> None:
    for role in ("gate", "whole"):
        assert whole_play(role, Decided(rounds={0: 1}), End.ENDING)[-3:] == [Move.WORK, Move.DISCARD, Move.LEAVE]
    assert whole_play("side", Decided(), End.ENDING) == [Move.WORK, Move.LEAVE]


@given(roles, decided, st.sampled_from(End))
def test_the_order_of_writes_is_that_of_the_protocol(role: str, decided: Decided, end: End) -> None:
    moves = whole_play(role, decided, end)
    assert len(moves) == len(set(moves))
    # Visible only what is committed; who has committed publishes.
    if Move.PUBLISH in moves:
        assert decided.committed or Move.COMMIT in moves[: moves.index(Move.PUBLISH)]
    assert not (decided.committed and Move.COMMIT in moves)
    assert (Move.COMMIT in moves) <= (Move.PUBLISH in moves)
    # A step is summed up when its work has ended, and by nobody on the side.
    if Move.COLLECT in moves:
        assert role in ("gate", "whole") and end is not End.ENDING
        assert moves.index(Move.WORK) < moves.index(Move.COLLECT) < moves.index(Move.COMMIT)
    # The last recorded round is released before anything is worked on or planned.
    if decided.rounds and not decided.committed and role in ("gate", "whole"):
        assert moves[0] is Move.RELEASE
    assert (Move.RELEASE in moves) <= bool(decided.rounds)
    # Either it leaves, or it ends its role.
    assert (Move.LEAVE in moves) == (Move.WORK in moves and end is End.ENDING)


@given(decided)
def test_rounds_follow_each_other(decided: Decided) -> None:
    assert decided.next_round == max(1, len(decided.rounds))
    assert decided.last_round == (len(decided.rounds) - 1 if decided.rounds else None)


def test_decisions_as_a_lease_has_them() -> None:
    stored = {"rounds": {"0": {"token": 3, "items": 2, "by": "x"}, "10": {"token": 7, "items": 1, "by": "y"}}}
    assert Decided.read(stored) == Decided(rounds={0: 3, 10: 7})
    assert Decided.read(stored).last_round == 10 and Decided.read(stored).next_round == 11
    assert Decided.read({"committed": {"token": 1}}).committed and Decided.read({}) == Decided()


def test_a_step_is_closed_when_no_round_has_new_items() -> None:
    assert when_all_is_done(in_rounds=True) is Move.PLAN_NEXT_ROUND
    assert when_all_is_done(in_rounds=True, new_items=2) is Move.WORK
    assert when_all_is_done(in_rounds=True, new_items=0) is Move.SAY_ALL_IS_PLANNED
    assert when_all_is_done(in_rounds=False) is Move.SAY_ALL_IS_PLANNED


@pytest.mark.parametrize(("replicas", "most", "sides"), [(1, 100, 0), (4, 100, 3), (4, 2, 1), (4, 0, 0), (8, 8, 7)])
def test_sides_beside_the_gate(replicas: int, most: int, sides: int) -> None:
    assert sides_wanted(replicas, most) == sides


@pytest.mark.parametrize("role", ON_PATH)
def test_only_what_lasts_fails_a_run(role: str) -> None:
    assert after_trouble(role, Trouble.LASTING) is Ending.RUN_FAILED
    assert after_trouble(role, Trouble.PASSING) is Ending.AGAIN
    assert after_trouble(role, Trouble.OVERTAKEN) is Ending.AGAIN


def test_a_side_never_fails_a_run() -> None:
    assert after_trouble("side", Trouble.OVERTAKEN) is Ending.COMPLETED
    assert {after_trouble("side", trouble) for trouble in (Trouble.PASSING, Trouble.LASTING)} == {Ending.AGAIN}
