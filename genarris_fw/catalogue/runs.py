"""The collection ``runs``: one document per ``ui.conf`` being carried out."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from genarris_fw.errors import InputError


def now() -> datetime:
    """Return the time in UTC, for documents that a person reads (leases use the server's clock)."""
    return datetime.now(timezone.utc)


class Runs:
    """Runs, keyed by their name."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def create(self, name: str, document: dict[str, Any], begun_by: int) -> None:
        """Create the run's document; the same firework may do so any number of times.

        Parameters
        ----------
        name : str
            The run's name.
        document : dict
            Options, config text, versions, seed, folder, molecule.
        begun_by : int
            Id of the firework that begins the run: another one with the same name is refused.

        Raises
        ------
        InputError
            When a run of that name was begun by another firework.
        """
        record = {"_id": name, "name": name, "state": "running", "created": now(), "begun_by": begun_by}
        record |= {"summaries": {}, "procedures": {}, "pools": {}} | document
        try:
            self.collection.insert_one(record)
        except DuplicateKeyError:
            begun = self.get(name)
            if begun["begun_by"] != begun_by:
                same = "the same" if begun.get("options_hash") == document.get("options_hash") else "other"
                raise InputError(
                    f"run '{name}' is already in this database with {same} options: "
                    f"give another run_name in [Genarris_master], or genarris-fw delete {name}"
                ) from None

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the run's document, or None."""
        return self.collection.find_one({"_id": name})

    def get(self, name: str) -> dict[str, Any]:
        """Return the run's document.

        Raises
        ------
        InputError
            When there is no such run; the message lists those there are.
        """
        document = self.find(name)
        if document is None:
            known = ", ".join(self.names()[:10]) or "none yet"
            raise InputError(f"no run '{name}' in this database; runs here: {known}")
        return document

    def names(self) -> list[str]:
        """Return the names of all runs, the newest first."""
        return [record["_id"] for record in self.collection.find({}, {"_id": 1}).sort("created", -1)]

    def set(self, name: str, **fields: Any) -> None:
        """Set fields of the run's document."""
        self.collection.update_one({"_id": name}, {"$set": fields})

    def set_pool(self, name: str, pool: str, structures: int) -> None:
        """Note how many structures a pool has; in a run of an older version, whose pools are counted, nothing."""
        # A pool's name is a folder's: with dots in it, it is no path of a field.
        noted = {"$setField": {"field": {"$literal": pool}, "input": "$pools", "value": structures}}
        self.collection.update_one({"_id": name, "pools": {"$exists": True}}, [{"$set": {"pools": noted}}])

    def at_least_workers(self, name: str, workers: int) -> None:
        """Note that so many rockets work at a time, unless more are known of."""
        self.collection.update_one(
            {"_id": name, "$or": [{"workers": {"$lt": workers}}, {"workers": None}]}, {"$set": {"workers": workers}}
        )

    def procedure_started(self, name: str, procedure: str) -> None:
        """Note when a procedure began, once."""
        self.collection.update_one(
            {"_id": name, f"procedures.{procedure}.started": {"$exists": False}},
            {"$set": {f"procedures.{procedure}.started": now(), f"procedures.{procedure}.state": "running"}},
        )

    def count_items(self, name: str, procedure: str, counts: dict[str, int]) -> None:
        """Store how many work items a procedure has in all, done and failed: at its plan, and when it is collected."""
        items = {"total": sum(counts.values()), "done": counts["done"], "failed": counts["failed"]}
        self.set(name, **{f"procedures.{procedure}.items": items})

    def procedure_finished(self, name: str, procedure: str, summary: dict[str, Any]) -> None:
        """Store a procedure's summary and when it ended."""
        started = (self.get(name)["procedures"].get(procedure) or {}).get("started")
        ended = now()
        seconds = (ended - started.replace(tzinfo=timezone.utc)).total_seconds() if started else None
        self.set(
            name,
            **{
                f"summaries.{procedure}": summary,
                f"procedures.{procedure}.state": "finished",
                f"procedures.{procedure}.finished": ended,
                f"procedures.{procedure}.seconds": seconds,
            },
        )

    def failed(self, name: str, procedure: str, message: str) -> None:
        """Mark the run as failed in a procedure, with the reason."""
        about = {"state": "failed", "finished": now()}
        self.set(name, failure=message, **about, **{f"procedures.{procedure}.{key}": about[key] for key in about})

    def resumed(self, name: str) -> None:
        """Mark a failed run, and the procedure it failed in, as running again."""
        procedures = (self.find(name) or {}).get("procedures", {})
        again = {f"procedures.{step}.state": "running" for step, at in procedures.items() if at["state"] == "failed"}
        self.collection.update_one(
            {"_id": name, "state": "failed"},
            {"$set": {"state": "running"} | again, "$unset": {"failure": "", "finished": ""}},
        )
