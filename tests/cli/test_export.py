"""genarris-fw export."""

import csv
from collections.abc import Iterator
from pathlib import Path

import ase.io
import numpy as np
import pytest
from command import one_line
from command_line import call
from how_to_pages import package_of
from installed_packages import installed
from small_run import CHILDREN, EXEMPLARS, IDS, RUN, crystal, fill

from genarris_fw.crystal import read, read_folder
from genarris_fw.farm.opening import open_database


@pytest.fixture(autouse=True)
def filled(database_uri: str, tmp_path: Path) -> Iterator[None]:
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        yield


def test_every_format_holds_the_pool(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    target = tmp_path / "out"
    formats = "cif,extxyz,geometry,json,csv,geometry_out"
    done = call(capsys, "export", RUN, "--pool", "raw", "--format", formats, "--to", target, "--uri", database_uri)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"pool 'raw' of run 'urea': {3 * 12 + 3} files in {target}\n"
    for name, structure in zip(IDS, read_folder(target)):
        expected = crystal(IDS.index(name), name)
        assert structure.struct_id == name
        np.testing.assert_allclose(structure.positions, expected.positions, atol=1e-12)
        assert structure.properties["AP_exemplar"] in EXEMPLARS
    for i, atoms in enumerate(ase.io.read(target / "raw.extxyz", ":")):
        assert atoms.info["struct_id"] == IDS[i]
        np.testing.assert_allclose(atoms.cell.array, crystal(i, "").lattice, atol=1e-6)
    [from_cif] = read(target / f"{IDS[5]}.cif")
    assert from_cif.cell_volume == pytest.approx(crystal(5, "").cell_volume, rel=1e-5)
    [from_geometry] = read(target / f"{IDS[5]}.in")
    np.testing.assert_allclose(from_geometry.positions, crystal(5, "").positions, atol=1e-8)
    assert [s.struct_id for s in read(target / "raw.out")] == IDS
    with (target / "raw.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["struct_id"] for row in rows] == IDS
    assert float(rows[3]["density"]) == pytest.approx(crystal(3, "").density)


def test_a_format_that_a_package_brings(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    to = ("--to", tmp_path / "out", "--uri", database_uri)
    with installed(tmp_path, package_of("add-a-format.md")):
        done = call(capsys, "export", RUN, "--pool", "raw", "--format", "gen", *to)
        assert (done.code, done.err) == (0, "")
        assert done.out == f"pool 'raw' of run 'urea': 12 files in {tmp_path / 'out'}\n"
        back = call(capsys, "import", tmp_path / "out", "--run", "again", "--uri", database_uri)
        assert back.out.startswith("pool 'out' of run 'again' holds 12 structures")
    done = call(capsys, "export", RUN, "--pool", "raw", "--format", "gen", *to)
    assert done.code == 2 and done.err.startswith(
        "genarris-fw: unknown format 'gen' (did you mean 'geo'?); the formats are both, "
    )


def test_the_last_pool_into_a_folder_of_its_name(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "export", RUN, "--json", "--uri", database_uri)
    assert done.json["pool"] == "relaxed"
    assert [Path(file).name for file in done.json["files"]] == [f"{name}.json" for name in CHILDREN]
    [child, _] = read_folder(tmp_path / "exported" / "relaxed")
    assert child.properties["parent"] == EXEMPLARS[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "no run 'nobody' in this database; runs here: urea"),
        (
            [RUN, "--pool", "rwa"],
            "no pool 'rwa' in run 'urea' (did you mean 'raw'?); its pools: clusters, energies, exemplars, raw, relaxed",
        ),
        (
            [RUN, "--format", "pdb"],
            "unknown format 'pdb'; the formats are both, geo, geometry, json, ase_db, chemiscope, cif, cif_standard, csv, ",
        ),
        ([RUN, "--format", ","], "unknown format ''"),
    ],
)
def test_what_is_not_there_is_one_line(
    words: list[str], message: str, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    done = call(capsys, "export", *words, "--to", tmp_path / "out", "--uri", database_uri)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"genarris-fw: {message}") and len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = call(capsys, "export", RUN, "--pool", "raw", "--format", "csv", "--to", file, "--uri", database_uri)
    assert done.code == 2 and str(file) in done.err and len(done.err.splitlines()) == 1


ODD_POOLS = ["../../x", "/x", "a/../../x", ".", "a\n\x1b[31mb", "x" * 3000]


@pytest.mark.parametrize("pool", ODD_POOLS)
def test_a_pool_of_somebody_else_stays_inside(
    pool: str, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to the database may call a pool anything: neither a file nor the terminal suffers."""
    work = tmp_path / "a" / "b" / "c"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    with open_database(tmp_path, database_uri) as opened:
        opened.catalogue.structures.add_to_pool(RUN, pool, IDS[:2])
    for words in (["export", RUN], ["pictures", RUN]):
        done = call(capsys, *words, f"--pool={pool}", "--uri", database_uri)
        assert done.code == 2 and "has no folder of its own" in one_line(done.err) and done.err[:-1].isprintable()
    done = call(capsys, "export", RUN, f"--pool={pool}", "--format", "csv,json", "--to", "out", "--uri", database_uri)
    assert done.code == 0 and done.out[:-1].isprintable()
    assert [path.name for path in work.iterdir()] == ["out"] and len(list((work / "out").iterdir())) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    listed = call(capsys, "status", "--uri", database_uri)
    assert "\x1b" not in listed.out and "urea" in listed.out
    unknown = call(capsys, "export", RUN, "--pool", "no\x1b[31m", "--uri", database_uri)
    assert unknown.code == 2 and one_line(unknown.err).isprintable()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"struct_id": "../../x"}, "cannot name a file"),
        ({"struct_id": "a\x1b[31m"}, "cannot name a file"),
        ({"properties.fixed_atoms": {"a": 1}}, "'fixed_atoms' is not a list"),
        ({"properties.initial_moments": "up"}, "'initial_moments' is not a list"),
        ({"geometry.positions.0.0": 1e300}, "from the origin"),
    ],
)
def test_structures_of_somebody_else(
    fields: dict, words: str, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with open_database(tmp_path, database_uri) as opened:
        changed = fields | ({"_id": f"{RUN}:{fields['struct_id']}"} if "struct_id" in fields else {})
        collection = opened.catalogue.structures.collection
        document = collection.find_one_and_delete({"struct_id": IDS[3]})
        collection.insert_one(document | {key: value for key, value in changed.items() if "." not in key})
        collection.update_one({"struct_id": changed.get("struct_id", IDS[3])}, {"$set": {
            key: value for key, value in changed.items() if "." in key} or {"seen": 1}})  # fmt: skip
    target = tmp_path / "x" / "out"
    done = call(capsys, "export", RUN, "--pool", "raw", "--format", "geometry", "--to", target, "--uri", database_uri)
    assert done.code == 2 and words in one_line(done.err) and done.err[:-1].isprintable()
    assert not list(tmp_path.rglob("*.in"))
