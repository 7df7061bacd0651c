"""Which run a command means: by name, by folder, or the only one; and the nearest name of one that is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Called, call
from small_run import RUN, fill

from genarris_fw.cli.existing import whereabouts
from genarris_fw.database.server import Server
from genarris_fw.farm.opening import open_database

COMMANDS = (
    ("export",),
    ("pictures",),
    ("retry",),
    ("delete", "--yes"),
    ("status",),
    ("recover",),
    ("metrics",),
    ("rockets",),
)
ALL_RUNS = {"status", "recover", "metrics"}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_name_that_is_not_there(words: tuple[str, ...], two: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, words[0], "uera", *words[1:], "--uri", two)
    assert done.code == 2
    assert done.err.startswith("genarris-fw: no run 'uera' in this database (did you mean 'urea'?); runs here: ")


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] not in ALL_RUNS], ids=lambda words: words[0])
def test_several_and_none_named(words: tuple[str, ...], two: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, *words, "--uri", two)
    assert done.code == 2 and "which run? There are " in done.err and "urea" in done.err and "other" in done.err


@pytest.fixture
def two(database_uri: str, tmp_path: Path) -> str:
    with open_database(tmp_path, database_uri) as opened:
        for run in (RUN, "other"):
            fill(opened.catalogue, tmp_path, run)
    return database_uri


def test_the_only_one(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = call(capsys, "export", "--uri", database_uri)
    assert empty.code == 2 and "no run in this database yet" in empty.err
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
    assert call(capsys, "export", "--json", "--uri", database_uri).json["run"] == RUN
    assert call(capsys, "retry", "--json", "--uri", database_uri).json["run"] == RUN
    more = call(capsys, "import", "exported/relaxed", "--json", "--uri", database_uri)
    assert (more.json["run"], more.json["pool"]) == (RUN, "relaxed") or "is made by its step" in more.err
    assert call(capsys, "delete", "--yes", "--json", "--uri", database_uri).json["run"] == RUN


# ---- folders


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two runs' folders two below, each with a database of its own."""
    top = tmp_path_factory.mktemp("places")
    for name, run in (("one", RUN), ("two", "other")):
        place = top / "runs" / name
        place.mkdir(parents=True)
        with open_database(place) as opened:
            fill(opened.catalogue, place, run)
        (place / ".genarris_fw").mkdir()
        (place / ".genarris_fw" / f"{run}.lock").touch()
    yield top
    for name in ("one", "two"):
        Server(top / "runs" / name).stop(force=True)


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
    shutil.rmtree(places / "runs" / "two")
    assert said(RUN).json["run"] == RUN
    wrong = said("uera")  # in the only database there is
    assert wrong.code == 2 and "did you mean 'urea'?" in wrong.err


def test_hostile_names_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    for run in ("../../etc", "*", "a\0b", "\udcff", "x" * 3000, "-", ".."):
        assert whereabouts(run, tmp_path, None) == (tmp_path, run)
