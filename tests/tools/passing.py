"""Time that passes at once: what is noted of it in a database moves back, so that nobody has to sleep, or hurry."""

from __future__ import annotations

from pymongo.collection import Collection

FIELDS = ("expires", "since", "lease.expires", "lease.since", "again")


def let_pass(collection: Collection, seconds: float) -> None:
    """Let so many seconds pass for leases, turns and rests."""
    for field in FIELDS:
        earlier = {"$subtract": [f"${field}", int(1000 * seconds)]}
        collection.update_many({field: {"$exists": True}}, [{"$set": {field: earlier}}])
