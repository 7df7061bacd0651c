"""What the explorer says of runs: how far they are, what failed, how many structures each stage left."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.catalogue.documents import WorkItemDocument
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.errors import InputError
from genarris_fw.pools.exporting import last_pool
from genarris_fw.showing import nearest, shown
from genarris_fw.views.comparison import measured_crystal
from genarris_fw.views.funnel import funnel
from genarris_fw.views.status import has_workflow, pools_of, shown_state, status, waiting_runs


class NotThere(InputError):
    """A run, a pool or a structure that is not there."""


def listed(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return the runs: those that no rocket has begun, and the others, the newest first."""
    waiting: list[dict[str, Any]] = [
        {"run": run, "state": "waiting", "created": moment, "folder": None, "pools": {}, "workflow": True}
        for run, moment in waiting_runs(catalogue).items()
    ]
    begun = []
    for record in catalogue.runs.listed():
        workflow = None if record["state"] == IMPORTED else has_workflow(catalogue, record["_id"])
        begun.append(
            {
                "run": record["_id"],
                "state": shown_state(record["state"], workflow),
                "created": record["created"],
                "folder": record.get("folder"),
                "pools": pools_of(catalogue, record),
                "workflow": workflow,
            }
        )
    return waiting + begun


def refuse_unknown(catalogue: Catalogue, run: str) -> None:
    """Refuse a run that is not there, naming the nearest that is.

    Raises
    ------
    NotThere
    """
    if not catalogue.runs.is_there(run):
        known = catalogue.runs.names()
        raise NotThere(f"no run {shown(run)}{nearest(run, known)}; runs here: {', '.join(known[:10]) or 'none yet'}")


def overview(catalogue: Catalogue, run: str) -> dict[str, Any]:
    """Return `genarris_fw.views.status.status`, with the experiment, the funnel and the number of failures.

    Raises
    ------
    NotThere
        When there is no such run.
    """
    refuse_unknown(catalogue, run)
    found = status(catalogue, run)
    summaries = catalogue.runs.overview(run).get("summaries", {})
    experiments = {step: about["experiment"] for step, about in summaries.items() if about.get("experiment")}
    steps = [step["name"] for step in found["steps"] if step["name"] in experiments]
    last = {"step": steps[-1]} | experiments[steps[-1]] if steps else None
    try:
        pool = last_pool(catalogue, run, found["pools"])
    except InputError:
        pool = None
    return found | {
        "last_pool": pool,
        "experiment": last,
        "experiments": experiments,
        "funnel": funnel(catalogue, run),
        "failures": sum(step["failed"] for step in found["steps"]),
        "has_experiment": measured_crystal(catalogue, run) is not None,
    }


def failures(catalogue: Catalogue, run: str, step: str | None, after: str | None, limit: int) -> dict[str, Any]:
    """Return work items that were given up, by their ids, from behind one on.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
    step : str or None
        One of its steps; None is all of them.
    after : str or None
        What ``next`` was on the page before.
    limit : int
        At most so many.

    Raises
    ------
    NotThere
        When there is no such run.
    """
    refuse_unknown(catalogue, run)
    steps = [entry["name"] for entry in catalogue.runs.overview(run).get("options", {}).get("steps", [])]
    asked = steps if step is None else [step]
    found = explored.failures(catalogue, run, asked, after, limit + 1)
    some = found[:limit]
    more = len(found) > limit
    return {
        "failures": [_failure(record) for record in some],
        "next": some[-1]["_id"].removeprefix(f"{run}:") if more else None,
    }


def _failure(record: WorkItemDocument) -> dict[str, Any]:
    about = record.get("failure") or {}
    return {
        "step": record["step"],
        "key": record["key"],
        "id": (record.get("payload") or {}).get("struct_id"),
        "error": record.get("error"),
        "attempts": record.get("attempts"),
        **{name: about.get(name) for name in ("kind", "host", "folder", "output")},
    }
