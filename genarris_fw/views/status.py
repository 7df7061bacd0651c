"""How far a run is: per step, the work items in each state, the rate and the time left."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.catalogue import Catalogue
from genarris_fw.views.layout import ByWidth
from genarris_fw.views.wording import duration, rate, result

# Mean seconds per item are taken over so many committed items, in the index's order (which is random).
SAMPLE = 500
STYLES = {"finished": "green", "running": "bold yellow", "failed": "bold red", "waiting": "dim"}
_FIELDS = {
    "state": 1,
    "created": 1,
    "finished": 1,
    "folder": 1,
    "failure": 1,
    "procedures": 1,
    "summaries": 1,
    "options.steps.name": 1,
    "options.steps.procedure": 1,
}


def status(catalogue: Catalogue, run: str) -> dict[str, Any]:
    """Return how far a run is, as plain JSON values.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.

    Returns
    -------
    dict
        ``run``, ``state``, ``created`` (ISO 8601, UTC), ``seconds`` (since then, or until it finished),
        ``folder``, ``failure`` (None while nothing failed), ``rockets`` (those that hold a lease now),
        ``pools`` (name -> number of structures) and ``steps``: a list of ``name``, ``procedure``, ``state``
        (waiting, running, finished, failed), the items ``waiting``, ``running``, ``done`` and ``failed``,
        ``rate`` (items per second, None when unknown), ``seconds``, ``time_left`` (seconds, None when
        unknown), ``result`` (words).

    Raises
    ------
    InputError
        When there is no such run.

    Notes
    -----
    While a step runs, its rate is (replicas that hold items) / (mean seconds of an item): the time in which
    nobody worked does not count. ``time_left`` covers the items known now; a step whose items bring forth
    others (generation) may take longer.
    """
    record = catalogue.runs.collection.find_one({"_id": run}, _FIELDS) or catalogue.runs.get(run)
    counts = _counts(catalogue, run)
    steps = [_step(catalogue, run, record, entry, counts) for entry in record.get("options", {}).get("steps", [])]
    expired = {lease["_id"] for lease in catalogue.leases.expired(run)}
    return {
        "run": run,
        "state": record["state"],
        "created": _utc(record["created"]).isoformat(timespec="seconds"),
        "seconds": _elapsed(record["created"], None if record["state"] == "running" else record.get("finished")),
        "folder": record.get("folder"),
        "failure": record.get("failure"),
        "rockets": sum(lease["_id"] not in expired for lease in catalogue.leases.holders(run)),
        "pools": pool_sizes(catalogue, run),
        "steps": steps,
    }


def pool_sizes(catalogue: Catalogue, run: str) -> dict[str, int]:
    """Return the number of structures in each pool of a run, by name."""
    return {pool: catalogue.structures.count(run, pool) for pool in catalogue.structures.pools(run)}


def _counts(catalogue: Catalogue, run: str) -> dict[str, dict[str, int]]:
    """Return step -> state -> number of items, from the index alone."""
    counts: dict[str, dict[str, int]] = {}
    pipeline: list[dict[str, Any]] = [
        {"$match": {"run": run}},
        {"$group": {"_id": {"procedure": "$procedure", "state": "$state"}, "number": {"$sum": 1}}},
    ]
    for group in catalogue.work_items.collection.aggregate(pipeline):
        counts.setdefault(group["_id"]["procedure"], {})[group["_id"]["state"]] = group["number"]
    return counts


def _step(
    catalogue: Catalogue,
    run: str,
    record: dict[str, Any],
    entry: dict[str, Any],
    counts: dict[str, dict[str, int]],
) -> dict[str, Any]:
    name = entry["name"]
    about = record.get("procedures", {}).get(name, {})
    items = counts.get(name, {})
    step = {
        "name": name,
        "procedure": entry["procedure"],
        "state": about.get("state", "waiting"),
        "waiting": items.get("waiting", 0),
        "running": items.get("leased", 0),
        "done": items.get("done", 0),
        "failed": items.get("failed", 0),
        "rate": None,
        "seconds": about.get("seconds"),
        "time_left": None,
        "result": result(record.get("summaries", {}).get(name)),
    }
    if about.get("started") and step["seconds"] is None:
        step["seconds"] = _elapsed(about["started"], about.get("finished") if step["state"] == "failed" else None)
    if step["state"] == "finished" and step["seconds"] and step["done"]:
        step["rate"] = step["done"] / step["seconds"]
    elif step["state"] == "running" and step["done"]:
        step["rate"] = _current_rate(catalogue, run, step)
        if step["rate"]:
            step["time_left"] = (step["waiting"] + step["running"]) / step["rate"]
    return step


def _current_rate(catalogue: Catalogue, run: str, step: dict[str, Any]) -> float | None:
    """Return the items per second that the replicas at work now get done, None when there is none."""
    items = catalogue.work_items.collection
    query = {"run": run, "procedure": step["name"]}
    replicas = len(items.distinct("lease.owner", query | {"state": "leased"}))
    pipeline: list[dict[str, Any]] = [
        {"$match": query | {"state": "done"}},
        {"$limit": SAMPLE},
        {"$group": {"_id": None, "seconds": {"$avg": "$seconds"}}},
    ]
    mean = next((group["seconds"] for group in items.aggregate(pipeline)), None)
    return replicas / mean if replicas and mean else None


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _elapsed(start: datetime, end: datetime | None) -> float:
    return round((_utc(end or datetime.now(timezone.utc)) - _utc(start)).total_seconds(), 3)


def render(found: dict[str, Any]) -> RenderableType:
    """Return the table of `status` for a terminal."""
    return ByWidth(lambda wide: _layout(found, wide))


def _layout(found: dict[str, Any], wide: bool) -> RenderableType:
    state = Text(found["state"], STYLES.get(found["state"], ""))
    head = Text.assemble(("run ", "dim"), (found["run"], "bold"), "  ", state, f"  {duration(found['seconds'])}")
    if found["state"] == "running":
        number = found["rockets"]
        words = {0: "no rocket holds work at this moment", 1: "1 rocket at work"}
        head.append(f"  {words.get(number, f'{number} rockets at work')}", "dim")
    parts: list[RenderableType] = [head]
    if found["failure"]:
        parts.append(Text(found["failure"], "red"))
    if found["steps"]:
        parts.append(_table(found["steps"], wide))
    if found["pools"]:
        pools = ", ".join(f"{name} {number}" for name, number in found["pools"].items())
        parts.append(Text.assemble(("pools  ", "dim"), pools))
    return Group(*parts)


def _table(steps: list[dict[str, Any]], wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1 if wide else 0, 0, 1))
    table.add_column("procedure", overflow="fold", no_wrap=wide)
    table.add_column("state", no_wrap=True)
    numbers = ("waiting", "running", "done", "failed", "rate", "time", "left")
    for column in numbers if wide else ("wait", "run", "done", "fail", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    if wide:
        table.add_column("result")
    for step in steps:
        counts = [str(step[name] or "") for name in ("waiting", "running", "done")]
        about = [step["name"], Text(step["state"], STYLES.get(step["state"], "")), *counts]
        about.append(Text(str(step["failed"] or ""), "red"))
        time, left = duration(step["seconds"]), duration(step["time_left"])
        if wide:
            table.add_row(*about, rate(step["rate"]), time, left, step["result"])
        else:
            table.add_row(*about, f"{left} left" if left else time)
    return table
