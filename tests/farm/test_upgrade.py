"""A run that an earlier version of the package began, carried on by this one."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import genarris
from declared import undeclared_in
from former import ITEMS, NAP, fill_with_schema_3
from killing import Farm, NoHeartbeat, launch_all
from pymongo import MongoClient

from genarris_fw.database.backup import backup
from genarris_fw.farm import carry_out
from genarris_fw.farm.repair.recovery import recover


def test_a_run_whose_rocket_was_killed_goes_on(
    tmp_path: Path, database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done stays done: of its items only those that were under way are done again."""
    with MongoClient(database_uri) as client:
        fill_with_schema_3(client.get_default_database(), tmp_path)
    farm = Farm(database_uri, tmp_path)
    database = farm.launchpad.db
    done = {item["key"]: item["token"] for item in database.work_items.find({"run": NAP, "state": "done"})}
    assert 0 < len(done) < ITEMS
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(tmp_path)
    recover(farm.launchpad, NAP)
    launch_all(farm.launchpad, NAP)
    farm.check(farm.catalogue.runs.get(NAP), items=ITEMS)
    farm.check_fireworks()
    first = {item["key"]: item["token"] for item in database.work_items.find({"run": NAP, "step": "sleepy_0"})}
    assert {key: first[key] for key in done} == done
    assert undeclared_in(database) == []
    farm.close()


def test_an_archive_of_before_is_restored_with_the_names_of_now(tmp_path: Path, database_uri: str) -> None:
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        fill_with_schema_3(database, tmp_path)
        backup(database_uri, tmp_path / "old.tgz")
        done = genarris("db", "restore", "old.tgz", "--force", "--yes", "--uri", database_uri, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "nap: sleepy_0 gate (firework 3): its rocket is gone, repaired" in done.stdout
        assert undeclared_in(database) == []
        assert database.work_items.count_documents({"run": NAP, "step": "sleepy_0"}) == ITEMS
