"""genarris-fw export."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pytest
from command import one_line
from command_line import call
from how_to_pages import package_of
from installed_packages import installed
from monty.serialization import loadfn
from pyarrow import parquet
from pymatgen.core import Structure as PymatgenStructure
from small_run import CHILDREN, EXEMPLARS, IDS, RUN, crystal, energy, energy_fields, fill

from genarris_fw.crystal import Structure, read, read_folder
from genarris_fw.farm.opening import open_database
from genarris_fw.pools import exporting
from genarris_fw.pools.documents import to_document


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
            "unknown format 'pdb'; the formats are both, geo, geometry, json, ase_db, chemiscope, cif, cif_standard, ",
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


def test_a_pool_for_programs_and_tables(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    target, formats = tmp_path / "out", "ase_db,pymatgen_json,chemiscope,parquet,csv,cif_standard,res"
    words = ("export", RUN, "--pool", "exemplars", "--format", formats, "--to", target, "--uri", database_uri)
    done = call(capsys, *words)
    assert (done.code, done.err) == (0, "") and f": {5 + 2 * 4} files in" in done.out
    energies = [energy_fields(energy(i))["properties.energy"] for i in range(4)]

    rows = list(ase.db.connect(target / "exemplars.db").select("energy<0", sort="struct_id"))
    assert [row.struct_id for row in rows] == EXEMPLARS and [row.energy for row in rows] == pytest.approx(energies)
    assert [row.spg for row in rows] == [crystal(i, "").properties["spg"] for i in (0, 3, 6, 9)]
    program = Path(sys.executable).with_name("ase")
    asked = [program, "db", target / "exemplars.db", "energy<-621.5", "-c", "struct_id,energy"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert [name for name in EXEMPLARS if name in shown] == EXEMPLARS[3:]

    found = [PymatgenStructure.from_dict(one) for one in json.loads((target / "exemplars.pymatgen.json").read_text())]
    assert [one.properties["struct_id"] for one in found] == EXEMPLARS
    assert [one.properties["energy"] for one in found] == pytest.approx(energies)
    assert loadfn(target / "exemplars.pymatgen.json")[2].cart_coords == pytest.approx(crystal(6, "").positions)

    data = json.loads((target / "exemplars.chemiscope.json").read_text())
    assert [one["size"] for one in data["structures"]] == [6] * 4
    assert data["properties"]["energy"]["units"] == "eV per cell"
    assert all(len({type(value) for value in one["values"]}) == 1 for one in data["properties"].values())

    table = parquet.read_table(target / "exemplars.parquet")
    assert table["struct_id"].to_pylist() == EXEMPLARS and table["energy"].to_pylist() == pytest.approx(energies)
    assert table.schema.field("density").metadata[b"unit"] == "g/cm³".encode()
    assert table["energy_engine"].to_pylist() == ["tblite"] * 4
    with (target / "exemplars.csv").open() as file:
        assert list(csv.DictReader(file).fieldnames or ()) == table.column_names
    for i, name in enumerate(EXEMPLARS):
        for ending in (".standard.cif", ".res"):
            [again] = read(target / f"{name}{ending}")
            assert again.struct_id == name and again.density == pytest.approx(crystal(3 * i, "").density, rel=1e-4)

    again = call(capsys, *words)
    assert again.code == 2 and "exemplars.db, " in again.err and "there already, and nothing was written" in again.err
    assert call(capsys, *words, "--force").code == 0


def test_several_processes_write(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MANY", 2)
    monkeypatch.setattr(exporting, "_AT_A_TIME", 5)
    monkeypatch.setattr(exporting, "default_threads", lambda: 2)
    to = ("--to", tmp_path / "out", "--uri", database_uri)
    assert call(capsys, "export", RUN, "--pool", "raw", "--format", "json,cif", *to).code == 0
    assert [structure.struct_id for structure in read_folder(tmp_path / "out")] == IDS
    assert len(list((tmp_path / "out").iterdir())) == 2 * len(IDS)
    with open_database(tmp_path, database_uri) as opened:
        which = {"struct_id": IDS[7]}
        opened.catalogue.structures.collection.update_one(which, {"$set": {"properties.fixed_atoms": "all"}})
    failed = call(capsys, "export", RUN, "--pool", "raw", "--format", "json", "--force", *to)
    assert failed.code == 2 and "'fixed_atoms' is not a list" in one_line(failed.err)


def test_a_molecule_where_only_crystals_are_held(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with open_database(tmp_path, database_uri) as opened:
        molecule = Structure(None, ["C", "O", "O"], [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]], {}, "molecule")
        opened.catalogue.structures.insert_missing(RUN, [to_document(molecule, 1)])
        opened.catalogue.structures.add_to_pool(RUN, "molecules", ["molecule"])
    to = ("--to", tmp_path / "out", "--uri", database_uri)
    for name in ("cif", "cif_standard", "res"):
        done = call(capsys, "export", RUN, "--pool", "molecules", "--format", name, *to)
        assert done.code == 2 and f"molecule: a molecule has no cell, and {name} holds crystals" in one_line(done.err)
    others = "json,ase_db,pymatgen_json,chemiscope,extxyz,csv,parquet,geometry_out"
    done = call(capsys, "export", RUN, "--pool", "molecules", "--format", others, *to)
    assert (done.code, done.err) == (0, "")
    assert not (ase.db.connect(tmp_path / "out" / "molecules.db").get(1).pbc).any()


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("parquet", "pyarrow", "dataframes"), ("pymatgen_json", "pymatgen.core.structure", "structure_matcher")],
)
def test_a_package_that_is_not_there(
    name: str,
    module: str,
    extra: str,
    database_uri: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    to = ("--to", tmp_path / "out", "--uri", database_uri)
    done = call(capsys, "export", RUN, "--pool", "raw", "--format", name, *to)
    assert done.code == 2 and f"pip install 'genarris_fw[{extra}]'" in one_line(done.err)
    assert not list((tmp_path / "out").iterdir())  # not half of a file either
