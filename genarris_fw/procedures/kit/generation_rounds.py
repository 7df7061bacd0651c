"""What a generation does next: where its groups are drawn on, which structures are compared, and when it is done.

All follows from the committed items (`generation_account`), so every replica, and whoever takes over, decides the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.work_items import Item
from genarris_fw.generation.effort import (
    WORK_OF_A_DRAW,
    draws_to_tell,
    gives_nothing_new,
    is_hopeless,
    next_depth,
    shared,
    usual_rate,
)
from genarris_fw.procedures.kit.generation_account import COMPARISON, Drawn
from genarris_fw.procedures.kit.generation_plan import GenerationPlan

WORK_OF_AN_ITEM = 4e6  # some two seconds
ACCEPTED_BY_AN_ITEM = 500
COMPARED_BY_AN_ITEM = 2000  # structures; a group is compared by one item, whatever its size
FEWEST_DRAWS = 32  # of each site, where it goes on
MOST_AT_A_TIME = 4  # times as many structures of a group as before, where quotas are refilled


@dataclass(frozen=True)
class Ended:
    """Why a group is drawn no further although structures are missing."""

    reason: str
    draws: int = 0
    given_up: bool = False


class Rounds:
    """The state of a generation between two rounds.

    Parameters
    ----------
    plan : GenerationPlan
        Sites, quotas and budgets.
    account : mapping of int to Drawn
        By space group what was drawn; of some groups perhaps nothing.
    """

    def __init__(self, plan: GenerationPlan, account: Mapping[int, Drawn]) -> None:
        self.plan, self.options = plan, plan.options
        self.account = {group: account.get(group) or Drawn(len(plan.sites[group])) for group in sorted(plan.quotas)}
        self.targets = dict(plan.quotas)
        self.items = self._settle()

    def _settle(self) -> list[Item]:
        """Raise the targets as far as what is done allows; return what has to be done next."""
        while True:
            items = [*self._filling(), *self._comparisons()]
            if items or not self._refill():
                return items

    # How far a group is

    def count(self, group: int) -> int:
        """How many structures of a group are looked at: its target, or what there is."""
        return min(self.targets[group], len(self.account[group].found))

    def depth_budget(self, group: int) -> int:
        """How many draws of each site a group may take."""
        return self.plan.budget(group, self.account[group].mode)

    @cached_property
    def usual(self) -> float:
        """The usual rate of the groups."""
        return usual_rate(drawn.tally for drawn in self.account.values() if drawn.mode)

    @cached_property
    def ended(self) -> dict[int, Ended]:
        """The groups that are drawn no further."""
        return {group: why for group in self.account if (why := self._ended(group)) is not None}

    @property
    def given_up(self) -> dict[int, Ended]:
        """The groups of which more was wanted, and too little is to be had."""
        return {
            group: why
            for group, why in self.ended.items()
            if why.given_up and len(self.account[group].found) < self.targets[group]
        }

    def _ended(self, group: int) -> Ended | None:
        drawn, limit = self.account[group], self.options.max_draws_per_structure
        if not drawn.mode:
            return Ended("its first item failed")
        if drawn.through >= self.depth_budget(group) * drawn.sites:
            return Ended("its attempts are spent")
        if is_hopeless(drawn.tally, self.usual, limit):
            draws = 1.0 / (WORK_OF_A_DRAW[drawn.mode] * drawn.tally.rate_at_most)
            return Ended(f"a structure takes more than {draws:.2g} draws", drawn.through, given_up=True)
        return None

    # What is done next

    def _filling(self) -> Iterator[Item]:
        """Draws of the groups that lack structures."""
        for group, target in self.targets.items():
            drawn = self.account[group]
            there = len(drawn.found)
            if there >= target or group in self.ended:
                continue
            made = max(FEWEST_DRAWS, drawn.through // drawn.sites)
            depth = next_depth(made, there, target, self.depth_budget(group))
            tell = draws_to_tell(drawn.tally, self.usual, self.options.max_draws_per_structure) / drawn.sites
            if tell < depth:  # to where it is known, and no further
                depth = min(depth, max(made + 1, int(tell) + 1))
            sizes = self._sizes(drawn)
            for site, first, last in drawn.missing(depth):
                size = sizes[site]
                for start in range(first, last, size):
                    quota = target - drawn.accepted_below(start)
                    if quota <= 0:  # what was drawn beyond a gap, for a lower target
                        break
                    yield _item(
                        {
                            "space_group": group,
                            "mode": drawn.mode,
                            "site": site,
                            "first": start,
                            "size": min(size, last - start),
                            "quota": quota,
                        }
                    )

    def _sizes(self, drawn: Drawn) -> list[int]:
        """How many draws of each site an item makes."""
        by_work = WORK_OF_AN_ITEM / WORK_OF_A_DRAW[drawn.mode]
        draws = max(1, drawn.through // drawn.sites)
        accepted = np.bincount(drawn.found % drawn.sites, minlength=drawn.sites).tolist()
        return [max(1, int(min(by_work, ACCEPTED_BY_AN_ITEM * draws / max(1, number)))) for number in accepted]

    def _comparisons(self) -> Iterator[Item]:
        """Items that look for duplicates in groups that have what they should, or will not have more."""
        if not self.options.duplicate_tolerance:
            return
        waiting: list[list[int]] = []
        for group, target in self.targets.items():
            drawn, count = self.account[group], self.count(group)
            if count < 2 or count in drawn.duplicates or not (count == target or group in self.ended):
                continue
            if waiting and sum(number for _, number in waiting) + count > COMPARED_BY_AN_ITEM:
                yield _comparison(waiting)
                waiting = []
            waiting.append([group, count])
        if waiting:
            yield _comparison(waiting)

    def _refill(self) -> bool:
        """Raise the targets of groups that have more to give, where structures are missing; tell whether that was."""
        wanted = self.plan.refilled_to
        if not wanted:
            return False
        kept = {group: self.account[group].kept(self.count(group)) for group in self.account}
        missing = wanted - sum(int(mask.sum()) for mask in kept.values())
        able = {
            group: self.plan.quotas[group]
            for group, mask in kept.items()
            if (group not in self.ended or len(self.account[group].found) > self.targets[group])
            and not _exhausted(mask)
        }
        if missing <= 0 or not able:
            return False
        for group, more in shared(missing, able).items():
            if more:
                late = kept[group][len(kept[group]) // 2 :]
                share = (int(late.sum()) + 1) / (len(late) + 2)  # of what comes next that will be new (Laplace)
                most = MOST_AT_A_TIME * self.targets[group]
                self.targets[group] = min(self.targets[group] + int(np.ceil(more / share)), most)
        return True


def _exhausted(kept: NDArray[np.bool_]) -> bool:
    late = kept[len(kept) // 2 :]
    return gives_nothing_new(len(late), int(late.sum()))


def _item(payload: dict[str, object]) -> Item:
    return Item(f"{payload['space_group']:03d}-{payload['site']:03d}-{payload['first']:014d}", payload)


def _comparison(groups: list[list[int]]) -> Item:
    number, count = groups[0]
    return Item(f"{COMPARISON} {number:03d} {count:012d}", {COMPARISON: groups})
