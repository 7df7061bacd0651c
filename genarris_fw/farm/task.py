"""What the farm carries out: a Firetask that plans work items, does one of them, and sums up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from fireworks import FiretaskBase, FWAction

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import NewEngineResult, NewStructure, RunDocument
from genarris_fw.catalogue.work_items import Item
from genarris_fw.farm.assignment import Assignment
from genarris_fw.logs import Log

A = TypeVar("A", bound=Assignment)


@dataclass
class Outcome:
    """What the work on one item gave.

    Parameters
    ----------
    summary : dict
        Kept on the item's document; what ``collect`` reads.
    structures : list of NewStructure
        Documents of new structures (`genarris_fw.pools.documents.to_document`).
    fields : dict of str to dict
        For existing structures, by struct_id: dotted field names with their values.
    items : list of Item
        Work that follows from this item.
    result : NewEngineResult or None
        What an engine gave, for others that compute the same.
    """

    summary: dict[str, Any] = field(default_factory=dict)
    structures: list[NewStructure] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    result: NewEngineResult | None = None


class Task(FiretaskBase, Generic[A]):
    """A step of a run.

    It is called from fireworks of the roles ``plan``, ``gate``, ``side`` (or ``whole``, for a cheap one), with leases,
    retries and the log around it.

    Attributes
    ----------
    cheap : bool
        True when the whole step is one firework without side replicas.
    rounds : bool
        True when items may follow once all items so far are done (`next_round`).
    """

    required_params = ["run", "step", "role"]  # noqa: RUF012 - FireWorks reads it from the class
    optional_params = ["_fw_name"]  # noqa: RUF012
    cheap = False
    rounds = False

    def assignment(self, catalogue: Catalogue, record: RunDocument, step: str, log: Log) -> A:
        """Return the step as this task sees it."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it works with")

    def plan(self, campaign: A) -> Iterable[Item]:
        """Return the work items; called once, or again after a kill with the same result."""
        return []

    def wanted_replicas(self, campaign: A) -> int:
        """Return how many replicas the user's options ask for."""
        return 1

    def most_replicas(self, campaign: A, items: int) -> int:
        """Return how many replicas could be of use for so many items."""
        return items

    def cores(self, campaign: A, ranks: int) -> int:
        """Return how many cores a replica holds that has so many ranks."""
        return ranks

    def work(self, campaign: A, item: Item) -> Outcome:
        """Do one item; may be called any number of times, with the same effect as once."""
        raise NotImplementedError(f"{type(self).__name__} has work items but no work method")

    def perform(self, campaign: A, item: Item) -> Outcome:
        """Return what `work` does, with what is kept of any item."""
        return self.work(campaign, item)

    def committed(self, campaign: A, items: Sequence[Item]) -> None:
        """Tidy up after items that were just committed; it may not come to that, and `tidy` removes what is left."""

    def next_round(self, campaign: A) -> Iterable[Item]:
        """Return the items that can be done only now that all others are done; none when there are no more.

        Called where `rounds` is True, any number of times, on the gate's node. What it returns follows from the
        committed items alone; those that are there already are left as they are.
        """
        return []

    def collect(self, campaign: A) -> dict[str, Any]:
        """Sum up the committed items, make pools, write files; return the summary for the run."""
        return {}

    def sum_up(self, campaign: A) -> dict[str, Any]:
        """Return what `collect` does, with what is said of any step."""
        return self.collect(campaign)

    def in_words(self, campaign: A, summary: dict[str, Any]) -> str:
        """Return in a few words what the step gave, for those who watch."""
        return ""

    @classmethod
    def tidy(cls, catalogue: Catalogue, run: str, step: str, folders: Sequence[Path]) -> None:
        """Remove what overtaken rockets have left of a step of a finished run, in the catalogue and in its folders."""

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:
        """Carry out this task's role; called by the rocket."""
        from genarris_fw.farm.carry_out import carry_out

        return carry_out(self)
