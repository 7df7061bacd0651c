"""What the committed items of a generation have drawn: which draws were made, and what they gave.

A group's draws are numbered through: draw d on site s of S has the number d S + s. A group has been drawn *through* to
the first number that no item has made. What lies below is the same whatever the items were and whoever made them; what
lies above counts for nothing yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.documents import WorkItemDocument
from genarris_fw.generation.effort import Tally

COMPARISON = "compare"


@dataclass
class Drawn:
    """What was drawn in one space group.

    Attributes
    ----------
    sites : int
        How many it has.
    mode : str
        ``rejection`` or ``packing``; empty where its first item has failed.
    items : list of (str, array)
        Of every item its key, and the lengths of its structures' blocks for geometry.out (`GeneratedFiles`).
    duplicates : dict of int to array
        By how many structures were compared: (m, 2) places in the order of the draws, of a duplicate and of what it
        repeats.
    """

    sites: int
    mode: str = ""
    pilot: dict[str, float] | None = None
    items: list[tuple[str, NDArray[np.int64]]] = field(default_factory=list)
    duplicates: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    _ranges: list[tuple[int, int, int]] = field(default_factory=list)
    _rows: list[NDArray[np.int64]] = field(default_factory=list)

    def add_range(self, payload: dict[str, Any], draws: int | None) -> None:
        """Note a range of draws that was made; all that was to be made where `draws` is None."""
        if "first" in payload:
            first = int(payload["first"])
            self._ranges.append((int(payload["site"]), first, first + int(payload["size"] if draws is None else draws)))
        elif draws:  # the first item of a group goes round its sites
            whole, rest = divmod(draws, self.sites)
            self._ranges += [(site, 0, whole + (site < rest)) for site in range(self.sites)]

    def add(self, record: WorkItemDocument) -> None:
        """Note what a committed item gave."""
        outcome = record["outcome"]
        self.add_range(record["payload"], outcome["draws"])
        self.mode = outcome.get("mode", self.mode)
        self.pilot = outcome.get("pilot", self.pilot)
        # An earlier version wrote the ids as well.
        pairs = [(row[0], row[1]) for row in outcome["accepted"]]
        if not pairs:
            return
        found = np.array(pairs, dtype=np.int64)
        larger = np.zeros(len(found), dtype=np.int64)
        larger[outcome.get("relabelled", [])] = 1
        numbers = found[:, 0] * self.sites + found[:, 1]
        item = np.full(len(found), len(self.items), dtype=np.int64)
        self.items.append((record["key"], np.array(outcome.get("blocks", []), dtype=np.int64)))
        self._rows.append(np.column_stack([numbers, item, np.arange(len(found)), larger]))

    @cached_property
    def _sorted(self) -> NDArray[np.int64]:
        """All that was accepted: number, item, place in the item, whether it has a larger group; each number once."""
        if not self._rows:
            return np.empty((0, 4), dtype=np.int64)
        rows = np.concatenate(self._rows)
        self._rows.clear()
        _, first = np.unique(rows[:, 0], return_index=True)
        return np.asarray(rows[first])

    @cached_property
    def _covered(self) -> list[list[tuple[int, int]]]:
        """Of every site the draws that were made, as ranges that do not touch."""
        covered: list[list[tuple[int, int]]] = [[] for _ in range(self.sites)]
        for site, first, last in sorted(self._ranges):
            own = covered[site]
            if own and first <= own[-1][1]:
                own[-1] = own[-1][0], max(own[-1][1], last)
            elif last > first:
                own.append((first, last))
        return covered

    @cached_property
    def through(self) -> int:
        """The first number that was not drawn."""
        made = [own[0][1] if own and own[0][0] == 0 else 0 for own in self._covered]
        return min(draw * self.sites + site for site, draw in enumerate(made))

    @cached_property
    def found(self) -> NDArray[np.int64]:
        """The numbers of the structures below `through`, in order."""
        return np.asarray(self._sorted[: np.searchsorted(self._sorted[:, 0], self.through), 0])

    def at(self, places: Any) -> NDArray[np.int64]:
        """Return the rows of some structures: number, item, place in the item, whether they have a larger group."""
        return np.asarray(self._sorted[places])

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the blocks of rows (`at`) lie: the item, first byte, and length; -1 where none was written."""
        found = np.full((len(rows), 3), -1, dtype=np.int64)
        found[:, 0] = rows[:, 1]
        for item in np.unique(rows[:, 1]).tolist():
            lengths = self.items[item][1]
            if len(lengths):
                own = rows[:, 1] == item
                place = rows[own, 2]
                found[own, 1] = (lengths.cumsum() - lengths)[place]
                found[own, 2] = lengths[place]
        return found

    def accepted_below(self, draw: int) -> int:
        """How many structures are known of draws below this one."""
        return int(np.searchsorted(self._sorted[:, 0], draw * self.sites))

    def missing(self, depth: int) -> Iterable[tuple[int, int, int]]:
        """Yield (site, first, last) of the draws below a depth that were not made."""
        for site, own in enumerate(self._covered):
            at = 0
            for first, last in [*own, (depth, depth)]:
                if at < min(first, depth):
                    yield site, at, min(first, depth)
                at = max(at, last)

    @property
    def tally(self) -> Tally:
        """What the draws so far have given."""
        return Tally(self.mode, self.through, len(self.found))

    def kept(self, count: int) -> NDArray[np.bool_]:
        """Tell of the first so many structures which are kept: those that repeat no earlier one."""
        kept = np.ones(count, dtype=bool)
        kept[self.duplicates.get(count, np.empty((0, 2), dtype=np.int64))[:, 0]] = False
        return kept


def read_account(
    sites: Callable[[int], int], done: Iterable[WorkItemDocument], failed: Iterable[WorkItemDocument] = ()
) -> dict[int, Drawn]:
    """Read the committed items of a generation, and those that were given up: what these should have drawn is gone.

    Parameters
    ----------
    sites : callable
        Space group -> how many sites it has.
    done, failed : iterable of WorkItemDocument
        Of the step.
    """
    account: dict[int, Drawn] = {}

    def of(number: int) -> Drawn:
        return account.setdefault(number, Drawn(sites(number)))

    for record in done:
        if COMPARISON not in record["payload"]:
            of(record["payload"]["space_group"]).add(record)
            continue
        for number, count in record["payload"][COMPARISON]:
            pairs = record["outcome"]["duplicates"].get(str(number), [])
            of(number).duplicates[count] = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    for record in failed:
        if COMPARISON not in record["payload"]:
            of(record["payload"]["space_group"]).add_range(record["payload"], None)
            continue
        for number, count in record["payload"][COMPARISON]:
            of(number).duplicates.setdefault(count, np.empty((0, 2), dtype=np.int64))
    return account
