"""genarris-fw import."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import one_line
from command_line import Called, call
from small_run import IDS, RUN, crystal, fill

from genarris_fw.crystal import Reading, Structure, write
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.pools import reading as reading_module
from genarris_fw.pools.reading import FileRead, reader
from genarris_fw.pools.sources import Source

NOTHING_ODD = {"already": 0, "left_out": [], "notes": []}
DATA = Path(__file__).parents[2] / "../shared/data/benzene_tutorial/raw_jsons"


@pytest.fixture
def opened(database_uri: str, tmp_path: Path) -> Iterator[Opened]:
    with open_database(tmp_path, database_uri) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write([crystal(i, name) for i, name in enumerate(IDS[:4])], tmp_path / "mine", "json")
    return tmp_path / "mine"


def bring(capsys: pytest.CaptureFixture, opened: Opened, folder: Path, *words: object) -> Called:
    return call(capsys, "import", folder, "--uri", opened.uri, *words)


def test_a_folder_becomes_a_pool_with_its_ids(opened: Opened, folder: Path, capsys: pytest.CaptureFixture) -> None:
    done = bring(capsys, opened, folder, "--run", "new", "--pool", "raw")
    assert (done.code, done.out) == (0, f"pool 'raw' of run 'new' holds 4 structures of {folder} (4 new)\n")
    assert opened.catalogue.structures.pool_ids("new", "raw") == IDS[:4]
    record = opened.catalogue.runs.get("new")
    assert (record["state"], record["folder"]) == ("imported", str(folder))
    [document] = opened.catalogue.structures.load("new", IDS[:1])
    about = (folder / f"{IDS[0]}.json").stat()
    stamp = f"{about.st_size}-{about.st_mtime_ns}-1"
    assert document["provenance"] == {"imported_from": str(folder), "file": f"{IDS[0]}.json", "stamp": stamp}
    assert document["Z"] == 2 and document["properties"]["density"] == pytest.approx(crystal(0, "").density)
    assert "imported" in call(capsys, "status", "new", "--uri", opened.uri).out


def test_again_changes_nothing(opened: Opened, folder: Path, capsys: pytest.CaptureFixture) -> None:
    bring(capsys, opened, folder, "--run", "new")
    opened.catalogue.structures.set_fields("new", "rdf", [(IDS[0], {"properties.RDF": [1.0]}, 1)])
    before = list(opened.catalogue.structures.collection.find())
    done = bring(capsys, opened, folder, "--run", "new", "--json")
    assert done.json == {
        "run": "new",
        "pool": "mine",
        "structures": 4,
        "new": 0,
        "read": 0,
        **NOTHING_ODD,
        "already": 4,
    }
    assert list(opened.catalogue.structures.collection.find()) == before


def test_another_crystal_under_a_known_id_is_left_out_and_named(
    opened: Opened, folder: Path, capsys: pytest.CaptureFixture
) -> None:
    bring(capsys, opened, folder, "--run", "new")
    write([crystal(9, IDS[2]), crystal(5, IDS[5])], folder, "json")
    done = bring(capsys, opened, folder, "--run", "new")
    assert done.code == 0 and done.out.endswith(" (1 new, 3 were there, 1 left out)\n")
    line = one_line(done.err)
    assert f"{folder}/{IDS[2]}.json: {IDS[2]} is another crystal in run 'new' already (from {folder})" in line
    assert opened.catalogue.structures.pool_ids("new", "mine") == [*IDS[:4], IDS[5]]
    [kept] = opened.catalogue.structures.load("new", [IDS[2]])
    assert kept["geometry"]["lattice"] == crystal(2, "").lattice.tolist()
    alone = bring(capsys, opened, folder / f"{IDS[2]}.json", "--run", "new", "--pool", "other")
    assert alone.code == 2 and "is another crystal in run 'new' already" in one_line(alone.err)
    assert opened.catalogue.runs.get("new")["pools"] == {"mine": 5}
    assert bring(capsys, opened, folder, "--run", "newer").code == 0


def test_geometry_files_get_z_and_space_group(opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    plain = crystal(3, "plain")
    plain.properties = {}
    molecule = Structure(None, ["C", "O", "O"], [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]], {}, "molecule")
    write([plain, molecule], tmp_path / "geo", "geometry")
    bring(capsys, opened, tmp_path / "geo", "--run", "new")
    found = {d["struct_id"]: d for d in opened.catalogue.structures.load("new", ["molecule", "plain"])}
    assert found["plain"]["Z"] == 2 and found["plain"]["properties"]["spg"] >= 1
    assert found["molecule"]["Z"] == 1 and found["molecule"]["geometry"]["lattice"] is None


def test_beside_a_runs_own_pools(opened: Opened, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    fill(opened.catalogue, tmp_path)
    done = bring(capsys, opened, folder, "--run", RUN, "--pool", "exemplars")
    assert done.code == 2 and "is made by its step affinity_propagation_fixed_clusters" in done.err
    opened.catalogue.structures.collection.delete_many({})
    assert bring(capsys, opened, folder, "--run", RUN, "--pool", "experiment").code == 0
    assert opened.catalogue.runs.get(RUN)["state"] == "running"


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_folder_that_cannot_be_read(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "bad").mkdir()
        (tmp_path / "bad" / "x.json").write_text(content)
    done = bring(capsys, opened, tmp_path / "bad", "--run", "new")
    assert done.code == 2 and len(done.err.splitlines()) == 1 and "bad" in done.err
    assert opened.catalogue.runs.names() == []


BAD_NAMES = [
    "../../x",
    "/x",
    ".x",
    "-x",
    "",
    "a b",
    "a\nb",
    "a\x1b[31m",
    "<b>x",
    "x" * 3000,
    "\ud800",
    "=1+1",
    "a\u202eb",
]


@pytest.mark.parametrize("name", [*BAD_NAMES, "a//b", "a/../b"])
def test_names_of_runs_and_pools(opened: Opened, folder: Path, capsys: pytest.CaptureFixture, name: str) -> None:
    for words in (["--run", "new", f"--pool={name}"], [f"--run={name}"]):
        done = bring(capsys, opened, folder, *words)
        line = one_line(done.err)
        assert done.code == 2 and "cannot be called" in line and line.isprintable() and len(line) < 300
    assert opened.catalogue.runs.names() == []


def test_a_pool_of_several_folders(opened: Opened, folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert bring(capsys, opened, folder, "--run", "Harnstoff_ü", "--pool", "mine/2").code == 0
    odd = folder.rename(folder.with_name("-my pool"))
    assert bring(capsys, opened, odd, "--run", "new", "--json").json["pool"] == "my_pool"


@pytest.mark.parametrize(
    "record",
    [
        {"struct_id": "../../x"},
        {"struct_id": "\ud800"},
        {"properties": {"a\0b": 1}},
        {"properties": {"x": 2**63}},
        {"properties": {"fixed_atoms": "all"}},
        {"geometry": [[1e300, 0, 0, "C"]]},
    ],
)
def test_structures_that_cannot_be_stored(
    opened: Opened, folder: Path, capsys: pytest.CaptureFixture, record: dict
) -> None:
    (folder / "x.json").write_text(json.dumps({"geometry": [[0, 0, 0, "C"]]} | record))
    done = bring(capsys, opened, folder, "--run", "new")
    assert done.code == 0 and one_line(done.err).startswith(f"left out: {folder}/x.json: ")
    assert done.out.endswith(f"holds 4 structures of {folder} (4 new, 1 left out)\n")
    assert opened.catalogue.structures.pool_ids("new", "mine") == IDS[:4]
    alone = bring(capsys, opened, folder / "x.json", "--run", "newer")
    assert alone.code == 2 and str(folder / "x.json") in one_line(alone.err)
    assert opened.catalogue.runs.names() == ["new"]


def test_what_is_no_folder(opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "folder" / "y.json")
    sparse = tmp_path / "large"
    sparse.mkdir()
    with (sparse / "x.json").open("wb") as stream:
        stream.truncate(5 * 2**30)
    for place in ("/dev/zero", "/dev/null", *(tmp_path / name for name in ("pipe", "binary", "folder", "large"))):
        done = bring(capsys, opened, Path(place), "--run", "new")
        assert done.code == 2 and str(place) in one_line(done.err)


def test_a_folder_that_is_not_there_leaves_no_database(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    done = call(capsys, "import", tmp_path / "nowhere", "--run", "new")
    assert done.code == 2 and "nowhere" in done.err and list(tmp_path.iterdir()) == []


def test_the_tutorials_pool(opened: Opened, capsys: pytest.CaptureFixture) -> None:
    if not DATA.is_dir():
        pytest.skip("the tutorial's structures (shared/data) are not here")
    done = bring(capsys, opened, DATA, "--run", "benzene", "--json")
    assert done.json == {"run": "benzene", "pool": "raw_jsons", "structures": 89, "new": 89, **NOTHING_ODD, "read": 89}
    groups = opened.catalogue.structures.collection.distinct("Z")
    assert groups == [2]


def test_a_structure_that_no_document_holds(opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    large = crystal(1, "large")
    large.properties["note"] = "x" * 17_000_000
    write([large], tmp_path / "large", "json")
    done = bring(capsys, opened, tmp_path / "large", "--run", "new")
    assert done.code == 2 and len(done.err.splitlines()) == 1
    assert "large takes 17000" in done.err and "leave its large properties out" in done.err
    assert opened.catalogue.runs.names() == []


def test_a_database_of_a_newer_package(opened: Opened, folder: Path, capsys: pytest.CaptureFixture) -> None:
    opened.catalogue.database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 99, "genarris_fw": "99.0"}})
    done = bring(capsys, opened, folder, "--run", "new")
    assert done.code == 2 and "was made by genarris_fw 99.0 (schema 99)" in one_line(done.err)
    assert opened.catalogue.runs.names() == [] and opened.catalogue.structures.count("new") == 0


FAULTS = Path(__file__).parents[1] / "data" / "faults"


def test_what_cannot_be_used_is_left_out_and_named(opened: Opened, folder: Path, capsys: pytest.CaptureFixture) -> None:
    """Disorder, missing hydrogens, overlaps, and what is no structure; the rest is read."""
    sources = {
        "disordered.cif": "cif_disorder/21_disorder.cif",
        "few.cif": "cif_missing_H/22_missing_H.cif",
        "latin.cif": "cif_latin1/17_latin1.cif",
        "good.res": "res_unreadable/shelx.res",
        "asym.pdb": "pdb_crystal_symmetry/asym.pdb",
    }
    for name, source in sources.items():
        shutil.copy(FAULTS / source, folder / name)
    overlapping = crystal(0, "overlapping")
    overlapping.positions[1] = overlapping.positions[0] + [0.2, 0, 0]
    write([overlapping], folder, "geometry")
    (folder / "README").write_text("not looked at")
    (folder / "Genarris.out").write_text("log of something")
    (folder / "moved.cif").symlink_to("away.cif")
    done = bring(capsys, opened, folder, "--run", "new", "--json")
    left = {Path(one["file"]).name: one["reason"] for one in done.json["left_out"]}
    assert set(left) == {"disordered.cif", "few.cif", "overlapping.in", "moved.cif"}
    assert left["moved.cif"] == "no such file"
    assert "disordered" in left["disordered.cif"] and "hydrogens" in left["few.cif"]
    assert left["overlapping.in"].startswith("atoms overlap: C1 and O2 are 0.20 Å apart")
    assert done.code == 0 and done.json["read"] == 4 + 3
    assert any("latin.cif: taken as latin-1" in line for line in done.json["notes"])
    taken = bring(capsys, opened, folder, "--run", "major", "--disorder", "major", "--json").json
    assert "disordered.cif" not in {Path(one["file"]).name for one in taken["left_out"]}
    assert any("disordered.cif: disordered: the largest part is taken" in line for line in taken["notes"])


def test_import_reads_what_export_writes(
    opened: Opened, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    bring(capsys, opened, folder, "--run", "new", "--pool", "raw")
    before = {d["struct_id"]: d for d in opened.catalogue.structures.load("new", IDS[:4])}
    formats = {"json": "", "geometry": "", "cif": "", "res": "", "extxyz": "raw.extxyz", "geometry_out": "raw.out"}
    for name, file in formats.items():
        out = tmp_path / name
        done = call(capsys, "export", "new", "--pool", "raw", "--format", name, "--to", out, "--uri", opened.uri)
        assert done.code == 0, done.err
        for number, source in enumerate([out] + [out / file] * bool(file)):
            done = bring(capsys, opened, source, "--run", f"{name}_{number}", "--pool", "again", "--json")
            assert done.code == 0 and done.json["read"] == 4 and done.json["left_out"] == [], name
            for document in opened.catalogue.structures.load(f"{name}_{number}", IDS[:4]):
                known = before[document["struct_id"]]
                assert document["Z"] == known["Z"]
                assert document["properties"]["cell_vol"] == pytest.approx(known["properties"]["cell_vol"], rel=1e-6)


def test_a_file_by_itself_gives_the_pool_its_name(
    opened: Opened, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    write([crystal(i, name) for i, name in enumerate(IDS[:3])], tmp_path / "found.extxyz", "extxyz")
    done = bring(capsys, opened, tmp_path / "found.extxyz", "--run", "new", "--json")
    assert (done.json["pool"], done.json["read"]) == ("found", 3)


def test_other_molecules_than_the_runs_are_left_out(
    opened: Opened, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    fill(opened.catalogue, tmp_path)
    molecule = {"species": ["C", "O", "O"], "positions": [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]}
    opened.catalogue.runs.collection.update_one({"_id": RUN}, {"$set": {"molecules": {"generation": molecule}}})
    opened.catalogue.structures.collection.delete_many({})
    shutil.copy(FAULTS / "pdb_crystal_symmetry" / "asym.pdb", folder / "asym.pdb")
    done = bring(capsys, opened, folder, "--run", RUN, "--pool", "experiment")
    assert done.code == 0 and "(4 new, 1 left out)" in done.out
    assert f"{folder}/asym.pdb: asym: C8H20Cl4O4 is not made of the run's molecule CO2" in one_line(done.err)
    alone = bring(capsys, opened, folder / "asym.pdb", "--run", RUN, "--pool", "experiment")
    assert alone.code == 2 and "asym.pdb: asym: C8H20Cl4O4 is not made of" in one_line(alone.err)


def test_many_files_are_read_by_several_processes(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"s_{i:03d}" for i in range(12)]
    write([crystal(i, name) for i, name in enumerate(names)], tmp_path / "many", "cif")
    (tmp_path / "many" / "bad.cif").write_text("data_x\n_cell_length_a 5\n")
    monkeypatch.setattr(reading_module, "MANY_FILES", 4)

    def read_by(processes: int) -> list[FileRead]:
        source = Source(tmp_path / "many")
        with reader(source, Reading(), processes) as read:
            return list(read(source.parts()))

    alone = read_by(1)
    assert read_by(2) == alone and [d["struct_id"] for part in alone for d in part.documents] == names
    assert [one.file for part in alone for one in part.left_out] == [str(tmp_path / "many" / "bad.cif")]

    def refused(*_: object, **__: object) -> None:
        raise OSError("this machine has no semaphores")

    monkeypatch.setattr(reading_module, "ProcessPoolExecutor", refused)
    assert read_by(2) == alone


def test_two_files_with_one_name(opened: Opened, folder: Path, capsys: pytest.CaptureFixture) -> None:
    """json goes before other formats; of two crystals of one name the second is left out, both files are named."""
    write([crystal(0, IDS[0])], folder, "cif")
    write([crystal(7, IDS[0])], folder, "geometry")
    copy = json.loads((folder / f"{IDS[0]}.json").read_text())
    copy["properties"] |= {"energy": -3.0, "Z": 2}
    (folder / "copy.json").write_text(json.dumps(copy))
    copy["properties"] |= {"late": 1, "energy": -4.0}
    (folder / "zz.json").write_text(json.dumps(copy))
    done = bring(capsys, opened, folder, "--run", "new", "--json")
    [left] = done.json["left_out"]
    assert [line for line in done.json["notes"] if "energy is -3.0 already, -4.0 is left out" in line]
    assert done.json["read"] == 4 and left["file"] == f"{folder}/{IDS[0]}.in"
    assert left["reason"] == f"holds {IDS[0]}, and so does copy.json, another crystal; rename one"
    [document] = opened.catalogue.structures.load("new", IDS[:1])
    assert document["geometry"]["lattice"] == crystal(0, "").lattice.tolist()
    assert (document["properties"]["energy"], document["properties"]["late"]) == (-3.0, 1)
    other = json.loads((folder / f"{IDS[1]}.json").read_text()) | {"struct_id": IDS[0]}
    (folder / "other.json").write_text(json.dumps(other))
    left_out = bring(capsys, opened, folder, "--run", "newer", "--json").json["left_out"]
    assert [Path(one["file"]).name for one in left_out] == ["other.json", f"{IDS[0]}.in"]
