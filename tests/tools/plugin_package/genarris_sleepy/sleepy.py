"""Sleepy: a procedure of another package, with work items, a pool, a file and a summary."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_sleepy.options import SleepyOptions

Step = Campaign[SleepyOptions]


@explicit_serialize
class Sleepy(Procedure[SleepyOptions]):
    """Sleep for every structure."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return an item for each structure."""
        return [Item(name, {"struct_id": name}) for name in campaign.pool_ids()]

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Sleep, and note how long."""
        options = campaign.options
        time.sleep(options.seconds * options.naps)
        slept = {f"properties.{options.property_name}": options.seconds * options.naps}
        return Outcome({"bed": options.bed}, fields={item.payload["struct_id"]: slept})

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of those who slept, and write the diary."""
        options, ids = campaign.options, campaign.pool_ids()
        campaign.make_pool(ids)
        campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
        if campaign.sees_folder():
            text = Path(options.lullaby).read_text() if options.lullaby else ""
            campaign.prepared(Path(options.diary)).write_text(f"{text}{len(ids)} slept {options.seconds} s\n")
        return {"structures": len(ids), "atoms": len(campaign.molecule.species)}
