"""``genarris-fw db``, as a user calls it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import finish, start_program
from pymongo import MongoClient

from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    yield tmp_path
    Server(tmp_path).stop(force=True)


def call(folder: Path, *words: str | Path, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "GENARRIS_FW_URI"}
    done = finish(start_program("genarris-fw", "db", *words, cwd=folder, env=kept | environment), timeout=120)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_start_status_uri_stop(folder: Path) -> None:
    assert "not running" in call(folder, "status").stdout
    assert "database ready: mongodb://" in call(folder, "start").stdout
    status = json.loads(call(folder, "status", "--json").stdout)
    assert status["ready"] and status["keep"] and status["version"]
    uri = call(folder, "uri").stdout
    assert uri == status["uri"] + "\n"
    with MongoClient(uri.strip()) as client:
        assert client.genarris.fw_id_assigner.count_documents({}) == 1
    assert str(status["pid"]) in call(folder, "start").stdout + call(folder, "status").stdout
    assert "stopped" in call(folder, "stop").stdout
    assert "no database" in call(folder, "stop").stdout
    again = call(folder, "uri")
    assert again.stdout == uri and "not running" in again.stderr


def test_dir_and_data(folder: Path) -> None:
    run, data = folder / "run", folder / "scratch"
    started = call(folder, "start", "--dir", run, "--data", data).stdout
    try:
        assert (data / "data").is_dir() and started.endswith(f"db stop --dir {run}\n")
        assert json.loads(call(run, "status", "--json").stdout)["ready"]
        assert str(run) in call(folder, "status", "--dir", run).stdout
    finally:
        call(folder, "stop", "--dir", run, "--force")


def test_stop_refuses_while_in_use(folder: Path) -> None:
    with Server(folder).use():
        refused = call(folder, "stop", code=2)
        assert refused.stderr.count("\n") == 1 and "in use by another program" in refused.stderr
        call(folder, "stop", "--force")


def test_backup_and_restore(folder: Path) -> None:
    call(folder, "start")
    uri = call(folder, "uri").stdout.strip()
    with MongoClient(uri) as client:
        client.genarris.structures.insert_many({"n": n} for n in range(10))
    call(folder, "stop")
    file = folder / "all.tar.gz"
    assert "written" in call(folder, "backup", file).stdout
    assert "not empty" in call(folder, "restore", file, code=2).stderr
    other = folder / "other"
    call(folder, "restore", "--dir", other, file)
    with Server(other).use() as there, MongoClient(there) as client:
        assert client.genarris.structures.count_documents({}) == 10
    assert not Server(folder).running()
    assert "give --yes" in call(folder, "restore", "--force", file, code=2).stderr
    call(folder, "restore", "--force", "--yes", file)
    assert "already; nothing was written" in call(folder, "backup", file, code=2).stderr
    assert json.loads(call(folder, "backup", file, "--force", "--json").stdout)["collections"]["structures"] == 10


def test_nothing_is_backed_up_where_no_database_is(folder: Path) -> None:
    there = folder / "one run"
    (there / "genarris_db").mkdir(parents=True)
    refused = call(folder, "backup", folder / "x.tgz", code=2).stderr
    assert f"{folder}: no database here; name the run's folder: --dir 'one run'" in refused
    assert len(refused.splitlines()) == 1 and [path.name for path in folder.iterdir()] == ["one run"]


def test_password_is_not_printed(folder: Path) -> None:
    uri = "mongodb://ada:secret@db.example/genarris"
    assert call(folder, "uri", GENARRIS_FW_URI=uri).stdout == "mongodb://ada:***@db.example/genarris\n"
    assert call(folder, "uri", "--show-password", GENARRIS_FW_URI=uri).stdout == uri + "\n"


def test_unreachable(folder: Path) -> None:
    bad = call(
        folder, "backup", "x.tgz", "--uri", "mongodb://u:secret@127.0.0.1:1/x?serverSelectionTimeoutMS=200", code=2
    ).stderr
    assert "does not answer" in bad and "secret" not in bad and bad.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_start_says_when_another_database_is_used(folder: Path) -> None:
    started = call(folder, "start", GENARRIS_FW_URI="mongodb://ada:secret@db.example/genarris")
    assert "db.example" in started.stderr and "secret" not in started.stderr


def test_shell(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    missing = call(folder, "shell", code=2, PATH="/nowhere")
    assert "mongosh is not on PATH" in missing.stderr
    fake = tmp_path_factory.mktemp("bin") / "mongosh"
    fake.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    path = f"{fake.parent}{os.pathsep}{os.environ['PATH']}"
    assert "no database here" in call(folder, "shell", code=2, PATH=path).stderr
    call(folder, "start")
    call(folder, "stop")
    shell = call(folder, "shell", "--quiet", "--eval", "db.stats()", code=7, PATH=path)
    assert shell.stdout.startswith("mongodb://%2F") and "--quiet --eval db.stats()" in shell.stdout
    assert not Server(folder).running()
    given = call(folder, "shell", "--uri", "mongodb://ada:secret@h/d", code=7, PATH=path)
    assert given.stdout == "mongodb://ada@h/d\n"
