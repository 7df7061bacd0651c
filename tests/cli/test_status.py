"""genarris-fw status."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from command import environment, genarris, one_line
from command_line import call
from fireworks import Firework, Workflow
from pymongo import MongoClient
from small_run import RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.opening import open_database
from genarris_fw.views.status import IMPORTED as OF_FILES


@pytest.fixture
def catalogue(database_uri: str, tmp_path: Path) -> Iterator[Catalogue]:
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        yield opened.catalogue


def test_for_a_person(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "status", RUN, "--uri", database_uri)
    assert done.code == 0 and "run_fhi_aims_batch" in done.out and "running" in done.out
    assert call(capsys, "status", "--uri", database_uri).out.startswith("run urea")  # the only run


def test_for_a_program(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "status", RUN, "--json", "--uri", database_uri)
    assert done.json["steps"][-1]["done"] == 2
    catalogue.runs.create("other", {"options": {"steps": []}, "folder": "/x"}, begun_by=8)
    runs = call(capsys, "status", "--json", "--uri", database_uri).json
    assert {entry["run"]: entry["pools"] for entry in runs}["other"] == {}
    assert "other" in call(capsys, "status", "--uri", database_uri).out


def test_watching_ends_with_the_run(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    catalogue.runs.set(RUN, state="finished")
    assert "finished" in call(capsys, "status", RUN, "--watch", "--uri", database_uri).out
    lines = call(capsys, "status", RUN, "--watch", "--json", "--uri", database_uri).out.splitlines()
    assert len(lines) == 1 and '"finished"' in lines[0]


def test_an_unknown_run_and_one_that_has_not_begun(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with open_database(tmp_path, database_uri) as opened:
        done = call(capsys, "status", "--uri", database_uri)
        assert (done.code, done.out) == (0, "no run in this database yet\n")
        assert call(capsys, "status", RUN, "--uri", database_uri).code == 2
        opened.launchpad.add_wf(Workflow([Firework([])], metadata={"run": RUN}))
        done = call(capsys, "status", RUN, "--uri", database_uri)
        assert call(capsys, "status", "--uri", database_uri).err == done.err  # the only run
        opened.launchpad.add_wf(Workflow([Firework([])], metadata={"run": RUN, "side_of": "run_rdf_calc"}))
        opened.launchpad.add_wf(Workflow([Firework([])], metadata={"run": "second"}))
        listed = call(capsys, "status", "--json", "--uri", database_uri).json
    assert {(entry["run"], entry["state"], entry["workflow"]) for entry in listed} == {
        (RUN, "waiting", True),
        ("second", "waiting", True),
    }
    assert done.code == 2
    assert done.err == "genarris-fw: run 'urea' waits for its first rocket: genarris-fw run, or rlaunch rapidfire\n"


def test_a_run_without_a_workflow_is_said_to_have_none(
    catalogue: Catalogue, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    done = call(capsys, "status", RUN, "--watch", "--uri", database_uri)  # nothing will change
    words = (
        "its workflow is gone from the LaunchPad (deleted or archived): genarris-fw run ui.conf (or add) adds it anew"
    )
    assert done.code == 0 and words in " ".join(done.out.split())
    assert call(capsys, "status", RUN, "--json", "--uri", database_uri).json["workflow"] is False
    catalogue.runs.create("other", {"options": {"steps": []}, "folder": "/x", "state": OF_FILES}, begun_by=8)
    assert "without workflow" in call(capsys, "status", "--uri", database_uri).out
    assert "workflow" not in call(capsys, "status", "other", "--uri", database_uri).out
    with open_database(tmp_path, database_uri) as opened:
        opened.launchpad.add_wf(Workflow([Firework([])], metadata={"run": RUN}))
    assert "workflow" not in call(capsys, "status", RUN, "--uri", database_uri).out
    assert call(capsys, "status", RUN, "--json", "--uri", database_uri).json["workflow"] is True


def test_a_finished_run_needs_no_workflow(
    catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture
) -> None:
    catalogue.runs.set(RUN, state="finished")
    assert "its workflow is no more on the LaunchPad" in call(capsys, "status", RUN, "--uri", database_uri).out


@pytest.mark.parametrize("words", [["status"], ["recover"], ["retry", "x"], ["delete", "x"], ["export", "x"]])
def test_no_database_is_made_for_looking(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    done = call(capsys, *words, "--dir", tmp_path)
    assert done.code == 2 and "no database here" in done.err and len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# What takes a second to import is not needed to look at numbers.
HEAVY = ("fireworks", "numpy", "scipy", "spglib", "matplotlib", "ase", "tblite")
IMPORTED = """
import sys
from genarris_fw.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("words", [("status", RUN), ("status",), ("status", RUN, "--json"), ("metrics",)])
def test_looking_loads_nothing_heavy(
    words: tuple[str, ...], catalogue: Catalogue, database_uri: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", IMPORTED, *words, "--uri", database_uri]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )
    loaded = set(done.stderr.split())
    assert done.returncode == 0 and RUN in done.stdout, done.stderr
    assert {"genarris_fw", "pymongo"} <= loaded and not loaded & set(HEAVY)


def test_looking_writes_nothing(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(capsys, "status", "--uri", database_uri).code == 0
    assert call(capsys, "metrics", "--uri", database_uri).code == 0
    with MongoClient(database_uri) as client:
        assert client.get_default_database().list_collection_names() == []


@pytest.mark.parametrize("command", ["status", "metrics"])
def test_who_may_only_read_may_look(guarded: str, tmp_path: Path, command: str) -> None:
    where, name = quote_plus(guarded), f"look_{secrets.token_hex(4)}"
    admin = f"mongodb://ada:{quote_plus('p:w@1')}@{where}/{name}?authSource=admin"
    with open_database(tmp_path, admin) as opened:
        fill(opened.catalogue, tmp_path)
        database = opened.catalogue.database
        database.command("createUser", "reader", pwd="secret", roles=["read"])
        # One that was never prepared by this version: nothing may be made, and it can be looked at all the same.
        database["work_items"].drop_indexes()
        done = genarris(command, RUN, "--uri", f"mongodb://reader:secret@{where}/{name}", cwd=tmp_path)
        assert done.returncode == 0 and "run_fhi_aims_batch" in done.stdout and done.stderr == ""
        assert set(database["work_items"].index_information()) == {"_id_"}
        wrong = genarris(command, RUN, "--uri", f"mongodb://reader:wrong@{where}/{name}", cwd=tmp_path)
        line = one_line(wrong.stderr)
        assert wrong.returncode == 2 and "refuses the user name or the password" in line and "wrong@" not in line
        database.client.drop_database(name)


@pytest.mark.parametrize("command", ["status", "metrics"])
def test_what_looking_says_of_a_database_that_is_not_there(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    done = call(capsys, command, "--uri", "mongodb://127.0.0.1:9/x?serverSelectionTimeoutMS=60000", "--dir", tmp_path)
    assert done.code == 2 and "127.0.0.1:9" in one_line(done.err)


def test_a_catalogue_of_a_newer_version_is_not_misread(
    catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture
) -> None:
    catalogue.database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 99, "genarris_fw": "9.0"}})
    done = call(capsys, "status", "--uri", database_uri)
    assert done.code == 2 and "genarris_fw 9.0" in one_line(done.err)


def test_the_launchpad_comes_when_it_is_asked_for(catalogue: Catalogue, database_uri: str, tmp_path: Path) -> None:
    with open_database(tmp_path, database_uri, read_only=True) as opened:
        assert opened.opened is None
        assert opened.launchpad.db.name == catalogue.database.name and opened.launchpad is opened.launchpad
