"""A workflow file made without a database, taken by plain ``lpad add`` and run by plain ``rlaunch`` elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import genarris, start, urea_folder
from pymongo import MongoClient
from ruamel.yaml import YAML

from genarris_fw.database.launchpads import database_name

STEPS = ("Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Run_Rdf_Calc")


@pytest.fixture
def site(tmp_path: Path):
    """A virgin database prepared by ``db start``, a workflow file, and a folder elsewhere for the rockets."""
    conf = urea_folder(tmp_path / "urea", procedures=STEPS, more="[run_rdf_calc]\noutput_dir = rdf\nnum_replicas = 2\n")
    written = genarris("add", str(conf), "--yaml", str(tmp_path / "workflow.yaml"), cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert not (tmp_path / "urea" / "genarris_db").exists()
    data = tmp_path / "database"
    data.mkdir()
    assert genarris("db", "start", "--dir", str(data), cwd=tmp_path).returncode == 0
    uri = genarris("db", "uri", "--dir", str(data), cwd=tmp_path).stdout.strip()
    rockets = tmp_path / "rockets"
    rockets.mkdir()
    (rockets / "my_launchpad.yaml").write_text(f"host: '{uri}'\nname: {database_name(uri)}\nuri_mode: true\n")
    yield tmp_path, rockets, uri
    genarris("db", "stop", "--force", "--dir", str(data), cwd=tmp_path)


def finish(process) -> str:
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors
    return output + errors


@pytest.mark.parametrize("launch", [("rapidfire",), ("multi", "2")])
def test_lpad_add_then_rlaunch(site, launch: tuple[str, ...]) -> None:
    folder, rockets, uri = site
    # Only the package is importable: none of the tests' own tools.
    alone = {"PYTHONPATH": ""}
    finish(start("add", str(folder / "workflow.yaml"), program="lpad", cwd=rockets, **alone))
    finish(start(*launch, "--nlaunches", "0", "--sleep", "1", program="rlaunch", cwd=rockets, **alone))
    with MongoClient(uri) as client:
        database = client.get_default_database()
        run = database.runs.find_one({"_id": "urea"})
        assert run["state"] == "finished"
        assert run["summaries"]["run_rdf_calc"]["structures"] == 12
        states = database.workflows.distinct("state")
        assert set(states) <= {"COMPLETED", "ARCHIVED"}
    assert len(list((folder / "urea" / "rdf").glob("*.json"))) == 12
    assert (folder / "urea" / "Genarris.log").is_file()
    # Nothing of the result lies in the folders where the rockets ran.
    assert not list(rockets.rglob("geometry_*"))


def test_the_same_file_added_twice_is_refused(site) -> None:
    folder, rockets, uri = site
    for _ in range(2):
        finish(start("add", str(folder / "workflow.yaml"), program="lpad", cwd=rockets))
        finish(start("rapidfire", "--nlaunches", "0", "--sleep", "1", program="rlaunch", cwd=rockets))
    with MongoClient(uri) as client:
        database = client.get_default_database()
        assert database.runs.count_documents({}) == 1
        chains = database.workflows.find({"metadata.side_of": {"$exists": False}})
        assert sorted(record["state"] for record in chains) == ["COMPLETED", "FIZZLED"]
        launch = database.launches.find_one({"state": "FIZZLED"})
    told = launch["action"]["stored_data"]["_exception"]["_stacktrace"]
    assert "is already in this database with the same options" in told


def test_the_workflow_file_carries_everything(site) -> None:
    folder, _, _ = site
    workflow = YAML(typ="safe").load((folder / "workflow.yaml").read_text())
    first = next(fw for fw in workflow["fws"] if fw["name"] == "begin")
    record = first["spec"]["_tasks"][0]["record"]
    assert record["molecules"]["pygenarris_structure_generation"]["species"].count("N") == 2
    assert "[pygenarris_structure_generation]" in record["text"]
    assert {step["name"] for step in record["options"]["steps"]} == {name.lower() for name in STEPS}
    names = {task["_fw_name"] for fw in workflow["fws"] for task in fw["spec"]["_tasks"]}
    assert "{{genarris_fw.procedures.run_rdf_calc.RunRdfCalc}}" in names


def test_folders_with_odd_names(tmp_path: Path) -> None:
    """All that `init` writes serves plain ``lpad`` and ``rlaunch`` there, and afterwards ``genarris-fw run``.

    That finds the run finished, whatever became of its workflow.
    """
    folder = tmp_path / "1,4-[x]: 'Ü' \"q\" %41@?#&+"
    urea_folder(folder, number=2, groups="[4]")
    for words in (("db", "start"), ("init",), ("add", "ui.conf")):
        done = genarris(*words, cwd=folder)
        assert done.returncode == 0, done.stderr
    try:
        found = finish(start("get_wflows", "-d", "less", program="lpad", cwd=folder))
        assert '"states_list": "REA-W-W-W"' in found
        finish(start("rapidfire", "--nlaunches", "0", "--sleep", "1", program="rlaunch", cwd=folder))
        finish(start("delete_wflows", "-i", "1", program="lpad", cwd=folder))
    finally:
        stopped = genarris("db", "stop", cwd=folder)
    assert stopped.returncode == 0, stopped.stderr
    done = genarris("run", "ui.conf", cwd=folder)
    assert done.returncode == 0 and "run 'urea' is finished: nothing to do" in done.stdout, done.stderr
