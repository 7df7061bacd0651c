"""What the database cannot or must not take: a result too large for a document, two runs of one name, a newer one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import genarris, one_line, urea_folder
from killing import Farm, NoHeartbeat, launch_all
from pymongo import MongoClient
from sleepy import Sleepy

from genarris_fw import __version__
from genarris_fw.catalogue.schema import SCHEMA
from genarris_fw.errors import DatabaseError
from genarris_fw.farm import carry_out
from genarris_fw.farm.launch.worker import serve
from genarris_fw.procedures.kit.base import Campaign, Item, Outcome

ITEMS = 6
MB = 1024**2


def too_large(part: str) -> Outcome:
    """Return an outcome whose summary, structure or fields no document can hold; or that BSON has no type for."""
    if part == "type":
        return Outcome({"square": {1, 2}})
    if part == "number":
        return Outcome({"square": 2**70})
    bulk = "x" * (17 * MB)
    if part == "summary":
        return Outcome({"bulk": bulk})
    if part == "grown":  # each part fits: the document that they make together does not, and the server says so
        half = {"struct_id": "geometry_large", "n_atoms": 0, "properties": {"a": bulk[: 9 * MB]}}
        return Outcome(structures=[half], fields={"geometry_large": {"properties.b": bulk[: 9 * MB]}})
    return Outcome(structures=[{"struct_id": "geometry_large", "n_atoms": 0, "properties": {"bulk": bulk}}])


@pytest.mark.parametrize("part", ["summary", "structure", "grown", "type", "number"])
def test_a_result_too_large_for_a_document(farm: Farm, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """The item fails with the reason, the others go on, and the run finishes: nobody tries for ever."""
    work = Sleepy.work

    def some_large(self: Sleepy, campaign: Campaign, item: Item) -> Outcome:
        small = work(self, campaign, item)
        return too_large(part) if item.payload["number"] == 3 else small

    monkeypatch.setattr(Sleepy, "work", some_large)
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(farm.folder)
    farm.add(items=ITEMS, seconds=0.0, replicas=1, steps=1)
    launch_all(farm.launchpad, farm.run)
    record = farm.catalogue.runs.get(farm.run)
    assert record["state"] == "finished", record.get("failure")
    others = [i for i in range(ITEMS) if i != 3]
    assert record["summaries"]["sleepy_0"] == {"items": 5, "sum": sum(i * i for i in others), "failed": 1}
    [failure] = farm.catalogue.work_items.failures(farm.run, "sleepy_0")
    assert failure["key"] == "00003"
    assert "cannot be stored" in failure["error"] and len(failure["error"]) < 1000
    assert farm.catalogue.structures.count(farm.run, "sleepy_0") == 5
    assert farm.launchpad.fireworks.count_documents({"state": "FIZZLED"}) == 0


def test_two_runs_of_one_name(tmp_path: Path, database_uri: str) -> None:
    """The second is refused in one line that names both folders; the first stays as it is."""
    first, second = (urea_folder(tmp_path / name, number=number) for name, number in (("a", 12), ("b", 16)))
    assert genarris("run", str(first), "--uri", database_uri, cwd=tmp_path).returncode == 0
    with MongoClient(database_uri) as client:
        database = client.get_default_database()

        def everything() -> dict[str, list[dict[str, Any]]]:
            return {name: list(database[name].find().sort("_id", 1)) for name in ("runs", "structures", "work_items")}

        before = everything()
        for command in ("run", "add"):
            result = genarris(command, str(second), "--uri", database_uri, cwd=tmp_path)
            assert result.returncode == 2
            line = one_line(result.stderr)
            assert "urea" in line and "run_name" in line
            assert str(first.parent) in line and str(second.parent) in line
        assert everything() == before
    assert not (tmp_path / "b" / "raw").exists()


def test_two_runs_of_one_name_added_at_once(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workflows of one name, as two ``lpad add`` make them: the one that begins first is carried out, alone."""
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(farm.folder)
    farm.add(items=ITEMS, seconds=0.0, replicas=1)
    farm.add(items=ITEMS + 3, seconds=0.0, replicas=1)
    launch_all(farm.launchpad, farm.run)
    record = farm.catalogue.runs.get(farm.run)
    items = record["options"]["steps"][0]["options"]["items"]  # those of the one that was first
    assert items in (ITEMS, ITEMS + 3)
    farm.check(record, items=items)
    chains = farm.launchpad.workflows.find({"metadata.side_of": {"$exists": False}})
    assert sorted(chain["state"] for chain in chains) == ["COMPLETED", "FIZZLED"]


@pytest.mark.parametrize("words", [("run", "ui.conf"), ("add", "ui.conf"), ("status", "urea"), ("rockets", "urea")])
def test_a_worker_of_an_older_version(tmp_path: Path, database_uri: str, words: tuple[str, ...]) -> None:
    """It says so in one line and touches nothing."""
    conf = urea_folder(tmp_path)
    assert genarris("add", str(conf), "--uri", database_uri, cwd=tmp_path).returncode == 0
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        newer = {"_id": "schema", "version": SCHEMA + 1, "genarris_fw": "9.9.9"}
        database.meta.replace_one({"_id": "schema"}, newer, upsert=True)
        result = genarris(*words, "--uri", database_uri, cwd=tmp_path, timeout=180)
        assert result.returncode == 2
        line = one_line(result.stderr)
        assert "9.9.9" in line and __version__ in line and "upgrade this installation" in line
        assert database.runs.count_documents({}) == 0 and database.launches.count_documents({}) == 0
        assert database.meta.find_one() == newer


def test_plain_rlaunch_of_an_older_version(farm: Farm) -> None:
    """A rocket that the user launched by hand: its firework fails with the reason, and no step is carried out."""
    farm.add(items=ITEMS, replicas=1, steps=1)
    farm.launchpad.db["meta"].insert_one({"_id": "schema", "version": SCHEMA + 1, "genarris_fw": "9.9.9"})
    farm.rlaunch("rapidfire").wait()
    assert "upgrade this installation" in farm.outputs()
    assert farm.catalogue.work_items.collection.count_documents({}) == 0


def test_rockets_that_were_there_before_the_newer_version(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """They end with the reason before they take another firework, and the newer ones carry the run on."""
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    monkeypatch.chdir(farm.folder)
    farm.add(items=ITEMS, seconds=0.0, replicas=1)
    launched: list[int] = []

    def upgrade() -> None:
        launched.append(farm.launchpad.launches.count_documents({}))
        if launched[-1] == 3:
            newer = {"_id": "schema", "version": SCHEMA + 1, "genarris_fw": "9.9.9"}
            farm.launchpad.db["meta"].replace_one({"_id": "schema"}, newer, upsert=True)

    with pytest.raises(DatabaseError, match="upgrade this installation"):
        serve(farm.launchpad, farm.run, lambda: True, upgrade)
    assert farm.launchpad.launches.count_documents({}) == 3 == launched[-1]
    assert farm.launchpad.fireworks.count_documents({"state": "FIZZLED"}) == 0
    farm.launchpad.db["meta"].update_one({"_id": "schema"}, {"$set": {"version": SCHEMA}})
    launch_all(farm.launchpad, farm.run)
    farm.check(farm.catalogue.runs.get(farm.run), items=ITEMS)
