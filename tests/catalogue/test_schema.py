"""The catalogue's version: stamped, checked, migrated; by two at once, and again after a kill."""

from __future__ import annotations

import multiprocessing
import signal

import pytest
from migrating import migrate
from pymongo import MongoClient

from genarris_fw import __version__
from genarris_fw.catalogue import Catalogue, schema
from genarris_fw.catalogue.indexes import INDEXES
from genarris_fw.catalogue.runs import now
from genarris_fw.catalogue.schema import SCHEMA, check_schema
from genarris_fw.errors import DatabaseError

STAMP = {"_id": "schema", "version": SCHEMA, "genarris_fw": __version__}
FORKS = multiprocessing.get_context("spawn")


@pytest.fixture
def database(database_uri: str):
    with MongoClient(database_uri, tz_aware=False) as client:
        yield client.get_default_database()


@pytest.fixture
def old(database):
    """A catalogue as version 1 left it: no meta document, no indexes, one run done and one half done."""
    steps = {"generation": "finished", "rdf": "running"}
    for run in ("done", "half"):
        procedures = {step: {"state": "finished" if run == "done" else at} for step, at in steps.items()}
        database.runs.insert_one({"_id": run, "state": "running", "created": now(), "procedures": procedures})
        database.structures.insert_many(
            {"_id": f"{run}:{i}", "run": run, "struct_id": str(i), "pools": ["raw", "rdf"] if i < 3 else ["raw"]}
            for i in range(7)
        )
        states = ["done"] * 4 + ["failed"] + ["waiting"] * (run == "half")
        for step in steps:
            database.work_items.insert_many(
                {"_id": f"{run}:{step}:{i}", "run": run, "procedure": step, "state": state}
                for i, state in enumerate(states)
            )
    database.runs.insert_one({"_id": "begun", "state": "running", "created": now(), "procedures": {}})
    return database


def check_migrated(database) -> None:
    assert database.meta.find_one() == STAMP
    done, half, begun = (database.runs.find_one({"_id": run}) for run in ("done", "half", "begun"))
    assert done["pools"] == half["pools"] == {"raw": 7, "rdf": 3} and begun["pools"] == {}
    items = {"done": 4, "failed": 1, "total": 5}
    assert {step: about["items"] for step, about in done["procedures"].items()} == {"generation": items, "rdf": items}
    assert half["procedures"]["generation"]["items"] == items | {"total": 6}
    assert "items" not in half["procedures"]["rdf"]  # it is not over
    for collection, models in INDEXES.items():
        there = set(database[collection].index_information())
        assert {model.document["name"] for model in models} <= there


def test_an_empty_database_is_stamped_once(database) -> None:
    assert check_schema(database, write=False) == 0
    assert database.list_collection_names() == []
    assert check_schema(database) == SCHEMA == check_schema(database) == check_schema(database, write=False)
    assert list(database.meta.find()) == [STAMP]


def test_a_run_of_the_first_version_is_migrated(old) -> None:
    assert check_schema(old, write=False) == 1
    assert "meta" not in old.list_collection_names()
    assert check_schema(old) == SCHEMA
    check_migrated(old)


def test_what_was_counted_since_is_kept(old) -> None:
    """A process that comes late, with the version it read before, must not write old numbers over new ones."""
    check_schema(old)
    old.runs.update_one({"_id": "done"}, {"$inc": {"pools.raw": 1, "procedures.rdf.items.done": 1}})
    old.structures.delete_many({})
    schema.MIGRATIONS[1](old)
    old.meta.update_one({}, {"$set": {"version": 1}})
    assert check_schema(old) == SCHEMA
    done = old.runs.find_one({"_id": "done"})
    assert done["pools"] == {"raw": 8, "rdf": 3} and done["procedures"]["rdf"]["items"]["done"] == 5


def test_what_another_process_writes_in_between_is_kept(old, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has migrated, and its rockets have gone on, while this one was still counting."""
    count_pools, count_items = schema._pools, schema._items

    def slow_pools(database, run: str) -> dict[str, int]:
        counted = count_pools(database, run)
        database.runs.update_one({"_id": run}, {"$set": {"pools": {"raw": 100}}})
        return counted

    def slow_items(database, run: str, step: str) -> dict[str, int]:
        counted = count_items(database, run, step)
        database.runs.update_one({"_id": run}, {"$set": {f"procedures.{step}.items": {"total": 100}}})
        return counted

    monkeypatch.setattr(schema, "_pools", slow_pools)
    monkeypatch.setattr(schema, "_items", slow_items)
    check_schema(old)
    done = old.runs.find_one({"_id": "done"})
    assert done["pools"] == {"raw": 100}
    assert {about["items"]["total"] for about in done["procedures"].values()} == {100}


def test_a_newer_catalogue_is_refused_in_one_line(old, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker of an older version says; it changes nothing."""
    old.meta.insert_one({"_id": "schema", "version": SCHEMA + 1, "genarris_fw": "9.1.0"})
    for write in (True, False):
        with pytest.raises(DatabaseError, match=rf"9\.1\.0 \(schema {SCHEMA + 1}\).*upgrade") as caught:
            check_schema(old, write)
        assert "\n" not in str(caught.value) and __version__ in str(caught.value)
    assert "pools" not in old.runs.find_one({"_id": "done"})
    monkeypatch.setattr(schema, "SCHEMA", SCHEMA + 1)
    assert check_schema(old) == SCHEMA + 1


def test_one_step_after_the_other(old, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    later = {SCHEMA + i: (lambda database, i=i: steps.append(SCHEMA + i)) for i in range(2)}
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS | later)
    monkeypatch.setattr(schema, "SCHEMA", SCHEMA + 2)
    assert check_schema(old) == SCHEMA + 2
    assert steps == [SCHEMA, SCHEMA + 1]
    old.meta.update_one({}, {"$set": {"version": SCHEMA}})
    check_migrated(old)


def test_every_version_has_its_step() -> None:
    assert sorted(schema.MIGRATIONS) == list(range(1, SCHEMA))


def test_killed_before_each_write_and_called_again(old, database_uri: str) -> None:
    """stamp, indexes of each collection, pools, items, version: a kill anywhere is followed by a whole migration."""
    kills = 0
    for writes in (0, 1, len(INDEXES) + 1, len(INDEXES) + 2, len(INDEXES) + 4, len(INDEXES) + 6):
        process = FORKS.Process(target=migrate, args=(database_uri, writes))
        process.start()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
        assert process.exitcode in (0, -signal.SIGKILL)
    assert kills >= 4
    check_schema(old)
    check_migrated(old)


def test_many_at_once(old, database_uri: str) -> None:
    processes = [FORKS.Process(target=migrate, args=(database_uri, 1000)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    check_migrated(old)


def test_the_stamp_survives_a_deleted_run(old) -> None:
    check_schema(old)
    Catalogue(old).delete_run("done")
    assert old.meta.find_one() == STAMP
