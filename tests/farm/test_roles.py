"""The printed roles, on a server that wants passwords: workers can do their work, readers can look, neither more."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from command import genarris, one_line, start, urea_folder
from mongo_shell import ask, find_mongosh, questions
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from genarris_fw.database.launchpads import launchpad, prepare
from genarris_fw.database.roles import ROLES, role, role_name, shell_commands


@dataclass
class Guarded:
    """A database with a worker and a reader, and their URIs."""

    name: str
    administrator: MongoClient
    uris: dict[str, str]

    def database(self, kind: str) -> Database:
        return MongoClient(self.uris[kind])[self.name]


@pytest.fixture(scope="module")
def roles(guarded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Users made from exactly what ``db roles --json`` prints."""
    name, where = f"roles_{secrets.token_hex(4)}", quote_plus(guarded)
    printed = genarris("db", "roles", "--database", name, "--json", cwd=tmp_path_factory.mktemp("printed"))
    assert printed.returncode == 0, printed.stderr
    uris = {}
    with MongoClient(f"mongodb://ada:{quote_plus('p:w@1')}@{where}/?authSource=admin") as client:
        for command in json.loads(printed.stdout):
            client[name].command(command)
            kind = command["createRole"].split("_")[1]
            client[name].command("createUser", kind, pwd="word", roles=[command["createRole"]])
            uris[kind] = f"mongodb://{kind}:word@{where}/{name}"
        assert set(uris) == set(ROLES)
        yield Guarded(name, client, uris)
        client.drop_database(name)


@pytest.fixture(scope="module")
def run_folder(roles: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that the worker has carried out."""
    folder = tmp_path_factory.mktemp("run")
    urea_folder(folder, procedures=("Pygenarris_Structure_Generation", "Run_Rdf_Calc"), number=4, groups="[2, 4]")
    done = genarris("run", "ui.conf", "--workers", "2", "--quiet", "--uri", roles.uris["worker"], cwd=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


def test_a_worker_can_do_its_work(roles: Guarded, run_folder: Path, tmp_path: Path) -> None:
    uri = roles.uris["worker"]
    assert roles.administrator[roles.name].structures.count_documents({"run": "urea", "properties.RDF": {"$type": 4}})
    # FireWorks' own program on a run that was added, the repairs, and the end of a run.
    urea_folder(tmp_path, run="second", number=4, groups="[2]")
    added = genarris("add", "ui.conf", "--uri", uri, cwd=tmp_path)
    assert added.returncode == 0, added.stderr
    (tmp_path / "my_launchpad.yaml").write_text(f"uri_mode: true\nhost: '{uri}'\nname: {roles.name}\n")
    process = start("-l", "my_launchpad.yaml", "rapidfire", "--nlaunches", "0", "--sleep", "1",
                    cwd=tmp_path, program="rlaunch")  # fmt: skip
    output = process.communicate(timeout=120)
    assert roles.administrator[roles.name].runs.find_one({"_id": "second"})["state"] == "finished", output
    for words in (("recover",), ("status", "second"), ("retry", "second"), ("delete", "second", "--yes")):
        done = genarris(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    assert roles.administrator[roles.name].runs.find_one({"_id": "second"}) is None


def test_a_worker_stores_files_and_prepares(roles: Guarded, tmp_path: Path) -> None:
    from genarris_fw.catalogue import Catalogue

    pad = launchpad(roles.uris["worker"])
    prepare(pad)
    catalogue = Catalogue(pad.db)
    catalogue.ensure_indexes()
    (tmp_path / "matrix").write_bytes(b"12345678")
    for _ in range(2):  # the second one replaces the first
        catalogue.artifacts.upload("files", "matrix", tmp_path / "matrix")
    fetched = catalogue.artifacts.fetch("files", "matrix", tmp_path)
    assert fetched is not None and fetched.read_bytes() == b"12345678"
    assert catalogue.artifacts.delete("files") == 1
    pad.connection.close()


# What nobody needs for work on runs: each must be refused.
FORBIDDEN = {
    "drop the database": lambda database: database.command("dropDatabase"),
    "drop a collection": lambda database: database.command("drop", "structures"),
    "make a user": lambda database: database.command("createUser", "eve", pwd="x", roles=[]),
    "raise oneself": lambda database: database.command(
        "grantRolesToUser", "worker", roles=[{"role": "dbOwner", "db": database.name}]
    ),
    "read the users": lambda database: list(database.client.admin["system.users"].find()),
    "list the users": lambda database: database.command("usersInfo", 1),
    "look into another database": lambda database: list(database.client["another"].things.find()),
    "stop the server": lambda database: database.client.admin.command("shutdown"),
}
WRITES = {
    "insert": lambda database: database.structures.insert_one({"_id": "x"}),
    "update": lambda database: database.runs.update_many({}, {"$set": {"state": "failed"}}),
    "remove": lambda database: database.structures.delete_many({}),
    "make an index": lambda database: database.structures.create_index("n_atoms"),
    "write by a pipeline": lambda database: list(database.runs.aggregate([{"$out": "copy"}])),
}


@pytest.mark.parametrize("kind", ROLES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_nobody_does_more_than_its_work(roles: Guarded, kind: str, what: str) -> None:
    with pytest.raises(OperationFailure) as caught:
        FORBIDDEN[what](roles.database(kind))
    assert caught.value.code == 13, caught.value


@pytest.mark.parametrize("what", WRITES)
def test_a_reader_writes_nothing(roles: Guarded, what: str) -> None:
    with pytest.raises(OperationFailure) as caught:
        WRITES[what](roles.database("reader"))
    assert caught.value.code == 13, caught.value


def test_a_reader_looks(roles: Guarded, run_folder: Path, tmp_path: Path) -> None:
    uri = roles.uris["reader"]
    for words in (("status",), ("status", "urea", "--json"), ("export", "urea", "--pool", "raw", "--format", "cif")):
        done = genarris(*words, "--uri", uri, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    database = roles.database("reader")
    assert database.structures.count_documents({"run": "urea", "pools": "raw"}) > 0
    assert database.structures.find_one({"run": "urea"}, sort=[("properties.cell_vol", 1)]) is not None


def test_a_reader_asks_the_documented_questions(roles: Guarded, run_folder: Path) -> None:
    asked = questions()
    assert len(ask(roles.uris["reader"], list(asked.values()))) == len(asked) > 5


@pytest.mark.parametrize("command", ["run", "add", "delete"])
def test_a_reader_is_told_so(roles: Guarded, run_folder: Path, tmp_path: Path, command: str) -> None:
    """A command that writes, on a database that this user may only read: one line, and nothing has changed."""
    urea_folder(tmp_path, run="forbidden")
    before = roles.administrator[roles.name].fireworks.count_documents({})
    words = ("delete", "urea", "--yes") if command == "delete" else (command, "ui.conf")
    done = genarris(*words, "--uri", roles.uris["reader"], cwd=tmp_path)
    line = one_line(done.stderr)
    assert done.returncode == 2 and "'reader' may not do this" in line and "db roles" in line
    assert "word@" not in line
    database = roles.administrator[roles.name]
    assert database.fireworks.count_documents({}) == before and database.runs.find_one({"_id": "urea"})


def test_shell_commands(roles: Guarded, guarded: str) -> None:
    """What is printed for the Mongo shell makes the same roles there."""
    name = f"shell_{secrets.token_hex(4)}"
    script = shell_commands(name).replace("passwordPrompt()", "'word'").replace("use(", "db = db.getSiblingDB(")
    assert script.count("'word'") == 2
    uri = f"mongodb://ada:{quote_plus('p:w@1')}@{quote_plus(guarded)}/?authSource=admin"
    done = subprocess.run(
        [find_mongosh(), uri, "--quiet", "--norc", "--eval", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    made = roles.administrator[name].command("rolesInfo", 1, showPrivileges=True)["roles"]
    for kind in ROLES:
        [one] = [entry for entry in made if entry["role"] == role_name(kind, name)]
        [privilege] = one["privileges"]
        assert privilege["resource"] == {"db": name, "collection": ""}
        assert set(privilege["actions"]) == set(role(kind, name)["privileges"][0]["actions"])
    for kind in ROLES:
        with MongoClient(
            f"mongodb://{role_name(kind, name)}:word@{quote_plus(guarded)}/{name}", serverSelectionTimeoutMS=2000
        ) as client:
            assert client[name].things.count_documents({}) == 0
    roles.administrator[name].command("dropAllUsersFromDatabase")
    roles.administrator[name].command("dropAllRolesFromDatabase")


def test_the_documentation_names_the_roles() -> None:
    page = (Path(__file__).parents[2] / "docs" / "clusters.md").read_text()
    for kind in ROLES:
        assert f"| `{role_name(kind, 'genarris')}` |" in page
        assert f"`{role_name(kind, 'crystals')}`" in page
    named = set(re.findall(r"`(genarris_(?:worker|reader)\w*)`", page))
    assert named == {role_name(kind, database) for kind in ROLES for database in ("genarris", "crystals")}
