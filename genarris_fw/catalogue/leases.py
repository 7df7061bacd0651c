"""The collection ``leases``: which process carries out which of our fireworks, by the server's clock.

FireWorks itself notices a dead rocket after hours; this lease says so within seconds. Every firework of a run
holds one while it works: the fireworks on the workflow's path (``plan``, ``gate``, ``whole``, ``finish``) under the
name of their step and role, a side replica under its firework's id.

On the path the lease is also where it is decided what counts (docs/protocol.md): the rounds of work items that are
planned, and the result of the step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection

from genarris_fw.catalogue.documents import Committed, Decisions, LeaseDocument, PlannedRound, PreparedResult
from genarris_fw.errors import GenarrisError

# The roles of fireworks on the workflow's path: one lease each for a step.
ON_PATH = ("plan", "gate", "whole", "finish")


class LeaseLost(GenarrisError):
    """Another process has taken over this firework; what this one still does has no effect."""


def _expires(lease_seconds: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", int(lease_seconds * 1000)]}


def lease_id(run: str, step: str, role: str, fw_id: int) -> str:
    """Return the ``_id`` of a firework's lease: one per step and role on the path, one per side replica."""
    return f"{run}:{step}:{role}" + (f":{fw_id}" if role == "side" else "")


class Leases:
    """Leases of fireworks."""

    def __init__(self, collection: Collection[LeaseDocument]) -> None:
        self.collection = collection

    def open(self, run: str, step: str, role: str, fw_id: int, above: int = 0) -> None:
        """Create the lease's document, free, when it is not there.

        Parameters
        ----------
        run, step, role, fw_id
            Whose lease.
        above : int, optional
            Its tokens are higher than this one: a gate's than those of plans that were overtaken.
        """
        self.collection.update_one(
            {"_id": lease_id(run, step, role, fw_id)},
            {
                "$setOnInsert": {"run": run, "step": step, "role": role, "fw_id": fw_id, "state": "open"},
                "$max": {"token": above},
            },
            upsert=True,
        )

    def take(
        self,
        run: str,
        step: str,
        role: str,
        fw_id: int,
        launch_id: int | None,
        owner: str,
        lease_seconds: float,
    ) -> int | None:
        """Take a firework's lease when it is free, expired or being recovered.

        Returns
        -------
        int or None
            The fencing token, or None when the firework's work is already collected.

        Raises
        ------
        LeaseLost
            When a living process holds it.
        """
        identifier = lease_id(run, step, role, fw_id)
        self.open(run, step, role, fw_id)
        taken = self.collection.find_one_and_update(
            {
                "_id": identifier,
                "state": "open",
                "$or": [
                    {"owner": {"$exists": False}},
                    {"recoverer": {"$exists": True}},
                    {"$expr": {"$lt": ["$expires", "$$NOW"]}},
                ],
            },
            [
                {
                    "$set": {
                        "fw_id": fw_id,
                        "launch_id": launch_id,
                        "owner": owner,
                        "token": {"$add": ["$token", 1]},
                        "expires": _expires(lease_seconds),
                    }
                },
                {"$unset": ["recoverer", "all_planned"]},
            ],
            return_document=ReturnDocument.AFTER,
        )
        if taken is not None:
            return int(taken["token"])
        current = self.collection.find_one({"_id": identifier}) or {}
        if current.get("state") == "collected":
            return None
        raise LeaseLost(f"{identifier} is held by {current.get('owner')}: nothing to do for this rocket")

    def held(self, identifier: str, token: int) -> bool:
        """Tell whether a token is still the newest of its lease."""
        return self.collection.find_one({"_id": identifier, "token": token, "state": "open"}, {"_id": 1}) is not None

    def renew(self, owner: str, lease_seconds: float) -> int:
        """Extend every lease of an owner that nobody is recovering."""
        result = self.collection.update_many(
            {"owner": owner, "recoverer": {"$exists": False}},
            [{"$set": {"expires": _expires(lease_seconds)}}],
        )
        return int(result.matched_count)

    def release(self, identifier: str, token: int) -> bool:
        """Give the lease back, its work not done; tell whether it was still ours."""
        result = self.collection.update_one(
            {"_id": identifier, "token": token, "state": "open"}, {"$unset": {"owner": "", "expires": ""}}
        )
        return bool(result.matched_count)

    def decisions(self, identifier: str) -> Decisions:
        """Return what the holders of a lease have decided: ``rounds`` and ``committed``, where there are any."""
        fields = {"_id": 0, "rounds": 1, "committed": 1}
        found: Decisions | None = self.collection.find_one({"_id": identifier}, fields)
        return found or {}

    def record_round(self, identifier: str, token: int, round_: int, items: int, owner: str) -> None:
        """Record that a round of work items is planned: from now on it counts.

        Parameters
        ----------
        identifier, token : str, int
            The lease, and the token under which the items were planned.
        round_ : int
            Its number.
        items : int
            How many items it has.
        owner : str
            Who planned it.

        Raises
        ------
        LeaseLost
            When the lease was taken over: what was planned counts for nothing.
        """
        about: PlannedRound = {"token": token, "items": items, "by": owner}
        self._decide(identifier, token, {"$set": {f"rounds.{round_}": about}}, "planning")

    def all_planned(self, identifier: str, token: int) -> None:
        """Note that the holder plans no more work items: who waits for them may leave.

        Raises
        ------
        LeaseLost
            When the lease was taken over.
        """
        self._decide(identifier, token, {"$set": {"all_planned": True}}, "closing the step")

    def commit(self, identifier: str, token: int, publication: PreparedResult) -> None:
        """Decide the result of a firework's work; everything that makes it visible comes after this.

        Parameters
        ----------
        identifier, token : str, int
            The lease, and the token of its holder.
        publication : Publication
            What is to be made visible (`genarris_fw.catalogue.publications`).

        Raises
        ------
        LeaseLost
            When the lease was taken over, or the result is decided already.
        """
        committed: Committed = {**publication, "token": token}
        self._decide(identifier, token, {"$set": {"committed": committed}}, "collecting")

    def _decide(self, identifier: str, token: int, update: dict[str, Any], doing: str) -> None:
        held = {"_id": identifier, "token": token, "state": "open", "committed": {"$exists": False}}
        if not self.collection.update_one(held, update).matched_count:
            raise LeaseLost(f"{identifier} was taken over while this rocket was {doing}")

    def collected(self, identifier: str, token: int) -> None:
        """Close the lease: its firework's work is done for good, and visible.

        Raises
        ------
        LeaseLost
            When a newer token has been given out.
        """
        result = self.collection.update_one(
            {"_id": identifier, "token": token, "state": "open"},
            {
                "$set": {"state": "collected"},
                "$unset": {"owner": "", "expires": "", "committed": "", "all_planned": ""},
            },
        )
        if not result.modified_count:
            raise LeaseLost(f"{identifier} was taken over while this rocket was collecting")

    def may_plan(self, run: str, step: str, role: str) -> bool:
        """Tell whether a firework on the path is held by somebody who may yet add work items."""
        query: dict[str, Any] = {"_id": lease_id(run, step, role, 0), "state": "open", "owner": {"$exists": True}}
        query |= {field: {"$exists": False} for field in ("recoverer", "all_planned", "committed")}
        return self.collection.find_one(query, {"_id": 1}) is not None

    def reopen(self, run: str, step: str) -> dict[str, int]:
        """Make the leases of a step's fireworks on the path free again, so that they can be run anew.

        All get a token that is higher than any that was given out in this step: their holders are fenced.

        Returns
        -------
        dict
            By role, the lowest token that is not fenced.
        """
        on_path = {"run": run, "step": step, "role": {"$in": list(ON_PATH)}, "state": {"$in": ["open", "collected"]}}
        leases = list(self.collection.find(on_path, {"role": 1, "token": 1}))
        token = max((int(lease["token"]) for lease in leases), default=0) + 1
        gone = ("owner", "expires", "recoverer", "all_planned", "rounds", "committed")
        self.collection.update_many(
            on_path, {"$set": {"state": "open"}, "$max": {"token": token}, "$unset": dict.fromkeys(gone, "")}
        )
        return {lease["role"]: token for lease in leases}

    def find(self, run: str, step: str, role: str) -> LeaseDocument | None:
        """Return the lease of a firework on the path, or None."""
        return self.collection.find_one({"_id": lease_id(run, step, role, 0)})

    def expired(self, run: str, step: str | None = None, role: str | None = None) -> list[LeaseDocument]:
        """Return the open leases whose holder has not renewed in time."""
        query: dict[str, Any] = {
            "run": run,
            "state": "open",
            "owner": {"$exists": True},
            "$expr": {"$lt": ["$expires", "$$NOW"]},
        }
        if step is not None:
            query |= {"step": step, "role": role}
        return list(self.collection.find(query))

    def holders(self, run: str) -> list[LeaseDocument]:
        """Return the open leases that have a holder."""
        return list(self.collection.find({"run": run, "state": "open", "owner": {"$exists": True}}))

    def unheld_for(self, run: str, fw_id: int, launch_id: int | None, seconds: float) -> bool:
        """Note that a firework was seen checked out without a lease; tell whether it was first seen so long ago.

        FireWorks' own times are those of the machines that wrote them, whose clocks may differ.
        """
        identifier = f"{run}:unheld:{fw_id}:{launch_id}"
        about = {"run": run, "fw_id": fw_id, "launch_id": launch_id, "state": "unheld"}
        since = {"since": {"$ifNull": ["$since", "$$NOW"]}}
        self.collection.update_one({"_id": identifier}, [{"$set": about | since}], upsert=True)
        long_ago = {"$subtract": ["$$NOW", int(seconds * 1000)]}
        query = {"_id": identifier, "$expr": {"$lte": ["$since", long_ago]}}
        return self.collection.find_one(query, {"_id": 1}) is not None

    def forget_fireworks(self, run: str, there: Iterable[int]) -> None:
        """Remove what is noted of sides and launches whose fireworks are gone: their numbers may be given again.

        Parameters
        ----------
        run : str
            The run.
        there : iterable of int
            The fireworks of the run that are still there.
        """
        free = {"$or": [{"owner": {"$exists": False}}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}]}
        kinds = [{"state": "unheld"}, {"role": "side"} | free]
        self.collection.delete_many({"run": run, "fw_id": {"$nin": list(there)}, "$or": kinds})

    def my_turn(self, run: str, step: str, seconds: float) -> bool:
        """Tell whether nobody has had this turn (to look after lost items) for so long; then it is the caller's."""
        identifier = f"{run}:{step}:turn"
        due = {"$expr": {"$lt": ["$since", {"$subtract": ["$$NOW", int(seconds * 1000)]}]}}
        taken = self.collection.update_one({"_id": identifier} | due, [{"$set": {"since": "$$NOW"}}])
        if taken.matched_count:
            return True
        if self.collection.find_one({"_id": identifier}, {"_id": 1}) is None:
            about = {"run": run, "step": step, "state": "turn", "since": {"$ifNull": ["$since", "$$NOW"]}}
            self.collection.update_one({"_id": identifier}, [{"$set": about}], upsert=True)
        return False

    def begin_recovery(self, lease: LeaseDocument, recoverer: str, seconds: float = 20.0) -> bool:
        """Take a lost lease in order to have its firework run again.

        Parameters
        ----------
        lease : LeaseDocument
            As it was read when it was found lost: it must not have changed since.
        recoverer : str
            Who recovers.
        seconds : float, optional
            After this long without success others may try.

        Returns
        -------
        bool
            False when another recoverer was first, or the holder woke up and renewed.
        """
        seen = {name: value for name, value in lease.items() if name in ("_id", "token", "expires")}
        result = self.collection.update_one(
            seen | {"state": "open"},
            [
                {
                    "$set": {
                        "token": {"$add": ["$token", 1]},
                        "expires": _expires(seconds),
                        "recoverer": recoverer,
                    }
                }
            ],
        )
        return bool(result.modified_count)
