"""The indexes of the catalogue: every query of the farm and of docs/queries.md has one."""

from __future__ import annotations

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

INDEXES: dict[str, list[IndexModel]] = {
    "runs": [IndexModel([("state", ASCENDING)])],
    "structures": [
        IndexModel([("run", ASCENDING), ("struct_id", ASCENDING)], unique=True),
        IndexModel([("run", ASCENDING), ("pools", ASCENDING), ("struct_id", ASCENDING)]),
        IndexModel([("run", ASCENDING), ("pools", ASCENDING), ("properties.energy", ASCENDING)]),
        IndexModel([("run", ASCENDING), ("properties.spg", ASCENDING)]),
        IndexModel([("run", ASCENDING), ("properties.AP_cluster", ASCENDING)]),
        IndexModel([("parent", ASCENDING)], sparse=True),
        IndexModel([("properties.duplicate_of", ASCENDING)], sparse=True),
    ],
    "spare_structures": [
        IndexModel([("run", ASCENDING)]),
        IndexModel([("properties.duplicate_of", ASCENDING)], sparse=True),
    ],
    "work_items": [
        # A claim: equality on run, step and state, then the sort keys.
        IndexModel(
            [
                ("run", ASCENDING),
                ("step", ASCENDING),
                ("state", ASCENDING),
                ("priority", DESCENDING),
                ("rnd", ASCENDING),
            ]
        ),
        IndexModel([("lease.claim", ASCENDING)], sparse=True),
        IndexModel([("lease.owner", ASCENDING)], sparse=True),
        # How often leases were lost: the few items that this happened to.
        IndexModel(
            [("run", ASCENDING), ("step", ASCENDING), ("lost", ASCENDING)],
            partialFilterExpression={"lost": {"$gt": 0}},
        ),
    ],
    "replicas": [IndexModel([("run", ASCENDING), ("step", ASCENDING)])],
    "leases": [
        IndexModel([("run", ASCENDING), ("state", ASCENDING)]),
        IndexModel([("owner", ASCENDING)], sparse=True),
        IndexModel([("fw_id", ASCENDING)]),
    ],
    "publications": [IndexModel([("run", ASCENDING)]), IndexModel([("lease", ASCENDING), ("token", ASCENDING)])],
    "artifacts": [IndexModel([("run", ASCENDING), ("name", ASCENDING)], unique=True)],
    "engine_results": [IndexModel([("digest", ASCENDING)]), IndexModel([("run", ASCENDING), ("step", ASCENDING)])],
    # FireWorks' own collections, for the questions that the farm asks of them.
    "workflows": [IndexModel([("metadata.run", ASCENDING), ("metadata.side_of", ASCENDING)])],
    "fireworks": [IndexModel([("spec.run", ASCENDING), ("state", ASCENDING)])],
}


def ensure_indexes(database: Database[Any]) -> None:
    """Create the indexes that are not there yet; safe to call by many at once."""
    for collection, models in INDEXES.items():
        database[collection].create_indexes(models)
