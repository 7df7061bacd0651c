"""The rounds of a search: what is known leads to the next items, and to the end; no clock, no chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from genarris_fw.lattice.searching.completeness import Completeness, completeness
from genarris_fw.lattice.searching.items import Found, Item
from genarris_fw.lattice.searching.merging import MARGIN, Minimum, merge
from genarris_fw.lattice.searching.yields import first_shares, shared_out, singletons

STOPS = ("complete", "draws", "structures")
PILOT = {"packing": 16, "rejection": 4096}  # draws on every site, to know what its draws cost
FIRST_MINIMISED = 1500  # starting points of the first round
DEAREST = 50  # draws in the first round for each starting point that a site is to give, at most
GROWTH = 0.5  # of the work so far, in each later round
ITEM_WORK = 4000.0  # steps of minimisations: some tenths of a second
BUNDLES = 32  # which the small items of a round are put into: enough for some workers, and few to write down
LEAST_BUNDLE = 400.0  # steps of minimisations: less is not worth a claim and a commit
MOST_WORK = 1e5  # of a search that is to be complete: some 8,000 minimisations, a minute for a small molecule

# A search is complete where in the lowest part of the window nothing seems to be missing, and in all of it little.
LOWEST_PART = 1 / 3
LOWEST_UNSEEN = 0.5  # minima
LOWEST_COVERAGE = 0.98
SEEN_OF_ALL = 0.8


@dataclass(frozen=True)
class Tally:
    """What was done on one site.

    Attributes
    ----------
    draws, minimised : int
        Draws made, and minimised.
    work : float
        Counted work, in steps of minimisations.
    failures : dict
        Reason -> number of draws.
    """

    draws: int = 0
    minimised: int = 0
    work: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)

    def __add__(self, found: Found) -> Tally:
        """Add an item."""
        failures = Counter(self.failures)
        failures.update(found.failures)
        return Tally(
            self.draws + found.item.count,
            self.minimised + found.minimised,
            self.work + found.work,
            dict(sorted(failures.items())),
        )


@dataclass(frozen=True)
class Aim:
    """What is searched for, and how long.

    Attributes
    ----------
    groups : dict
        Stratum -> its space group.
    modes : dict
        Stratum -> ``packing`` or ``rejection``.
    window : float
        kJ/mol per molecule.
    stop : str
        ``complete``, ``draws`` or ``structures``.
    limit : int
        How many draws or structures; not looked at for ``complete``.
    most_work : float
        Counted work after which the search ends anyhow.
    """

    groups: Mapping[str, int]
    modes: Mapping[str, str]
    window: float
    stop: str = "complete"
    limit: int = 0
    most_work: float = MOST_WORK


@dataclass(frozen=True)
class State:
    """All that is known of a search; plain values and minima.

    Attributes
    ----------
    rounds : int
        How many are over.
    minima : list of Minimum
        Within the window and little above it, each once, the lowest first.
    tallies : dict
        Stratum -> what was done there.
    """

    rounds: int = 0
    minima: list[Minimum] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def draws(self) -> int:
        """How many were made."""
        return sum(tally.draws for tally in self.tallies.values())

    @property
    def minimised(self) -> int:
        """How many draws were minimised."""
        return sum(tally.minimised for tally in self.tallies.values())

    @property
    def work(self) -> float:
        """Counted work, in steps of minimisations."""
        return math.fsum(tally.work for tally in self.tallies.values())

    @property
    def failures(self) -> dict[str, int]:
        """Reason -> number of draws that gave no minimum."""
        every: Counter[str] = Counter()
        for tally in self.tallies.values():
            every.update(tally.failures)
        return dict(sorted(every.items()))

    def after(self, results: Iterable[Found], window: float) -> State:
        """Return what is known after a round, whatever the order of its results."""
        ordered = sorted(results, key=lambda found: (found.item.stratum, found.item.first))
        tallies = dict(self.tallies)
        for found in ordered:
            tallies[found.item.stratum] = tallies.get(found.item.stratum, Tally()) + found
        every = [*self.minima, *(one for found in ordered for one in found.minima)]
        return State(self.rounds + 1, merge(every, window + MARGIN), tallies)

    def within(self, window: float) -> list[Minimum]:
        """Return the minima no more than the window above the lowest (kJ/mol per molecule)."""
        return [one for one in self.minima if one.energy <= self.minima[0].energy + window]

    def completeness(self, window: float) -> Completeness:
        """Estimate how many minima lie within a window above the lowest (kJ/mol per molecule)."""
        hits: dict[str, list[int]] = {}
        for one in self.within(window):
            hits.setdefault(one.home, []).append(one.total)
        return completeness(hits)


@dataclass(frozen=True)
class Round:
    """What is to be done next.

    Attributes
    ----------
    items : list of Item
        Empty at the end.
    reason : str
        Why the search ends; empty while it goes on.
    """

    items: list[Item]
    reason: str = ""


def next_round(state: State, aim: Aim) -> Round:
    """Decide on the next round, by what is known alone.

    Parameters
    ----------
    state : State
        After the rounds so far.
    aim : Aim

    Returns
    -------
    Round
        First some draws on every site; then starting points by the frequency of space groups; then work by what sites
        still yield (`shared_out`), half as much as was done so far, until it is enough.
    """
    if state.rounds == 0:
        limit = aim.limit if aim.stop == "draws" else math.inf
        counts = {name: PILOT[aim.modes[name]] for name in sorted(aim.groups)}
        return Round(_within(limit, [Item(name, 0, count) for name, count in counts.items()]))
    reason = _reason(state, aim)
    if reason:
        return Round([], reason)
    shares = first_shares(aim.groups)
    counts = {name: _first_count(state.tallies[name], shares[name]) for name in sorted(aim.groups)}
    if state.rounds > 1 or not any(counts.values()):
        budget = min(GROWTH * state.work, aim.most_work - state.work)
        done = {name: tally.work for name, tally in state.tallies.items()}
        shared = shared_out(done, singletons(state.within(aim.window), aim.window), shares, budget)
        counts = {name: math.floor(shared[name] / _cost(state.tallies[name])) for name in sorted(shared)}
        if not any(counts.values()):  # a draw of any kind is dearer than the budget
            counts[max(sorted(shared), key=shared.__getitem__)] = 1
    threshold = state.minima[0].energy + aim.window if state.minima else None
    items = [
        item
        for name, count in counts.items()
        for item in _items(name, state.tallies[name].draws, count, _cost(state.tallies[name]), threshold)
    ]
    return Round(_within(aim.limit - state.draws if aim.stop == "draws" else math.inf, items))


def bundles(items: Sequence[Item], state: State) -> list[list[Item]]:
    """Put the small items of a round together.

    Parameters
    ----------
    items : sequence of Item
        Of one round.
    state : State
        Before it.

    Returns
    -------
    list of list of Item
        In the same order, each list much the same work as by the draws before: a thirty-second part of the round's,
        within limits. Whoever works on one does so without asking anybody; many sites that get a few draws each are no
        documents each.
    """
    costs = [item.count * _cost(state.tallies[item.stratum]) if state.rounds else 1.0 for item in items]
    most = sum(costs) / BUNDLES
    if state.rounds:
        most = min(max(most, LEAST_BUNDLE), ITEM_WORK)
    found: list[list[Item]] = []
    room = 0.0
    for item, cost in zip(items, costs, strict=True):
        if not found or cost > room:
            found.append([])
            room = most
        found[-1].append(item)
        room -= cost
    return found


def _reason(state: State, aim: Aim) -> str:
    """Why the search is over; empty where it is not."""
    if aim.stop == "draws" and state.draws >= aim.limit:
        return "draws"
    if aim.stop == "structures" and len(state.within(aim.window)) >= aim.limit:
        return "structures"
    if aim.stop == "complete" and state.rounds > 1 and is_complete(state, aim.window):
        return "complete"
    return "work" if state.work >= aim.most_work else ""


def is_complete(state: State, window: float) -> bool:
    """Tell whether a search has seen enough.

    In the lowest third of the window less than half a minimum is estimated to be missing and at least 98 % of hits are
    minima already seen; and in all of it at least 80 % of the estimated number have been seen.
    """
    lowest, every = state.completeness(LOWEST_PART * window), state.completeness(window)
    return (
        lowest.seen > 0
        and lowest.unseen <= LOWEST_UNSEEN
        and lowest.coverage >= LOWEST_COVERAGE
        and every.seen >= SEEN_OF_ALL * every.estimate
    )


def _first_count(tally: Tally, share: float) -> int:
    """Draws for a site's share of the first starting points, as far as it gives any."""
    wanted = share * FIRST_MINIMISED - tally.minimised
    rate = (tally.minimised + 0.5) / (tally.draws + 1.0)
    return max(0, math.ceil(min(wanted / rate, wanted * DEAREST)))


def _cost(tally: Tally) -> float:
    """Counted work of a draw."""
    return (tally.work + 1e-3) / max(tally.draws, 1)


def _items(name: str, first: int, count: int, cost: float, threshold: float | None) -> list[Item]:
    """Divide a range of draws into items of much the same work."""
    pieces = max(1, math.ceil(count * cost / ITEM_WORK))
    ends = [first + count * k // pieces for k in range(pieces + 1)]
    return [Item(name, a, b - a, threshold) for a, b in pairwise(ends) if b > a]


def _within(limit: float, items: list[Item]) -> list[Item]:
    """The first items, with so many draws at most."""
    chosen = []
    for item in items:
        count = int(min(item.count, limit))
        limit -= count
        if count > 0:
            chosen.append(Item(item.stratum, item.first, count, item.threshold))
    return chosen
