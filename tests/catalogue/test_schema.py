"""The catalogue's version: stamped, checked, migrated; by two at once, and again after a kill."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pytest
from declared import undeclared_in
from former import NAP, fill_with_schema_3
from migrating import migrate
from pymongo import MongoClient
from small_run import OWNER, RUN

from genarris_fw import __version__
from genarris_fw.catalogue import Catalogue, schema
from genarris_fw.catalogue.indexes import INDEXES
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.runs import now
from genarris_fw.catalogue.schema import SCHEMA, check_schema
from genarris_fw.errors import DatabaseError
from genarris_fw.views.status import status

STAMP = {"_id": "schema", "version": SCHEMA, "genarris_fw": __version__}
FORKS = multiprocessing.get_context("spawn")
# Collection -> what its field was called in which the name of a step, or what is told of every step, stands.
FORMER_NAMES = {
    "work_items": "procedure",
    "structures": "provenance.procedure",
    "spare_structures": "provenance.procedure",
    "runs": "procedures",
}


@pytest.fixture
def database(database_uri: str):
    with MongoClient(database_uri, tz_aware=False) as client:
        yield client.get_default_database()


@pytest.fixture
def former(database, tmp_path: Path):
    """A catalogue of version 3, with the documents of that version's code; a gate and a relaxation are at work."""
    fill_with_schema_3(database, tmp_path)
    database.leases.update_many({"owner": {"$exists": True}}, [{"$set": {"expires": {"$add": ["$$NOW", 60_000]}}}])
    return database


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
    assert {step: about["items"] for step, about in done["steps"].items()} == {"generation": items, "rdf": items}
    assert half["steps"]["generation"]["items"] == items | {"total": 6}
    assert "items" not in half["steps"]["rdf"]  # it is not over
    assert begun["steps"] == {}
    check_named(database)


def check_named(database) -> None:
    """What holds the name of a step is called so, and the indexes are those of the new names."""
    for collection, old in FORMER_NAMES.items():
        assert database[collection].count_documents({old: {"$exists": True}}) == 0
    assert database.work_items.count_documents({"step": {"$exists": False}}) == 0
    for collection, models in INDEXES.items():
        there = set(database[collection].index_information())
        assert {model.document["name"] for model in models} | {"_id_"} == there


def test_an_empty_database_is_stamped_once(database) -> None:
    assert check_schema(database, write=False) == 0
    assert database.list_collection_names() == []
    assert check_schema(database) == SCHEMA == check_schema(database) == check_schema(database, write=False)
    assert list(database.meta.find()) == [STAMP]


def test_stamped_by_another_process_in_between(database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it was seen that there is no stamp, and before it is looked for again."""
    found, others = schema._unstamped, []

    def another_is_first(where) -> int:
        version = found(where)
        if not others:
            others.append(1)
            check_schema(where)
        return version

    monkeypatch.setattr(schema, "_unstamped", another_is_first)
    assert check_schema(database) == SCHEMA
    assert database.meta.count_documents({}) == 1


def test_a_run_of_the_first_version_is_migrated(old) -> None:
    with pytest.raises(DatabaseError, match=r"older genarris_fw \(schema 1\).*genarris-fw recover"):
        check_schema(old, write=False)
    assert "meta" not in old.list_collection_names()
    assert check_schema(old) == SCHEMA
    check_migrated(old)


def test_what_was_counted_since_is_kept(old) -> None:
    """A process that comes late, with the version it read before, must not write old numbers over new ones."""
    check_schema(old)
    old.runs.update_one({"_id": "done"}, {"$inc": {"pools.raw": 1, "steps.rdf.items.done": 1}})
    old.structures.delete_many({})
    schema.MIGRATIONS[1](old)
    old.meta.update_one({}, {"$set": {"version": 1}})
    assert check_schema(old) == SCHEMA
    done = old.runs.find_one({"_id": "done"})
    assert done["pools"] == {"raw": 8, "rdf": 3} and done["steps"]["rdf"]["items"]["done"] == 5


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
    assert {about["items"]["total"] for about in done["steps"].values()} == {100}


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


def test_the_former_documents_are_as_their_types_say_now(former) -> None:
    numbers = {name: former[name].count_documents({}) for name in former.list_collection_names()}
    assert any("procedure" in said for said in undeclared_in(former))
    assert check_schema(former) == SCHEMA
    assert undeclared_in(former) == []
    check_named(former)
    assert numbers == {name: former[name].count_documents({}) for name in numbers}
    assert former.spare_structures.find_one()["provenance"]["step"] == "pygenarris_structure_generation"
    steps = {step["name"]: step for step in status(Catalogue(former), RUN)["steps"]}
    assert [step["state"] for step in steps.values()] == ["finished"] * 3 + ["running"]
    last = steps["run_fhi_aims_batch"]
    assert (last["done"], last["running"], last["waiting"], last["failed"]) == (2, 1, 1, 1)


def test_a_rocket_of_before_decides_nothing_any_more(former) -> None:
    """It still lives, and would find none of its step's items."""
    catalogue = Catalogue(former)
    identifier = f"{RUN}:run_fhi_aims_batch:gate"
    lease = former.leases.find_one({"_id": identifier})
    token = lease["token"]
    assert catalogue.leases.held(identifier, token) and lease not in catalogue.leases.expired(RUN)
    check_schema(former)
    assert not catalogue.leases.held(identifier, token)
    assert catalogue.leases.renew(OWNER, 60) == 0
    with pytest.raises(LeaseLost):
        catalogue.leases.commit(identifier, token, {"parts": []})
    with pytest.raises(LeaseLost):
        catalogue.runs.step_finished(RUN, "run_fhi_aims_batch", {}, guard="run_fhi_aims_batch gate", token=token)
    # Whoever recovers what is lost finds it at once.
    assert [lost["_id"] for lost in catalogue.leases.expired(RUN)] == [identifier]
    assert [lost["step"] for lost in catalogue.leases.expired(NAP)] == ["sleepy_0"]


def test_a_process_that_comes_late_leaves_the_rockets_of_now_alone(former) -> None:
    check_schema(former)
    leases = Catalogue(former).leases
    token = leases.take(RUN, "run_fhi_aims_batch", "gate", 9, 4, "node2:1:2:9:bb", 60)
    schema.MIGRATIONS[4](former)
    assert leases.held(f"{RUN}:run_fhi_aims_batch:gate", token)


def test_killed_in_the_middle_of_the_new_names(former, database_uri: str) -> None:
    """Before the note that shuts others out, the leases, a fence, the old indexes, each renaming, the new indexes."""
    # Every attempt begins with the leases and their two fences; an index that one has dropped, the next need not.
    for writes in (0, 1, 2, 4, 4, 4, 5, 6, 8):
        process = FORKS.Process(target=migrate, args=(database_uri, writes))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert former.meta.find_one()["version"] == 4
    check_schema(former)
    check_named(former)
    assert undeclared_in(former) == []
