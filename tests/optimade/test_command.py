"""``genarris-fw serve-optimade``: what it prints, how it ends, and what it cannot serve."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path

import pytest
from command import finish, genarris, one_line
from command_line import call
from optimade_served import LONG, served
from small_run import IDS, RUN, fill

from genarris_fw.catalogue.schema import META
from genarris_fw.farm.opening import open_database


def test_a_folders_own_database_until_ctrl_c(tmp_path: Path) -> None:
    with open_database(tmp_path) as opened:
        fill(opened.catalogue, tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with served(RUN, "--prefix", "lab", "--provider", "A lab", cwd=tmp_path) as server:
        assert server.address == f"http://127.0.0.1:{server.port}/v1"
        meta = server.structures('_lab_pools HAS "raw"').content["meta"]
        assert meta["data_returned"] == len(IDS) and meta["provider"]["name"] == "A lab"
        # Somebody else may look as well.
        assert json.loads(genarris("status", "--json", RUN, cwd=tmp_path).stdout)["run"] == RUN
        server.process.send_signal(signal.SIGINT)
        done = finish(server.process, LONG)
    assert done.returncode == 0 and done.stdout == "" and done.stderr == "Ctrl-C ends it\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_others_are_told_and_settings_of_another_server_are_not_taken(filled_uri: str, tmp_path: Path) -> None:
    (tmp_path / ".optimade.json").write_text('{"page_limit": "many"}')
    environment = {"HOME": str(tmp_path), "OPTIMADE_LOG_LEVEL": "loud"}
    with served("--uri", filled_uri, "--host", "0.0.0.0", cwd=tmp_path, truly=True, **environment) as server:
        answer = server.get("v1/info", headers={"Host": "x.example", "Origin": "http://y.example"})
        assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "*"
        server.process.send_signal(signal.SIGTERM)
        done = finish(server.process, LONG)
    assert done.stderr.splitlines()[1:] == [
        "note: whoever reaches this port reads what is served: OPTIMADE knows no passwords"
    ]


def test_what_cannot_be_served(
    filled_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def refused(*words: object) -> str:
        done = call(capsys, "serve-optimade", *words)
        assert done.code == 2 and done.out == ""
        return one_line(done.err)

    assert "no database here" in refused()
    assert "did you mean 'urea'" in refused("uera", "--uri", filled_uri, "--port", 0)
    assert "did you mean 'landscape'" in refused("urea", "landscaip", "--uri", filled_uri, "--port", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused("--uri", filled_uri, "--port", port)
    assert "cannot listen at 'nowhere.invalid'" in refused("--uri", filled_uri, "--host", "nowhere.invalid")
    assert "--prefix 'A_b'" in refused("--uri", filled_uri, "--prefix", "A_b")
    assert "SPDX" in refused("--uri", filled_uri, "--license", "as you like")
    assert "--base-url 'x.org'" in refused("--uri", filled_uri, "--base-url", "x.org")


def test_a_database_of_a_newer_package(database_uri: str, capsys: pytest.CaptureFixture) -> None:
    from pymongo import MongoClient

    from genarris_fw.database.launchpads import database_name

    with MongoClient(database_uri) as client:
        newer = {"_id": "schema", "version": 999, "genarris_fw": "9.9"}
        client[database_name(database_uri)][META].insert_one(newer)
    done = call(capsys, "serve-optimade", "--uri", database_uri, "--port", 0)
    assert done.code == 2 and "genarris_fw 9.9 (schema 999)" in one_line(done.err)


@pytest.mark.parametrize("missing", ["optimade", "fastapi", "mongomock", "uvicorn"])
def test_the_extra_is_named(missing: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = call(capsys, "serve-optimade")
    assert done.code == 2
    line = one_line(done.err)
    assert f"needs {missing}" in line and "pip install 'genarris_fw[optimade]'" in line
