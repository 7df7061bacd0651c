"""An explorer of explicit states: every interleaving of a model, the shortest way to what must not happen."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)
Label = tuple[Any, ...]  # who, what, and about which


class Model(Protocol[S]):
    """What can be explored: a first state, the steps from a state, and what must not be."""

    def first(self) -> S: ...

    def steps(self, state: S) -> Iterable[tuple[Label, S]]:
        """Yield (label, next state) of every step that may come next."""

    def wrong(self, state: S) -> str:
        """Tell what must not be in this state, or ''."""

    def finished(self, state: S) -> bool:
        """Tell whether this state is the good end."""

    def canonical(self, state: S) -> S:
        """Return the one state that stands for all that differ in the order of equal processes."""


@dataclass
class Exploration(Generic[S]):
    """What an exploration found.

    Attributes
    ----------
    states, transitions : int
        How many were seen.
    wrong : str
        What the first state that must not be has wrong; '' when there is none.
    way : list
        The labels of the shortest way there.
    end : state or None
        That state.
    depth : int
        Steps on the longest of the shortest ways.
    kinds : dict
        By what is done in a step (its label's second entry): the shortest way to such a step, it included.
    stuck : int
        States from which no end can be reached (only where everything was explored).
    """

    states: int = 0
    transitions: int = 0
    wrong: str = ""
    way: list[Label] = field(default_factory=list)
    end: S | None = None
    stuck: int = 0
    depth: int = 0
    kinds: dict[str, list[Label]] = field(default_factory=dict)


def explore(model: Model[S], at_most: int = 5_000_000) -> Exploration[S]:
    """Visit every state, those nearest to the first one first; stop at the first that must not be."""
    gc.disable()  # millions of tuples without a cycle: looking for some takes half of the time
    try:
        return _explore(model, at_most)
    finally:
        gc.enable()


def _explore(model: Model[S], at_most: int) -> Exploration[S]:
    first = model.canonical(model.first())
    number = {first: 0}
    parents: list[tuple[int, Label]] = [(-1, ())]
    depths, before, ends = [0], [[]], []
    queue = deque([(0, first)])
    found: Exploration[S] = Exploration(states=1)

    def way_to(index: int) -> list[Label]:
        way = []
        while index > 0:
            index, label = parents[index]
            way.append(label)
        return way[::-1]

    def at_fault(index: int, state: S, wrong: str) -> Exploration[S]:
        found.wrong, found.end, found.states, found.depth = wrong, state, len(number), depths[index]
        found.way = way_to(index)
        return found

    while queue:
        index, state = queue.popleft()
        none_next = True
        for label, reached in model.steps(state):
            none_next = False
            found.transitions += 1
            if label[1] not in found.kinds:
                found.kinds[label[1]] = [*way_to(index), label]
            after = model.canonical(reached)
            there = number.get(after)
            if there is None:
                there = number[after] = len(number)
                if there > at_most:
                    raise RuntimeError(f"more than {at_most} states")
                parents.append((index, label))
                depths.append(depths[index] + 1)
                before.append([])
                if wrong := model.wrong(after):
                    return at_fault(there, after, wrong)
                queue.append((there, after))
            before[there].append(index)
        if model.finished(state):
            ends.append(index)
        elif none_next:
            return at_fault(index, state, "nothing can go on, and this is not the end")
    found.states, found.depth = len(number), max(depths)
    can_end = bytearray(len(number))
    for index in ends:
        can_end[index] = 1
    while ends:
        for index in before[ends.pop()]:
            if not can_end[index]:
                can_end[index] = 1
                ends.append(index)
    found.stuck = len(number) - sum(can_end)
    return found


def walk(model: Model[S], choose: Callable[[list[tuple[Label, S]]], tuple[Label, S]]) -> Iterator[tuple[Label, S]]:
    """Go one way through a model until nothing can go on; yield every step with the state after it."""
    state = model.first()
    while steps := list(model.steps(state)):
        label, state = choose(steps)
        yield label, state
