"""Files of a run: recorded in the folder or carried through GridFS, with their checksum."""

import os
from pathlib import Path

import pytest

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.artifacts import CHUNK

RUN = "urea"


def stored_files(catalogue: Catalogue) -> int:
    return catalogue.database["artifact_files.files"].count_documents({})


def test_a_file_in_the_folder(catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "rdf_distance_matrix.dat"
    file.write_bytes(b"0123")
    catalogue.artifacts.record(RUN, "matrix", file, ids=["a", "b"], shape=[1, 1])
    record = catalogue.artifacts.find(RUN, "matrix")
    assert (record["ids"], record["shape"], record["storage"]) == (["a", "b"], [1, 1], "folder")
    assert catalogue.artifacts.fetch(RUN, "matrix", tmp_path / "elsewhere") == file
    file.write_bytes(b"changed")
    assert catalogue.artifacts.fetch(RUN, "matrix", tmp_path) is None
    file.unlink()
    assert catalogue.artifacts.fetch(RUN, "matrix", tmp_path) is None
    assert catalogue.artifacts.fetch(RUN, "nothing", tmp_path) is None


@pytest.mark.parametrize("size", [0, 5, 2 * CHUNK + 17])
def test_a_file_through_gridfs(catalogue: Catalogue, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    file = tmp_path / "matrix.dat"
    file.write_bytes(content)
    catalogue.artifacts.upload(RUN, "matrix", file, ids=["a"])
    file.unlink()
    other = tmp_path / "other"
    other.mkdir()
    fetched = catalogue.artifacts.fetch(RUN, "matrix", other)
    assert fetched == other / "matrix.dat" and fetched.read_bytes() == content
    assert [path.name for path in other.iterdir()] == ["matrix.dat"]
    catalogue.artifacts.bucket.delete(catalogue.artifacts.find(RUN, "matrix")["content"])
    assert catalogue.artifacts.fetch(RUN, "matrix", tmp_path) is None
    assert not (tmp_path / "matrix.dat").exists()


def test_the_newer_file_replaces_the_older_one(catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "matrix.dat"
    for content, ids in ((b"first", ["a"]), (b"second", ["b"])):
        file.write_bytes(content)
        catalogue.artifacts.upload(RUN, "matrix", file, ids=ids)
    assert stored_files(catalogue) == 1
    assert catalogue.artifacts.fetch(RUN, "matrix", tmp_path).read_bytes() == b"second"
    catalogue.artifacts.record(RUN, "matrix", file)
    record = catalogue.artifacts.find(RUN, "matrix")
    assert stored_files(catalogue) == 0
    assert "ids" not in record and "content" not in record  # nothing of the older one is left
    catalogue.artifacts.upload(RUN, "matrix", file)
    assert stored_files(catalogue) == 1


def test_deleting_takes_unrecorded_uploads_too(catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "matrix.dat"
    file.write_bytes(b"1")
    catalogue.artifacts.upload(RUN, "matrix", file)
    catalogue.artifacts.record(RUN, "plain", file)
    # A process that died between its upload and its record.
    catalogue.artifacts.bucket.upload_from_stream("urea/lost", b"2", metadata={"run": RUN})
    assert catalogue.artifacts.delete(RUN) == 2
    assert stored_files(catalogue) == 0 and file.exists()
