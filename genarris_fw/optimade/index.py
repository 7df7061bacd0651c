"""The index: an entry for every structure of a pool, made of the runs' documents and kept up to date with them.

It lies in collections of its own, beside the catalogue's or, where the user may only read, in another database. The
documents of the catalogue are read and never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from bson import CodecOptions
from pymongo import ReplaceOne, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.optimade.entries import CHANGED, FORMAT, OWN, PROJECTION, digest, entry, last_change
from genarris_fw.telling import Told, untold

BATCH = 1000
_UNAUTHORIZED = 13
# Of a run's document: what tells that its structures may have changed.
_STATE = ("state", "created", "finished", "steps", "pools")


class Index:
    """Entries, and what is known of the runs that they come from.

    Parameters
    ----------
    catalogue : Catalogue
        What is indexed.
    database : pymongo.database.Database
        Where the index lies: the catalogue's own, or another one.
    runs : sequence of str
        Only these; all where it is empty.

    Attributes
    ----------
    entries : pymongo.collection.Collection
        One document for each structure (`genarris_fw.optimade.entries.entry`).
    """

    def __init__(self, catalogue: Catalogue, database: Database[Any], runs: Sequence[str] = ()) -> None:
        # What is lost is made again: no write waits for the disk.
        aware: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
        database = database.with_options(codec_options=aware, write_concern=WriteConcern(w=1, j=False))
        self.catalogue, self.runs = catalogue, list(runs)
        self.entries: Collection[dict[str, Any]] = database["optimade_structures"]
        self._seen: Collection[dict[str, Any]] = database["optimade_runs"]

    @property
    def served(self) -> dict[str, Any]:
        """The query for what is served."""
        return {f"{OWN}.run": {"$in": self.runs}} if self.runs else {}

    def kinds(self) -> dict[str, set[str]]:
        """Return our properties that some structure has, with the Python types of their values."""
        found: dict[str, set[str]] = {}
        for run in self._seen.find({"_id": {"$in": self.runs}} if self.runs else {}):
            for name, kinds in run["kinds"].items():
                found.setdefault(name, set()).update(kinds)
        return found

    def update(self, told: Told = untold) -> int:
        """Bring the index up to date; return how many entries were written or removed. `told` is told how far it is.

        A run is passed over where its document tells of no change, unless it goes on: then its steps write what no
        note tells of.
        """
        seen = {run["_id"]: run["state"] for run in self._seen.find({}, {"state": 1})}
        changed = 0
        for run in explored.all_runs(self.catalogue, _STATE):
            state = digest({"format": FORMAT, **run})
            former = seen.pop(run["_id"], None)
            if (not self.runs or run["_id"] in self.runs) and (state != former or run["state"] == "running"):
                changed += self._update(run, state, told)
        return changed + sum(self._forget(gone) for gone in seen)

    def _update(self, run: RunDocument, state: bytes, told: Told) -> int:
        """Write the entries of a run that are new or have changed, remove those of structures that are gone."""
        name, moment = run["_id"], last_change(run)
        ids = explored.in_pools(self.catalogue, name)
        before = {one["_id"]: one["digest"] for one in self.entries.find(_of(name), {"digest": 1})}
        kinds: dict[str, set[str]] = {}
        changed, done = self._remove(sorted(before.keys() - ids)), 0
        rows = explored.rows_in_pools(self.catalogue, name, PROJECTION, BATCH)
        while batch := list(islice(rows, BATCH)):
            writes = []
            for made in (entry(document, run, ids) for document in batch):
                for own, value in made[OWN].items():
                    kinds.setdefault(own, set()).add(type(value).__name__)
                content, former = digest(made), before.get(made["_id"])
                if content != former:
                    made |= {"digest": content, CHANGED: moment if former is None else _now()}
                    writes.append(ReplaceOne({"_id": made["_id"]}, made, upsert=True))
            if writes:
                self.entries.bulk_write(writes, ordered=False)
            changed, done = changed + len(writes), done + len(batch)
            told(f"reading structures of {name}", done, len(ids))
        note = {"state": state, "kinds": {own: sorted(found) for own, found in kinds.items()}}
        self._seen.replace_one({"_id": name}, note, upsert=True)
        return changed

    def _remove(self, ids: Sequence[str]) -> int:
        for start in range(0, len(ids), BATCH):
            self.entries.delete_many({"_id": {"$in": ids[start : start + BATCH]}})
        return len(ids)

    def _forget(self, run: str) -> int:
        """Remove the entries of a run that is no more."""
        removed = self.entries.delete_many(_of(run)).deleted_count
        self._seen.delete_one({"_id": run})
        return removed


def may_write(database: Database[Any]) -> bool:
    """Tell whether the index may lie in a database: whether its user may write there."""
    try:
        database["optimade_runs"].delete_one({"_id": ""})  # of which there is none
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return False
    return True


def _of(run: str) -> dict[str, Any]:
    """Return the query for the entries of a run; no name has a colon in it."""
    return {"_id": {"$gte": f"{run}:", "$lt": f"{run};"}}


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)
