"""Backup and restore, round trip on the real server."""

from __future__ import annotations

import datetime
import io
import json
import tarfile
from pathlib import Path

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, decode_all
from pymongo import MongoClient
from pymongo.database import Database

from genarris_fw.database.backup import backup
from genarris_fw.database.launchpads import database_name, launchpad, prepare, with_database
from genarris_fw.database.restore import restore
from genarris_fw.errors import InputError


@pytest.fixture
def filled(database_uri: str) -> str:
    prepare(launchpad(database_uri))
    with MongoClient(database_uri) as client:
        base = client[database_name(database_uri)]
        base.structures.insert_many(
            {"n": number, "x": [float("nan"), 1e300, -0.0], "big": Int64(2**40), "v": Binary(bytes(range(9)), 9)}
            for number in range(2500)
        )
        base.odd.insert_one(
            {"_id": ObjectId(), "when": datetime.datetime(2020, 1, 2), "d": Decimal128("1.5"), "": None, "a.b": 1}
        )
        base.structures.create_index([("n", 1), ("x", -1)], unique=True, name="n_x")
        base.structures.create_index("big", partialFilterExpression={"n": {"$gt": 3}}, expireAfterSeconds=9**9)
        base.create_collection("cap/ped", capped=True, size=4096)
        base["cap/ped"].insert_one({"k": 1})
        base.create_collection("empty")
        base.create_collection("seen", viewOn="structures", pipeline=[])
    return database_uri


def content(base: Database) -> dict[str, tuple[list[bytes], dict, dict]]:
    """Everything about each collection: raw documents, indexes, options."""
    return {
        about["name"]: (
            [bytes(block) for block in base[about["name"]].find_raw_batches(sort=[("_id", 1)])],
            base[about["name"]].index_information(),
            about.get("options", {}),
        )
        for about in base.list_collections(filter={"type": "collection"})
        if not about["name"].startswith("system.")
    }


def test_round_trip(filled: str, tmp_path: Path) -> None:
    other = with_database(filled, database_name(filled) + "_copy")
    file = tmp_path / "all.tar.gz"
    counts = backup(filled, file)
    assert counts["structures"] == 2500 and "seen" not in counts
    assert file.stat().st_mode & 0o777 == 0o600
    with MongoClient(filled) as client:
        try:
            prepare(launchpad(other))  # a prepared, unused database counts as empty
            assert restore(other, file) == counts
            assert content(client[database_name(other)]) == content(client[database_name(filled)])
            with pytest.raises(InputError, match=r"not empty \(.* has documents\).*--force"):
                restore(other, file)
            client[database_name(other)].stray.insert_one({})
            assert restore(other, file, force=True) == counts
            assert content(client[database_name(other)]) == content(client[database_name(filled)])
        finally:
            client.drop_database(database_name(other))
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.tar.gz"]


def test_archive_is_plain_bson(filled: str, tmp_path: Path) -> None:
    backup(filled, tmp_path / "a.tgz")
    with tarfile.open(tmp_path / "a.tgz") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        documents = decode_all(archive.extractfile("structures.bson").read())
    assert len(documents) == 2500 and manifest["format"] == "genarris_fw backup 1"


def test_damaged_archives_touch_nothing(filled: str, tmp_path: Path) -> None:
    file = tmp_path / "a.tgz"
    backup(filled, file)
    whole = file.read_bytes()
    members = {}
    with tarfile.open(file) as archive:
        for member in archive:
            members[member.name] = archive.extractfile(member).read()
    members["structures.bson"] = members["structures.bson"][:-9]
    changed = io.BytesIO()
    with tarfile.open(fileobj=changed, mode="w:gz") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    with MongoClient(filled) as client:
        before = content(client[database_name(filled)])
        for bad in (whole[: len(whole) // 2], b"", b"no archive", changed.getvalue()):
            file.write_bytes(bad)
            with pytest.raises(InputError) as caught:
                restore(filled, file, force=True)
            assert str(file) in str(caught.value)
        assert content(client[database_name(filled)]) == before
    with pytest.raises(InputError, match="cannot be read"):
        restore(filled, tmp_path / "missing.tgz")
    with pytest.raises(InputError, match="cannot be written"):
        backup(filled, tmp_path / "no" / "folder.tgz")
