"""A database as an earlier version of the package left it: the documents are that version's own.

``catalogue_schema_3.json`` holds two runs: the one of `small_run.fill`, with an item that is only planned, a structure
set aside, a file and a part of a publication; and a sleepy one whose rocket was killed in the middle of its first step.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

SCHEMA_3 = Path(__file__).parents[1] / "data" / "catalogue_schema_3.json"
NAP, ITEMS = "nap", 12


def fill_with_schema_3(database: Database[dict[str, Any]], folder: Path) -> None:
    """Fill an empty database; the runs' folder is `folder`."""
    text = SCHEMA_3.read_text().replace("/FOLDER", json.dumps(str(folder))[1:-1])
    for collection, documents in json_util.loads(text).items():
        database[collection].insert_many(documents)
    keys = [("run", ASCENDING), ("procedure", ASCENDING), ("state", ASCENDING), ("priority", DESCENDING)]
    database["work_items"].create_index([*keys, ("rnd", ASCENDING)])
    lost = [("run", ASCENDING), ("procedure", ASCENDING), ("lost", ASCENDING)]
    database["work_items"].create_index(lost, partialFilterExpression={"lost": {"$gt": 0}})
