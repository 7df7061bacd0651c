"""What a replica does next: when it claims, works, gives up, stands back, waits and ends.

A replica goes through turns. At the beginning of a turn it knows its time and how it fared so far; all else it asks
for one thing after the other, and no more than it needs (`next_action`). What an item's failure leads to is decided as
it happens (`after_failure`, `in_quarantine`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

# A claim aims at this much work, and what is done is committed twice in that time.
SECONDS_PER_CLAIM = 4.0
LARGEST_CLAIM = 100
IDLE_SLEEP = (0.1, 1.0)
# The gate's own lease is looked at, and the tally written, this often: what must not go wrong is fenced anyway.
SECONDS_BETWEEN_CHECKS = 5.0
# An item may take longer than those before it: so much more is left to it before the end.
ROOM_FOR_AN_ITEM = 1.5
SHORTEST_ITEM = 1e-6  # what takes no time that could be measured
NOTHING = "nothing"  # is unfinished


class Do(Enum):
    """What a replica may do next; of each question it learns the answer in the same turn."""

    ASK_WHO_WORKS = "asks whether others work on the step"
    WORK = "works on what it has claimed, and begins another turn"
    GIVE_UP = "writes that the items whose last attempt failed here have failed"
    LOOK = "looks what is unfinished"
    ASK_FOR_MORE = "asks whether items have been, or may yet be, added; a gate plans them"
    SETTLE = "inserts what follows from committed items"
    REAP = "returns what nobody holds any more"
    ASK_AFTER_GATE = "asks whether the gate is lost"
    AGAIN = "begins another turn"
    GIVE_BACK = "gives back what it holds, and ends: the time is over"


@dataclass(frozen=True)
class Claim:
    """Claim at most so many items."""

    at_most: int


@dataclass(frozen=True)
class Wait:
    """Wait so many seconds, then begin another turn."""

    seconds: float


class End(Enum):
    """How a replica ends, in the words that are kept with its launch."""

    FINISHED = "finished"
    GATE_LOST = "gate lost"
    IDLE = "idle"
    ENDING = "ending"


@dataclass(frozen=True)
class Turn:
    """What a replica knows in a turn; None is what it has not asked in this turn.

    Attributes
    ----------
    seconds_left : float
        Seconds in which work may be done, as the turn began; infinite where no end is known.
    seconds_per_item : float or None
        What an item takes; None before anybody knows.
    interrupted : bool
        The item at hand was broken off since the time is over.
    quarantined : bool
        Many items failed in a row here.
    suspected : int
        How many items are held whose last attempt failed here.
    pause : float
        Seconds to wait when there is nothing to do.
    idle_limit, idle_seconds : float
        Seconds without work after which it ends, and that have passed.
    others_work : bool or None
        Another replica, not in quarantine, works on the step.
    claimed : int or None
        How many items the claim of this turn got.
    unfinished : str or None
        The state of an item that is not at its end; `NOTHING` where all are.
    more : bool or None
        All are at their end, and yet there are others, or there may be.
    settled, reaped : int or None
        How many items that concerned.
    gate_lost : bool or None
        The gate's lease, or the plan's, has expired.
    """

    seconds_left: float = float("inf")
    seconds_per_item: float | None = None
    interrupted: bool = False
    quarantined: bool = False
    suspected: int = 0
    pause: float = IDLE_SLEEP[0]
    idle_limit: float = float("inf")
    idle_seconds: float = 0.0
    others_work: bool | None = None
    claimed: int | None = None
    unfinished: str | None = None
    more: bool | None = None
    settled: int | None = None
    reaped: int | None = None
    gate_lost: bool | None = None

    @property
    def fits(self) -> bool:
        """Whether another item would be done in time."""
        return not self.interrupted and self.seconds_left > ROOM_FOR_AN_ITEM * (self.seconds_per_item or 0.0)

    @property
    def stands_back(self) -> bool:
        """Whether it claims nothing: it may be this machine that is broken. The last one goes on, so the run ends."""
        return self.quarantined and bool(self.others_work)


def next_action(turn: Turn) -> Do | Claim | Wait | End:
    """Return what a replica does next.

    Before anything else is asked, and before it ends, it writes down what has failed here for good.
    """
    if not turn.fits:
        return Do.GIVE_UP if turn.suspected else Do.GIVE_BACK
    if turn.quarantined and turn.others_work is None:
        return Do.ASK_WHO_WORKS
    if turn.claimed is None and not turn.stands_back:
        return Claim(most_to_claim(turn.seconds_per_item, turn.seconds_left))
    if turn.claimed:
        return Do.WORK
    return Do.GIVE_UP if turn.suspected else _without_work(turn)


def _without_work(turn: Turn) -> Do | Wait | End:
    """Return what a replica does that holds nothing, and can or may claim nothing."""
    if turn.unfinished is None:
        return Do.LOOK
    if turn.unfinished == NOTHING and not turn.more:
        return Do.ASK_FOR_MORE if turn.more is None else End.FINISHED
    if turn.unfinished == "committed" and turn.settled is None:
        return Do.SETTLE
    if turn.settled:
        return Do.AGAIN
    if turn.reaped is None:
        return Do.REAP
    if turn.reaped:
        return Do.AGAIN
    if turn.gate_lost is None:
        return Do.ASK_AFTER_GATE
    if turn.gate_lost:
        return End.GATE_LOST
    if turn.idle_seconds > turn.idle_limit:
        return End.IDLE
    return Wait(turn.pause)


def longer(pause: float) -> float:
    """Return the pause after this one, where there was nothing to do again."""
    return min(2 * pause, IDLE_SLEEP[1])


def most_to_claim(seconds_per_item: float | None, seconds_left: float) -> int:
    """Return how many items to claim at most: some seconds of work, and no more than there is time for."""
    if seconds_per_item is None:
        return 1
    seconds = min(SECONDS_PER_CLAIM, seconds_left)
    return max(1, min(LARGEST_CLAIM, int(seconds / max(seconds_per_item, SHORTEST_ITEM))))


def share_of_waiting(replicas: int) -> float:
    """Return the part of the waiting items that one replica takes towards the end, when little is left for each."""
    return 1.0 / max(1, replicas)


def expected(mean: float | None, seconds: float) -> float:
    """Return what an item is expected to take after one more has taken so long."""
    return seconds if mean is None else 0.7 * mean + 0.3 * seconds


def commits_now(seconds: float) -> bool:
    """Tell whether work that has gone on for so long is committed before the next item is begun."""
    return seconds > SECONDS_PER_CLAIM / 2


def checks_now(seconds: float) -> bool:
    """Tell whether a check that is so old is made again."""
    return seconds >= SECONDS_BETWEEN_CHECKS


@dataclass(frozen=True)
class Standing:
    """How a replica has fared.

    Attributes
    ----------
    failed_in_a_row : tuple of str
        Keys of the different items that have failed since one succeeded.
    quarantined : bool
        So many did once that it may be this machine, not the items, that is broken.
    leaves : bool
        Others worked as it was put in quarantine: it leaves what it has claimed to them.
    """

    failed_in_a_row: tuple[str, ...] = ()
    quarantined: bool = False
    leaves: bool = False

    def after(self, failed: str | None) -> Standing:
        """Return how it stands after another item, whose key is given where it failed."""
        if failed is None:
            return replace(self, failed_in_a_row=())
        others = tuple(key for key in self.failed_in_a_row if key != failed)
        return replace(self, failed_in_a_row=(*others, failed))

    def in_quarantine(self, others_work: bool) -> Standing:
        """Return how it stands once it is put in quarantine."""
        return replace(self, quarantined=True, leaves=others_work)


class OnFailure(Enum):
    """What the failure of an item may lead to."""

    WRITE = "writes the failed attempt: the item rests, and is tried again"
    SUSPECT = "goes on holding the item, whose last attempt this was, until it is clear whose fault it is"
    GIVE_UP = "writes that all items which it so holds have failed"
    QUARANTINE = "notes that it may be this machine, and asks who else works on the step"
    FORGIVE = "gives back all that it holds: the others shall have all attempts at what failed here"


def after_failure(standing: Standing, attempts: int, allowed: int, quarantine_after: int) -> tuple[OnFailure, ...]:
    """Return what the failure of an item leads to.

    Parameters
    ----------
    standing : Standing
        How the replica stands, this failure included.
    attempts : int
        How often the item had failed before.
    allowed : int
        How often it may fail.
    quarantine_after : int
        After so many different items failed in a row a replica stands back.
    """
    first = OnFailure.SUSPECT if attempts + 1 >= allowed else OnFailure.WRITE
    if standing.quarantined:
        return first, OnFailure.GIVE_UP
    if len(standing.failed_in_a_row) >= quarantine_after:
        return first, OnFailure.QUARANTINE
    return (first,)


def in_quarantine(others_work: bool) -> OnFailure:
    """Return what becomes of the items that a replica holds as it finds itself broken."""
    return OnFailure.FORGIVE if others_work else OnFailure.GIVE_UP


def attempts_allowed(max_attempts: int, permanent: bool) -> int:
    """Return how often an item may fail; once, where the error says that it would fail again."""
    return 1 if permanent else max_attempts
