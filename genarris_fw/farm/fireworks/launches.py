"""The collection ``launches``: what became of a rocket's launch, and the queue's job that it waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pymongo.database import Database

from genarris_fw.farm.fireworks.names import RESERVED

COLLECTION = "launches"


class Launch(NamedTuple):
    """What FireWorks says of a launch: its state, and the name of its worker; both empty where it is not there."""

    state: str
    worker: str


class Reservation(NamedTuple):
    """A launch that waits for a queue's job.

    Attributes
    ----------
    launch : int
        The launch.
    folder : str
        Where the job was submitted from.
    job : str or None
        The job's id; None before it is written down.
    """

    launch: int
    folder: str
    job: str | None


def launch(database: Database[Any], launch_id: int | None) -> Launch:
    """Return what is known of a launch."""
    fields = {"state": 1, "fworker.name": 1}
    record = database[COLLECTION].find_one({"launch_id": launch_id}, fields) or {}
    return Launch(record.get("state", ""), str((record.get("fworker") or {}).get("name")))


def reservations(database: Database[Any], launch_ids: Collection[int]) -> dict[int, Reservation]:
    """Return those of these launches that wait for a queue's job."""
    query = {"launch_id": {"$in": list(launch_ids)}, "state": RESERVED}
    found = database[COLLECTION].find(query, {"launch_id": 1, "launch_dir": 1, "state_history": 1})
    return {
        record["launch_id"]: Reservation(record["launch_id"], record["launch_dir"], _job(record)) for record in found
    }


def _job(record: Mapping[str, Any]) -> str | None:
    """Return the id of the job that a launch is reserved for."""
    ids = [entry["reservation_id"] for entry in record["state_history"] if entry.get("reservation_id")]
    return str(ids[-1]) if ids else None


def write(database: Database[Any], document: Mapping[str, Any]) -> None:
    """Replace the document of a launch."""
    database[COLLECTION].find_one_and_replace({"launch_id": document["launch_id"]}, dict(document))


def remove(database: Database[Any], launch_ids: Collection[int]) -> None:
    """Remove launches."""
    database[COLLECTION].delete_many({"launch_id": {"$in": list(launch_ids)}})
