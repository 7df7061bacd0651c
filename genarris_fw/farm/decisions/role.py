"""What a firework does in its role, from what its lease's holders have decided before (docs/protocol.md).

A role may be played again from its beginning at any time: after a kill by another rocket, after an outage by the same
one. What it does first so depends on the lease alone (`until_commit`); then on how its own work ended (`after_work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from genarris_fw.farm.decisions.replica import End

ROLES = ("plan", "gate", "side", "whole")


class Move(Enum):
    """What a firework may do."""

    RELEASE = "makes the last recorded round wait: whoever recorded it may have died before that"
    BEGIN = "notes that the step has begun, and brings in what it works on"
    PLAN = "inserts the items of the first round, as planned; the commit records them"
    PLAN_FIRST_ROUND = "plans the first round, records and releases it"
    PLAN_NEXT_ROUND = "plans the round after the last one, records and releases it where it has new items"
    WORK = "works on items until there is nothing left for it"
    SAY_ALL_IS_PLANNED = "notes that it plans no more items, and looks once more whether one is unfinished"
    ARCHIVE_SIDES = "archives the sides that no rocket has taken"
    COLLECT = "sums up the step"
    COMMIT = "decides the result"
    DISCARD = "removes what it has prepared"
    LEAVE = "gives its lease back: a successor goes on"
    PUBLISH = "makes the committed result visible, whoever has committed it"
    OPEN_GATE = "opens the gate's lease, with tokens above those of every overtaken plan"
    ADD_SIDES = "adds the side replicas that are missing"
    LOOK_AFTER_GATE = "recovers the gate or the plan, where it is lost"


@dataclass(frozen=True)
class Decided:
    """What the holders of a lease have decided.

    Attributes
    ----------
    committed : bool
        The result.
    rounds : mapping of int to int
        By the number of a round that is recorded, the token under which it was planned.
    """

    committed: bool = False
    rounds: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, decisions: Mapping[str, Any]) -> Decided:
        """Return what a lease's ``committed`` and ``rounds`` say."""
        rounds = {int(number): int(about["token"]) for number, about in decisions.get("rounds", {}).items()}
        return cls("committed" in decisions, rounds)

    @property
    def last_round(self) -> int | None:
        """The number of the last recorded round."""
        return max(self.rounds, default=None)

    @property
    def next_round(self) -> int:
        """The number of the round after it; round 0 is over where a gate begins, be it that of its plan."""
        return max(self.rounds, default=0) + 1


def until_commit(role: str, decided: Decided) -> tuple[Move, ...]:
    """Return what comes before the result is decided, as far as it is known; nothing where it is decided.

    A move `Move.WORK` stands last: what follows it depends on its end.
    """
    if role == "side":
        return (Move.WORK,)
    if decided.committed:
        return ()
    if role == "plan":
        return Move.BEGIN, Move.PLAN, Move.COMMIT
    release = (Move.RELEASE,) if decided.rounds else ()
    if role == "gate":
        return *release, Move.WORK
    first = () if decided.rounds else (Move.PLAN_FIRST_ROUND,)
    return *release, Move.BEGIN, *first, Move.WORK


def after_work(role: str, end: End) -> tuple[Move, ...]:
    """Return what follows the work, up to the decision of the result."""
    if role == "side":
        return (Move.LEAVE,) if end is End.ENDING else ()
    if end is End.ENDING:
        return Move.DISCARD, Move.LEAVE
    return Move.ARCHIVE_SIDES, Move.COLLECT, Move.COMMIT


def after_commit(role: str) -> tuple[Move, ...]:
    """Return what follows from the decided result; anybody may do it, any number of times."""
    if role == "side":
        # The rocket that recovers the gate returns at once, so that it is free to pull the gate itself.
        return (Move.LOOK_AFTER_GATE,)
    return (Move.PUBLISH, Move.OPEN_GATE, Move.ADD_SIDES) if role == "plan" else (Move.PUBLISH,)


def when_all_is_done(in_rounds: bool, new_items: int | None = None) -> Move:
    """Return what a leading replica does when it finds nothing unfinished.

    Parameters
    ----------
    in_rounds : bool
        Whether the step has rounds.
    new_items : int, optional
        How many new items the next round has, once it is planned.
    """
    if in_rounds and new_items is None:
        return Move.PLAN_NEXT_ROUND
    return Move.WORK if new_items else Move.SAY_ALL_IS_PLANNED


def sides_wanted(replicas: int, most: int) -> int:
    """Return how many sides a step shall have beside its gate.

    Parameters
    ----------
    replicas : int
        How many replicas the user asks for.
    most : int
        How many could be of use.
    """
    return min(replicas, max(1, most)) - 1


class Trouble(Enum):
    """What an error says."""

    OVERTAKEN = "another rocket has taken over"
    PASSING = "the database is away, or the time is over: nothing is wrong with the run"
    LASTING = "the step cannot give a result"


class Ending(Enum):
    """What an error makes of a firework."""

    COMPLETED = "it ends with a remark: nothing waits for it, and its items are with others"
    AGAIN = "the error passes, and FireWorks has another launch"
    RUN_FAILED = "the run is marked as failed, where nobody has taken over"


def after_trouble(role: str, trouble: Trouble) -> Ending:
    """Return what becomes of a firework that an error ends. A side never fails its run: others do its items."""
    if role == "side":
        return Ending.COMPLETED if trouble is Trouble.OVERTAKEN else Ending.AGAIN
    return Ending.RUN_FAILED if trouble is Trouble.LASTING else Ending.AGAIN
