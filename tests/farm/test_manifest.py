"""The manifest of a backup archive: what the server would refuse half way is refused before anything is dropped."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import mutant_seeds as seeds
import pytest
from command_line import call
from pymongo import MongoClient

from genarris_fw.database.launchpads import database_name
from genarris_fw.database.manifest import entries_of


def manifest() -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(seeds.archive())) as archive:
        return json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]


def test_a_manifest_gives_its_collections_as_they_are() -> None:
    about = manifest()
    assert entries_of(about) == about["collections"]


SPOILED = {
    "no list": ("collections", {}),
    "a collection without a name": ("collections.0.name", None),
    "a name of the server's": ("collections.0.name", "system.users"),
    "a NUL in a name": ("collections.0.name", "a\0b"),
    "a collection twice": ("collections.1.name", "fw_id_assigner"),
    "an option of pymongo's": ("collections.0.options", {"session": 1}),
    "a number that no document holds": ("collections.0.options", {"size": 2**70}),
    "a number of documents below 0": ("collections.0.count", -1),
    "a checksum that is none": ("collections.0.sha256", "x"),
    "an index without a key": ("collections.3.indexes.0.key", {}),
    "an index the wrong way": ("collections.3.indexes.0.key", {"run": 1.5}),
    "an index that is a list": ("collections.3.indexes.0", []),
    "an unknown option of an index": ("collections.3.indexes.0", {"name": "x", "key": {"a": 1}, "session": 3}),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_what_is_no_manifest(spoiled: str) -> None:
    about: Any = manifest()
    path, value = SPOILED[spoiled]
    *before, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    holder = about
    for part in before:
        holder = holder[part]
    holder[last] = value
    with pytest.raises(ValueError, match="manifest") as caught:
        entries_of(about)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_a_spoiled_archive_leaves_the_database_as_it_was(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    whole, spoiled = tmp_path / "whole.tar.gz", tmp_path / "spoiled.tar.gz"
    whole.write_bytes(seeds.archive())
    assert call(capsys, "db", "restore", whole, "--uri", database_uri).code == 0
    text = seeds.packed(seeds.unpacked(seeds.archive()) | {"manifest.json": b'{"collections": [{}]}'})
    spoiled.write_bytes(text)
    done = call(capsys, "db", "restore", spoiled, "--force", "--yes", "--uri", database_uri)
    assert done.code == 2 and len(done.err.splitlines()) == 1
    about = manifest() | {"collections": [manifest()["collections"][0] | {"options": {"session": 1}}]}
    spoiled.write_bytes(seeds.packed(seeds.unpacked(seeds.archive()) | {"manifest.json": json.dumps(about).encode()}))
    done = call(capsys, "db", "restore", spoiled, "--force", "--yes", "--uri", database_uri)
    assert done.code == 2 and "manifest" in done.err and len(done.err.splitlines()) == 1
    with MongoClient(database_uri) as client:
        database = client[database_name(database_uri)]
        assert {name: database[name].count_documents({}) for name in ("runs", "structures")} == {
            "runs": 1,
            "structures": 2,
        }
