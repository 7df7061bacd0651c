"""Pools of other programs: one command each, their counts and energies."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io.jsonio import encode
from ase.io.trajectory import Trajectory
from command import one_line
from command_line import Called, call
from shared_data import shared
from small_run import crystal

from genarris_fw.crystal import Structure, write
from genarris_fw.crystal.formats import ase_database
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.pools import sources

MADE = Path(__file__).parents[1] / "data" / "imported"
Bring = Callable[..., Called]


@pytest.fixture
def opened(database_uri: str, tmp_path: Path) -> Iterator[Opened]:
    with open_database(tmp_path, database_uri) as opened:
        yield opened


@pytest.fixture
def bring(opened: Opened, capsys: pytest.CaptureFixture) -> Bring:
    return lambda source, *words: call(capsys, "import", source, "--run", "r", "--uri", opened.uri, "--json", *words)


def documents(opened: Opened, run: str = "r") -> dict[str, dict[str, Any]]:
    return {record["struct_id"]: record for record in opened.catalogue.structures.collection.find({"run": run})}


def atoms_of(structure: Structure, energy: float | None = None) -> Atoms:
    atoms = structure.to_ase()
    atoms.info = {}
    if energy is not None:
        atoms.calc = SinglePointCalculator(atoms, energy=energy)
    return atoms


def ase_database_of(file: Path, number: int) -> Path:
    with connect(file) as database:
        for k in range(number):
            database.write(atoms_of(crystal(k, ""), energy=-10.0 - k), relaxed=True, origin="here")
    return file


# ---- ASE


def test_a_database_of_ase(opened: Opened, bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read some at a time, by several processes; ids are of the file and the row, energies eV per cell."""
    monkeypatch.setattr(sources, "ROWS", 2)
    done = bring(ase_database_of(tmp_path / "found.db", 5))
    assert (done.json["pool"], done.json["structures"], done.json["left_out"]) == ("found", 5, [])
    found = documents(opened)
    assert [found[f"found_{k}"]["properties"]["energy"] for k in range(1, 6)] == [-10.0, -11.0, -12.0, -13.0, -14.0]
    assert found["found_3"]["properties"]["relaxed"] in (True, 1) and found["found_3"]["properties"]["origin"] == "here"
    assert found["found_3"]["Z"] == 2 and found["found_3"]["properties"]["spg"] >= 1
    assert found["found_3"]["geometry"]["lattice"] == pytest.approx(crystal(2, "").lattice)
    assert found["found_3"]["provenance"]["file"] == "found.db, records 3 to 4"
    again = bring(tmp_path / "found.db")
    assert (again.json["already"], again.json["read"], again.json["new"]) == (5, 0, 0)


def test_rows_that_cannot_be_used(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    """Of a database a surface is left out by the reader, and a row that is damaged by itself; the rest is read."""
    file = ase_database_of(tmp_path / "found.db", 4)
    slab = atoms_of(crystal(7, ""))
    slab.pbc = [True, True, False]
    with connect(file) as database:
        database.write(slab)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE systems SET positions = x'00112233' WHERE id = 2")
    done = bring(file)
    assert (done.code, done.json["structures"]) == (0, 3)
    reasons = {one["reason"] for one in done.json["left_out"]}
    assert len(reasons) == 2 and any(reason.startswith("row 5: periodic in some directions only") for reason in reasons)
    assert any(reason.startswith("a row cannot be read as ASE's") for reason in reasons)


def test_a_database_is_only_looked_at(tmp_path: Path, bring: Bring) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE orders (customer TEXT)")
    before = other.read_bytes()
    done = bring(other)
    assert done.code == 2 and "not one of ASE (it has the tables orders)" in one_line(done.err)
    assert other.read_bytes() == before


def test_a_database_of_a_newer_ase(opened: Opened, tmp_path: Path, bring: Bring) -> None:
    file = ase_database_of(tmp_path / "new.db", 1)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE information SET value = '99' WHERE name = 'version'")
    done = bring(file)
    assert done.code == 2 and "written by a newer ASE (version 99 of its database" in one_line(done.err)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE information SET value = '3' WHERE name = 'version'")
    assert "a database of an old ASE (version 3); python -m ase.db.convert new.db" in one_line(bring(file).err)
    assert opened.catalogue.runs.names() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no database at all\n", "no database that can be read (file is not a database)"),
        (ase_database.MAGIC + b"\xff" * 2000, "no database that can be read"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_called_a_database_and_is_none(tmp_path: Path, bring: Bring, content: bytes, said: str) -> None:
    (tmp_path / "x.db").write_bytes(content)
    done = bring(tmp_path / "x.db")
    assert done.code == 2 and f"{tmp_path}/x.db: {said}" in one_line(done.err)


def test_a_database_without_rows(tmp_path: Path, bring: Bring) -> None:
    with connect(tmp_path / "x.db") as database:
        database.delete([database.write(Atoms("H"))])
    assert "a database of ASE without rows" in one_line(bring(tmp_path / "x.db").err)


def test_a_trajectory_of_ase(opened: Opened, bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ROWS", 2)
    with Trajectory(tmp_path / "path.traj", "w") as trajectory:
        for k in range(3):
            trajectory.write(atoms_of(crystal(k, ""), energy=-10.0 - k))
    done = bring(tmp_path / "path.traj")
    assert (done.json["structures"], done.json["left_out"]) == (3, [])
    energies = {name: record["properties"]["energy"] for name, record in documents(opened).items()}
    assert energies == {"path_1": -10.0, "path_2": -11.0, "path_3": -12.0}
    assert bring(tmp_path / "path.traj").json["already"] == 3
    (tmp_path / "text.traj").write_text("no trajectory")
    assert "cannot be read as a trajectory of ASE" in one_line(bring(tmp_path / "text.traj").err)


def test_a_molecular_dynamics_of_ase(bring: Bring, tmp_path: Path) -> None:
    atoms = atoms_of(crystal(0, ""))
    atoms.set_momenta(np.ones((6, 3)))
    with Trajectory(tmp_path / "md.traj", "w") as trajectory:
        for _ in range(3):
            trajectory.write(atoms)
    assert "a molecular dynamics (3 frames with velocities)" in one_line(bring(tmp_path / "md.traj").err)


# ---- PyXtal, HTOCSP


def test_a_database_of_pyxtal(opened: Opened, bring: Bring) -> None:
    done = bring(MADE / "pyxtal_molecules.db")
    assert done.json["structures"] == 3 and done.json["left_out"] == []
    found = documents(opened)
    assert {name: (record["Z"], record["properties"]["spg"]) for name, record in found.items()} == {
        "WATER01": (4, 14),
        "WATER02": (4, 19),
        "WATER03": (2, 4),
    }
    assert found["WATER01"]["properties"]["mol_smi"] == "O" and found["WATER01"]["properties"]["space_group"] == "P21/c"
    assert done.json["notes"] == [f"{MADE}/pyxtal_molecules.db: spg is taken from spg_num (PyXtal)"]


def test_a_database_of_pyxtals_topologies(opened: Opened, bring: Bring) -> None:
    """Energies per atom are not taken for those of the cell, nor the texts of relaxed geometries for atoms."""
    done = bring(MADE / "pyxtal_topology.db")
    assert done.json["structures"] == 2
    properties = documents(opened)["pyxtal_topology_2"]["properties"]
    assert (properties["mace_energy"], properties["spg"], properties["pearson_symbol"]) == (-8.0, 194, "hP4")
    assert "energy" not in properties and "mace_relaxed" not in properties
    notes = "\n".join(done.json["notes"])
    assert "mace_energy (PyXtal: eV per atom of the relaxed geometry) kept under their names" in notes
    assert "mace_relaxed (further geometries, as texts) left out" in notes


def test_a_search_of_htocsp(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    """All crystals of its one file, by their labels; of the energies nobody knows the unit, whatever the file says."""
    done = bring(MADE / "htocsp_search.cif")
    assert done.json["structures"] == 3
    found = documents(opened)
    energies = {name: record["properties"]["pyxtal_energy"] for name, record in found.items()}
    assert energies == {
        "water-g0-p1-Random-d0.599-spg14-e15.500": -15.5,
        "water-g0-p2-Random-d0.599-spg19-e15.750": -15.75,
        "water-g0-p3-Random-d0.599-spg4-e16.750": -16.75,
    }
    assert not any("energy" in record["properties"] for record in found.values())
    assert any("in a unit that the file does not tell" in note for note in done.json["notes"])
    text = (MADE / "htocsp_search.cif").read_text().replace("_cell_length_a            6.586393", "_cell_length_a ?")
    (tmp_path / "damaged.cif").write_text(text)
    damaged = bring(tmp_path / "damaged.cif", "--pool", "damaged")
    [left] = damaged.json["left_out"]
    assert damaged.json["structures"] == 2 and "water-g0-p2-Random" in left["reason"]


def test_two_rows_of_one_code(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "twice.db"
    with connect(file) as database:
        for k in (0, 0, 1):
            database.write(atoms_of(crystal(k, "")), csd_code="ABCDEF")
    done = bring(file)
    [left] = done.json["left_out"]
    assert done.json["structures"] == 1 and left["file"] == str(file)
    assert left["reason"] == "holds ABCDEF, and so does twice.db, records 1 to 3, another crystal; rename one"


# ---- Genarris 2 and 3


def test_a_pool_of_genarris_2(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    """A pool without and one with energies, as its procedures leave them: one structure each, with the energy."""
    folder = shared("benzene_tutorial/raw_jsons")
    assert bring(folder).json["structures"] == 89
    names = sorted(folder.iterdir())[:3]
    (tmp_path / "energies").mkdir()
    for k, file in enumerate(names):
        record = json.loads(file.read_text())
        record["properties"] |= {"energy": -12627.5 - k, "energy_tier1": -12000.0, "NMPC": 2, "space_group": 14}
        (tmp_path / "energies" / file.name).write_text(json.dumps(record))
    done = bring(tmp_path / "energies")
    assert (done.json["structures"], done.json["new"], done.json["left_out"]) == (3, 0, [])
    assert any("the unit of energy_tier1 is not known" in note for note in done.json["notes"])
    found = documents(opened)
    assert len(found) == 89
    assert [found[file.stem]["properties"]["energy"] for file in names] == [-12627.5, -12628.5, -12629.5]
    assert found[names[0].stem]["pools"] == ["raw_jsons", "energies"]
    assert opened.catalogue.runs.get("r")["pools"] == {"raw_jsons": 89, "energies": 3}
    # A third one that says otherwise: the first is kept, and that is said.
    record["properties"]["energy"] = -1.0
    (tmp_path / "energies" / names[2].name).write_text(json.dumps(record))
    notes = bring(tmp_path / "energies", "--pool", "other").json["notes"]
    assert any(f"{names[2].stem}: energy is -12629.5 already, -1.0 is left out" in note for note in notes)


def test_genarris_2_calls_z_and_group_otherwise(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    structure = crystal(1, "old")
    structure.properties = {"NMPC": 2, "space_group": 14}
    write(structure, tmp_path / "old", "json")
    notes = bring(tmp_path / "old").json["notes"]
    assert any("Z is taken from NMPC (Genarris 2)" in note for note in notes)
    record = documents(opened)["old"]
    assert (record["Z"], record["properties"]["spg"]) == (2, 14)


def genarris_3(file: Path, infos: list[dict[str, Any]]) -> Path:
    """Write a structures.json as Genarris 3 does: a line for each structure, ``"id": ASE's json``."""
    lines = []
    for k, info in enumerate(infos):
        atoms = atoms_of(crystal(k, ""))
        atoms.info = info
        lines.append(f'"{k:x}abc": {encode(atoms)}')
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{\n" + ",\n".join(lines) + "\n}")
    return file


def test_a_pool_of_genarris_3(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    """The pool has the name of the task; energies are eV per cell, and 0 where the calculation failed."""
    infos = [{"spg": 14, "bfgs_maceoff": -501.5, "bfgs": "converged"}, {"spg": 2, "bfgs_maceoff": 0}]
    done = bring(genarris_3(tmp_path / "structures" / "bfgs_maceoff" / "structures.json", infos))
    assert (done.json["pool"], done.json["structures"]) == ("bfgs_maceoff", 2)
    first, second = (documents(opened)[name]["properties"] for name in ("0abc", "1abc"))
    assert (first["energy"], first["bfgs_maceoff"], first["bfgs"], first["spg"]) == (-501.5, -501.5, "converged", 14)
    assert "energy" not in second and "bfgs_maceoff" not in second
    notes = "\n".join(done.json["notes"])
    assert "energy is taken from bfgs_maceoff (Genarris 3: eV per cell)" in notes and "the calculation failed" in notes


def test_several_energies_of_genarris_3_are_not_chosen_among(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    bring(genarris_3(tmp_path / "uma" / "structures.json", [{"maceoff": -501.5, "uma": -499.0}]))
    properties = documents(opened)["0abc"]["properties"]
    assert (properties["maceoff"], properties["uma"]) == (-501.5, -499.0) and "energy" not in properties


# ---- AIRSS


def test_a_folder_of_airss(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    for k in range(3):
        structure = crystal(k, f"CO2-{k}")
        structure.properties = {"energy": -20.0 - k, "pressure": 0.5}
        write(structure, tmp_path / "airss", "res")
    (tmp_path / "airss" / "wrong.res").write_text((MADE / "htocsp_search.cif").read_text())
    done = bring(tmp_path / "airss")
    assert done.json["structures"] == 3
    [left] = done.json["left_out"]
    assert left["file"] == f"{tmp_path}/airss/wrong.res"
    assert [documents(opened)[f"CO2-{k}"]["properties"]["energy"] for k in range(3)] == [-20.0, -21.0, -22.0]


def test_all_in_one_folder(opened: Opened, bring: Bring, tmp_path: Path) -> None:
    """A folder may mix them; what its name does not tell is passed over."""
    shutil.copy(MADE / "pyxtal_molecules.db", tmp_path)
    shutil.copy(MADE / "htocsp_search.cif", tmp_path)
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0 of another program")
    done = bring(tmp_path, "--pool", "all")
    assert done.json["structures"] == 6 and [Path(one["file"]).name for one in done.json["left_out"]] == ["Thumbs.db"]
