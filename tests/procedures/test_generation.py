"""The generator and the press as procedures of a run: the same pool however the work is shared out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import BIN, environment, genarris, one_line, start, urea_folder
from in_process import InProcess
from leases import scaled
from mpi import mpiexec
from pymongo import MongoClient
from waiting import kill_after_events

from genarris_fw.crystal import Molecule, read, space_group
from genarris_fw.crystal.formats.genarris_json import format_json
from genarris_fw.generation import check_contacts, cutoff_matrix
from genarris_fw.pools.documents import from_document
from genarris_fw.procedures.kit.generated_files import GeneratedFiles

GLYCINE = Path(__file__).parents[1] / "data" / "generation_glycine.in"
CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = gly
seed = 11
lease_seconds = {lease}

[pygenarris_structure_generation]
molecule_path = glycine.in
Z = 4
volume_mean = {volume}
volume_std = 10
sr = {sr}
num_structures = {number}
space_groups = {groups}
generation_mode = {mode}
max_attempts_per_spg = {attempts}
output_dir = raw
{more}
"""


def folder_of(
    folder: Path,
    *,
    mode: str = "auto",
    volume: float = 330.0,
    sr: float = 0.85,
    number: int = 40,
    groups: str = "[1, 14, 16, 19, 81]",
    attempts: int = 20_000,
    procedures: str = '["Pygenarris_Structure_Generation"]',
    more: str = "",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(GLYCINE, folder / "glycine.in")
    conf = folder / "ui.conf"
    text = CONF.format(
        lease=scaled(5),
        procedures=procedures,
        volume=volume,
        sr=sr,
        number=number,
        groups=groups,
        mode=mode,
        attempts=attempts,
        more=more,
    )
    conf.write_text(text)
    return conf


def pool(folder: Path, name: str = "raw") -> dict[str, list]:
    """Return id -> geometry of an exported pool."""
    return {path.stem: json.loads(path.read_text())["geometry"] for path in sorted((folder / name).glob("*.json"))}


# Packing: `test_exactly_the_number_asked_for_whatever_is_empty_or_a_duplicate`, byte for byte.
@pytest.mark.parametrize(("mode", "many"), [("rejection", "7"), ("auto", "3")])
def test_the_pool_is_the_same_for_any_number_of_workers(
    tmp_path: Path, databases: Callable[[], str], mode: str, many: str
) -> None:
    pools = []
    for workers in ("1", many):
        folder = tmp_path / workers
        # By rejection some groups need many items: seven replicas share them.
        number, sr = (40, 0.85) if mode != "rejection" else (60, 0.8)
        conf = folder_of(folder, mode=mode, number=number, sr=sr, attempts=150_000 if mode == "rejection" else 3_000)
        result = genarris("run", str(conf), "--uri", databases(), "--workers", workers, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        pools.append(pool(folder))
    assert len(pools[0]) > 20
    assert pools[0] == pools[1]


def test_interrupted_again_and_again_it_ends_in_the_same_pool(tmp_path: Path, databases: Callable[[], str]) -> None:
    # No structure at all in these groups at this size: all draws are made, in many items.
    settings = {"mode": "packing", "volume": 255.0, "number": 2000, "groups": "[14, 19]", "attempts": 20_000}
    undisturbed = folder_of(tmp_path / "a", **settings)
    assert genarris("run", str(undisturbed), "--uri", databases(), "--workers", "1", cwd=tmp_path).returncode == 0
    conf = folder_of(tmp_path / "b", **settings)
    for number in (1, 3, 4, 5):  # the first before, the last after some items are done
        kill_after_events(start("run", str(conf), "--workers", "2", cwd=tmp_path), tmp_path / "b", number)
    assert genarris("run", str(conf), "--workers", "3", cwd=tmp_path).returncode == 0
    assert len(pool(tmp_path / "a")) > 100
    assert pool(tmp_path / "a") == pool(tmp_path / "b")


def test_threads_change_nothing(tmp_path: Path, databases: Callable[[], str]) -> None:
    for name, more in (("one", ""), ("three", "omp_num_threads = 3")):
        conf = folder_of(tmp_path / name, number=30, more=more)
        assert genarris("run", str(conf), "--uri", databases(), "--workers", "1", cwd=tmp_path).returncode == 0
    assert pool(tmp_path / "one") == pool(tmp_path / "three")


def test_the_provenance_and_the_account_of_each_group(tmp_path: Path, database_uri: str) -> None:
    conf = folder_of(tmp_path, number=50, groups="[14, 19, 25]", attempts=2_000, more="refill_quotas = False")
    assert genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 0
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        [one] = (
            database.structures.find({"pools": "raw", "provenance.space_group": 14}).sort("provenance.draw", 1).limit(1)
        )
        summary = database.runs.find_one()["summaries"]["pygenarris_structure_generation"]
    kept = one["provenance"]
    assert kept["mode"] == "packing"
    assert (kept["seed"], kept["wyckoff"], kept["site_symmetry"]) == (11, "4e", "1")
    assert kept["attempts"] == kept["draw"] + 1  # one site
    assert len(one["properties"]["AMD"]) == 100
    groups = {group["space_group"]: group for group in summary["groups"]}
    assert set(groups) == {14, 19, 25}
    assert groups[14]["accepted"] + groups[14]["duplicates"] == 17
    assert groups[14]["draws"] >= 17
    # Between its mirror planes this molecule has no room: reported with its draws.
    assert groups[25]["accepted"] == 0
    assert groups[25]["draws"] == 2_000
    assert "25 (2000 draws)" in (tmp_path / "Genarris.err").read_text()


REFILLED = {
    "mode": "packing",
    "number": 120,
    "groups": "[14, 19, 25, 33]",
    "attempts": 200_000,
    # Many are called duplicates; between the mirror planes of 25 there is hardly any room.
    "more": "truncate_to_num_structures = True\nduplicate_tolerance = 0.08\nmax_draws_per_structure = 100000",
}


def files(folder: Path) -> dict[str, bytes]:
    """Return the generated files of a run by name."""
    return {path.name: path.read_bytes() for path in [*(folder / "raw").iterdir(), folder / "geometry.out"]}


def test_exactly_the_number_asked_for_whatever_is_empty_or_a_duplicate(
    tmp_path: Path, databases: Callable[[], str]
) -> None:
    found = []
    for workers in ("1", "2", "4"):
        folder, uri = tmp_path / workers, databases()
        result = genarris("run", str(folder_of(folder, **REFILLED)), "--uri", uri, "--workers", workers, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        with MongoClient(uri) as client:
            summary = client.get_default_database().runs.find_one()["summaries"]["pygenarris_structure_generation"]
        found.append((files(folder), summary["groups"]))
    assert len(pool(tmp_path / "1")) == 120
    assert found[0] == found[1] == found[2]
    groups = {group["space_group"]: group for group in found[0][1]}
    assert groups[25]["accepted"] < 5
    assert 3_000 <= groups[25]["draws"] < 30_000
    assert "a structure takes more than" in groups[25]["given_up"]
    assert sum(group["duplicates"] for group in groups.values()) > 10
    assert sum(group["accepted"] for group in groups.values()) >= 120
    assert "1 group given up" in summary["words"]
    assert "space groups given up" in (tmp_path / "2" / "Genarris.err").read_text()
    assert not list((tmp_path / "2").glob(".generated*"))


def test_refilled_under_kills_it_is_the_same(tmp_path: Path, databases: Callable[[], str]) -> None:
    settings = REFILLED | {"number": 400}
    undisturbed = folder_of(tmp_path / "a", **settings)
    assert genarris("run", str(undisturbed), "--uri", databases(), "--workers", "1", cwd=tmp_path).returncode == 0
    conf = folder_of(tmp_path / "b", **settings)
    for number in (2, 4, 5):
        kill_after_events(start("run", str(conf), "--workers", "2", cwd=tmp_path), tmp_path / "b", number)
    assert genarris("run", str(conf), "--workers", "3", cwd=tmp_path).returncode == 0
    assert len(pool(tmp_path / "a")) == 400
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_files_of_nodes_that_do_not_see_the_folder_are_made_of_the_catalogue(
    tmp_path: Path, databases: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written, runs = GeneratedFiles.write, {}

    def lost(self: GeneratedFiles, key: str, structures: list) -> list[int]:
        """Write what is removed again for some items, and leave the blocks of others."""
        lengths = written(self, key, structures)
        if key < "019":
            for name in (structure.struct_id for structure in structures[::2]):
                (self.folder / "structures" / f"{name}.json").unlink()
            self._blocks(key).unlink()
        return lengths

    for name, write in (("all", written), ("some", lost)):
        monkeypatch.setattr(GeneratedFiles, "write", write)
        runs[name] = InProcess(databases(), tmp_path / name)
        conf = folder_of(tmp_path / name, mode="packing", number=40, groups="[14, 19]")
        assert runs[name].run(conf.read_text())["state"] == "finished"
    assert len(pool(tmp_path / "all")) == 40
    assert files(tmp_path / "all") == files(tmp_path / "some")
    # And they are what the catalogue holds.
    structures = [from_document(document) for document in runs["all"].database.structures.find({"pools": "raw"})]
    for structure in structures:
        assert (tmp_path / "all" / "raw" / f"{structure.struct_id}.json").read_text() == format_json(structure)
    by_draw = {structure.struct_id: structure for structure in read(tmp_path / "all" / "geometry.out")}
    assert set(by_draw) == {structure.struct_id for structure in structures}


@pytest.mark.parametrize(
    ("molecule", "Z", "volume", "groups"),
    [("benzene", 2, 260, "[2, 12, 14, 16, 65, 191]"), ("urea", 2, 145, "[4, 5, 18, 59, 113]")],
)
def test_the_labels_of_a_run_are_those_of_spglib(
    molecule: str, Z: int, volume: float, groups: str, tmp_path: Path, databases: Callable[[], str]
) -> None:
    run = InProcess(databases(), tmp_path)
    conf = folder_of(tmp_path, volume=volume, groups=groups, number=60, more="max_deformation = 0.05\ntol = 0.05")
    shutil.copy(GLYCINE.with_name(f"generation_{molecule}.in"), tmp_path / "glycine.in")
    assert run.run(conf.read_text().replace("Z = 4", f"Z = {Z}"))["state"] == "finished"
    structures = [from_document(document) for document in run.database.structures.find({"pools": "raw"})]
    assert len(structures) >= 60
    found = [space_group(structure) for structure in structures]
    assert [structure.properties["spg"] for structure in structures] == found
    [account] = run.database.runs.find_one()["summaries"].values()
    larger = sum(one != structure.properties["attempted_spg"] for one, structure in zip(found, structures, strict=True))
    assert account["relabelled"] == larger
    if molecule == "benzene":
        assert larger > 0


def test_duplicates_are_removed_in_draw_order_and_counted(tmp_path: Path, database_uri: str) -> None:
    """CO2 in Pa-3 has no freedom but the cell's edge: with one volume all crystals are one."""
    (tmp_path / "co2.in").write_text("atom 0 0 0 C\natom 0 0 1.16 O\natom 0 0 -1.16 O\n")
    text = """\
[Genarris_master]
procedures = ["Pygenarris_Structure_Generation"]
run_name = ice
[pygenarris_structure_generation]
molecule_path = co2.in
Z = 4
volume_mean = 180
volume_std = 0
num_structures = 12
space_groups = [205]
refill_quotas = False
{more}
"""
    conf = tmp_path / "ui.conf"
    conf.write_text(text.format(more=""))
    assert genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 0
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        [group] = database.runs.find_one()["summaries"]["pygenarris_structure_generation"]["groups"]
        left = list(database.structures.find({"pools": {"$ne": []}}))
        lowest = min(d["provenance"]["draw"] for d in database.structures.find())
    assert (group["accepted"], group["duplicates"]) == (1, 11)
    assert [document["provenance"]["draw"] for document in left] == [lowest]
    # Tolerance 0 keeps all.
    other = tmp_path / "all"
    other.mkdir()
    shutil.copy(tmp_path / "co2.in", other)
    (other / "ui.conf").write_text(
        text.format(more="duplicate_tolerance = 0").replace("run_name = ice", "run_name = all")
    )
    assert (
        genarris("run", str(other / "ui.conf"), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 0
    )
    assert len(list((other / "pygenarris_structure_generation").glob("*.json"))) == 12


def test_pressed_structures_name_their_parents_and_keep_group_and_contacts(tmp_path: Path, database_uri: str) -> None:
    conf = folder_of(
        tmp_path,
        volume=465.0,
        sr=0.95,
        number=20,
        groups="[14, 19]",
        procedures='["Pygenarris_Structure_Generation", "Rigid_Press"]',
        more="[rigid_press]\nsr = 0.85\noutput_dir = pressed",
    )
    result = genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        pressed = list(database.structures.find({"pools": "pressed"}))
        parents = {d["struct_id"]: d for d in database.structures.find({"pools": "raw"})}
    assert len(pressed) == len(parents) == 20
    assert {document["parent"] for document in pressed} == set(parents)
    files = {path.stem: read(path)[0] for path in (tmp_path / "pressed").glob("*.json")}
    for document in pressed:
        parent = parents[document["parent"]]
        assert document["properties"]["spg"] == parent["properties"]["spg"]
        assert document["properties"]["cell_vol"] < 0.8 * parent["properties"]["cell_vol"]
        assert "AMD" not in document["properties"]
        assert check_contacts(files[document["struct_id"]], 0.85) > 0


def test_the_generators_own_press(tmp_path: Path, database_uri: str) -> None:
    more = "rigid_press = True\npress_sr = 0.85"
    conf = folder_of(tmp_path, volume=465.0, sr=0.95, number=10, groups="[14, 33]", more=more)
    assert genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 0
    structures = [read(path)[0] for path in (tmp_path / "raw").glob("*.json")]
    assert len(structures) == 10
    assert max(s.cell_volume for s in structures) < 400
    assert min(check_contacts(s, 0.85) for s in structures) > 0


def test_cutoff_matrix_and_geometry_out_are_written_as_the_manual_says(tmp_path: Path, database_uri: str) -> None:
    conf = folder_of(tmp_path, number=6, groups="[14, 19]", more="geometry_out_filename = all.out")
    assert genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 0
    [molecule] = read(tmp_path / "glycine.in")
    matrix = np.loadtxt(tmp_path / "cutoff_matrix")
    one = cutoff_matrix(Molecule(molecule.species, molecule.positions), 0.85)
    assert matrix == pytest.approx(np.tile(one, (4, 4)))
    text = (tmp_path / "all.out").read_text()
    assert text.count("BEGIN STRUCTURE") == len(pool(tmp_path)) == 6
    assert "#attempted_spacegroup = 19" in text


def test_csd_weighted_quotas(tmp_path: Path, database_uri: str) -> None:
    conf = folder_of(tmp_path, mode="packing", number=60, groups="csd", attempts=3_000)
    assert genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 0
    with MongoClient(database_uri) as client:
        run = client.get_default_database().runs.find_one()
    accepted = {g["space_group"]: g["accepted"] for g in run["summaries"]["pygenarris_structure_generation"]["groups"]}
    assert accepted[14] > accepted[19] > accepted[33] > 0
    assert 81 not in accepted


def test_a_molecule_that_its_sites_would_deform_is_refused_unless_asked(
    tmp_path: Path, databases: Callable[[], str]
) -> None:
    conf = urea_folder(tmp_path, groups="[113]", number=3)
    lines = (tmp_path / "urea.in").read_text().splitlines()
    atoms = [k for k, line in enumerate(lines) if line.startswith("atom")]
    words = lines[atoms[-1]].split()
    words[1] = str(float(words[1]) + 0.004)
    lines[atoms[-1]] = " ".join(words)
    (tmp_path / "urea.in").write_text("\n".join(lines) + "\n")
    check = genarris("check", str(conf), cwd=tmp_path)
    assert check.returncode == 2
    assert "max_deformation" in check.stdout + check.stderr
    result = genarris("run", str(conf), "--uri", databases(), "--workers", "1", cwd=tmp_path)
    assert result.returncode == 4
    assert "max_deformation" in one_line(result.stderr)
    other = urea_folder(tmp_path / "asked", groups="[113]", number=3, more="max_deformation = 0.01\n")
    shutil.copy(tmp_path / "urea.in", tmp_path / "asked" / "urea.in")
    assert genarris("run", str(other), "--uri", databases(), "--workers", "1", cwd=tmp_path).returncode == 0
    assert len(pool(tmp_path / "asked")) == 3


def test_the_ranks_of_an_mpi_launch_are_replicas(
    tmp_path: Path, database_uri: str, databases: Callable[[], str]
) -> None:
    settings = {"mode": "packing", "volume": 255.0, "number": 600, "groups": "[14, 19]", "attempts": 20_000}
    alone = folder_of(tmp_path / "a", **settings)
    assert genarris("run", str(alone), "--uri", databases(), "--workers", "1", cwd=tmp_path).returncode == 0
    conf = folder_of(tmp_path / "b", **settings)
    assert genarris("add", str(conf), "--uri", database_uri, cwd=tmp_path).returncode == 0
    command = [mpiexec(), "-n", "3", BIN / "genarris-fw", "rockets", "gly", "--dir", tmp_path / "b"]
    result = subprocess.run(
        [*command, "--uri", database_uri],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "run gly: finished" in result.stdout
    assert pool(tmp_path / "a") == pool(tmp_path / "b") != {}
