"""The collection ``engine_results``: what engines gave, found again by what they computed (docs/engines.md).

A result is written with its work item, before the item's commit, as its other effects are; it counts where the item is
done under the result's token. So nothing is found that was not committed, and nothing committed is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from pymongo import ASCENDING, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from genarris_fw.catalogue.documents import EngineResultDocument, NewEngineResult, WorkItemDocument
from genarris_fw.catalogue.items_seen import DECIDED, item_id
from genarris_fw.catalogue.structures import DUPLICATE_KEY

_DONE = {"state": {"$in": list(DECIDED)}}
_AT_A_TIME = 1000


class EngineResults:
    """Results of all runs.

    Parameters
    ----------
    collection : pymongo.collection.Collection
        The collection ``engine_results``.
    items : pymongo.collection.Collection
        The collection ``work_items``.
    """

    def __init__(self, collection: Collection[EngineResultDocument], items: Collection[WorkItemDocument]) -> None:
        self.collection = collection
        self.items = items

    def write(self, run: str, step: str, results: Iterable[tuple[NewEngineResult, str, int]]) -> None:
        """Write results; again has the same effect, and one of a newer token stays.

        Parameters
        ----------
        run, step : str
            The step.
        results : iterable of (NewEngineResult, str, int)
            The result, the key of the work item that computed it, and the token of its claim.
        """
        updates = [
            UpdateOne(
                {"_id": item_id(run, step, key), "token": {"$lte": token}},
                {"$set": {**result, "run": run, "step": step, "token": token}, "$unset": {"settled": ""}},
                upsert=True,
            )
            for result, key, token in results
        ]
        try:
            self.collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            if any(e["code"] != DUPLICATE_KEY for e in error.details["writeErrors"]):
                raise

    def find(self, digest: str) -> EngineResultDocument | None:
        """Return the first result of this digest that counts, or None."""
        for result in self.collection.find({"digest": digest}).sort("computed", ASCENDING):
            if result.get("settled") or self._counts(result):
                return result
        return None

    def _counts(self, result: EngineResultDocument) -> bool:
        done = {"_id": result["_id"], "token": result["token"], **_DONE}
        return self.items.find_one(done, {"_id": 1}) is not None

    def settle(self, run: str, step: str) -> None:
        """Keep what counts of a step whose items are about to be forgotten, and remove the rest; again as once."""
        of_the_step = {"run": run, "step": step, "settled": {"$exists": False}}
        while some := list(self.collection.find(of_the_step, {"token": 1}).limit(_AT_A_TIME)):
            ids = [result["_id"] for result in some]
            tokens = {item["_id"]: item["token"] for item in self.items.find({"_id": {"$in": ids}, **_DONE})}
            kept = [result["_id"] for result in some if tokens.get(result["_id"]) == result["token"]]
            # New items count their tokens from one again.
            self.collection.update_many({"_id": {"$in": kept}}, {"$set": cast(Any, {"settled": True, "token": 0})})
            self.collection.delete_many({"_id": {"$in": [name for name in ids if name not in set(kept)]}})
