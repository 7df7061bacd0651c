"""genarris-fw status."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import call
from fireworks import Firework, Workflow
from small_run import RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.site import open_site


@pytest.fixture
def catalogue(database_uri: str, tmp_path: Path) -> Iterator[Catalogue]:
    with open_site(tmp_path, database_uri) as site:
        fill(site.catalogue, tmp_path)
        yield site.catalogue


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
    with open_site(tmp_path, database_uri) as site:
        done = call(capsys, "status", "--uri", database_uri)
        assert (done.code, done.out) == (0, "no run in this database yet\n")
        assert call(capsys, "status", RUN, "--uri", database_uri).code == 2
        site.launchpad.add_wf(Workflow([Firework([])], metadata={"run": RUN}))
        done = call(capsys, "status", RUN, "--uri", database_uri)
    assert done.code == 2
    assert done.err == "genarris-fw: run 'urea' waits for its first rocket: genarris-fw run, or rlaunch rapidfire\n"


@pytest.mark.parametrize("words", [["status"], ["recover"], ["retry", "x"], ["delete", "x"], ["export", "x"]])
def test_no_database_is_made_for_looking(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    done = call(capsys, *words, "--dir", tmp_path)
    assert done.code == 2 and "no database here" in done.err and len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
