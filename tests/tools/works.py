"""Replicas of one step of a run whose items do what a test says."""

from __future__ import annotations

from pathlib import Path

from killing import Farm
from sleepy import Sleepy, SleepyStep

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.replica import Outcome, Replica
from genarris_fw.logs import Log
from genarris_fw.procedures.kit.base import Campaign, Item

STEP = "sleepy_0"


class Works:
    """Replicas of one step of a run whose items do what the test says."""

    def __init__(self, farm: Farm, items: int, **settings: object) -> None:
        self.farm = farm
        farm.add(items=items, steps=1, **settings)
        record = next(
            task["record"]
            for firework in farm.launchpad.fireworks.find({"name": "begin"})
            for task in firework["spec"]["_tasks"]
        )
        farm.catalogue.ensure_indexes()
        farm.catalogue.runs.create(farm.run, record, begun_by=1)
        farm.catalogue.work_items.insert(farm.run, STEP, [Item(f"{i:03d}") for i in range(items)])

    def replica(self, owner: str, work, catalogue: Catalogue | None = None, **about: object) -> Replica:
        class Told(Sleepy):
            def work(self, campaign: Campaign, item: Item) -> Outcome:
                return work(item)

        catalogue = catalogue or self.farm.catalogue
        campaign = SleepyStep(catalogue, catalogue.runs.get(self.farm.run), STEP, Log(Path("/nowhere")))
        catalogue.replicas.begin(owner, self.farm.run, STEP, "side", 1)
        return Replica(Told(run=self.farm.run, step=STEP, role="side"), campaign, owner, **about)

    @property
    def items(self) -> list[dict]:
        return list(self.farm.catalogue.work_items.collection.find({}).sort("key", 1))
