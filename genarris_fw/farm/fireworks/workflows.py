"""The collection ``workflows``: the chain of a run, and the sides beside it, each a workflow of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pymongo.database import Database

from genarris_fw.farm.fireworks.names import ARCHIVED

COLLECTION = "workflows"
# One that somebody archived (`lpad archive_wflows`) is there to be looked at, and is no run's chain any more.
_OF_CHAIN = {"metadata.side_of": {"$exists": False}, "state": {"$ne": ARCHIVED}}
_FIELDS = {"name": 1, "nodes": 1, "metadata": 1, "fw_states": 1, "locked": 1}


class Noted(NamedTuple):
    """What FireWorks says of a workflow.

    Attributes
    ----------
    key : object
        The key of its document.
    name : str
        Its name.
    nodes : list of int
        Its fireworks.
    states : dict of int to str
        The states of the fireworks as it notes them; not always up to date.
    locked : bool
        Somebody changes it, or died over that.
    is_side : bool
        It is a side's, not the run's chain.
    options_hash : str
        Of the ui.conf that the chain was made from.
    """

    key: object
    name: str
    nodes: list[int]
    states: dict[int, str]
    locked: bool
    is_side: bool
    options_hash: str


def chain(database: Database[Any], run: str) -> Noted | None:
    """Return the workflow that is a run's earliest chain, None where there is none, or all were deleted or archived."""
    return next(_find(database, _of_run(run) | _OF_CHAIN), None)


def of_run(database: Database[Any], run: str) -> Iterator[Noted]:
    """Yield the workflows of a run: its chain and its sides."""
    yield from _find(database, _of_run(run))


def with_firework(database: Database[Any], fw_id: int) -> list[int]:
    """Return the fireworks of the workflow that names this one; none where no workflow does."""
    record = database[COLLECTION].find_one({"nodes": fw_id}, {"nodes": 1}) or {}
    return list(record.get("nodes") or [])


def is_orphan(database: Database[Any], fw_id: int) -> bool:
    """Tell whether no workflow names a firework: it has no lock to take; see `genarris_fw.farm.repair.orphans`."""
    return database[COLLECTION].find_one({"nodes": fw_id}, {"_id": 1}) is None


def sides(database: Database[Any], run: str, step: str) -> list[int]:
    """Return the fireworks that the workflows of a step's sides name."""
    query = _of_run(run) | {"metadata.side_of": step}
    return [node for record in database[COLLECTION].find(query, {"nodes": 1}) for node in record["nodes"]]


def anything_locked(database: Database[Any], run: str) -> bool:
    """Tell whether a workflow of a run is locked."""
    return database[COLLECTION].find_one(_of_run(run) | {"locked": True}, {"_id": 1}) is not None


def runs(database: Database[Any]) -> list[str]:
    """Return the names of all runs that have a workflow."""
    return list(database[COLLECTION].distinct("metadata.run"))


def chains_since(database: Database[Any]) -> dict[str, Any]:
    """Return the runs that have a chain, and what FireWorks has stored as the moment when it was added."""
    query = {"metadata.run": {"$type": "string"}} | _OF_CHAIN
    found = database[COLLECTION].find(query, {"metadata.run": 1, "created_on": 1})
    return {record["metadata"]["run"]: record.get("created_on") for record in found}


def set_options_hash(database: Database[Any], run: str, options_hash: str) -> None:
    """Note that a run's chain belongs to a ui.conf with this hash."""
    database[COLLECTION].update_one(_of_run(run) | _OF_CHAIN, {"$set": {"metadata.options_hash": options_hash}})


def remove(database: Database[Any], workflow: Noted) -> None:
    """Remove a workflow's document, and no more."""
    database[COLLECTION].delete_one({"_id": workflow.key})


def _find(database: Database[Any], query: Mapping[str, Any]) -> Iterator[Noted]:
    # By the lowest number of their fireworks, which are given in order.
    for record in database[COLLECTION].find(query, _FIELDS).sort("nodes", 1):
        metadata = record.get("metadata") or {}
        states = {int(node): state for node, state in (record.get("fw_states") or {}).items()}
        yield Noted(
            record["_id"],
            str(record.get("name")),
            list(record["nodes"]),
            states,
            bool(record.get("locked")),
            "side_of" in metadata,
            str(metadata.get("options_hash")),
        )


def _of_run(run: str) -> dict[str, Any]:
    return {"metadata.run": run}
