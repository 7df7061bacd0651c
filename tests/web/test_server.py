"""``genarris-fw web`` as a process: what it prints, what it answers, how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from command import finish, genarris, one_line, start
from command_line import call
from small_run import RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.opening import open_database

pytest.importorskip("fastapi", reason="the extra [web] is not installed")
pytest.importorskip("uvicorn", reason="the extra [web] is not installed")

TOKEN = "correct-horse-battery-staple"
LONG = 120  # seconds: a machine on which others work, too


@contextmanager
def served(*words: str, cwd: Path) -> Iterator[tuple[Any, str, int]]:
    """A server that listens: its process, the address that it printed, and its port."""
    process = start("web", *words, "--port", "0", "--no-open", cwd=cwd)
    try:
        address = process.stdout.readline().strip()
        found = re.fullmatch(r"http://[^:/]+:(\d+)/(\?token=\S+)?", address)
        assert found, address + process.stderr.read()
        yield process, address, int(found[1])
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(LONG)


def get(port: int, path: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=LONG)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    about = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, json.loads(body) if about.get("content-type") == "application/json" else body, about


def test_at_the_loopback_until_ctrl_c(filled_uri: str, tmp_path: Path) -> None:
    with served(RUN, "--uri", filled_uri, cwd=tmp_path) as (process, address, port):
        assert "token" not in address
        status, about, headers = get(port, "/api/about")
        assert status == 200 and about["run"] == RUN and "server" not in headers
        assert get(port, f"/api/pool?run={RUN}&pool=raw")[1]["structures"] == 12
        points = get(port, f"/api/points?run={RUN}&pool=raw&x=density&y=cell_vol")[1]
        assert len(points) == 12 * 16
        assert get(port, "/chemiscope.min.js")[2]["content-type"].startswith("text/javascript")
        process.send_signal(signal.SIGINT)
        done = finish(process, LONG)
    assert done.returncode == 0 and done.stderr == "Ctrl-C ends it\n"


def test_a_new_token_for_any_other_host(filled_uri: str, tmp_path: Path) -> None:
    with served("--uri", filled_uri, "--host", "0.0.0.0", cwd=tmp_path) as (process, address, port):
        token = address.partition("?token=")[2]
        assert len(token) >= 32
        assert get(port, "/api/about")[0] == 401
        assert get(port, "/api/about", Authorization=f"Bearer {token}")[0] == 200
        status, _, headers = get(port, f"/?token={token}")
        assert status == 303 and get(port, "/api/about", Cookie=headers["set-cookie"].partition(";")[0])[0] == 200
        process.send_signal(signal.SIGTERM)
        done = finish(process, LONG)
    assert token not in done.stdout + done.stderr  # printed once


def test_a_token_from_a_file_is_not_printed(filled_uri: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    words = ("--uri", filled_uri, "--host", "0.0.0.0", "--token-file", "token")
    with served(*words, cwd=tmp_path) as (process, address, port):
        assert "token" not in address and get(port, "/api/about", Authorization=f"Bearer {TOKEN}")[0] == 200
        process.terminate()
        done = finish(process, LONG)
    assert TOKEN not in address + done.stdout + done.stderr


def test_the_folder_has_its_database_while_it_is_looked_at(tmp_path: Path) -> None:
    with open_database(tmp_path) as opened:
        fill(opened.catalogue, tmp_path)
    with served(cwd=tmp_path) as (process, _, port):
        assert [one["run"] for one in get(port, "/api/runs")[1]] == [RUN]
        # Somebody else may look as well.
        assert json.loads(genarris("status", "--json", RUN, cwd=tmp_path).stdout)["run"] == RUN
        process.send_signal(signal.SIGINT)
        assert finish(process, LONG).returncode == 0
    assert json.loads(genarris("status", "--json", RUN, cwd=tmp_path).stdout)["run"] == RUN


def test_what_cannot_be_served(
    filled_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def refused(*words: object) -> str:
        done = call(capsys, "web", *words, "--no-open")
        assert done.code == 2 and done.out == ""
        return one_line(done.err)

    assert "no database here" in refused()
    assert "did you mean 'urea'" in refused("uera", "--uri", filled_uri, "--port", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused("--uri", filled_uri, "--port", port)
    assert "cannot listen at 'nowhere.invalid'" in refused("--uri", filled_uri, "--host", "nowhere.invalid")
    assert "cannot listen at '192.0.2.1'" in refused("--uri", filled_uri, "--host", "192.0.2.1", "--port", 0)
    assert "the token cannot be read" in refused("--uri", filled_uri, "--token-file", "none")
    assert "70000" in refused("--uri", filled_uri, "--port", 70000)


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
def test_the_extra_is_named(missing: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = call(capsys, "web")
    assert done.code == 2
    line = one_line(done.err)
    assert f"needs {missing}" in line and "pip install 'genarris_fw[web]'" in line


def test_without_chemiscope_the_rest_works(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    from explored import explorer

    from genarris_fw.web import pages

    monkeypatch.setattr(pages, "find_spec", lambda name: None)
    with explorer(catalogue) as client:
        assert client.get("/api/about").json()["chemiscope"] is False
        answer = client.get("/chemiscope.min.js")
        assert answer.status_code == 404 and "pip install" in answer.json()["detail"]
