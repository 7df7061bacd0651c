"""A procedure for the farm's tests: its items sleep, and each makes one document that can be counted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fireworks import Firework, Workflow

from genarris_fw.catalogue.work_items import Item
from genarris_fw.farm.sides import PATH_PRIORITY
from genarris_fw.procedures.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.begin_run import BeginRun
from genarris_fw.procedures.finish_run import FinishRun


@explicit_serialize
class Sleepy(Procedure):
    """Sleep for every item; collect the squares of their numbers."""

    def plan(self, campaign: Campaign) -> list[Item]:
        return [Item(f"{i:05d}", {"number": i}) for i in range(campaign.options["items"])]

    def work(self, campaign: Campaign, item: Item) -> Outcome:
        time.sleep(campaign.options["seconds"])
        number = item.payload["number"]
        if number in campaign.options.get("broken", []):
            raise ValueError(f"item {number} is broken")
        name = f"geometry_{campaign.step}_{number:05d}"
        document = {"struct_id": name, "n_atoms": 0, "properties": {"square": number**2}}
        return Outcome({"square": number**2, "struct_id": name}, structures=[document])

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        done = [record["outcome"] for record in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)]
        campaign.make_pool([outcome["struct_id"] for outcome in done], campaign.step)
        # Every collect leaves a trace, so that a test can tell how often it happened.
        campaign.catalogue.database["collects"].insert_one({"run": campaign.run, "step": campaign.step})
        return {"items": len(done), "sum": sum(outcome["square"] for outcome in done)}


def sleepy_workflow(
    run: str,
    folder: Path,
    *,
    items: int = 60,
    seconds: float = 0.05,
    replicas: int = 3,
    lease_seconds: float = 3.0,
    steps: int = 2,
    broken: tuple[int, ...] = (),
) -> Workflow:
    """Return the workflow of a run of sleepy steps, laid out as `genarris_fw.farm.workflow` does."""
    names = [f"sleepy_{i}" for i in range(steps)]
    options = {
        "items": items,
        "seconds": seconds,
        "num_replicas": replicas,
        "broken": list(broken),
        "verbose": True,
    }
    record = {
        "options": {
            "master": {"lease_seconds": lease_seconds, "max_attempts": 2},
            "steps": [
                {
                    "name": n,
                    "procedure": "Sleepy",
                    "options": dict(options),
                    "origins": {"num_replicas": "test"},
                }
                for n in names
            ],
        },
        "options_hash": "sleepy",
        "text": "",
        "folder": str(folder),
        "seed": 0,
    }
    spec = {"run": run, "_priority": PATH_PRIORITY, "_add_launchpad_and_fw_id": True}
    chain = [Firework(BeginRun(run=run, record=record), spec=dict(spec), name="begin")]
    for name in names:
        for role in ("plan", "gate"):
            task = Sleepy(run=run, step=name, role=role)
            chain.append(Firework(task, spec=dict(spec), name=f"{name} {role}", parents=[chain[-1]]))
    chain.append(Firework(FinishRun(run=run), spec=dict(spec), name="finish", parents=[chain[-1]]))
    return Workflow(chain, name=run, metadata={"run": run, "options_hash": "sleepy"})
