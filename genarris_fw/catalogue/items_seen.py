"""What the collection ``work_items`` says of the work: counts, outcomes, failures, owners. Nothing here changes one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, cast

from pymongo.collection import Collection

from genarris_fw.catalogue.documents import WorkItemDocument

STATES = ("waiting", "leased", "done", "failed")  # as a person counts them: what rests waits as well
UNFINISHED = ("waiting", "leased", "resting", "committed")
DECIDED = ("committed", "done")  # the outcome stands
_COUNTED_AS = {"waiting": ("resting",), "leased": ("committed",), "done": (), "failed": ()}


class ItemsSeen:
    """Work items of all runs, as they are."""

    def __init__(self, collection: Collection[WorkItemDocument]) -> None:
        self.collection = collection

    def counts(self, run: str, step: str) -> dict[str, int]:
        """Return how many items are in each of the four states.

        Those that rest before another attempt wait; one whose followers are not inserted yet is still in work.
        """

        def number(state: str) -> int:
            states = {"$in": [state, *_COUNTED_AS[state]]}
            return self.collection.count_documents({"run": run, "step": step, "state": states})

        return {state: number(state) for state in STATES}

    def states(self, run: str, steps: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return, by step and state, how many items there are; from the index alone."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"run": run, "step": {"$in": list(steps)}}},
            {"$group": {"_id": {"step": "$step", "state": "$state"}, "number": {"$sum": 1}}},
        ]
        numbers: dict[str, dict[str, int]] = {}
        for group in self._groups(pipeline) if steps else []:
            numbers.setdefault(group["_id"]["step"], {})[group["_id"]["state"]] = group["number"]
        return numbers

    def leased(self, run: str, step: str) -> int:
        """Return how many items of a step are held by replicas."""
        return self.collection.count_documents({"run": run, "step": step, "state": "leased"})

    def losses(self, run: str) -> dict[str, int]:
        """Return, by step, how often its items lost their replica; the index holds those items alone."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"run": run, "lost": {"$gt": 0}}},
            {"$group": {"_id": "$step", "times": {"$sum": "$lost"}}},
        ]
        return {group["_id"]: group["times"] for group in self._groups(pipeline)}

    def _groups(self, pipeline: list[dict[str, Any]]) -> Iterator[Any]:
        """Yield what a pipeline gives: no documents of ours, so that their type says nothing about it."""
        yield from cast(Iterator[Any], self.collection.aggregate(pipeline))

    def waiting(self, run: str, step: str, share: float, at_most: int) -> int:
        """Estimate how many items are waiting in a share of all, counting no further than a limit.

        Counted are those in a part of this width of the random field, wherever it begins.
        """
        start = random.uniform(0.0, 1.0 - share)
        part = {"rnd": {"$gte": start, "$lt": start + share}} if share < 1.0 else {}
        query = {"run": run, "step": step, "state": "waiting"} | part
        return self.collection.count_documents(query, limit=at_most)

    def unfinished(self, run: str, step: str) -> str | None:
        """Return the state of an item that is not at its end, None where all are; ``committed`` where there is one."""
        query = {"run": run, "step": step, "state": {"$in": list(UNFINISHED)}}
        # In the order of the index, in which "committed" comes first.
        found = self.collection.find_one(query, {"_id": 0, "state": 1}, sort=[("state", 1)])
        return None if found is None else str(found["state"])

    def outcomes(self, run: str, step: str, prefix: str = "") -> list[WorkItemDocument]:
        """Return ``{key, payload, outcome, seconds}`` of the committed items, by key; of those whose key begins so."""
        return list(self.each_outcome(run, step, prefix))

    def each_outcome(self, run: str, step: str, prefix: str = "") -> Iterator[WorkItemDocument]:
        """Yield what `outcomes` returns, for steps whose outcomes together are large."""
        keys = {"_id": {"$gte": item_id(run, step, prefix), "$lt": item_id(run, step, prefix) + "\uffff"}}
        yield from self.collection.find(
            {"run": run, "step": step, "state": {"$in": list(DECIDED)}} | (keys if prefix else {}),
            {"_id": 0, "key": 1, "payload": 1, "outcome": 1, "seconds": 1},
        ).sort("key", 1)

    def failures(self, run: str, step: str) -> list[WorkItemDocument]:
        """Return ``{key, payload, error, attempts, failure, failed_by}`` of the items given up, by key."""
        return list(
            self.collection.find(
                {"run": run, "step": step, "state": "failed"},
                {"_id": 0, "key": 1, "payload": 1, "error": 1, "attempts": 1, "failure": 1, "failed_by": 1},
            ).sort("key", 1)
        )

    def reused(self, run: str, step: str) -> tuple[int, int]:
        """Return of how many committed items the result was taken over, and how many there are."""
        done = {"run": run, "step": step, "state": {"$in": list(DECIDED)}}
        taken_over = done | {"outcome.reused_from": {"$exists": True}}
        return self.collection.count_documents(taken_over), self.collection.count_documents(done)

    def mean_seconds(self, run: str, step: str, sample: int = 100) -> float | None:
        """Return the mean seconds of some committed items, None before there is one."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"run": run, "step": step, "state": "done"}},
            {"$limit": sample},
            {"$group": {"_id": None, "seconds": {"$avg": "$seconds"}}},
        ]
        return next((group["seconds"] for group in self._groups(pipeline)), None)

    def owners(self, run: str, step: str | None = None) -> list[str]:
        """Return the owners that hold leases of a run's items, or of those of one of its steps."""
        where = {"run": run, "state": "leased"} | ({} if step is None else {"step": step})
        return list(self.collection.distinct("lease.owner", where))


def item_id(run: str, step: str, key: str) -> str:
    """Return the id of the item of a key."""
    return f"{run}:{step}:{key}"
