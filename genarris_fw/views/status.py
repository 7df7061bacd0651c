"""How far a run is: per step, the work items in each state, the rate and the time left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.catalogue.measured import COMPARED
from genarris_fw.catalogue.replicas import summed
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.declaring.door import OPTIONS
from genarris_fw.declaring.results import in_words
from genarris_fw.errors import InputError
from genarris_fw.farm.fireworks import workflows
from genarris_fw.views.layout import ByWidth
from genarris_fw.views.wording import duration, rate

# Mean seconds per item are taken over so many committed items, in the index's order (which is random).
SAMPLE = 500
# The items of a running step are counted when it has at most so many, which takes some milliseconds.
COUNTED = 20_000
# What is shown of a run that is not over and that no rocket can work on: its workflow was deleted or archived.
WITHOUT_WORKFLOW = "without workflow"
STYLES = {
    WITHOUT_WORKFLOW: "yellow",
    "finished": "green",
    "running": "bold yellow",
    "failed": "bold red",
    "waiting": "dim",
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
        ``run``, ``state`` (as in the run's document; ``without workflow`` of a run that is not over and whose workflow
        was deleted or archived), ``created`` (ISO 8601, UTC), ``seconds`` (since then, or until it finished),
        ``folder``, ``failure`` (None while nothing failed), ``workflow`` (False: no rocket can work on it; of an
        imported run None, since it needs none), ``rockets`` (those that hold a lease now),
        ``lost_rockets`` (those whose lease has expired), ``pools`` (name -> number of structures) and ``steps``: a
        list of ``name``, ``procedure``, ``state`` (waiting, running, finished, failed), the items ``waiting``,
        ``running``, ``done`` and ``failed``,
        ``counted`` (False: the replicas' tallies, which may be some seconds behind), ``lost`` (how often an item
        lost its replica), ``rate`` (items per second, None when unknown), ``seconds``, ``time_left`` (seconds,
        None when unknown), ``result`` (words), and where the step has looked for the measured crystal
        ``experiment`` and ``exemplars_experiment`` as in its summary;
        ``core_seconds``: of the work on items that are done, as the replicas tell it (`genarris_fw.views.costs` has it
        exactly);
        ``hosts``: for each ``host`` the ``replicas`` at work, what its replicas have ``done`` and ``failed`` in
        ``seconds`` and ``core_seconds`` of work, and their ``rate`` over the last minutes;
        ``quarantined``: ``step``, ``host``, ``owner`` and ``why`` of the replicas that took themselves out.

    Raises
    ------
    InputError
        When there is no such run.

    Notes
    -----
    While a step runs, its rate is what its replicas have done over the last minutes; before they have told that,
    (replicas that hold items) / (mean seconds of an item). ``time_left`` covers the items known now; a step whose
    items bring forth others (generation) may take longer.

    Nothing here takes longer for a large run: finished steps and pools are in the run's document, items of a
    running step are counted up to `COUNTED`, above that its replicas' tallies are added up.
    """
    record = catalogue.runs.overview(run)
    tallies = catalogue.replicas.tallies(run)
    by_step = {tally["step"]: tally for tally in summed(tallies, "step")}
    entries = record.get("options", {}).get("steps", [])
    counts = _counts(catalogue, run, record, [entry["name"] for entry in entries], by_step)
    lost = catalogue.work_items.losses(run)
    steps = [_step(record, entry) | counts[entry["name"]] | {"lost": lost.get(entry["name"], 0)} for entry in entries]
    for step in steps:
        _estimate(catalogue, run, step, by_step.get(step["name"]))
    workflow = None if record["state"] == IMPORTED else has_workflow(catalogue, run)
    expired = {lease["_id"] for lease in catalogue.leases.expired(run)}
    return {
        "run": run,
        "state": shown_state(record["state"], workflow),
        "created": _utc(record["created"]).isoformat(timespec="seconds"),
        "seconds": _elapsed(record["created"], None if record["state"] == "running" else record.get("finished")),
        "folder": record.get("folder"),
        "failure": record.get("failure"),
        "workflow": workflow,
        "rockets": sum(lease["_id"] not in expired for lease in catalogue.leases.holders(run)),
        "lost_rockets": len(expired),
        "pools": pools_of(catalogue, record),
        "steps": steps,
        "core_seconds": sum(tally["core_seconds"] for tally in tallies),
        "hosts": summed(tallies, "host"),
        "quarantined": [
            {"step": tally["step"], "host": tally["host"], **out} for tally in tallies for out in tally["quarantined"]
        ],
    }


def shown_state(state: str, workflow: bool | None) -> str:
    """Return the state of a run for people: one that is not over goes on only with a workflow."""
    return WITHOUT_WORKFLOW if state == "running" and workflow is False else state


def has_workflow(catalogue: Catalogue, run: str) -> bool:
    """Tell whether the chain of a run is on the LaunchPad."""
    return workflows.chain(catalogue.database, run) is not None


def waiting_runs(catalogue: Catalogue) -> dict[str, datetime | None]:
    """Return the runs that are on the LaunchPad alone, since no rocket has begun them, and when they were added."""
    known = set(catalogue.runs.names())
    added = workflows.chains_since(catalogue.database)
    return {run: _moment(stored) for run, stored in added.items() if run not in known}


def _moment(text: Any) -> datetime | None:
    """Return what FireWorks has written as ISO 8601."""
    if isinstance(text, datetime):
        return text
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def pool_sizes(catalogue: Catalogue, run: str) -> dict[str, int]:
    """Return the number of structures in each pool of a run, by name."""
    return pools_of(catalogue, catalogue.runs.overview(run))


def pools_of(catalogue: Catalogue, record: RunDocument) -> dict[str, int]:
    """Return the number of structures in each pool of a run, by name, given its document."""
    run, noted = record["_id"], record.get("pools")
    if noted is None:  # a run of an older version
        return {pool: catalogue.structures.count(run, pool) for pool in catalogue.structures.pools(run)}
    return {pool: noted[pool] for pool in sorted(noted) if noted[pool]}


def _counts(
    catalogue: Catalogue, run: str, record: RunDocument, steps: list[str], tallies: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return step -> ``waiting``, ``running``, ``done``, ``failed`` and ``counted``."""
    found, small = {}, []
    for name in steps:
        about = record.get("steps", {}).get(name, {})
        items = about.get("items")
        if items and about.get("state") == "finished":
            found[name] = _divided(items["total"], items["done"], items["failed"], 0) | {"counted": True}
        elif items and items["total"] > COUNTED:
            tally = tallies.get(name, {"done": 0, "failed": 0})
            leased = catalogue.work_items.leased(run, name)
            found[name] = _divided(items["total"], tally["done"], tally["failed"], leased) | {"counted": False}
        else:
            small.append(name)
    counted = catalogue.work_items.states(run, small)
    for name in small:
        states = counted.get(name, {})
        done, failed, leased = (states.get(state, 0) for state in ("done", "failed", "leased"))
        found[name] = _divided(sum(states.values()), done, failed, leased) | {"counted": True}
    return found


def _divided(total: int, done: int, failed: int, leased: int) -> dict[str, int]:
    waiting = max(0, total - done - failed - leased)
    return {"waiting": waiting, "running": leased, "done": done, "failed": failed}


def _step(record: RunDocument, entry: dict[str, Any]) -> dict[str, Any]:
    name = entry["name"]
    about = record.get("steps", {}).get(name, {})
    step = {
        "name": name,
        "procedure": entry["procedure"],
        "state": about.get("state", "waiting"),
        "rate": None,
        "seconds": about.get("seconds"),
        "time_left": None,
        "result": _result(record.get("summaries", {}).get(name), entry["procedure"]),
    }
    summary = record.get("summaries", {}).get(name) or {}
    step |= {field: summary[field] for field in COMPARED.values() if field in summary}
    if about.get("started") and step["seconds"] is None:
        step["seconds"] = _elapsed(about["started"], about.get("finished") if step["state"] == "failed" else None)
    return step


def _result(summary: Mapping[str, Any] | None, procedure: str) -> str:
    """Return in a few words what a step gave; of a run of an older version as its procedure words it now."""
    if summary is None or "words" in summary:
        return str((summary or {}).get("words", ""))
    try:
        return in_words(OPTIONS.load(procedure).results, summary)
    except InputError:  # its package is not installed here
        return ""


def _estimate(catalogue: Catalogue, run: str, step: dict[str, Any], tally: dict[str, Any] | None) -> None:
    """Set a step's rate and the time left."""
    if step["state"] == "finished" and step["seconds"] and step["done"]:
        step["rate"] = step["done"] / step["seconds"]
    elif step["state"] == "running" and step["done"]:
        step["rate"] = (tally or {}).get("rate") or _rate_of_the_items(catalogue, run, step)
        if step["rate"]:
            step["time_left"] = (step["waiting"] + step["running"]) / step["rate"]


def _rate_of_the_items(catalogue: Catalogue, run: str, step: dict[str, Any]) -> float | None:
    """Return the items per second that the replicas at work now get done, None when there is none."""
    replicas = len(catalogue.work_items.owners(run, step["name"]))
    mean = catalogue.work_items.mean_seconds(run, step["name"], SAMPLE)
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
    if found["lost_rockets"] and found["state"] == "running":
        number = found["lost_rockets"]
        lost = "1 rocket is lost" if number == 1 else f"{number} rockets are lost"
        parts.append(Text(f"{lost}: where no other takes over by itself, genarris-fw recover {found['run']}", "yellow"))
    if found["failure"]:
        parts.append(Text(found["failure"], "red"))
    if found["workflow"] is False:
        parts.append(_without_workflow(found))
    if found["steps"]:
        parts.append(_table(found["steps"], wide))
    if len(found["hosts"]) > 1:
        parts.append(_hosts(found["hosts"]))
    if not wide:  # what has no column there
        parts += [Text(line, "dim") for step in found["steps"] if (line := _beside(step))]
    for out in found["quarantined"]:
        parts.append(Text(f"quarantined  {out['step']} on {out['host']}: {out['why']}", "red"))
    if found["pools"]:
        pools = ", ".join(f"{name} {number}" for name, number in found["pools"].items())
        parts.append(Text.assemble(("pools  ", "dim"), pools))
    return Group(*parts)


def _without_workflow(found: dict[str, Any]) -> Text:
    if found["state"] == "finished":
        return Text("its workflow is no more on the LaunchPad; its results are here", "dim")
    todo = "genarris-fw run ui.conf (or add) adds it anew and goes on from what is done"
    return Text(f"its workflow is gone from the LaunchPad (deleted or archived): {todo}", "yellow")


def _table(steps: list[dict[str, Any]], wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1 if wide else 0, 0, 1))
    table.add_column("procedure", overflow="fold", no_wrap=wide)
    table.add_column("state", no_wrap=True)
    lost = ("lost",) if any(step["lost"] for step in steps) else ()
    numbers = ("waiting", "running", "done", "failed", *lost, "rate", "time", "left")
    for column in numbers if wide else ("wait", "run", "done", "fail", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    if wide:
        table.add_column("result")
    for step in steps:
        about = "" if step["counted"] else "~"
        waiting, done = (f"{about}{step[name]}" if step[name] else "" for name in ("waiting", "done"))
        cells = [step["name"], Text(step["state"], STYLES.get(step["state"], ""))]
        cells += [waiting, str(step["running"] or ""), done, Text(str(step["failed"] or ""), "red")]
        time, left = duration(step["seconds"]), duration(step["time_left"])
        if wide:
            gone = [str(step["lost"] or "")] if lost else []
            table.add_row(*cells, *gone, rate(step["rate"]), time, left, step["result"])
        else:
            table.add_row(*cells, f"{left} left" if left else time)
    return table


def _beside(step: dict[str, Any]) -> str:
    """Return the rate of a running step and what was lost, in words; empty when there is nothing to say."""
    words = [rate(step["rate"])] if step["state"] == "running" and step["rate"] else []
    words += [f"{step['lost']} lost to dead replicas"] if step["lost"] else []
    return f"{step['name']}: {', '.join(words)}" if words else ""


def _hosts(hosts: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 1))
    table.add_column("host", overflow="fold")
    for column in ("replicas", "done", "failed", "rate"):
        table.add_column(column, justify="right", no_wrap=True)
    for host in hosts:
        numbers = [str(host["replicas"] or ""), str(host["done"] or "")]
        table.add_row(host["host"], *numbers, Text(str(host["failed"] or ""), "red"), rate(host["rate"]))
    return table
