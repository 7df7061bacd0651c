"""Which run a command means: by name, by folder, or the only one; and the nearest name of one that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Called, call
from databases import new_database
from small_run import RUN, fill

from genarris_fw.cli.existing import whereabouts
from genarris_fw.database.server import Server
from genarris_fw.farm.opening import open_database
from genarris_fw.names import made_safe

NEED_ONE = (("export",), ("pictures",), ("retry",), ("delete", "--yes"), ("rockets",))
TAKE_ALL = (("status",), ("recover",), ("metrics",))


@pytest.fixture(scope="module")
def database(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with new_database(mongod) as uri:
        yield uri


@pytest.fixture(scope="module")
def two(database: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with two runs, which no test changes."""
    folder = tmp_path_factory.mktemp("two")
    with open_database(folder, database) as opened:
        for run in (RUN, "other"):
            fill(opened.catalogue, folder, run)
    return database


def test_a_name_that_is_not_there(two: str, capsys: pytest.CaptureFixture) -> None:
    said = "no run 'uera' in this database (did you mean 'urea'?); runs here: "
    for words in (*NEED_ONE, *TAKE_ALL):
        done = call(capsys, words[0], "uera", *words[1:], "--uri", two)
        assert done.code == 2 and done.err.startswith(f"genarris-fw: {said}")


def test_several_and_none_named(two: str, capsys: pytest.CaptureFixture) -> None:
    for words in NEED_ONE:
        done = call(capsys, *words, "--uri", two)
        assert done.code == 2 and "which run? There are " in done.err and "urea" in done.err and "other" in done.err


def test_the_only_one(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENARRIS_FW_URI", database_uri)
    empty = call(capsys, "export")
    assert empty.code == 2 and "no run in this database yet" in empty.err
    with open_database(tmp_path) as opened:
        fill(opened.catalogue, tmp_path)
    assert call(capsys, "export", "--json").json["run"] == RUN
    assert call(capsys, "import", "exported/relaxed", "--pool", "again", "--json").json["run"] == RUN
    assert call(capsys, "delete", "--yes", "--force", "--json").json["run"] == RUN
    new = call(capsys, "import", "exported/relaxed", "--json").json
    assert (new["run"], new["pool"]) == (made_safe(tmp_path.name, ""), "relaxed")


# ---- folders


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two runs' folders two below, each with a database of its own, which runs."""
    top = tmp_path_factory.mktemp("places")
    servers = {run: Server(top / "runs" / name, cache_gb=0.25) for name, run in (("one", RUN), ("two", "other"))}
    try:
        for run, server in servers.items():
            place = server.home.parent
            server.start(keep=True)
            with open_database(place) as opened:
                fill(opened.catalogue, place, run)
            (place / ".genarris_fw").mkdir()
            (place / ".genarris_fw" / f"{run}.lock").touch()
        yield top
    finally:
        for server in servers.values():
            server.stop(force=True)


def test_from_above(places: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    monkeypatch.chdir(places)

    def said(*words: str) -> Called:
        return call(capsys, "status", "--json", *words)

    assert said("other").json["run"] == said("runs/two").json["run"] == said("--dir", "runs/two").json["run"] == "other"
    assert said("one", "--dir", "runs").json["run"] == RUN  # a folder's name
    unknown = said("third")
    assert unknown.code == 2 and "--dir runs/one or --dir runs/two" in unknown.err
    assert unknown.json["problems"] == [unknown.err.removeprefix("genarris-fw: ").rstrip()]
    monkeypatch.chdir(places / "runs")
    (places / "runs" / "two").rename(places / "two")
    try:
        wrong = said("uera")  # in the only database there is
        assert wrong.code == 2 and "did you mean 'urea'?" in wrong.err
    finally:
        (places / "two").rename(places / "runs" / "two")


def test_hostile_names_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    for run in ("../../etc", "*", "a\0b", "\udcff", "x" * 3000, "-", ".."):
        assert whereabouts(run, tmp_path, None) == (tmp_path, run)
