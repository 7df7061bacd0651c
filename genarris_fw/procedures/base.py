"""The base of all procedures: a Firetask with three methods, and everything around them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from fireworks import FiretaskBase, FWAction, explicit_serialize

from genarris_fw.catalogue.work_items import Item
from genarris_fw.farm.replica import Outcome
from genarris_fw.procedures.campaign import Campaign

__all__ = ["Campaign", "Distances", "Item", "Outcome", "Procedure", "explicit_serialize"]


class Distances(NamedTuple):
    """A distance matrix: its file, the structures of its rows, and the rows in blocks."""

    path: Path
    ids: list[str]
    blocks: Iterable[np.ndarray]


class Procedure(FiretaskBase):
    """A named step of a run.

    A procedure says what its work items are, does one of them, and sums up. It is called from fireworks of the
    roles ``plan``, ``gate``, ``side`` (or ``whole``, for a cheap one), with leases, retries and the log around it.

    Attributes
    ----------
    cheap : bool
        True when the whole procedure is one firework without side replicas.
    rounds : bool
        True when items may follow once all items so far are done (`next_round`).
    """

    required_params = ["run", "step", "role"]  # noqa: RUF012 - FireWorks reads it from the class
    optional_params = ["_fw_name"]  # noqa: RUF012
    cheap = False
    rounds = False

    def plan(self, campaign: Campaign) -> Iterable[Item]:
        """Return the work items; called once, or again after a kill with the same result."""
        return []

    def wanted_replicas(self, campaign: Campaign) -> int:
        """Return how many replicas the user's options ask for."""
        return campaign.num_replicas

    def most_replicas(self, campaign: Campaign, items: int) -> int:
        """Return how many replicas could be of use for so many items."""
        return items

    def work(self, campaign: Campaign, item: Item) -> Outcome:
        """Do one item; may be called any number of times, with the same effect as once."""
        raise NotImplementedError(f"{type(self).__name__} has work items but no work method")

    def next_round(self, campaign: Campaign) -> Iterable[Item]:
        """Return the items that can be done only now that all others are done; none when there are no more.

        Called where `rounds` is True, any number of times, on the gate's node. What it returns follows from the
        committed items alone; those that are there already are left as they are.
        """
        return []

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        """Sum up the committed items, make pools, write files; return the summary for the run."""
        return {}

    def distances(self, campaign: Campaign) -> Distances | None:
        """Compute the distance matrix of this step anew from what the catalogue holds, None where it makes none.

        Called when the step is collected and the file is gone: in a folder that was restored from a backup.
        """
        return None

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:
        """Carry out this task's role; called by the rocket."""
        from genarris_fw.farm.carry_out import carry_out

        return carry_out(self)
