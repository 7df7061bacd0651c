"""What a run cost: core-seconds and time by stage, engine, host, user and structure, beside what was forecast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import DONE
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.views.layout import ByWidth
from genarris_fw.views.status import STYLES
from genarris_fw.views.wording import core_time, counted, duration

DEAREST = 10
UNKNOWN = "not known"


def costs(catalogue: Catalogue, run: str, dearest: int = DEAREST) -> dict[str, Any]:
    """Return what a run cost so far, as plain JSON values.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.
    dearest : int, optional
        How many structures are named.

    Returns
    -------
    dict
        ``run``, ``state``, ``forecast`` (as in the run's document; None where none was kept);
        ``total`` and the lists ``stages``, ``engines``, ``hosts``, ``users``: each with ``core_seconds`` (time of all
        attempts whose end was seen, times the cores that their replica held), ``cpu_seconds`` (what the processors did
        of it; None where that was not measured for every attempt), ``items`` (done), ``failed`` (attempts that failed
        or were broken off), ``failed_core_seconds`` (of these, part of the core-seconds), ``replicas``,
        ``held_core_seconds`` (the time that the replicas were there, times their cores: work, planning, summing up,
        waiting), ``lost`` (replicas whose end nobody saw) and ``lost_core_seconds`` (what went into their attempts
        without a result, at most), ``unknown_cores`` (attempts counted with one core, since it is not known how many).

        An entry is named by ``engine``, ``host`` or ``user``, None where that is not known; a stage by ``step``,
        ``procedure``, ``engine``, with its ``state``, ``wall_seconds`` (from its beginning to its end),
        ``lost_items`` (how often an item lost its replica), ``reused`` (how many items took over what an engine had
        computed before; of a step without the option None) and ``forecast_core_seconds`` (None where there is no
        forecast).
        ``structures``: ``dearest``, each ``struct_id``, ``core_seconds``, ``seconds``, ``attempts``: over the steps
        whose items are of one structure each, which ``steps`` names.

    Raises
    ------
    InputError
        When there is no such run.
    """
    record = catalogue.runs.get(run)
    steps = record.get("options", {}).get("steps", [])
    engines = {step["name"]: _engine(step["options"]) for step in steps}
    attempts = [row | {"engine": engines.get(row["step"])} for row in catalogue.item_costs.attempts(run)]
    held = [row | {"engine": engines.get(row["step"])} for row in catalogue.replicas.held(run)]
    by_step = {entry["step"]: entry for entry in _by("step", attempts, held)}
    lost = catalogue.work_items.losses(run)
    single = [step["name"] for step in steps if engines[step["name"]]]
    return {
        "run": run,
        "state": record["state"],
        "forecast": record.get("forecast"),
        "total": _sum(attempts, held),
        "stages": [
            _stage(record, step)
            | {"engine": engines[step["name"]], "lost_items": lost.get(step["name"], 0)}
            | {"reused": _reused(catalogue, run, step)}
            | {name: value for name, value in by_step.get(step["name"], _sum([], [])).items() if name != "step"}
            for step in steps
        ],
        **{f"{kind}s": _by(kind, attempts, held) for kind in ("engine", "host", "user")},
        "structures": {
            "steps": single,
            "dearest": catalogue.item_costs.dearest(run, single, dearest) if single and dearest else [],
        },
    }


def _engine(options: Mapping[str, Any]) -> str | None:
    return str(options.get("engine") or options.get("potential") or "") or None


def _reused(catalogue: Catalogue, run: str, step: Mapping[str, Any]) -> int | None:
    """Return how many items of a step took over what was there; None of a step that computes all."""
    return catalogue.work_items.reused(run, step["name"])[0] if step["options"].get("reuse") else None


def _stage(record: RunDocument, step: Mapping[str, Any]) -> dict[str, Any]:
    about = record.get("steps", {}).get(step["name"], {})
    forecast = record["forecast"]["steps"].get(step["name"]) if "forecast" in record else None
    return {
        "step": step["name"],
        "procedure": step["procedure"],
        "state": about.get("state", "waiting"),
        "wall_seconds": about.get("seconds"),
        "forecast_core_seconds": forecast["core_seconds"] if forecast else None,
    }


def _by(kind: str, attempts: list[dict[str, Any]], held: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sums for each engine, host, ..., the dearest first."""
    names = dict.fromkeys(row[kind] for row in [*attempts, *held])
    found = [
        {kind: name} | _sum((row for row in attempts if row[kind] == name), (row for row in held if row[kind] == name))
        for name in names
    ]
    return sorted(found, key=lambda entry: -float(entry["core_seconds"]))


def _sum(attempts: Iterable[dict[str, Any]], held: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums of attempts, and of the replicas that made them."""
    attempts, held = list(attempts), list(held)
    done = [row for row in attempts if row["end"] == DONE]
    others = [row for row in attempts if row["end"] != DONE]
    number = sum(row["attempts"] for row in attempts)
    measured = sum(row["cpu"] for row in attempts) == number
    return {
        "core_seconds": sum(row["core_seconds"] for row in attempts),
        "cpu_seconds": sum(row["cpu_seconds"] for row in attempts) if measured else None,
        "items": sum(row["attempts"] for row in done),
        "failed": sum(row["attempts"] for row in others),
        "failed_core_seconds": sum(row["core_seconds"] for row in others),
        "replicas": sum(row["replicas"] for row in held),
        "held_core_seconds": sum(row["core_seconds"] for row in held),
        "lost": sum(row["lost"] for row in held),
        "lost_core_seconds": sum(max(0.0, row["lost_core_seconds"] - row["lost_known"]) for row in held),
        "unknown_cores": number - sum(row["cores"] for row in attempts),
    }


def render(found: dict[str, Any]) -> RenderableType:
    """Return the tables of `costs` for a terminal."""
    return ByWidth(lambda wide: _layout(found, wide))


def _layout(found: dict[str, Any], wide: bool) -> RenderableType:
    total = found["total"]
    state = (found["state"], STYLES.get(found["state"], ""))
    spent = core_time(total["core_seconds"])
    head = Text.assemble("run ", (found["run"], "bold"), " ", state, f", {spent} in work items")
    parts: list[RenderableType] = [head, *(Text(line, "dim") for line in _remarks(found)), _stages(found, wide)]
    parts += [_named(found, kind) for kind in ("engine", "host", "user") if found[f"{kind}s"]]
    if found["structures"]["dearest"]:
        parts.append(_structures(found["structures"]))
    return Group(*parts)


def _remarks(found: dict[str, Any]) -> list[str]:
    """Return what has to be said of the sums, in words."""
    total = found["total"]
    lines = [f"the replicas were there for {core_time(total['held_core_seconds'])}, waiting and summing up included"]
    if total["failed"]:
        tries = counted(total["failed"], "attempt")
        lines.append(f"{tries} without a result: {core_time(total['failed_core_seconds'])} of it")
    if total["lost"]:
        most = core_time(total["lost_core_seconds"])
        lines.append(f"{counted(total['lost'], 'replica')} lost, with work of at most {most}, which is not in it")
    if total["unknown_cores"]:
        lines.append(
            f"{counted(total['unknown_cores'], 'attempt')} counted with one core: an older version did not say"
        )
    if reused := sum(stage["reused"] or 0 for stage in found["stages"]):
        lines.append(f"{counted(reused, 'result')} of engines taken over, not computed: they cost nothing here")
    if found["forecast"] is None and any(stage["engine"] for stage in found["stages"]):
        lines.append("no forecast was kept: genarris-fw check --keep ui.conf makes one, before a run is begun")
    return lines


def _new_table(title: str, first: str, others: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for column in others:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _stages(found: dict[str, Any], wide: bool) -> Table:
    forecast = any(stage["forecast_core_seconds"] is not None for stage in found["stages"])
    further = ("processors", "items", "without result", "lost") if wide else ("items",)
    columns = ["core time", *(("forecast",) if forecast else ()), "wall time", *further]
    table = _new_table("Stages", "procedure", columns)
    for stage in found["stages"]:
        cells = [stage["step"], core_time(stage["core_seconds"])]
        cells += [core_time(stage["forecast_core_seconds"])] if forecast else []
        cells += [duration(stage["wall_seconds"])]
        cells += [_busy(stage)] if wide else []
        cells += [str(stage["items"] or "")]
        cells += [_without_result(stage), str(stage["lost_items"] or "")] if wide else []
        table.add_row(*cells)
    return table


def _busy(entry: dict[str, Any]) -> str:
    """Return in which part of the core time the processors were at work."""
    used, held = entry["cpu_seconds"], entry["core_seconds"]
    return f"{100 * used / held:.0f} %" if used is not None and held else ""


def _without_result(entry: dict[str, Any]) -> str:
    return f"{entry['failed']} ({core_time(entry['failed_core_seconds'])})" if entry["failed"] else ""


def _named(found: dict[str, Any], kind: str) -> Table:
    columns = ("core time", "processors", "items", "without result", "replicas", "there for")
    table = _new_table(f"{kind.capitalize()}s", kind, columns)
    for entry in found[f"{kind}s"]:
        name = entry[kind] or ("none" if kind == "engine" else UNKNOWN)
        numbers = [str(entry["items"] or ""), _without_result(entry), str(entry["replicas"] or "")]
        row = [core_time(entry["core_seconds"]), _busy(entry), *numbers, core_time(entry["held_core_seconds"])]
        table.add_row(Text(str(name)), *row)
    return table


def _structures(found: dict[str, Any]) -> Table:
    columns = ("core time", "wall time", "attempts")
    table = _new_table("Dearest structures, of steps with an engine", "structure", columns)
    for row in found["dearest"]:
        cells = (core_time(row["core_seconds"]), duration(row["seconds"]), str(row["attempts"]))
        table.add_row(Text(str(row["struct_id"])), *cells)
    return table
