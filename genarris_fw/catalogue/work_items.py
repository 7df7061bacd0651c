"""The collection ``work_items``: pieces of a step that replicas claim, hold by a lease, and commit.

An item goes ``planned -> waiting -> leased -> done``; one that others follow from is ``committed`` until they are
inserted. An error sends it to ``resting`` for a moment and from there back to ``waiting``, until it has had its
attempts, then to ``failed``; a lease that ends without commit sends it back to ``waiting``. Every claim raises the
item's fencing token. What is planned counts for nothing until its round is recorded (docs/protocol.md). Times are the
server's (``$$NOW``), so no worker's clock matters.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pymongo import ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from genarris_fw.catalogue.costs import BROKEN_OFF, FAILED, Cost, attempt
from genarris_fw.catalogue.documents import Following, Planned, WorkItemDocument
from genarris_fw.catalogue.items_seen import ItemsSeen, item_id

DUPLICATE_KEY = 11000
_FREED: dict[str, Any] = {"$set": {"state": "waiting"}, "$unset": {"lease": ""}}
_BY_OWNER: dict[str, Any] = {"$group": {"_id": "$lease.owner"}}
INSERTED_AT_ONCE = 5000
# The rest before another attempt doubles with each, up to this.
LONGEST_REST_SECONDS = 60.0
# A lease lost this often points at an item that kills its replicas (memory, a crash of the interpreter).
MAX_LOST = 20
GIVEN_UP = f"its replica was lost {MAX_LOST} times (memory? a crash?)"


@dataclass(frozen=True)
class Item:
    """A work item before it is stored, or as it was claimed.

    Parameters
    ----------
    key : str
        Name within the step; the same key inserted twice is one item.
    payload : dict
        What the step needs to do the work: names and ids, never structures.
    priority : int
        Higher is claimed first.
    token : int
        Fencing token of the claim (0 before).
    attempts : int
        Failed attempts so far.
    checkpoint : dict or None
        What an earlier replica had reached when it had to stop (`WorkItems.keep`).
    """

    key: str
    payload: dict[str, Any] = field(default_factory=dict)
    priority: int = 0
    token: int = 0
    attempts: int = 0
    checkpoint: dict[str, Any] | None = None


class WorkItems(ItemsSeen):
    """Work items of all runs."""

    def insert(self, run: str, step: str, items: Iterable[Item]) -> int:
        """Store items as waiting and return how many are new; those already there are left as they are.

        The items are taken some thousands at a time: a generator may give any number of them. What is only planned is
        not there.
        """
        new = 0
        for batch in _batches(_new(run, step, item) for item in items):
            there = self._insert(batch)
            new += len(batch) - len(there) + self._replace_planned(there, {})
        return new

    def plan(self, run: str, step: str, items: Iterable[Item], round_: int, token: int) -> int:
        """Store the items of a round as planned: nobody sees them until the round is recorded and released.

        Parameters
        ----------
        run, step : str
            The step.
        items : iterable of Item
            All items of the round; those that are there already, not only planned, are left as they are.
        round_, token : int
            The round, and the token of the lease whose holder plans it. What was planned under a lower token is
            taken over.

        Returns
        -------
        int
            How many are planned by this holder now.
        """
        mine: Planned = {"round": round_, "token": token}
        planned = 0
        for batch in _batches(_new(run, step, item) | {"state": "planned", "planned": mine} for item in items):
            there = self._insert(batch)
            planned += len(batch) - len(there) + self._replace_planned(there, {"planned.token": {"$lte": token}})
        return planned

    def release(self, run: str, step: str, round_: int, token: int) -> int:
        """Make what is planned under a recorded round and token waiting; return how many items that were."""
        result = self.collection.update_many(
            {"run": run, "step": step, "state": "planned", "planned": {"round": round_, "token": token}},
            {"$set": {"state": "waiting"}, "$unset": {"planned": ""}},
        )
        return int(result.modified_count)

    def forget_planned(self, run: str, step: str | None = None, planned: Planned | None = None) -> int:
        """Remove what was planned and never recorded, of one step or all; of one round and token, where given."""
        where = {"run": run, "state": "planned"} | ({} if step is None else {"step": step})
        return self.collection.delete_many(where | ({} if planned is None else {"planned": planned})).deleted_count

    def forget(self, run: str, step: str) -> None:
        """Remove the items of a step that is made anew."""
        self.collection.delete_many({"run": run, "step": step})

    def _insert(self, batch: list[WorkItemDocument]) -> list[WorkItemDocument]:
        """Insert documents; return those whose key is there already."""
        try:
            self.collection.insert_many(batch, ordered=False)
        except BulkWriteError as error:
            return [batch[index] for index in _duplicates(error)]
        return []

    def _replace_planned(self, batch: list[WorkItemDocument], which: dict[str, Any]) -> int:
        """Replace what is planned under the same keys, or was and is gone again; return how many documents stand."""
        if not batch:
            return 0
        planned = {"state": "planned"} | which
        replacements = [ReplaceOne({"_id": record["_id"]} | planned, record, upsert=True) for record in batch]
        try:
            self.collection.bulk_write(replacements, ordered=False)
        except BulkWriteError as error:
            return len(batch) - len(_duplicates(error))  # those are there, and not only planned
        return len(batch)

    def claim(self, run: str, step: str, owner: str, number: int, lease_seconds: float) -> list[Item]:
        """Claim up to ``number`` waiting items: one of them in one round trip, many in three.

        Candidates are taken from a random point of the stored random field, so that replicas rarely meet; the
        update leases those of them that still wait; the claim's own id tells which.
        """
        claim = uuid.uuid4().hex
        lease = _lease(owner, claim, lease_seconds)
        if number == 1:
            return self._claim_one(run, step, lease)
        candidates = self._candidates(run, step, number)
        if not candidates:
            return []
        self.collection.update_many({"_id": {"$in": candidates}, "state": "waiting"}, lease)
        mine = self.collection.find({"lease.claim": claim, "state": "leased"}, batch_size=number + 1)
        return [_claimed(record) for record in mine]

    def _claim_one(self, run: str, step: str, lease: list[dict[str, Any]]) -> list[Item]:
        # From the head of the index: whoever comes second to an item is given the next by the server itself.
        record = self.collection.find_one_and_update(
            {"run": run, "step": step, "state": "waiting"},
            lease,
            sort=[("priority", -1), ("rnd", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return [] if record is None else [_claimed(record)]

    def _candidates(self, run: str, step: str, number: int) -> list[str]:
        """Return the ids of waiting items, highest priority first, in the random field's order."""
        start = random.random()
        after, before = (claimable(run, step, part, number) for part in ({"$gte": start}, {"$lt": start}))
        both = [*after, {"$unionWith": {"coll": self.collection.name, "pipeline": before}}]
        # Both halves come sorted; the stable sort merges them and keeps the random order within a priority.
        cursor = self.collection.aggregate(both, batchSize=2 * number + 1)
        found = sorted(cursor, key=lambda record: -int(record["priority"]))[:number]
        # An item that was lost before may kill its replica again: alone, it takes no innocent ones with it.
        if found and found[0]["lost"]:
            return [str(found[0]["_id"])]
        return [str(record["_id"]) for record in found if not record["lost"]]

    def commit(
        self,
        run: str,
        step: str,
        owner: str,
        finished: Sequence[tuple[Item, dict[str, Any], Cost]],
        following: Mapping[str, Sequence[Item]] | None = None,
    ) -> int:
        """Mark leased items as done with their outcome: the commit of the work.

        Parameters
        ----------
        finished : sequence of (Item, dict, Cost)
            The item as claimed, its outcome, and what it took.
        following : mapping of str to sequence of Item, optional
            By key, the items that follow from an item. They are part of its commit, and inserted after it: an
            overtaken replica adds none.

        Returns
        -------
        int
            How many were still ours; the others were taken over by another replica.
        """
        if not finished:
            return 0
        following = following or {}

        def decided(item: Item) -> dict[str, Any]:
            follow = [_plain(one) for one in following.get(item.key, ())]
            return {"state": "committed", "following": follow} if follow else {"state": "done"}

        result = self.collection.bulk_write(
            [
                UpdateOne(
                    _held(run, step, owner, item),
                    {
                        "$set": {"outcome": outcome, "done_by": owner} | cost.fields() | decided(item),
                        "$unset": {"lease": "", "error": "", "failure": "", "checkpoint": ""},
                    },
                )
                for item, outcome, cost in finished
            ],
            ordered=False,
        )
        return int(result.modified_count)

    def settle(self, run: str, step: str) -> int:
        """Insert what follows from committed items, and mark these as done; anybody may, any number of times."""
        query = {"run": run, "step": step, "state": "committed"}
        committed = list(self.collection.find(query, {"following": 1}))
        if not committed:
            return 0
        follow = [Item(**one) for record in committed for one in record["following"]]
        self.insert(run, step, follow)
        result = self.collection.update_many(
            {"_id": {"$in": [record["_id"] for record in committed]}, "state": "committed"},
            {"$set": {"state": "done"}, "$unset": {"following": ""}},
        )
        return int(result.modified_count)

    def fail(
        self,
        run: str,
        step: str,
        owner: str,
        item: Item,
        error: str,
        max_attempts: int,
        rest_seconds: float = 0.0,
        details: dict[str, Any] | None = None,
        cost: Cost | None = None,
    ) -> str:
        """Record a failed attempt.

        Parameters
        ----------
        error : str
            What went wrong, in one line.
        max_attempts : int
            With so many failed attempts the item is given up.
        rest_seconds : float, optional
            How long the item rests before its second attempt; twice as long before the third, and so on.
        details : dict, optional
            Where it happened: host, folder, the tail of the engine's output.
        cost : Cost, optional
            What the attempt took.

        Returns
        -------
        str
            The new state: ``waiting``, ``resting``, ``failed``, or ``lost`` (it was not ours any more).
        """
        attempts = item.attempts + 1
        state = "failed" if attempts >= max_attempts else "resting" if rest_seconds > 0 else "waiting"
        rest = min(rest_seconds * 2.0 ** (attempts - 1), LONGEST_REST_SECONDS)
        again = {"again": _from_now(rest)} if state == "resting" else {}
        # Literals: an error's text may begin with a dollar sign.
        said = {"error": {"$literal": error}, "failed_by": owner, "failure": {"$literal": details or {}}}
        result = self.collection.update_one(
            _held(run, step, owner, item),
            [
                {"$set": {"state": state, "attempts": attempts} | said | again | _spent(owner, FAILED, cost)},
                {"$unset": "lease"},
            ],
        )
        return state if result.modified_count else "lost"

    def broken_off(self, run: str, step: str, owner: str, item: Item, cost: Cost) -> None:
        """Note what an attempt took that ends before it has a result, while the item is still held."""
        self.collection.update_one(_held(run, step, owner, item), [{"$set": _spent(owner, BROKEN_OFF, cost)}])

    def forgive(self, run: str, step: str, owner: str, items: Sequence[Item], keys: Sequence[str]) -> None:
        """Forget failed attempts, for a replica that finds itself broken: it may have used up those of innocent items.

        Parameters
        ----------
        run, step, owner : str
            The step, and the replica.
        items : sequence of Item
            Items that it still holds: they wait again.
        keys : sequence of str
            Items whose last failed attempt was this owner's, and which have attempts left.
        """
        anew: dict[str, Any] = {"$set": {"state": "waiting", "attempts": 0}, "$unset": {"again": "", "lease": ""}}
        for item in items:
            self.collection.update_one(_held(run, step, owner, item), anew)
        mine = {"_id": {"$in": [item_id(run, step, key) for key in keys]}, "failed_by": owner}
        self.collection.update_many(mine | {"state": "resting"}, anew)
        self.collection.update_many(mine | {"state": "waiting"}, {"$set": {"attempts": 0}})

    def keep(self, run: str, step: str, owner: str, item: Item, checkpoint: dict[str, Any]) -> bool:
        """Keep what the work on an item has reached, for whoever claims it next; tell whether it is still ours."""
        result = self.collection.update_one(_held(run, step, owner, item), {"$set": {"checkpoint": checkpoint}})
        return bool(result.matched_count)

    def give_back(self, owner: str) -> int:
        """Return everything that an owner holds to ``waiting``."""
        return int(self.collection.update_many({"lease.owner": owner, "state": "leased"}, _FREED).modified_count)

    def renew(self, owner: str, lease_seconds: float) -> int:
        """Extend every lease of an owner; return how many it holds."""
        result = self.collection.update_many(
            {"lease.owner": owner, "state": "leased"},
            [{"$set": {"lease.expires": _from_now(lease_seconds)}}],
        )
        return int(result.matched_count)

    def reap(self, run: str, step: str | None = None, lives: Callable[[str], bool] = lambda owner: False) -> int:
        """Return items whose lease has expired, or who have rested, to ``waiting``; give up those lost too often.

        Parameters
        ----------
        run, step : str, optional
            The run, and one of its steps.
        lives : callable, optional
            Given an owner, whether its process is certainly there: it was frozen, and its item is not to blame.

        Returns
        -------
        int
            How many leases had expired, or items had rested.
        """
        where = {"run": run} | ({} if step is None else {"step": step})
        over = where | {"state": "leased", "$expr": {"$lt": ["$lease.expires", "$$NOW"]}}
        expired = 0
        owners = [found["_id"] for found in self._groups([{"$match": over}, _BY_OWNER])]
        if owners:
            frozen = {"lease.owner": {"$in": [owner for owner in owners if lives(owner)]}}
            expired = int(self.collection.update_many(over | frozen, _FREED).modified_count) + self._release(over)
        rested = self.collection.update_many(
            where | {"state": "resting", "$expr": {"$lt": ["$again", "$$NOW"]}},
            {"$set": {"state": "waiting"}, "$unset": {"again": ""}},
        )
        return expired + int(rested.modified_count)

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
                        # Others have waited less long for their turn.
                        "priority": {"$add": ["$priority", 1]},
                        "error": {"$cond": [given_up, GIVEN_UP, "$error"]},
                    }
                },
                {"$unset": "lease"},
            ],
        )
        return int(result.modified_count)

    def retry(self, run: str, step: str) -> int:
        """Send failed items back to ``waiting`` with their attempts forgotten."""
        result = self.collection.update_many(
            {"run": run, "step": step, "state": "failed"},
            {"$set": {"state": "waiting", "attempts": 0, "lost": 0}},
        )
        return int(result.modified_count)


def claimable(run: str, step: str, rnd: dict[str, float], number: int) -> list[dict[str, Any]]:
    """Return the pipeline that finds waiting items for a claim; its sort is the order of their index.

    Parameters
    ----------
    run, step : str
        Whose items.
    rnd : dict
        The part of the random field, such as ``{"$gte": 0.3}``.
    number : int
        At most so many.
    """
    return [
        {"$match": {"run": run, "step": step, "state": "waiting", "rnd": rnd}},
        {"$sort": {"priority": -1, "rnd": 1}},
        {"$limit": number},
        {"$project": {"priority": 1, "lost": 1}},
    ]


def _duplicates(error: BulkWriteError) -> list[int]:
    """Return the places of the documents that were refused for their key; anything else that was refused passes."""
    refused = error.details["writeErrors"]
    if any(e["code"] != DUPLICATE_KEY for e in refused):
        raise error
    return [int(e["index"]) for e in refused]


def _batches(records: Iterable[WorkItemDocument]) -> Iterator[list[WorkItemDocument]]:
    source = iter(records)
    while batch := list(islice(source, INSERTED_AT_ONCE)):
        yield batch


def _plain(item: Item) -> Following:
    return {"key": item.key, "payload": item.payload, "priority": item.priority}


def _new(run: str, step: str, item: Item) -> WorkItemDocument:
    return {
        "_id": item_id(run, step, item.key),
        "run": run,
        "step": step,
        "key": item.key,
        "state": "waiting",
        "priority": item.priority,
        "rnd": random.random(),
        "attempts": 0,
        "lost": 0,
        "token": 0,
        "payload": item.payload,
    }


def _claimed(record: WorkItemDocument) -> Item:
    return Item(
        record["key"],
        record["payload"],
        record["priority"],
        record["token"],
        record["attempts"],
        record.get("checkpoint"),
    )


def _spent(owner: str, end: str, cost: Cost | None) -> dict[str, Any]:
    """Return the field of the attempts without success, with one more where its cost is known; an expression."""
    if cost is None:
        return {}
    one = [{"$literal": attempt(owner, end, cost)}]
    return {"spent": {"$concatArrays": [{"$ifNull": ["$spent", []]}, one]}}


def _from_now(seconds: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def _lease(owner: str, claim: str, seconds: float) -> list[dict[str, Any]]:
    """Return the update that leases an item."""
    lease = {"owner": owner, "claim": claim, "since": "$$NOW", "expires": _from_now(seconds)}
    return [{"$set": {"state": "leased", "token": {"$add": ["$token", 1]}, "lease": lease}}]


def _held(run: str, step: str, owner: str, item: Item) -> dict[str, Any]:
    return {
        "_id": item_id(run, step, item.key),
        "state": "leased",
        "lease.owner": owner,
        "token": item.token,
    }
