"""Runs that begin with structures made elsewhere: a folder or a file of any format, a database among them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.db import connect
from ase.io.jsonio import encode
from command import genarris, one_line
from in_process import waters
from lattice_urea import CHARGES, UREA
from pymongo import MongoClient

from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.crystal import Structure, read, write
from genarris_fw.errors import InputError
from genarris_fw.pools.given_pool import given_pool

EXAMPLES = Path(__file__).parents[2] / "examples"
MADE = Path(__file__).parents[1] / "data" / "imported"
CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = given
seed = 3

[{first}]
structure_dir = {source}
{more}
"""


def database_of(file: Path, structures: list[Structure]) -> None:
    with connect(file) as database:
        for structure in structures:
            atoms = structure.to_ase()
            atoms.info = {}
            database.write(atoms, struct_id=structure.struct_id, Z=2, lj_energy=structure.properties["energy"])


def structures_json(file: Path, structures: list[Structure]) -> None:
    texts = []
    for structure in structures:
        atoms = structure.to_ase()
        atoms.info = {"spg": 1, "maceoff": structure.properties["energy"]}
        texts.append(f'"{structure.struct_id}": {encode(atoms)}')
    file.write_text("{\n" + ",\n".join(texts) + "\n}")


def written(format: str) -> Callable[[Path, list[Structure]], object]:
    return lambda path, structures: write(structures, path, format)


WAYS: dict[str, Callable[[Path, list[Structure]], object]] = {
    "pool.json.d": written("json"),
    "geometries": written("geometry"),
    "cifs": written("cif"),
    "airss": written("res"),
    "pool.extxyz": written("extxyz"),
    "pool.db": database_of,
    "structures.json": structures_json,
}


def all_of(path: Path) -> dict[str, NewStructure]:
    return {document["struct_id"]: document for batch in given_pool(path, lambda note: None) for document in batch}


@pytest.mark.parametrize("name", WAYS)
def test_every_format(name: str, tmp_path: Path) -> None:
    structures = waters(4)
    WAYS[name](tmp_path / name, structures)
    found = all_of(tmp_path / name)
    assert list(found) == [structure.struct_id for structure in structures]
    for structure in structures:
        document = found[structure.struct_id]
        assert document["Z"] == 2 and document["properties"]["spg"] >= 1
        lattice = np.array(document["geometry"]["lattice"])
        assert abs(np.linalg.det(lattice)) == pytest.approx(structure.cell_volume, rel=1e-6)


def test_other_files_beside_structures_are_passed_over(tmp_path: Path) -> None:
    """As Genarris 2 leaves a folder: its jsons, and all of them again in geometry.out."""
    write(waters(3), tmp_path / "pool", "json")
    write(waters(3), tmp_path / "pool" / "geometry.out", "geometry_out")
    database_of(tmp_path / "pool" / "old.db", waters(2))
    assert len(all_of(tmp_path / "pool")) == 3


def test_two_crystals_of_one_name_are_refused(tmp_path: Path) -> None:
    """The same crystal in two formats is one; another one is said, with both files."""
    [one, other] = waters(2)
    write(one, tmp_path, "json")
    write(one, tmp_path, "cif")
    assert len(all_of(tmp_path)) == 1
    other.struct_id = one.struct_id
    write(other, tmp_path, "cif")
    with pytest.raises(InputError, match=rf"{one.struct_id}.cif and {one.struct_id}.json both hold {one.struct_id}"):
        all_of(tmp_path)


def test_a_file_that_cannot_be_read_is_not_left_out(tmp_path: Path) -> None:
    write(waters(2), tmp_path, "json")
    (tmp_path / "z.json").write_text("{")
    with pytest.raises(InputError, match=r"z\.json: line 1: not complete json .*; genarris-fw import takes the others"):
        all_of(tmp_path)


def pool(uri: str, name: str) -> list[dict]:
    with MongoClient(uri) as client:
        return list(client.get_default_database()["structures"].find({"run": "given", "pools": name}))


def test_descriptors_and_clusters_of_a_database(tmp_path: Path, database_uri: str) -> None:
    """The command itself: from a file of another program to clusters, without a molecule or a generation."""
    structures = waters(9)
    database_of(tmp_path / "relaxed.db", structures)
    procedures = '["Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters"]'
    more = "output_dir = rdf\n[affinity_propagation_fixed_clusters]\nnum_of_clusters = 3\n"
    more += "num_of_clusters_tolerance = 1\ncluster_on_energy = True\nenergy_name = lj_energy\n"
    more += "exemplars_output_dir = chosen\n"
    conf = CONF.format(procedures=procedures, first="run_rdf_calc", source="relaxed.db", more=more)
    (tmp_path / "ui.conf").write_text(conf)
    done = genarris("run", "ui.conf", "--uri", database_uri, "--workers", "1", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {one["struct_id"] for one in pool(database_uri, "rdf")} == {one.struct_id for one in structures}
    assert {one["struct_id"] for one in pool(database_uri, "relaxed_db")} == {one.struct_id for one in structures}
    assert all(len(one["properties"]["RDF"]) > 0 and one["Z"] == 2 for one in pool(database_uri, "rdf"))
    assert 2 <= len(pool(database_uri, "chosen")) == len(list((tmp_path / "chosen").glob("*.json"))) <= 4
    energies = {one["struct_id"]: one["properties"]["lj_energy"] for one in pool(database_uri, "rdf")}
    assert energies == {one.struct_id: one.properties["energy"] for one in structures}
    assert "the unit of lj_energy is not known" in (tmp_path / "Genarris.log").read_text()


def test_lattice_energies_of_a_database(tmp_path: Path, database_uri: str) -> None:
    """The measured crystal of urea, from a database, is minimised where it is."""
    [measured] = read(EXAMPLES / "urea" / "urea.cif")
    measured.struct_id, measured.properties = "UREAXX", {"energy": 0.0}
    database_of(tmp_path / "measured.db", [measured])
    shutil.copy(UREA, tmp_path / "urea.in")
    shutil.copy(CHARGES, tmp_path / "charges.json")
    more = "output_dir = minimised\n[molecular_electrostatics]\nmolecule_path = urea.in\ncharges_file = charges.json\n"
    procedures = '["Molecular_Electrostatics", "Lattice_Energy_Minimisation"]'
    first = "lattice_energy_minimisation"
    (tmp_path / "ui.conf").write_text(CONF.format(procedures=procedures, first=first, source="measured.db", more=more))
    done = genarris("run", "ui.conf", "--uri", database_uri, "--workers", "1", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [minimum] = pool(database_uri, "minimised")
    assert minimum["parent"] == "UREAXX" and -120 < minimum["properties"]["lattice_energy"] < -60


def test_a_pool_of_another_run(tmp_path: Path, database_uri: str) -> None:
    """What was imported is a run's beginning; of a run or pool that is not there the nearest names are told."""
    imported = genarris("import", str(MADE / "htocsp_search.cif"), "--run", "made", "--uri", database_uri, cwd=tmp_path)
    assert imported.returncode == 0, imported.stderr
    ends = {}
    for run, source in (("given", "made:htocsp_search"), ("other", "made:htocsp_serch"), ("another", "mode:htocsp")):
        conf = CONF.format(procedures='["Run_Rdf_Calc"]', first="run_rdf_calc", source=source, more="output_dir = rdf")
        (tmp_path / f"{run}.conf").write_text(conf.replace("run_name = given", f"run_name = {run}"))
        words = ("run", f"{run}.conf", "--uri", database_uri, "--workers", "1", "--quiet")
        ends[run] = genarris(*words, cwd=tmp_path)
    assert [end.returncode for end in ends.values()] == [0, 4, 4]
    made = {one["struct_id"]: one for one in pool(database_uri, "rdf")}
    assert {one["properties"]["pyxtal_energy"] for one in made.values()} == {-15.5, -15.75, -16.75}
    assert all(one["provenance"] == {"imported_from": "made:htocsp_search"} for one in made.values())
    assert sorted(made) == sorted(one["struct_id"] for one in pool(database_uri, "made/htocsp_search"))
    said = one_line(ends["other"].stderr)
    assert "no pool 'htocsp_serch' in run 'made' (did you mean 'htocsp_search'?)" in said
    assert "no run 'mode' in this database (did you mean 'made'?)" in one_line(ends["another"].stderr)


def test_a_file_that_is_no_database_ends_the_run(tmp_path: Path, database_uri: str) -> None:
    (tmp_path / "pool.db").write_text("no database")
    conf = CONF.format(procedures='["Run_Rdf_Calc"]', first="run_rdf_calc", source="pool.db", more="")
    (tmp_path / "ui.conf").write_text(conf)
    done = genarris("run", "ui.conf", "--uri", database_uri, "--workers", "1", "--quiet", cwd=tmp_path)
    assert done.returncode == 4 and "pool.db: no database that can be read" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "ui.conf").write_text(
        CONF.format(procedures='["Run_Rdf_Calc"]', first="run_rdf_calc", source="relaxed.dbx", more="")
    )
    done = genarris("check", "ui.conf", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        "expected a pool of an earlier procedure, or a folder or file that holds structures"
        in done.stdout + done.stderr
    )
