"""What attempts on work items cost: written with the item, summed by one query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pymongo.collection import Collection

from genarris_fw.catalogue.documents import Attempt, WorkItemDocument

# How an attempt ended, as the query names it.
DONE, FAILED, BROKEN_OFF = "done", "failed", "broken off"


@dataclass(frozen=True)
class Cost:
    """What one attempt on an item took.

    Parameters
    ----------
    seconds : float
        By the clock.
    cpu_seconds : float or None
        Of processors; None where it was not measured.
    cores : int or None
        That its replica held meanwhile; None where it is not known.
    """

    seconds: float
    cpu_seconds: float | None = None
    cores: int | None = None

    def fields(self) -> dict[str, Any]:
        """Return what is stored: only what is known."""
        found = {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "cores": self.cores}
        return {name: value for name, value in found.items() if value is not None}


def attempt(owner: str, end: str, cost: Cost) -> Attempt:
    """Return what is kept of an attempt that did not succeed."""
    return cast(Attempt, {"owner": owner, "end": end} | cost.fields())


class ItemCosts:
    """The costs of the work items of all runs.

    Parameters
    ----------
    collection : pymongo.collection.Collection
        The collection ``work_items``.
    """

    def __init__(self, collection: Collection[WorkItemDocument]) -> None:
        self.collection = collection

    def attempts(self, run: str) -> list[dict[str, Any]]:
        """Return what a run's attempts cost, by step, how they ended, and who made them.

        Returns
        -------
        list of dict
            Each ``step``, ``end`` (`DONE`, `FAILED`, `BROKEN_OFF`), ``owner`` (None where nobody knows), ``host``,
            ``user`` (None where the replica has left nothing, or an older version ran it), ``attempts``, ``seconds``,
            ``core_seconds`` (one core where it is not known how many they were), ``cpu_seconds``, and of how many
            attempts the ``cores`` and the processors' seconds (``cpu``) are known.
        """
        return list(self._found(pipeline(run)))

    def dearest(self, run: str, steps: Sequence[str], number: int) -> list[dict[str, Any]]:
        """Return the structures whose own items, those of a single structure, cost most, the dearest first.

        Parameters
        ----------
        run : str
            The run.
        steps : sequence of str
            The steps with such items.
        number : int
            At most so many.

        Returns
        -------
        list of dict
            Each ``struct_id``, ``core_seconds``, ``seconds`` and ``attempts``, failed ones included.
        """
        # No attempt is unwound: that would take twice as long, of a million items.
        cores = {"$multiply": ["$$this.seconds", {"$ifNull": ["$$this.cores", 1]}]}
        spent = {"$sum": {"$map": {"input": _BEFORE, "in": cores}}}
        done = {"$multiply": ["$seconds", {"$ifNull": ["$cores", 1]}]}
        sums = {
            "core_seconds": {"$sum": {"$add": [{"$cond": [_IS_DONE, done, 0]}, spent]}},
            "seconds": {"$sum": {"$add": [{"$cond": [_IS_DONE, "$seconds", 0]}, {"$sum": "$spent.seconds"}]}},
            "attempts": {"$sum": {"$add": [{"$cond": [_IS_DONE, 1, 0]}, {"$size": _BEFORE}]}},
        }
        query: list[dict[str, Any]] = [
            {"$match": {"run": run, "step": {"$in": list(steps)}, "payload.struct_id": {"$exists": True}}},
            {"$group": {"_id": "$payload.struct_id", **sums}},
            {"$match": {"attempts": {"$gt": 0}}},
            {"$sort": {"core_seconds": -1, "_id": 1}},
            {"$limit": number},
            {"$project": {"_id": 0, "struct_id": "$_id", "core_seconds": 1, "seconds": 1, "attempts": 1}},
        ]
        return list(self._found(query))

    def _found(self, query: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        yield from cast(Iterator[dict[str, Any]], self.collection.aggregate(query, allowDiskUse=True))


# The attempt that succeeded, in the form of those that did not.
_SUCCESS = {
    "owner": "$done_by",
    "end": {"$literal": DONE},
    "seconds": "$seconds",
    "cpu_seconds": "$cpu_seconds",
    "cores": "$cores",
}
_IS_DONE = {"$in": ["$state", ["done", "committed"]]}
_BEFORE = {"$ifNull": ["$spent", []]}
_EVERY = {"$concatArrays": [_BEFORE, {"$cond": [_IS_DONE, [_SUCCESS], []]}]}


_SUMS = {
    "attempts": {"$sum": 1},
    "seconds": {"$sum": "$all.seconds"},
    "core_seconds": {"$sum": {"$multiply": ["$all.seconds", {"$ifNull": ["$all.cores", 1]}]}},
    "cpu_seconds": {"$sum": "$all.cpu_seconds"},
    "cores": {"$sum": {"$cond": [{"$gt": ["$all.cores", None]}, 1, 0]}},
    "cpu": {"$sum": {"$cond": [{"$gt": ["$all.cpu_seconds", None]}, 1, 0]}},
}


def pipeline(run: str) -> list[dict[str, Any]]:
    """Return the query of `ItemCosts.attempts`: over ``work_items``, by step, end and owner, with his replica."""
    replica = {"from": "replicas", "localField": "_id.owner", "foreignField": "_id", "as": "replica"}
    user = {"$ifNull": [{"$first": "$replica.user"}, None]}
    # Of an owner whose replica has left nothing: as `owner.owner_name` writes it.
    host = {"$ifNull": [{"$first": "$replica.host"}, {"$first": {"$split": ["$_id.owner", ":"]}}]}
    return [
        {"$match": {"run": run}},
        {"$project": {"step": 1, "all": _EVERY}},
        {"$unwind": "$all"},
        {"$group": {"_id": {"step": "$step", "end": "$all.end", "owner": "$all.owner"}, **_SUMS}},
        {"$lookup": replica},
        {"$replaceWith": {"$mergeObjects": ["$$ROOT", "$_id", {"host": host, "user": user}]}},
        {"$unset": ["_id", "replica"]},
        {"$sort": {"step": 1, "end": 1, "owner": 1}},
    ]
