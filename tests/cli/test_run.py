"""``genarris-fw run`` as its user meets it: continuing, refusing, failing with one clear line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from command import genarris, one_line, start, urea_folder
from pymongo import MongoClient
from waiting import events, wait_for_events

from genarris_fw.database.server import Server

FOUR = (
    "Pygenarris_Structure_Generation",
    "Run_Rdf_Calc",
    "Affinity_Propagation_Fixed_Clusters",
    "FHI_Aims_Energy_Evaluation",
)
FOUR_OPTIONS = """
[run_rdf_calc]
output_dir = rdf
[affinity_propagation_fixed_clusters]
num_of_clusters = 4
num_of_clusters_tolerance = 2
output_without_success = True
exemplars_output_dir = exemplars
[fhi_aims_energy_evaluation]
engine = ase
calculator = {calculator}
output_dir = with_energies
num_replicas = 2
"""


def pool(folder: Path) -> dict[str, list]:
    """Return id -> geometry of the exported pool."""
    return {path.stem: json.loads(path.read_text())["geometry"] for path in sorted((folder / "raw").glob("*.json"))}


def test_the_pool_is_the_same_for_any_number_of_workers_and_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    pools = []
    for workers in ("1", "3"):
        folder = tmp_path / workers
        conf = urea_folder(folder)
        result = genarris("run", str(conf), "--workers", workers, cwd=tmp_path, truly=True)
        assert result.returncode == 0, result.stderr
        pools.append(pool(folder))
    assert len(pools[0]) == 12
    assert pools[0] == pools[1]
    before = {path: path.stat().st_mtime_ns for path in (folder / "raw").iterdir()}
    again = genarris("run", str(conf), cwd=tmp_path)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "raw").iterdir()}
    assert not Server(folder).running()


def test_a_changed_ui_conf_under_the_same_name_is_refused_with_the_difference(
    tmp_path: Path, database_uri: str
) -> None:
    assert (
        genarris("run", str(urea_folder(tmp_path)), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode
        == 0
    )
    result = genarris("run", str(urea_folder(tmp_path, sr=0.9)), "--uri", database_uri, cwd=tmp_path)
    assert result.returncode == 2
    line = one_line(result.stderr)
    assert "sr" in line and "0.85" in line and "0.9" in line and "run_name" in line


def test_killed_in_the_middle_it_continues_to_the_same_pool(tmp_path: Path, database_uri: str) -> None:
    undisturbed = urea_folder(tmp_path / "a", procedures=FOUR, more=FOUR_OPTIONS.format(calculator="moody:steady"))
    alone = genarris("run", str(undisturbed), "--uri", database_uri, "--workers", "1", cwd=tmp_path)
    assert alone.returncode == 0
    conf = urea_folder(tmp_path / "b", procedures=FOUR, more=FOUR_OPTIONS.format(calculator="moody:steady"))
    for number in (1, 4, 8):
        process = start("run", str(conf), "--workers", "2", cwd=tmp_path, truly=True)
        wait_for_events(tmp_path / "b", number)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    result = genarris("run", str(conf), "--workers", "2", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert pool(tmp_path / "a") == pool(tmp_path / "b")
    names = [sorted(path.name for path in (tmp_path / run / "with_energies").iterdir()) for run in "ab"]
    assert names[0] == names[1] != []


def test_asked_to_end_or_without_its_server_it_ends_in_order_and_the_same_command_continues(tmp_path: Path) -> None:
    conf = urea_folder(tmp_path, number=400, sr=1.02, attempts=3_000_000)
    server = Server(tmp_path)
    for sign in (signal.SIGINT, signal.SIGTERM, None):
        seen = events(tmp_path)
        process = start("run", str(conf), "--workers", "2", cwd=tmp_path)
        wait_for_events(tmp_path, seen + 1)
        os.kill(server.status()["pid"] if sign is None else process.pid, sign or signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        if sign is None:
            assert process.returncode == 2 and "again" in one_line(errors)
        else:
            assert process.returncode == 130
            again = f"genarris-fw run {conf} --workers 2"
            assert one_line(errors) == f"genarris-fw: interrupted; it goes on with: {again}"
            assert not server.running()
    result = genarris("run", str(conf), "--workers", "2", cwd=tmp_path)
    assert result.returncode == 0 and "continuing" in result.stdout, result.stderr


def test_two_commands_for_one_run_at_once(tmp_path: Path) -> None:
    conf = urea_folder(tmp_path, sr=1.3, attempts=500_000_000)  # minutes
    first = start("run", str(conf), cwd=tmp_path)
    try:
        wait_for_events(tmp_path, 1)
        second = genarris("run", str(conf), cwd=tmp_path)
        assert second.returncode == 2
        assert f"process {first.pid}" in one_line(second.stderr)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.communicate()


def test_an_sr_so_large_that_nothing_can_be_generated(tmp_path: Path, database_uri: str) -> None:
    result = genarris(
        "run", str(urea_folder(tmp_path, sr=1.9, attempts=500)), "--uri", database_uri, "--workers", "1", cwd=tmp_path
    )
    assert result.returncode == 4
    line = one_line(result.stderr)
    for words in ("sr = 1.9", "2 (500 draws)", "113 (500 draws)", "lower sr"):
        assert words in line


def test_a_tolerance_that_makes_no_space_group_compatible(tmp_path: Path, database_uri: str) -> None:
    conf = urea_folder(tmp_path, tol=1e-4, groups="[113]")
    molecule = tmp_path / "urea.in"
    molecule.write_text(molecule.read_text().replace("1.222504 H", "1.230000 H", 1))
    result = genarris("run", str(conf), "--uri", database_uri, cwd=tmp_path)
    assert result.returncode == 4
    assert "no space group" in one_line(result.stderr) and "raise tol" in result.stderr


@pytest.mark.parametrize("Z", [0, 300])
def test_a_Z_that_no_cell_has(tmp_path: Path, Z: int) -> None:
    result = genarris("run", str(urea_folder(tmp_path, Z=Z)), cwd=tmp_path)
    assert result.returncode == 2
    assert "Z" in one_line(result.stderr)


BAD_MOLECULES = {
    "empty": ("", "empty"),
    "overlapping": ("atom 0 0 0 C\natom 0 0 0.05 O\n", "overlap"),
    "chain": ("lattice_vector 1.2 0 0\nlattice_vector 0 9 0\nlattice_vector 0 0 9\natom 0 0 0 C\n", "urea.in"),
    "two": ("atom 0 0 0 O\natom 0 0 0.96 H\natom 9 0 0 O\natom 9 0 0.96 H\n", "molecules"),
    "garbage": ("atom 0 0 zero C\n", "line 1"),
}


@pytest.mark.parametrize("kind", [*BAD_MOLECULES, "missing"])
def test_a_molecule_file_that_cannot_be_used(tmp_path: Path, kind: str) -> None:
    conf = urea_folder(tmp_path)
    if kind == "missing":
        (tmp_path / "urea.in").unlink()
    else:
        (tmp_path / "urea.in").write_text(BAD_MOLECULES[kind][0])
    for command in ("run", "check", "add"):
        result = genarris(command, str(conf), cwd=tmp_path)
        assert result.returncode == 2
        line = one_line(result.stderr)
        assert "urea.in" in line
        assert kind == "missing" or BAD_MOLECULES[kind][1] in line
    assert not (tmp_path / "genarris_db" / "data").exists() or not Server(tmp_path).running()


def test_a_database_that_is_down(tmp_path: Path) -> None:
    conf = urea_folder(tmp_path)
    begun = time.monotonic()
    result = genarris("run", str(conf), "--uri", "mongodb://127.0.0.1:9/genarris", cwd=tmp_path)
    assert result.returncode == 2
    assert "127.0.0.1:9" in one_line(result.stderr)
    assert time.monotonic() - begun < 60  # not for ever


def test_a_database_that_refuses_the_password(tmp_path: Path, guarded: str) -> None:
    uri = f"mongodb://ada:hidden@{quote_plus(guarded)}/genarris?authSource=admin"
    result = genarris("run", str(urea_folder(tmp_path)), "--uri", uri, cwd=tmp_path)
    assert result.returncode == 2
    assert "password" in one_line(result.stderr)
    assert "hidden" not in result.stderr + result.stdout


def test_settings_of_a_calculator_within_settings(tmp_path: Path, database_uri: str) -> None:
    """What rockets may execute is judged by the firework's document, in which these settings stand."""
    settings = '{"constants": {"all": {"sigma": 1.0, "epsilon": 0.01}}, "ranges": [[0, 4.0]]}'
    more = FOUR_OPTIONS.format(calculator=f"moody:told\ncalculator_settings = {settings}")
    conf = urea_folder(tmp_path, procedures=FOUR, more=more)
    result = genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "with_energies").iterdir())) > 0


def test_a_structure_whose_energy_fails(tmp_path: Path, database_uri: str) -> None:
    """The others go on, the summary says so, exit code 3; retry gives the failed ones another chance."""
    conf = urea_folder(tmp_path, procedures=FOUR, number=24, more=FOUR_OPTIONS.format(calculator="moody:moody"))
    conf.write_text(conf.read_text().replace("num_of_clusters = 4", "num_of_clusters = 12"))
    result = genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        summary = database.runs.find_one()["summaries"]["fhi_aims_energy_evaluation"]
        failed = list(database.work_items.find({"state": "failed"}))
        with_energies = database.structures.count_documents({"pools": "with_energies"})
    assert summary["failed"] == len(failed) > 0
    assert summary["evaluated"] == with_energies > 0
    assert all("this crystal is refused" in item["error"] for item in failed)
    assert str(len(failed)) in result.stdout
    assert len(list((tmp_path / "with_energies").glob("*.json"))) == with_energies
    again = genarris("retry", "urea", "--uri", database_uri, cwd=tmp_path)
    assert again.returncode == 0 and f"{len(failed)} failed items" in again.stdout
    assert genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path).returncode == 3


@pytest.mark.root
def test_a_full_disk_for_the_run_folder(tmp_path: Path, database_uri: str) -> None:
    """The run stops with the reason; with room again, the same command continues to the end."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        conf = urea_folder(place, number=40)
        result = genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path)
        assert result.returncode == 4
        assert "No space left" in one_line(result.stderr)
        subprocess.run(["mount", "-o", "remount,size=32m", str(place)], check=True)
        result = genarris("run", str(conf), "--uri", database_uri, "--workers", "1", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert len(pool(place)) == 42  # the quota of 14 in three compatible groups
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_the_first_step_has_a_replica_for_every_worker(tmp_path: Path, database_uri: str) -> None:
    """It is planned at once, before the command has looked at the run a first time."""
    conf = urea_folder(tmp_path, procedures=("Run_Rdf_Calc",), more="[run_rdf_calc]\nstructure_dir = pool\n")
    source = Path(__file__).parents[1] / "data" / "crystal_tutorial_records.json"
    records = json.loads(source.read_text())
    (tmp_path / "pool").mkdir()
    one = records[0] if isinstance(records, list) else next(iter(records.values()))
    for i in range(120):
        (tmp_path / "pool" / f"s{i}.json").write_text(json.dumps(one | {"struct_id": f"s{i}"}))
    result = genarris("run", str(conf), "--uri", database_uri, "--workers", "3", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "items=3 sides=2" in (tmp_path / "Genarris.log").read_text()
