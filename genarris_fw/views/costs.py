"""What a run cost: core-seconds and time by stage, engine, host, user and structure, beside what was forecast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import DONE
from genarris_fw.catalogue.documents import RunDocument

DEAREST = 10
_SUMS = ("seconds", "core_seconds", "cpu_seconds")


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
        ``run``, ``state``;
        ``total`` and the lists ``stages``, ``engines``, ``hosts``, ``users``: each with ``core_seconds`` (time of all
        attempts whose end was seen, times the cores that their replica held), ``cpu_seconds`` (what the processors did
        of it; None where that was not measured for every attempt), ``items`` (done), ``failed`` (attempts that failed
        or were broken off), ``failed_core_seconds`` (of these, part of the core-seconds), ``replicas``,
        ``held_core_seconds`` (the time that the replicas were there, times their cores: work, planning, summing up,
        waiting), ``lost`` (replicas whose end nobody saw) and ``lost_core_seconds`` (what went into their attempts
        without a result, at most), ``unknown_cores`` (attempts counted with one core, since it is not known how many).

        An entry is named by ``engine``, ``host`` or ``user``, None where that is not known; a stage by ``step``,
        ``procedure``, ``engine``, with its ``state``, ``wall_seconds`` (from its beginning to its end),
        ``lost_items`` (how often an item lost its replica) and ``forecast_core_seconds`` (None where there is no
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
    # Of a run of an older version the replicas do not tell.
    attempts = [
        row | {"engine": row["engine"] or engines.get(row["step"])} for row in catalogue.item_costs.attempts(run)
    ]
    held = [row | {"engine": row["engine"] or engines.get(row["step"])} for row in catalogue.replicas.held(run)]
    by_step = {entry["step"]: entry for entry in _by("step", attempts, held)}
    lost = catalogue.work_items.losses(run)
    single = [step["name"] for step in steps if engines[step["name"]]]
    return {
        "run": run,
        "state": record["state"],
        "total": _sum(attempts, held),
        "stages": [
            _stage(record, step)
            | {"engine": engines[step["name"]], "lost_items": lost.get(step["name"], 0)}
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


def _stage(record: RunDocument, step: Mapping[str, Any]) -> dict[str, Any]:
    about = record.get("steps", {}).get(step["name"], {})
    return {
        "step": step["name"],
        "procedure": step["procedure"],
        "state": about.get("state", "waiting"),
        "wall_seconds": about.get("seconds"),
        "forecast_core_seconds": None,
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
