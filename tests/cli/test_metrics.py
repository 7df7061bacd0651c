"""genarris-fw metrics."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import start
from command_line import call
from exposition import parse
from small_run import RUN, add_chain, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import ping
from genarris_fw.database.server import Server
from genarris_fw.farm.opening import open_database


@pytest.fixture
def catalogue(database_uri: str, tmp_path: Path) -> Iterator[Catalogue]:
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        add_chain(opened.catalogue)
        yield opened.catalogue


def test_printed(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    catalogue.runs.create("other", {"options": {"steps": []}, "folder": "/x"}, begun_by=8)
    every = parse(call(capsys, "metrics", "--uri", database_uri).out)
    assert {dict(labels)["run"] for _, labels in every["genarris_fw_run_state"].samples} == {RUN, "other"}
    one = parse(call(capsys, "metrics", RUN, "--uri", database_uri).out)
    assert {dict(labels)["run"] for _, labels in one["genarris_fw_run_state"].samples} == {RUN}
    done = call(capsys, "metrics", "nobody", "--uri", database_uri)
    assert done.code == 2 and done.err.startswith("genarris-fw: no run 'nobody'") and done.out == ""


def fetch(port: int, path: str = "/metrics") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, str(answer.getheader("Content-Type")), answer.read().decode()


@pytest.fixture
def served(catalogue: Catalogue, database_uri: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    process = start("metrics", "--serve", "0", "--uri", database_uri, cwd=tmp_path)
    try:
        line = process.stderr.readline()
        yield process, int(line.partition("127.0.0.1:")[2].partition("/")[0])
    finally:
        process.kill()
        process.wait()


def test_served_to_a_scraper(catalogue: Catalogue, served: tuple[subprocess.Popen, int]) -> None:
    process, port = served
    code, kind, text = fetch(port)
    assert (code, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    key = ("genarris_fw_run_state", (("run", RUN), ("state", "running")))
    assert parse(text)["genarris_fw_run_state"].samples == {key: 1}
    catalogue.runs.set(RUN, state="finished")
    assert 'state="finished"' in fetch(port)[2]  # every scrape looks anew
    assert fetch(port, "/")[0] == 404
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"\x00\xff nonsense\r\n\r\n")
    assert fetch(port)[0] == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0 and "Traceback" not in err and out == ""


def test_only_this_machine_is_answered(served: tuple[subprocess.Popen, int]) -> None:
    _, port = served
    # All of 127.0.0.0/8 is this machine: a server on every address would answer here too.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_port_that_is_taken(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call(capsys, "metrics", "--serve", port, "--uri", database_uri)
    assert done.code == 2
    assert done.err == (f"genarris-fw: --serve {port}: {os.strerror(98)}; give another port, or 0 for any free one\n")
    assert call(capsys, "metrics", "--serve", "70000", "--uri", database_uri).code == 2


def test_a_database_that_goes_away_is_an_answer(tmp_path: Path) -> None:
    with Server(tmp_path, cache_gb=0.25).use() as uri:
        pid = int(ping(uri)["pid"])
        process = start("metrics", "--serve", "0", "--uri", uri, cwd=tmp_path)
        try:
            port = int(process.stderr.readline().partition("127.0.0.1:")[2].partition("/")[0])
            assert fetch(port)[0] == 200
            os.kill(pid, signal.SIGKILL)
            code, _, text = fetch(port)
            assert code == 503 and len(text.splitlines()) == 1 and "Traceback" not in text
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
