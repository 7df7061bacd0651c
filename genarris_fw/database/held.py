"""What rockets held that cannot reach the database any more."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from pymongo.database import Database


def end_leases(database: Database[dict[str, Any]]) -> None:
    """Let every lease be over, and every lock of FireWorks open, so that what was held can be taken at once."""
    long_ago = datetime.fromtimestamp(0, timezone.utc)
    database["leases"].update_many({"expires": {"$exists": True}}, {"$set": {"expires": long_ago}})
    database["work_items"].update_many({"state": "leased"}, {"$set": {"lease.expires": long_ago}})
    database["workflows"].update_many({"locked": {"$exists": True}}, {"$unset": {"locked": ""}})
