"""Where a report's numbers come from: versions, seed, options, engines, time by step and host."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.views.costs import UNKNOWN, costs
from genarris_fw.views.report.content import Content
from genarris_fw.views.report.tables import Cell, Section, Text, number, plain_table, without_empty
from genarris_fw.views.wording import core_time, duration

# An option's value is cut off here: some hold the text of a file.
LONGEST = 300


def costs_section(catalogue: Catalogue, found: Content) -> Section:
    """Return what the run's steps took, of what was forecast, and where."""
    known = costs(catalogue, found.run)
    total = known["total"]
    section = Section("costs", "Costs")
    if not known["stages"]:
        return section
    failed = f", {core_time(total['failed_core_seconds'])} of it in vain" if total["failed_core_seconds"] else ""
    section.words.append(f"{core_time(total['core_seconds'])} on work items{failed}.")
    stages = [
        (
            one["step"],
            one["engine"],
            duration(one["wall_seconds"]),
            _core(one["core_seconds"]),
            _core(one["forecast_core_seconds"]),
            one["items"],
            one["failed"],
        )
        for one in known["stages"]
    ]
    heads = ["step", "engine", "time", "core-seconds", "forecast", "items done", "attempts failed"]
    section.tables.append(without_empty(plain_table("by step", heads, stages)))
    for kind in ("host", "engine", "user"):
        rows = [
            (one[kind] or UNKNOWN, _core(one["core_seconds"]), one["items"], one["failed"]) for one in known[f"{kind}s"]
        ]
        if rows:
            heads = [kind, "core-seconds", "items done", "attempts failed"]
            section.tables.append(plain_table(f"by {kind}", heads, rows, headed=True))
    return section


def _core(seconds: float | None) -> Cell:
    return number(seconds, 1 if seconds is not None and seconds < 1000 else 0)


def provenance_section(found: Content) -> Section:
    """Return versions, seed, engines and options."""
    record = found.record
    versions = record.get("versions") or {}
    rows = [
        ("run", found.run),
        ("state", found.state["state"]),
        ("begun", found.state["created"]),
        ("folder", found.state["folder"]),
        *((f"version of {name}", version) for name, version in versions.items()),
        ("seed", None if record.get("seed") is None else str(record.get("seed"))),
        ("SHA-256 of the options", record.get("options_hash")),
        *(("engine", words) for words in _engines(found)),
    ]
    table = plain_table("the run", ["", ""], [row for row in rows if row[1]])
    section = Section("provenance", "Provenance", tables=[table])
    for step in found.steps:
        options = [
            (name, _shown(value), step.get("origins", {}).get(name, "")) for name, value in step["options"].items()
        ]
        title = f"options of {step['name']}"
        section.tables.append(plain_table(title, ["option", "value", "where from"], options, folded=True))
    if record.get("text"):
        section.texts.append(Text("ui.conf as it was read", str(record["text"])))
    return section


def _engines(found: Content) -> list[str]:
    """Return in words what gave the energies of the summaries' best tables: from the steps' options."""
    names = Counter[str]()
    for step in found.steps:
        options: Mapping[str, Any] = step["options"]
        what = options.get("engine") or options.get("potential")
        if what:
            names[f"{what} ({step['name']})"] += 1
    return list(names)


def _shown(value: Any) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} [...]"
