"""The collection ``fireworks``: what is ready, checked out, given up; what a run's first firework carries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, NamedTuple

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from genarris_fw.farm.fireworks import launches
from genarris_fw.farm.fireworks.names import (
    ALIVE,
    ARCHIVED,
    BEGIN,
    CHECKED_OUT,
    FINISH,
    FIZZLED,
    READY,
    RESERVED,
    WAITING,
    name_of,
    of_run,
)

COLLECTION = "fireworks"
_RECORD = "spec._tasks.0.record"  # the run's record within its first firework
_FIELDS = {"_id": 0, "fw_id": 1, "name": 1, "state": 1, "launches": 1, "archived_launches": 1, "updated_on": 1}


class KnownFirework(NamedTuple):
    """What FireWorks says of a firework.

    Attributes
    ----------
    fw_id, name, state : int, str, str
        As FireWorks has them.
    launch : int or None
        The launch that its state stands for; None before it has one.
    earlier : int
        How many launches it had before.
    updated : datetime or None
        When FireWorks last touched it, by the clock of whoever did; None where it does not say.
    """

    fw_id: int
    name: str
    state: str
    launch: int | None
    earlier: int
    updated: datetime | None


def known(database: Database[Any], fw_id: int) -> KnownFirework | None:
    """Return what is known of a firework, None where it is not there."""
    return next(_find(database, {"fw_id": fw_id}), None)


def is_there(database: Database[Any], fw_id: int) -> bool:
    """Tell whether a firework is there."""
    return _any(database, {"fw_id": fw_id})


def named(database: Database[Any], fw_ids: Collection[int]) -> dict[str, KnownFirework]:
    """Return these fireworks by their names."""
    return {firework.name: firework for firework in _find(database, _among(fw_ids))}


def missing(database: Database[Any], fw_ids: Collection[int]) -> set[int]:
    """Return those of these fireworks that are not there."""
    return set(fw_ids) - {record["fw_id"] for record in database[COLLECTION].find(_among(fw_ids), {"fw_id": 1})}


def names_of_run(database: Database[Any], run: str) -> dict[int, str]:
    """Return the names of all fireworks of a run."""
    return {firework.fw_id: firework.name for firework in _find(database, of_run(run))}


def states_of_run(database: Database[Any], run: str) -> dict[int, str]:
    """Return the states of all fireworks of a run."""
    return {firework.fw_id: firework.state for firework in _find(database, of_run(run))}


def task_names(database: Database[Any], fw_ids: Collection[int]) -> set[str]:
    """Return the names of the Firetasks that fireworks hold, as they are stored."""
    found = database[COLLECTION].distinct("spec._tasks._fw_name", _among(fw_ids))
    return {str(name) for name in found}


def anything_ready(database: Database[Any], run: str, allowed: Mapping[str, Any] | None = None) -> bool:
    """Tell whether a firework of a run is READY, and matches a further query."""
    return _any(database, of_run(run) | {"state": READY} | dict(allowed or {}))


def anything_alive(database: Database[Any], run: str) -> bool:
    """Tell whether a firework of a run is ready or in somebody's hands."""
    return _any(database, of_run(run) | {"state": {"$in": list(ALIVE)}})


def ready_besides(database: Database[Any], run: str, allowed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the whole documents of a run's READY fireworks that do not match a query."""
    query = of_run(run) | {"state": READY, "$nor": [dict(allowed)]}
    return list(database[COLLECTION].find(query).sort("fw_id", 1))


def checked_out(database: Database[Any], run: str) -> Iterator[KnownFirework]:
    """Yield the fireworks of a run that a rocket has, or a queue's job is to have."""
    yield from _find(database, of_run(run) | {"state": {"$in": list(CHECKED_OUT)}})


def reserved(database: Database[Any], run: str) -> list[KnownFirework]:
    """Return the fireworks of a run that are reserved for a queue's job."""
    return list(_find(database, of_run(run) | {"state": RESERVED}))


def given_up(database: Database[Any], run: str, names: Collection[str] | None = None) -> list[KnownFirework]:
    """Return the FIZZLED fireworks of a run; those of these names, where given."""
    return list(_find(database, of_run(run) | {"state": FIZZLED} | ({"name": {"$in": list(names)}} if names else {})))


def ready_finish(database: Database[Any], run: str) -> list[int]:
    """Return the last firework of a run where it is READY."""
    return [firework.fw_id for firework in _find(database, of_run(run) | {"name": FINISH, "state": READY})]


# Sides


def number_of_sides(database: Database[Any], run: str, step: str) -> int:
    """Return how many sides of a step can still do work; those of an earlier try are COMPLETED or ARCHIVED."""
    return database[COLLECTION].count_documents(_sides(run, step) | {"state": {"$in": list(ALIVE)}})


def ready_sides(database: Database[Any], run: str, step: str) -> list[int]:
    """Return the sides of a step that no rocket has taken."""
    return [firework.fw_id for firework in _find(database, _sides(run, step) | {"state": READY})]


def archive(database: Database[Any], fw_id: int) -> bool:
    """Archive a firework that is still READY; tell whether it was."""
    found = database[COLLECTION].find_one_and_update(
        {"fw_id": fw_id, "state": READY}, {"$set": {"state": ARCHIVED, "updated_on": datetime.now(timezone.utc)}}
    )
    return found is not None


def insert(database: Database[Any], document: Mapping[str, Any]) -> None:
    """Insert a firework that its workflow names already; where somebody else has done so, it stays."""
    with suppress(DuplicateKeyError):
        database[COLLECTION].insert_one(dict(document))


def remove(database: Database[Any], fw_id: int) -> None:
    """Remove a firework and its launches."""
    firework = database[COLLECTION].find_one_and_delete({"fw_id": fw_id}) or {}
    launches.remove(database, firework.get("launches") or [])


def remove_unstarted(database: Database[Any], fw_ids: Collection[int]) -> None:
    """Remove those of these fireworks that no rocket has had."""
    database[COLLECTION].delete_many(_among(fw_ids) | {"state": {"$in": [READY, WAITING]}})


# What fireworks carry


def place_of(database: Database[Any], fw_id: int) -> dict[str, Any]:
    """Return what a firework's spec says about where it runs and what it needs there."""
    record = database[COLLECTION].find_one({"fw_id": fw_id}, {"spec._queueadapter": 1, "spec._category": 1})
    return dict((record or {}).get("spec", {}))


def run_record(database: Database[Any], run: str, among: Collection[int] | None = None) -> dict[str, Any]:
    """Return the run's record that its first firework carries, empty where there is none.

    Parameters
    ----------
    database : Database
        FireWorks' database.
    run : str
        Name of the run.
    among : collection of int, optional
        The fireworks of its chain.
    """
    # Whoever may write to the database can call a firework "begin".
    query = of_run(run) | {"name": BEGIN, f"{_RECORD}.folder": {"$exists": True}}
    begin = database[COLLECTION].find_one(query | (_among(among) if among else {}), {"spec._tasks.record": 1})
    return dict(begin["spec"]["_tasks"][0]["record"]) if begin else {}


def can_begin(database: Database[Any], run: str, fw_id: int) -> bool:
    """Tell whether a firework is there as the first one of a run: not deleted, archived, or another one's by now."""
    return _any(database, of_run(run) | {"fw_id": fw_id, "name": BEGIN, "state": {"$ne": ARCHIVED}})


def runs_named_by_folder(database: Database[Any]) -> set[str]:
    """Return the runs whose ui.conf gave no ``run_name``."""
    query = {"name": BEGIN, f"{_RECORD}.options.master_origins.run_name": {"$exists": False}}
    return {firework["spec"]["run"] for firework in database[COLLECTION].find(query, {"spec.run": 1})}


def change_record(database: Database[Any], run: str, folder: str, fields: Mapping[str, Any]) -> None:
    """Change fields of the record that a run's first firework carries, where its folder is still this one."""
    query = of_run(run) | {"name": BEGIN, f"{_RECORD}.folder": folder}
    database[COLLECTION].update_one(query, {"$set": {f"{_RECORD}.{name}": value for name, value in fields.items()}})


def _find(database: Database[Any], query: Mapping[str, Any]) -> Iterator[KnownFirework]:
    for record in database[COLLECTION].find(query, _FIELDS):
        live, earlier = record.get("launches") or [None], record.get("archived_launches") or []
        name, state, updated = str(record.get("name")), record.get("state", ""), _moment(record.get("updated_on"))
        yield KnownFirework(record["fw_id"], name, state, live[-1], len(earlier), updated)


def _any(database: Database[Any], query: Mapping[str, Any]) -> bool:
    return database[COLLECTION].find_one(query, {"_id": 1}) is not None


def _among(fw_ids: Iterable[int]) -> dict[str, Any]:
    return {"fw_id": {"$in": list(fw_ids)}}


def _sides(run: str, step: str) -> dict[str, Any]:
    return of_run(run) | {"name": name_of(step, "side")}


def _moment(value: Any) -> datetime | None:
    """Return a moment that FireWorks has stored, as a date or as its text."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
