"""Results that are prepared and committed: what is seen of them before, after, and when somebody else goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from how_to_pages import package_of
from in_process import InProcess, waters
from installed_packages import installed

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.artifacts import in_folder
from genarris_fw.catalogue.leases import lease_id
from genarris_fw.farm.publication import Publication, publish, summary_part
from genarris_fw.pools.documents import to_document
from genarris_fw.prepared import Prepared, put_in_place, settle_prepared

RUN, STEP = "urea", "rdf"
LEASE = lease_id(RUN, STEP, "gate", 0)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# ---- files


def test_prepared_files_appear_together(tmp_path: Path) -> None:
    files = Prepared("a lease", 1)
    files.path(tmp_path / "pool").mkdir()
    (files.path(tmp_path / "pool") / "x.json").write_text("x")
    files.path(tmp_path / "matrix.dat").write_text("m")
    assert not (tmp_path / "pool").exists() and not (tmp_path / "matrix.dat").exists()
    [folder] = files.folders
    for _ in range(2):  # by whoever comes, again
        put_in_place(folder)
        assert names(tmp_path) == ["matrix.dat", "pool/x.json"] and not folder.exists()


def test_a_folder_that_is_there_takes_the_files_in(tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "the user's.txt").write_text("mine")
    (tmp_path / "pool" / "x.json").write_text("old")
    files = Prepared("a lease", 1)
    files.path(tmp_path / "pool").mkdir()
    (files.path(tmp_path / "pool") / "x.json").write_text("new")
    put_in_place(files.folders[0])
    assert names(tmp_path) == ["pool/the user's.txt", "pool/x.json"]
    assert (tmp_path / "pool" / "x.json").read_text() == "new"


def test_what_was_killed_in_the_middle_is_put_in_place_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "0").write_text("old")
    files = Prepared("a lease", 1)
    files.path(tmp_path / "pool").mkdir()
    for name in "0123":
        (files.path(tmp_path / "pool") / name).write_text(name)
    replace, left = Path.replace, [2]

    def killed(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            put_in_place(files.folders[0])
    put_in_place(files.folders[0])
    assert {path.name: path.read_text() for path in (tmp_path / "pool").iterdir()} == {name: name for name in "0123"}
    assert names(tmp_path) == [f"pool/{name}" for name in "0123"]


def test_whoever_prepares_anew_removes_what_was_prepared_in_vain_and_not_what_comes_after(tmp_path: Path) -> None:
    for token in (3, 2, 1):
        Prepared("a lease", token).path(tmp_path / "x").write_text(str(token))
    Prepared("another", 1).path(tmp_path / "x").write_text("another")
    mine = Prepared("a lease", 2)
    mine.path(tmp_path / "y").write_text("anew")
    found = sorted(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["3", "anew", "another"]
    mine.discard()
    assert sorted(path.read_text() for path in tmp_path.rglob("*") if path.is_file()) == ["3", "another"]


def test_leftovers_are_whole_or_gone(tmp_path: Path) -> None:
    for token in (3, 2, 1):
        Prepared("a lease", token).path(tmp_path / "x").write_text(str(token))
    Prepared("another", 1).path(tmp_path / "y").write_text("another")
    (tmp_path / ".prepared-of-a-user").mkdir()
    seen = settle_prepared([tmp_path], {"a lease": 2})
    assert len(seen) == 2 and (tmp_path / "x").read_text() == "2"  # published; and what was prepared before it
    left = {path.parent.name[:9] for path in tmp_path.rglob("*") if path.is_file() and path.name != "x"}
    assert left == {".prepared"} and len(list(tmp_path.glob(".prepared-*"))) == 3


# ---- the whole


@pytest.fixture
def catalogue(in_process: InProcess) -> Catalogue:
    catalogue = Catalogue(in_process.database)
    catalogue.ensure_indexes()
    catalogue.runs.create(RUN, {"folder": str(in_process.folder)}, begun_by=1)
    documents = [to_document(structure, 2) for structure in waters(4)]
    catalogue.structures.insert_missing(RUN, documents)
    return catalogue


def prepared(folder: Path, token: int, ids: list[str], number: int) -> list[dict]:
    """The parts of a result: a pool with its files, a field, a matrix, a summary."""
    publication = Publication(folder, LEASE, token)
    pool = publication.files.path(folder / "pool")
    pool.mkdir()
    for name in ids:
        (pool / f"{name}.json").write_text(str(number))
    publication.make_pool("pool", ids)
    publication.export("pool", folder / "pool")
    publication.fields[ids[0]]["properties.n"] = number
    matrix = publication.files.path(folder / "matrix.dat")
    matrix.write_text(str(number))
    publication.artifacts["matrix"] = in_folder(matrix, folder / "matrix.dat")
    return [*publication.parts(), summary_part({"n": number}, {"done": number, "failed": 0}, None)]


def seen(catalogue: Catalogue, folder: Path) -> dict:
    record = catalogue.runs.get(RUN)
    return {
        "files": names(folder / "pool"),
        "pool": catalogue.structures.pool_ids(RUN, "pool"),
        "size": record["pools"].get("pool"),
        "summary": record["summaries"].get(STEP),
        "numbers": sorted(
            document["properties"]["n"]
            for document in catalogue.structures.collection.find({"properties.n": {"$exists": True}})
        ),
        "matrix": (catalogue.artifacts.fetch(RUN, "matrix", folder) or Path("/dev/null")).read_text(),
    }


@pytest.mark.parametrize("largest", [1 << 20, 0])
def test_a_result_is_seen_when_it_is_published_whoever_does_it(
    in_process: InProcess, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    from genarris_fw.catalogue import publications

    monkeypatch.setattr(publications, "LARGEST_IN_LEASE", largest)
    folder, ids = in_process.folder, [f"water_{i:04d}" for i in range(4)]
    parts = prepared(folder, 1, ids[:3], 1)
    committed = catalogue.publications.prepare(RUN, LEASE, 1, parts) | {"token": 1}
    assert ("parts" in committed) == bool(largest)
    nothing = {"files": [], "pool": [], "size": None, "summary": None, "numbers": [], "matrix": ""}
    assert seen(catalogue, folder) == nothing
    for token in (1, 2, 2):  # its own holder, then one that took over, twice
        publish(catalogue, catalogue.runs.get(RUN), STEP, "gate", token, committed)
        assert seen(catalogue, folder) == {
            "files": [f"{name}.json" for name in ids[:3]],
            "pool": ids[:3],
            "size": 3,
            "summary": {"n": 1},
            "numbers": [1],
            "matrix": "1",
        }
    catalogue.publications.forget(RUN)
    assert catalogue.publications.collection.count_documents({}) == 0


def test_a_later_result_replaces_an_earlier_one_and_its_files(in_process: InProcess, catalogue: Catalogue) -> None:
    folder, ids = in_process.folder, [f"water_{i:04d}" for i in range(4)]
    for token, members in ((1, ids[:3]), (5, ids[1:])):
        parts = prepared(folder, token, members, token)
        committed = {"parts": parts, "token": token}
        publish(catalogue, catalogue.runs.get(RUN), STEP, "gate", token, committed)
    found = seen(catalogue, folder)
    assert found["files"] == [f"{name}.json" for name in ids[1:]]
    assert found["pool"] == ids[1:] and found["summary"] == {"n": 5} and found["matrix"] == "5"


def test_files_of_every_format_go_with_their_structure(
    in_process: InProcess, catalogue: Catalogue, tmp_path: Path
) -> None:
    folder, ids = in_process.folder, [f"water_{i:04d}" for i in range(4)]
    with installed(tmp_path / "packages", package_of("add-a-format.md")):
        for token, members in ((1, ids[:3]), (5, ids[1:])):
            parts = prepared(folder, token, members, token)
            publish(catalogue, catalogue.runs.get(RUN), STEP, "gate", token, {"parts": parts, "token": token})
            if token == 1:
                for ending in (".in", ".cif", ".gen", ".log"):
                    (folder / "pool" / f"{ids[0]}{ending}").write_text("x")
    # What no format writes is not ours to remove.
    assert seen(catalogue, folder)["files"] == [f"{ids[0]}.log", *(f"{name}.json" for name in ids[1:])]


def test_a_folder_that_moved_between_commit_and_publication(in_process: InProcess, catalogue: Catalogue) -> None:
    before, after = in_process.folder / "before", in_process.folder / "after"
    before.mkdir()
    parts = prepared(before, 1, ["water_0000"], 1)
    before.rename(after)
    record = catalogue.runs.get(RUN) | {"folder": str(after)}
    publish(catalogue, record, STEP, "gate", 1, {"parts": parts, "token": 1})
    assert names(after) == ["matrix.dat", "pool/water_0000.json"] and not before.exists()
