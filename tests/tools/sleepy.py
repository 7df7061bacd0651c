"""A procedure for the farm's tests: its items sleep, and each makes one document that can be counted."""

from __future__ import annotations

import ctypes
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from fireworks import Firework, Workflow
from leases import scaled

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.catalogue.work_items import Item
from genarris_fw.declaring.option import derived
from genarris_fw.farm.begin_run import BeginRun
from genarris_fw.farm.finish_run import FinishRun
from genarris_fw.farm.fireworks.names import path_spec
from genarris_fw.logs import Log
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize


class SleepyOptions(SharedOptions):
    """What a sleepy step is told; no ui.conf names it."""

    items: int = derived("Number of items", 60)
    seconds: float = derived("What an item takes", 0.05)
    busy: float = derived("What an item takes of the processor of every rank, where it has ranks", 0.0)
    broken: list[int] = derived("Items that fail", [])
    plan_seconds: float = derived("What planning takes", 0.0)
    collect_seconds: float = derived("What collecting takes", 0.0)
    rounds: int = derived("Number of rounds", 1)
    hold_interpreter: bool = derived("Whether the work lets no other thread run", False)


class SleepyStep(Campaign[SleepyOptions]):
    """A sleepy step: its options are not registered."""

    @cached_property
    def options(self) -> SleepyOptions:
        return SleepyOptions.resolved(self._step["options"])


@explicit_serialize
class Sleepy(Procedure[SleepyOptions]):
    """Sleep for every item; collect the squares of their numbers.

    With ``rounds`` = r, the items come in r rounds, each added when the one before is done.
    """

    rounds = True

    def assignment(self, catalogue: Catalogue, record: RunDocument, step: str, log: Log) -> SleepyStep:
        return SleepyStep(catalogue, record, step, log)

    def plan(self, campaign: SleepyStep) -> list[Item]:
        time.sleep(campaign.options.plan_seconds)
        return self._round(campaign, 0)

    def next_round(self, campaign: SleepyStep) -> list[Item]:
        items, rounds = campaign.options.items, campaign.options.rounds
        counts = campaign.catalogue.work_items.counts(campaign.run, campaign.step)
        ended = counts["done"] + counts["failed"]
        finished = next(r for r in range(rounds + 1) if r == rounds or ended < _ends(items, rounds)[r])
        return self._round(campaign, finished) if finished < rounds else []

    def _round(self, campaign: SleepyStep, number: int) -> list[Item]:
        ends = _ends(campaign.options.items, campaign.options.rounds)
        first = ends[number - 1] if number else 0
        return [Item(f"{i:05d}", {"number": i, "round": number}) for i in range(first, ends[number])]

    def work(self, campaign: SleepyStep, item: Item) -> Outcome:
        if campaign.options.hold_interpreter:
            # As an engine may: a call into C that does not let other threads run.
            ctypes.PyDLL(None).usleep(int(1e6 * campaign.options.seconds))
        else:
            time.sleep(campaign.options.seconds)
        number = item.payload["number"]
        counts = campaign.catalogue.work_items.counts(campaign.run, campaign.step)
        before = _ends(campaign.options.items, campaign.options.rounds)[item.payload["round"] - 1]
        if item.payload["round"] and counts["done"] + counts["failed"] < before:
            raise ValueError(f"item {number} came before its round")
        mended = (campaign.folder / "mended").exists()
        if number in campaign.options.broken and not mended:
            raise ValueError(f"item {number} is broken")
        name = f"geometry_{campaign.step}_{number:05d}"
        document = {"struct_id": name, "n_atoms": 0, "properties": {"square": number**2}}
        return Outcome({"square": number**2, "struct_id": name}, structures=[document])

    def collect(self, campaign: SleepyStep) -> dict[str, Any]:
        done = [record["outcome"] for record in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)]
        campaign.make_pool([outcome["struct_id"] for outcome in done], campaign.step)
        time.sleep(campaign.options.collect_seconds)
        # Every collect leaves a trace, so that a test can tell how often it happened.
        campaign.catalogue.database["collects"].insert_one({"run": campaign.run, "step": campaign.step})
        return {"items": len(done), "sum": sum(outcome["square"] for outcome in done)}


def _ends(items: int, rounds: int) -> list[int]:
    """Return the number of items up to the end of each round."""
    return [items * (r + 1) // rounds for r in range(rounds)]


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
    plan_seconds: float = 0.0,
    collect_seconds: float = 0.0,
    rounds: int = 1,
    hold_interpreter: bool = False,
    busy: float = 0.0,
    **master: object,
) -> Workflow:
    """Return the workflow of a run of sleepy steps, laid out as `genarris_fw.farm.workflow` does.

    Items that are ``broken`` fail until there is a file ``mended`` in the run's folder. Leases are scaled (`leases`);
    further options are the master's.
    """
    names = [f"sleepy_{i}" for i in range(steps)]
    options = {
        "items": items,
        "seconds": seconds,
        "num_replicas": replicas,
        "broken": list(broken),
        "plan_seconds": plan_seconds,
        "collect_seconds": collect_seconds,
        "rounds": rounds,
        "hold_interpreter": hold_interpreter,
        "busy": busy,
        "verbose": True,
    }
    record = {
        "options": {
            "master": {"lease_seconds": scaled(lease_seconds), "max_attempts": 2, "retry_delay": 0.2} | master,
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
    spec = path_spec(run)
    chain = [Firework(BeginRun(run=run, record=record), spec=dict(spec), name="begin")]
    for name in names:
        for role in ("plan", "gate"):
            task = Sleepy(run=run, step=name, role=role)
            chain.append(Firework(task, spec=dict(spec), name=f"{name} {role}", parents=[chain[-1]]))
    chain.append(Firework(FinishRun(run=run), spec=dict(spec), name="finish", parents=[chain[-1]]))
    return Workflow(chain, name=run, metadata={"run": run, "options_hash": "sleepy"})
