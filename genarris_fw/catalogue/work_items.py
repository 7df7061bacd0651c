"""The collection ``work_items``: pieces of a procedure that replicas claim, hold by a lease, and commit.

An item goes ``waiting -> leased -> done``; an error sends it back to ``waiting`` until it has had its
attempts, then to ``failed``; a lease that ends without commit sends it back to ``waiting``. Every claim
raises the item's fencing token. Times are the server's (``$$NOW``), so no worker's clock matters.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

DUPLICATE_KEY = 11000
STATES = ("waiting", "leased", "done", "failed")
# A lease lost this often points at an item that kills its replicas (memory, a crash of the interpreter).
MAX_LOST = 20
GIVEN_UP = f"its replica was lost {MAX_LOST} times (memory? a crash?)"


@dataclass
class Item:
    """A work item before it is stored, or as it was claimed.

    Parameters
    ----------
    key : str
        Name within the procedure; the same key inserted twice is one item.
    payload : dict
        What the procedure needs to do the work: names and ids, never structures.
    priority : int
        Higher is claimed first.
    token : int
        Fencing token of the claim (0 before).
    attempts : int
        Failed attempts so far.
    """

    key: str
    payload: dict[str, Any] = field(default_factory=dict)
    priority: int = 0
    token: int = 0
    attempts: int = 0


class WorkItems:
    """Work items of all runs."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def insert(self, run: str, procedure: str, items: Iterable[Item]) -> int:
        """Store items as waiting and return how many are new; those already there are left as they are."""
        requests = [
            InsertOne(
                {
                    "_id": _id(run, procedure, item.key),
                    "run": run,
                    "procedure": procedure,
                    "key": item.key,
                    "state": "waiting",
                    "priority": item.priority,
                    "rnd": random.random(),
                    "attempts": 0,
                    "lost": 0,
                    "token": 0,
                    "payload": item.payload,
                }
            )
            for item in items
        ]
        if not requests:
            return 0
        try:
            return int(self.collection.bulk_write(requests, ordered=False).inserted_count)
        except BulkWriteError as error:
            if any(e["code"] != DUPLICATE_KEY for e in error.details["writeErrors"]):
                raise
            return int(error.details["nInserted"])

    def claim(self, run: str, procedure: str, owner: str, number: int, lease_seconds: float) -> list[Item]:
        """Claim up to ``number`` waiting items in three round trips.

        Candidates are taken from a random point of the stored random field, so that replicas rarely meet; the
        update leases those of them that still wait; the claim's own id tells which.
        """
        candidates = self._candidates(run, procedure, number)
        if not candidates:
            return []
        claim = uuid.uuid4().hex
        self.collection.update_many(
            {"_id": {"$in": candidates}, "state": "waiting"},
            [
                {
                    "$set": {
                        "state": "leased",
                        "token": {"$add": ["$token", 1]},
                        "lease": {
                            "owner": owner,
                            "claim": claim,
                            "since": "$$NOW",
                            "expires": {"$add": ["$$NOW", int(lease_seconds * 1000)]},
                        },
                    }
                }
            ],
        )
        mine = self.collection.find({"lease.claim": claim, "state": "leased"})
        return [
            Item(record["key"], record["payload"], record["priority"], record["token"], record["attempts"])
            for record in mine
        ]

    def _candidates(self, run: str, procedure: str, number: int) -> list[str]:
        """Return the ids of waiting items, highest priority first, in the random field's order."""
        start = random.random()
        after, before = (claimable(run, procedure, part, number) for part in ({"$gte": start}, {"$lt": start}))
        both = [*after, {"$unionWith": {"coll": self.collection.name, "pipeline": before}}]
        # Both halves come sorted; the stable sort merges them and keeps the random order within a priority.
        found = sorted(self.collection.aggregate(both), key=lambda record: -record["priority"])
        found = found[:number]
        # An item that was lost before may kill its replica again: alone, it takes no innocent ones with it.
        if found and found[0]["lost"]:
            return [found[0]["_id"]]
        return [record["_id"] for record in found if not record["lost"]]

    def commit(
        self, run: str, procedure: str, owner: str, finished: Sequence[tuple[Item, dict[str, Any], float]]
    ) -> int:
        """Mark leased items as done with their outcome: the commit of the work, the last write of an item.

        Parameters
        ----------
        finished : sequence of (Item, dict, float)
            The item as claimed, its outcome, and the seconds it took.

        Returns
        -------
        int
            How many were still ours; the others were taken over by another replica.
        """
        if not finished:
            return 0
        result = self.collection.bulk_write(
            [
                UpdateOne(
                    _held(run, procedure, owner, item),
                    {
                        "$set": {"state": "done", "outcome": outcome, "seconds": seconds, "done_by": owner},
                        "$unset": {"lease": "", "error": ""},
                    },
                )
                for item, outcome, seconds in finished
            ],
            ordered=False,
        )
        return int(result.modified_count)

    def fail(self, run: str, procedure: str, owner: str, item: Item, error: str, max_attempts: int) -> str:
        """Record a failed attempt; return the new state: ``waiting``, ``failed``, or ``lost`` (not ours)."""
        attempts = item.attempts + 1
        state = "failed" if attempts >= max_attempts else "waiting"
        result = self.collection.update_one(
            _held(run, procedure, owner, item),
            {
                "$set": {"state": state, "attempts": attempts, "error": error, "failed_by": owner},
                "$unset": {"lease": ""},
            },
        )
        return state if result.modified_count else "lost"

    def give_back(self, owner: str) -> int:
        """Return everything that an owner holds to ``waiting``."""
        result = self.collection.update_many(
            {"lease.owner": owner, "state": "leased"}, {"$set": {"state": "waiting"}, "$unset": {"lease": ""}}
        )
        return int(result.modified_count)

    def renew(self, owner: str, lease_seconds: float) -> int:
        """Extend every lease of an owner; return how many it holds."""
        result = self.collection.update_many(
            {"lease.owner": owner, "state": "leased"},
            [{"$set": {"lease.expires": {"$add": ["$$NOW", int(lease_seconds * 1000)]}}}],
        )
        return int(result.matched_count)

    def reap(self, run: str, procedure: str | None = None) -> int:
        """Return items whose lease has expired to ``waiting``; give up those lost too often."""
        query: dict[str, Any] = {"run": run, "state": "leased", "$expr": {"$lt": ["$lease.expires", "$$NOW"]}}
        if procedure is not None:
            query["procedure"] = procedure
        return self._release(query)

    def release_lost(self, owner: str) -> int:
        """Return the items of an owner known to be dead to ``waiting``."""
        return self._release({"lease.owner": owner, "state": "leased"})

    def _release(self, query: dict[str, Any]) -> int:
        given_up = {"$gte": ["$lost", MAX_LOST - 1]}
        result = self.collection.update_many(
            query,
            [
                {
                    "$set": {
                        "state": {"$cond": [given_up, "failed", "waiting"]},
                        "lost": {"$add": ["$lost", 1]},
                        "error": {"$cond": [given_up, GIVEN_UP, "$error"]},
                    }
                },
                {"$unset": "lease"},
            ],
        )
        return int(result.modified_count)

    def counts(self, run: str, procedure: str) -> dict[str, int]:
        """Return how many items are in each state."""
        return {
            state: self.collection.count_documents({"run": run, "procedure": procedure, "state": state})
            for state in STATES
        }

    def unfinished(self, run: str, procedure: str) -> bool:
        """Tell whether any item is still waiting or leased."""
        query = {"run": run, "procedure": procedure, "state": {"$in": ["waiting", "leased"]}}
        return self.collection.find_one(query, {"_id": 1}) is not None

    def outcomes(self, run: str, procedure: str, prefix: str = "") -> list[dict[str, Any]]:
        """Return ``{key, payload, outcome, seconds}`` of the committed items, by key; of those whose key begins so."""
        keys = {"_id": {"$gte": _id(run, procedure, prefix), "$lt": _id(run, procedure, prefix) + "\uffff"}}
        return list(
            self.collection.find(
                {"run": run, "procedure": procedure, "state": "done"} | (keys if prefix else {}),
                {"_id": 0, "key": 1, "payload": 1, "outcome": 1, "seconds": 1},
            ).sort("key", 1)
        )

    def failures(self, run: str, procedure: str) -> list[dict[str, Any]]:
        """Return ``{key, payload, error, attempts}`` of the items given up, by key."""
        return list(
            self.collection.find(
                {"run": run, "procedure": procedure, "state": "failed"},
                {"_id": 0, "key": 1, "payload": 1, "error": 1, "attempts": 1},
            ).sort("key", 1)
        )

    def owners(self, run: str) -> list[str]:
        """Return the owners that hold leases of a run's items."""
        return list(self.collection.distinct("lease.owner", {"run": run, "state": "leased"}))

    def retry(self, run: str, procedure: str) -> int:
        """Send failed items back to ``waiting`` with their attempts forgotten."""
        result = self.collection.update_many(
            {"run": run, "procedure": procedure, "state": "failed"},
            {"$set": {"state": "waiting", "attempts": 0, "lost": 0}},
        )
        return int(result.modified_count)


def claimable(run: str, procedure: str, rnd: dict[str, float], number: int) -> list[dict[str, Any]]:
    """Return the pipeline that finds waiting items for a claim; its sort is the order of their index.

    Parameters
    ----------
    run, procedure : str
        Whose items.
    rnd : dict
        The part of the random field, such as ``{"$gte": 0.3}``.
    number : int
        At most so many.
    """
    return [
        {"$match": {"run": run, "procedure": procedure, "state": "waiting", "rnd": rnd}},
        {"$sort": {"priority": -1, "rnd": 1}},
        {"$limit": number},
        {"$project": {"priority": 1, "lost": 1}},
    ]


def _id(run: str, procedure: str, key: str) -> str:
    return f"{run}:{procedure}:{key}"


def _held(run: str, procedure: str, owner: str, item: Item) -> dict[str, Any]:
    return {
        "_id": _id(run, procedure, item.key),
        "state": "leased",
        "lease.owner": owner,
        "token": item.token,
    }
