"""The version of the catalogue's documents: one in the database, one in this package, and the steps between them.

The collection ``meta`` holds ``{_id: 'schema', version, genarris_fw}``. Version 1 is what was there before the
collection: runs without it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from genarris_fw.catalogue.catalogue import DURABLE
from genarris_fw.catalogue.indexes import ensure_indexes
from genarris_fw.catalogue.leases import ON_PATH
from genarris_fw.catalogue.runs import Runs
from genarris_fw.errors import DatabaseError
from genarris_fw.version import __version__

SCHEMA = 5
META = "meta"
_ID = "schema"


def refuse_newer(database: Database[Any]) -> int:
    """Refuse a catalogue that a newer package made; return its version.

    Returns
    -------
    int
        The version, 0 for an empty catalogue that was not stamped.

    Raises
    ------
    DatabaseError
        Naming both packages.
    """
    found = database[META].find_one({"_id": _ID})
    version = int(found["version"]) if found else _unstamped(database)
    if found and version > SCHEMA:
        raise DatabaseError(
            f"database '{database.name}' was made by genarris_fw {found.get('genarris_fw')} (schema {version}), this "
            f"is genarris_fw {__version__} (schema {SCHEMA}): upgrade this installation"
        )
    return version


def check_schema(database: Database[Any], write: bool = True) -> int:
    """Make sure that this package and the catalogue understand each other; bring an older catalogue up to date.

    Safe to call at any time, by many at once; after a kill in the middle of a migration, the next call goes on.

    Parameters
    ----------
    database : pymongo.database.Database
        The catalogue's.
    write : bool, optional
        False for a reader: nothing is stamped or migrated, and an older catalogue is refused.

    Returns
    -------
    int
        The version of the catalogue, 0 for an empty one that was not stamped.

    Raises
    ------
    DatabaseError
        When a newer package made the catalogue, or an older one and nothing is to be written.
    """
    database = database.with_options(write_concern=DURABLE)
    version = refuse_newer(database)
    if not write:
        if 0 < version < SCHEMA:
            raise DatabaseError(
                f"database '{database.name}' was made by an older genarris_fw (schema {version}), this is genarris_fw "
                f"{__version__} (schema {SCHEMA}): any command that may write brings it up to date, such as "
                "genarris-fw recover"
            )
        return version
    # Another process may have stamped it since: what was read before that is no version.
    unstamped = database[META].find_one({"_id": _ID}, {"_id": 1}) is None
    version = _stamp(database) if unstamped else refuse_newer(database)
    while version < SCHEMA:
        MIGRATIONS[version](database)
        version = _next(database, version)
    return version


def _unstamped(database: Database[Any]) -> int:
    """Return the version of a catalogue that says nothing: 1 where there are runs, 0 where there is nothing."""
    return 0 if database["runs"].find_one({}, {"_id": 1}) is None else 1


def _stamp(database: Database[Any]) -> int:
    """Note the version of a catalogue that says nothing, unless another process is first; return it."""
    with suppress(DuplicateKeyError):
        stamp = {"_id": _ID, "version": _unstamped(database) or SCHEMA, "genarris_fw": __version__}
        database[META].insert_one(stamp)
    return refuse_newer(database)


def _next(database: Database[Any], version: int) -> int:
    """Note that one step is done, unless another process has; return the version that the catalogue has now."""
    database[META].update_one(
        {"_id": _ID, "version": version}, {"$set": {"version": version + 1, "genarris_fw": __version__}}
    )
    found = database[META].find_one({"_id": _ID}, {"version": 1})
    assert found is not None
    return int(found["version"])


def _count_pools_and_items(database: Database[Any]) -> None:
    """From 1 to 2: a run's document holds the sizes of its pools, and of each finished step how many items it had.

    What is there already is kept: another process may have migrated, and its rockets have gone on since.
    """
    ensure_indexes(database)
    runs = database["runs"]
    for run in runs.find({}, {"procedures": 1, "pools": 1}):
        name = run["_id"]
        if "pools" not in run:
            runs.update_one({"_id": name, "pools": {"$exists": False}}, {"$set": {"pools": _pools(database, name)}})
        for step, about in (run.get("procedures") or {}).items():
            if about.get("state") != "finished" or "items" in about:
                continue
            at = f"procedures.{step}"
            missing = {"_id": name, f"{at}.state": "finished", f"{at}.items": {"$exists": False}}
            runs.update_one(missing, {"$set": {f"{at}.items": _items(database, name, step)}})


def _pools(database: Database[Any], run: str) -> dict[str, int]:
    """Return pool -> number of structures."""
    pipeline: list[dict[str, Any]] = [
        {"$match": {"run": run}},
        {"$project": {"pools": 1}},
        {"$unwind": "$pools"},
        {"$group": {"_id": "$pools", "number": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    return {pool["_id"]: pool["number"] for pool in database["structures"].aggregate(pipeline)}


def _items(database: Database[Any], run: str, step: str) -> dict[str, int]:
    """Return how many items of a step are done and failed, and how many there are."""
    pipeline: list[dict[str, Any]] = [
        {"$match": {"run": run, "procedure": step}},
        {"$group": {"_id": "$state", "number": {"$sum": 1}}},
    ]
    states = {state["_id"]: state["number"] for state in database["work_items"].aggregate(pipeline)}
    return {"done": states.get("done", 0), "failed": states.get("failed", 0), "total": sum(states.values())}


def _shut_out(database: Database[Any]) -> None:
    """From 3 to 4: the documents are the same, but rockets of before begin no firework once 4 is noted."""


def _name_the_step(database: Database[Any]) -> None:
    """From 4 to 5: fields called ``procedure`` that hold the name of a step are called ``step``.

    The run's document is changed last: what another process has finished, whose rockets may be at work, is left alone.
    """
    before = database["runs"].distinct("_id", {"procedures": {"$exists": True}})
    _take_over(database, before)
    for name, index in database["work_items"].index_information().items():
        if "procedure" in dict(index["key"]):
            with suppress(OperationFailure):  # another process was first
                database["work_items"].drop_index(name)
    for collection, old, new in _RENAMED:
        there = {old: {"$exists": True}, new: {"$exists": False}}
        database[collection].update_many(there, {"$rename": {old: new}})
    ensure_indexes(database)


_RENAMED = (
    ("work_items", "procedure", "step"),
    ("structures", "provenance.procedure", "provenance.step"),
    ("spare_structures", "provenance.procedure", "provenance.step"),
    ("runs", "procedures", "steps"),
)


def _take_over(database: Database[Any], names: list[str]) -> None:
    """Take the leases from rockets that still work: they would find no items, and take their step to be done.

    They are told so at their next write that counts, and `genarris-fw recover`, or whoever else works on the run, has
    their fireworks run again.
    """
    on_path = {"run": {"$in": names}, "role": {"$in": list(ON_PATH)}, "state": "open", "owner": {"$exists": True}}
    lost = {"token": {"$add": ["$token", 1]}, "expires": "$$NOW", "recoverer": f"genarris_fw {__version__}"}
    database["leases"].update_many(on_path, [{"$set": lost}])
    runs = Runs(database["runs"])
    for lease in database["leases"].find(on_path):
        runs.fence(lease["run"], f"{lease['step']} {lease['role']}", lease["token"])


# Version -> the step that leads to the next one: does nothing where it is done already, and may be done by two
# processes at once. From 2 to 3 the documents are the same; rockets of before, which insert what follows from an item
# before its commit, must not work beside others.
MIGRATIONS: dict[int, Callable[[Database[Any]], None]] = {
    1: _count_pools_and_items,
    2: ensure_indexes,
    3: _shut_out,
    4: _name_the_step,
}
