"""The collection ``replicas``: who works, or worked, on which step, and how much each has done.

The numbers are for people who watch. What is true stands on the work items; a tally that was lost with its
replica is made good by `Replicas.recount`.
"""

from __future__ import annotations

from typing import Any, cast

from pymongo import WriteConcern
from pymongo.collection import Collection

from genarris_fw.catalogue.documents import ReplicaDocument, WorkItemDocument
from genarris_fw.owner import host_of, user_name

# A replica that was not seen for so long is not counted as at work (the server's clock).
SECONDS_UNSEEN = 120
# The rate of a replica is that of the last one to two windows.
WINDOW_SECONDS = 60
# A tally says everything anew the next time: it need not wait for the disk.
_CHEAP = WriteConcern(w=1, j=False)


class Replicas:
    """The replicas of all runs, keyed by the name under which they hold leases.

    Parameters
    ----------
    collection : pymongo.collection.Collection
        The collection ``replicas``.
    work_items : pymongo.collection.Collection
        The collection ``work_items``, for `recount`.
    """

    def __init__(self, collection: Collection[ReplicaDocument], work_items: Collection[WorkItemDocument]) -> None:
        self.collection = collection
        self.work_items = work_items
        self._tallies = collection.with_options(write_concern=_CHEAP)

    def begin(self, owner: str, run: str, step: str, role: str, fw_id: int, cores: int | None = None) -> None:
        """Note that a replica has begun to work; done again it changes nothing but ``seen``.

        Parameters
        ----------
        owner, run, step, role, fw_id
            Who works on what.
        cores : int, optional
            Cores that it holds, where that is known.
        """
        nothing_yet = {"done": 0, "at": {"$ifNull": ["$started", "$$NOW"]}}
        about: dict[str, Any] = {"run": run, "step": step, "role": role, "host": host_of(owner), "fw_id": fw_id}
        about |= {"user": user_name()} | ({"cores": cores} if cores else {})
        self.collection.update_one(
            {"_id": owner},
            [
                {
                    "$set": {name: {"$literal": value} for name, value in about.items()}
                    | {"started": {"$ifNull": ["$started", "$$NOW"]}, "seen": "$$NOW"}
                    | {name: {"$ifNull": [f"${name}", 0]} for name in ("done", "failed", "seconds")}
                    | {name: {"$ifNull": [f"${name}", nothing_yet]} for name in ("past", "mark")}
                }
            ],
            upsert=True,
        )

    def tally(self, owner: str, done: int, failed: int, seconds: float) -> None:
        """Note what a replica has done so far, in all; sent again it has the same effect.

        Parameters
        ----------
        owner : str
            Whose.
        done, failed : int
            Items that it committed, and that it gave up, since it began.
        seconds : float
            Spent in work on them.
        """
        over = {"$gt": [{"$subtract": ["$$NOW", "$mark.at"]}, WINDOW_SECONDS * 1000]}
        now = {"done": done, "at": "$$NOW"}
        self._tallies.update_one(
            {"_id": owner},
            [
                {
                    "$set": {
                        "done": done,
                        "failed": failed,
                        "seconds": seconds,
                        "seen": "$$NOW",
                        "past": {"$cond": [over, "$mark", "$past"]},
                        "mark": {"$cond": [over, now, "$mark"]},
                    }
                }
            ],
        )

    def beat(self, owner: str) -> None:
        """Note that a replica lives; for its heartbeat, when an item takes longer than `SECONDS_UNSEEN`."""
        self._tallies.update_one({"_id": owner}, {"$currentDate": {"seen": True}})

    def quarantine(self, owner: str, why: str) -> None:
        """Note that a replica has taken itself out of work, and why."""
        self.collection.update_one({"_id": owner}, {"$set": {"quarantined": why}, "$currentDate": {"seen": True}})

    def end(self, owner: str) -> None:
        """Note that a replica has ended."""
        self.collection.update_one({"_id": owner}, {"$currentDate": {"seen": True, "ended": True}})

    def lost(self, owner: str) -> None:
        """Note that a replica was lost: it ended when it was last seen, or later."""
        ended = {"ended": {"$ifNull": ["$ended", "$seen"]}, "lost": {"$eq": [{"$type": "$ended"}, "missing"]}}
        self.collection.update_one({"_id": owner}, [{"$set": ended}])

    def held(self, run: str) -> list[dict[str, Any]]:
        """Return the time that the replicas of a run were there, work or not, until now for those at work.

        Returns
        -------
        list of dict
            By ``step``, ``host`` and ``user``: ``replicas``, ``seconds``, ``core_seconds`` (one core where
            it is not known how many), and the same of the ``lost`` ones, whose end was not seen: ``lost_core_seconds``
            until they were last seen, of which ``lost_known`` went into items that were committed.
        """
        until = {"$ifNull": ["$ended", "$seen"]}
        seconds = {"$divide": [{"$subtract": [until, "$started"]}, 1000]}
        cores = {"$ifNull": ["$cores", 1]}
        core_seconds = {"$multiply": [seconds, cores]}
        gone = {"$eq": ["$lost", True]}
        group = {name: {"$ifNull": [f"${name}", None]} for name in ("step", "host", "user")}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"run": run}},
            {
                "$group": {
                    "_id": group,
                    "replicas": {"$sum": 1},
                    "seconds": {"$sum": seconds},
                    "core_seconds": {"$sum": core_seconds},
                    "lost": {"$sum": {"$cond": [gone, 1, 0]}},
                    "lost_core_seconds": {"$sum": {"$cond": [gone, core_seconds, 0]}},
                    "lost_known": {"$sum": {"$cond": [gone, {"$multiply": ["$seconds", cores]}, 0]}},
                }
            },
            {"$sort": {"_id": 1}},
        ]
        sums = cast(list[dict[str, Any]], list(self.collection.aggregate(pipeline)))
        return [found.pop("_id") | found for found in sums]

    def others_at_work(self, run: str, step: str, owner: str) -> bool:
        """Tell whether another replica works on this step: not ended, not quarantined, seen within two minutes."""
        query = {"run": run, "step": step, "_id": {"$ne": owner}, **AT_WORK}
        return self.collection.find_one(query, {"_id": 1}) is not None

    def recount(self, owner: str) -> None:
        """Set what a replica has done to what the work items say; for one lost between a commit and its tally."""
        replica = self.collection.find_one({"_id": owner}, {"run": 1, "step": 1})
        if replica is None:
            return
        query = {"run": replica["run"], "step": replica["step"]}
        pipeline: list[dict[str, Any]] = [
            {"$match": query | {"state": "done", "done_by": owner}},
            {"$group": {"_id": None, "done": {"$sum": 1}, "seconds": {"$sum": "$seconds"}}},
            {"$unset": "_id"},
        ]
        done = next(iter(self.work_items.aggregate(pipeline)), {"done": 0, "seconds": 0})
        failed = self.work_items.count_documents(query | {"state": "failed", "failed_by": owner})
        self.collection.update_one({"_id": owner}, {"$set": done | {"failed": failed}})

    def forget(self, run: str, step: str) -> None:
        """Remove the replicas of a step whose items are removed and made anew."""
        self.collection.delete_many({"run": run, "step": step})

    def forget_failures(self, run: str, step: str) -> None:
        """Count no failures any more for a step whose failed items are tried again."""
        self.collection.update_many({"run": run, "step": step}, {"$set": {"failed": 0}})

    def of_step(self, run: str, step: str) -> list[ReplicaDocument]:
        """Return the replicas of a step, in the order in which they began."""
        return list(self.collection.find({"run": run, "step": step}).sort("started", 1))

    def hosts(self, run: str) -> list[dict[str, Any]]:
        """Return per ``host``, by name: ``replicas`` at work, ``done``, ``failed``, ``seconds`` and ``rate``.

        The rate is items per second over the last minutes, of the replicas that are at work.
        """
        return summed(self.tallies(run), "host")

    def tallies(self, run: str) -> list[dict[str, Any]]:
        """Return what `hosts` does for each ``step`` and ``host``, and the ``quarantined``: ``{owner, why}`` each."""
        seconds = {"$divide": [{"$subtract": ["$$NOW", "$past.at"]}, 1000]}
        rate = {"$divide": [{"$subtract": ["$done", "$past.done"]}, {"$max": [seconds, 0.1]}]}
        at_work = {"$and": [*({"$eq": [{"$type": f"${name}"}, "missing"]} for name in ("ended", "quarantined")), _SEEN]}
        why = {"$cond": [{"$gt": ["$quarantined", None]}, {"owner": "$_id", "why": "$quarantined"}, "$$REMOVE"]}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"run": run}},
            {
                "$group": {
                    "_id": {"step": "$step", "host": "$host"},
                    "replicas": {"$sum": {"$cond": [at_work, 1, 0]}},
                    **{name: {"$sum": f"${name}"} for name in ("done", "failed", "seconds")},
                    "core_seconds": {"$sum": {"$multiply": ["$seconds", {"$ifNull": ["$cores", 1]}]}},
                    "rate": {"$sum": {"$cond": [at_work, rate, 0]}},
                    "quarantined": {"$push": why},
                }
            },
            {"$sort": {"_id": 1}},
        ]
        sums = cast(list[dict[str, Any]], list(self.collection.aggregate(pipeline)))
        return [found.pop("_id") | found for found in sums]


def summed(tallies: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Return the sums of `Replicas.tallies` for each ``step`` or each ``host``, in the order of the names."""
    sums: dict[str, dict[str, Any]] = {}
    for tally in tallies:
        total = sums.setdefault(
            tally[by],
            {by: tally[by], "replicas": 0, "done": 0, "failed": 0, "seconds": 0, "core_seconds": 0, "rate": 0},
        )
        for name in ("replicas", "done", "failed", "seconds", "core_seconds", "rate"):
            total[name] += tally[name]
    return [sums[name] for name in sorted(sums)]


_SEEN = {"$gt": ["$seen", {"$subtract": ["$$NOW", SECONDS_UNSEEN * 1000]}]}
AT_WORK: dict[str, Any] = {"ended": {"$exists": False}, "quarantined": {"$exists": False}, "$expr": _SEEN}
