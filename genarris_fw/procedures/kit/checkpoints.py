"""How far a relaxation has come, kept on its work item: whoever claims the item next goes on from there."""

from __future__ import annotations

import time

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.options.base import SharedOptions
from genarris_fw.pools.documents import from_document, to_document
from genarris_fw.procedures.kit.campaign import Campaign

# Relaxations that are over within this time are simply done again after a kill.
SECONDS_BETWEEN = 60.0


class Checkpoints:
    """The checkpoints of one work item.

    Parameters
    ----------
    campaign : Campaign
        The step.
    item : Item
        As it was claimed, with what an earlier replica has kept.
    """

    def __init__(self, campaign: Campaign[SharedOptions], item: Item) -> None:
        self.campaign = campaign
        self.item = item
        self._kept = time.monotonic()
        self._latest: Structure | None = None

    def start(self, structure: Structure) -> Structure:
        """Return the structure to go on from: the one kept, or the one given."""
        if self.item.checkpoint is None:
            return structure
        kept = from_document(self.item.checkpoint)
        self.campaign.log("goes on from a checkpoint", item=self.item.key)
        return Structure(kept.lattice, structure.species, kept.positions, structure.properties, structure.struct_id)

    def reached(self, structure: Structure) -> None:
        """Take note of a step of a relaxation; keep it when the last one kept is a while ago."""
        self._latest = structure
        if time.monotonic() - self._kept > SECONDS_BETWEEN:
            self.keep(structure)

    def keep_latest(self) -> None:
        """Keep the last step that was reached, however short ago; the time is over."""
        if self._latest is not None:
            self.keep(self._latest)

    def keep(self, structure: Structure) -> bool:
        """Keep a structure; False when the item is not ours any more."""
        self._kept = time.monotonic()
        document = to_document(structure, 0, {})
        return self.campaign.keep(
            self.item, {name: value for name, value in document.items() if name in ("struct_id", "geometry", "n_atoms")}
        )
