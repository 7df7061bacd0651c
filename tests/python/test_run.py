"""A run from Python: opened by name or folder, looked at, closed; what cannot be opened is said in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_run import IDS, RUN, add_chain, fill

import genarris_fw as gfw
from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import CLIENT_OPTIONS
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import open_database


@pytest.fixture
def run(catalogue: Catalogue, uri: str) -> Iterator[gfw.Run]:
    with gfw.open(RUN, uri=uri) as opened:
        yield opened


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no database named in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    return tmp_path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not answer is given up soon."""
    monkeypatch.setitem(CLIENT_OPTIONS, "serverSelectionTimeoutMS", 200)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with runs ``urea`` and ``other`` in its own database, which runs; ``urea`` was carried out there."""
    folder = tmp_path_factory.mktemp("runs") / "urea"
    folder.mkdir()
    with open_database(folder) as opened:
        fill(opened.catalogue, folder)
        fill(opened.catalogue, folder.parent / "elsewhere", "other")
        yield folder


def test_a_run_is_looked_at(run: gfw.Run, catalogue: Catalogue) -> None:
    assert isinstance(run, gfw.Run)
    assert run.pools["raw"] == len(IDS) and run.state == run.status()["state"] == "running"
    assert repr(run).startswith("Run('urea', running, ") and "raw: 12" in repr(run)
    assert run.costs()["run"] == run.name and set(run.summaries) < set(run.options)
    assert run.options["run_fhi_aims_batch"]["engine"] == "tblite"
    assert run.molecule is not None and run.molecule.formula == "CO2"
    assert run.experiment is None and run.ui_conf.startswith("[Genarris_master]")
    assert run.folder == Path(catalogue.runs.get(RUN)["folder"])
    assert [one.struct_id for one in run.structures("raw")] == IDS


def test_a_notebook_shows_steps_and_pools(run: gfw.Run) -> None:
    shown = run._repr_html_()
    assert "run urea: running" in shown and "<td>run_fhi_aims_batch</td>" in shown and "<td>clusters</td>" in shown


def test_what_a_name_holds_is_escaped(database_uri: str, tmp_path: Path) -> None:
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        opened.catalogue.runs.set(RUN, pools={"<script>": 1})
    with gfw.open(RUN, uri=database_uri) as run:
        assert "<script>" not in run._repr_html_() and "&lt;script&gt;" in run._repr_html_()
        assert "<script>" not in run.pool("<script>")._repr_html_()


def test_a_run_in_its_own_database(embedded: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with gfw.open(embedded) as run:
        assert run.name == RUN, "of several runs the one that was carried out in the folder"
    with gfw.open(embedded, run="other") as run:
        assert run.name == "other"
    monkeypatch.chdir(embedded)
    with gfw.open("other") as run:
        assert run.name == "other"
    with pytest.raises(InputError, match=r"no run 'uraa' in this database \(did you mean 'urea'\?\)"):
        gfw.open("uraa")
    monkeypatch.chdir(embedded.parent)
    with gfw.open("urea") as run:
        assert run.name == RUN, "a folder of that name comes first"
    assert {one.name for one in gfw.runs("urea")} == {RUN, "other"}
    with pytest.raises(DatabaseError, match='name the run\'s folder: "urea"'):
        gfw.runs()
    monkeypatch.chdir(elsewhere)
    (elsewhere / "other").mkdir()
    with gfw.open("other", uri=Server(embedded).uri) as run:
        assert run.name == "other", "the folder of that name is of no run"


def test_a_run_that_has_not_begun(database_uri: str, tmp_path: Path) -> None:
    with open_database(tmp_path, database_uri) as opened:
        add_chain(opened.catalogue)
    with gfw.open(RUN, uri=database_uri) as run:
        assert run.state == "waiting" and run.pools == {} and "no pools yet" in repr(run)
        for used in (lambda: run.molecule, run.pool, lambda: run.pool("raw"), run.landscape):
            with pytest.raises(InputError, match="run 'urea' has not begun yet"):
                used()


def test_runs_are_listed(catalogue: Catalogue, uri: str) -> None:
    [known] = gfw.runs(uri)
    assert (known.name, known.state, known.pools["raw"]) == (RUN, "running", len(IDS))


def test_a_run_that_is_not_there(catalogue: Catalogue, uri: str, elsewhere: Path) -> None:
    with pytest.raises(InputError, match="no run 'uera' in this database"):
        gfw.open("uera", uri=uri)
    with pytest.raises(InputError, match="no run 'other'"):
        gfw.open(elsewhere, run="other", uri=uri)
    with pytest.raises(DatabaseError, match="no database here; name a run, its folder, or a uri"):
        gfw.open("urea")
    with pytest.raises(DatabaseError, match="no database here"):
        gfw.open(elsewhere)
    with pytest.raises(InputError, match="is given as uri="):
        gfw.open(uri)


def test_several_runs_and_none_named(embedded: Path, elsewhere: Path) -> None:
    with pytest.raises(InputError, match=r"which run\? There are "):
        gfw.open(elsewhere, uri=Server(embedded).uri)


def test_a_database_that_does_not_answer(elsewhere: Path, impatient: None) -> None:
    with pytest.raises(DatabaseError, match=r"localhost:1.*does not answer"):
        gfw.open("urea", uri="mongodb://localhost:1/fireworks")


def test_a_closed_run_says_so(catalogue: Catalogue, uri: str) -> None:
    run = gfw.open(RUN, uri=uri)
    pool, structures = run.pool("raw"), iter(run.pool("raw"))
    run.close()
    run.close()
    for used in (lambda: run.state, lambda: run.pool("raw"), pool.to_dataframe, lambda: next(structures)):
        with pytest.raises(InputError, match="run 'urea' is closed: open it again"):
            used()
    assert repr(run) == "Run('urea', closed)" and "closed" in run._repr_html_()
    assert repr(pool) == "Pool('raw' of run 'urea', closed)" and ", closed)" in pool._repr_html_()


def test_a_folders_own_database_is_started_and_ends_and_its_end_is_told(tmp_path: Path, impatient: None) -> None:
    server = Server(tmp_path)
    with open_database(tmp_path) as opened:
        fill(opened.catalogue, tmp_path)
    assert not server.running()
    with gfw.open(tmp_path) as run:
        assert server.running() and run.pools["raw"] == len(IDS)
        server.stop(force=True)
        with pytest.raises(DatabaseError, match="does not answer") as told:
            _ = run.pools
        assert "\n" not in str(told.value) and repr(run) == "Run('urea', its database does not answer)"
    assert not server.running()


def test_the_top_level_is_light() -> None:
    code = "import sys, genarris_fw; print(genarris_fw.__version__, 'numpy' in sys.modules, 'pymongo' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told[1:] == ["False", "False"] and set(gfw.__all__) <= set(dir(gfw))


def test_every_public_name_is_there() -> None:
    assert all(getattr(gfw, name).__doc__ for name in gfw.__all__ if name != "__version__")
    with pytest.raises(AttributeError, match="'opne'"):
        _ = gfw.opne
