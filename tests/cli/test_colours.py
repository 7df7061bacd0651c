"""Colours: on a terminal alone, unless the environment says otherwise."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import BIN, environment
from databases import new_database
from small_run import RUN, fill
from terminal import on_terminal

from genarris_fw.farm.opening import open_database

SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def uri(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("colours")
    with new_database(mongod) as found:
        with open_database(folder, found) as opened:
            fill(opened.catalogue, folder)
        yield found


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"CLICOLOR": "0"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": None}, False),
    ],
)
def test_on_a_terminal(uri: str, tmp_path: Path, env: dict[str, str | None], coloured: bool) -> None:
    with on_terminal("status", RUN, "--uri", uri, cwd=tmp_path, env=env) as terminal:
        assert terminal.end() == 0
    assert "running" in terminal.text and bool(SGR.search(terminal.raw)) == coloured
    assert coloured or "\x1b" not in terminal.raw


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"CLICOLOR_FORCE": "1"}, True), ({"FORCE_COLOR": "0"}, False)],
)
def test_in_a_pipe(uri: str, tmp_path: Path, env: dict[str, str], coloured: bool) -> None:
    command = [BIN / "genarris-fw", "status", RUN, "--uri", uri]
    done = subprocess.run(command, cwd=tmp_path, env=environment(**env), capture_output=True, text=True, check=True)
    assert bool(SGR.search(done.stdout)) == coloured
