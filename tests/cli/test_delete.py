"""genarris-fw delete."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import one_line
from command_line import call
from fireworks import Firework, Workflow
from small_run import RUN, fill
from terminal import CTRL_C, on_terminal

from genarris_fw.farm.opening import Opened, open_database


@pytest.fixture
def opened(database_uri: str, tmp_path: Path) -> Iterator[Opened]:
    """Two runs with their workflows; somebody holds the first one's gate."""
    with open_database(tmp_path, database_uri) as opened:
        for run in (RUN, "other"):
            fill(opened.catalogue, tmp_path, run)
            chain = Firework([], spec={"run": run})
            child = Firework([], spec={"run": run}, parents=[chain])
            opened.launchpad.add_wf(Workflow([chain, child], metadata={"run": run}))
            opened.launchpad.add_wf(Workflow([Firework([])], metadata={"run": run, "side_of": "x"}))
        yield opened


def test_refused_while_a_rocket_works_on_it(opened: Opened, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "delete", RUN, "--yes", "--uri", opened.uri)
    assert done.code == 2
    assert "worked on by 1 rockets (run_fhi_aims_batch gate)" in done.err
    assert opened.catalogue.runs.find(RUN)
    assert call(capsys, "delete", RUN, "--yes", "--force", "--uri", opened.uri).code == 0


def test_everything_of_the_run_goes_and_nothing_else(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    opened.catalogue.leases.collection.update_many({}, {"$unset": {"owner": 1, "expires": 1}})
    (tmp_path / "raw").mkdir()
    done = call(capsys, "delete", RUN, "--yes", "--json", "--uri", opened.uri)
    assert done.code == 0 and done.err == ""
    assert done.json == {
        "run": RUN,
        "workflows": 2,
        "structures": 14,
        "work_items": 12,
        "engine_results": 0,
        "replicas": 0,
        "leases": 1,
        "artifacts": 0,
        "runs": 1,
        "publications": 0,
        "spare_structures": 0,
    }
    assert opened.catalogue.runs.names() == ["other"]
    for name in ("structures", "work_items", "leases"):
        assert opened.catalogue.database[name].distinct("run") == ["other"]
    assert opened.launchpad.workflows.distinct("metadata.run") == ["other"]
    assert opened.launchpad.fireworks.count_documents({}) == 3
    assert (tmp_path / "raw").is_dir()
    done = call(capsys, "delete", RUN, "--yes", "--uri", opened.uri)
    assert done.code == 2 and "no run 'urea' in this database; runs here: other" in done.err


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), (CTRL_C, 130)])
def test_it_asks(opened: Opened, tmp_path: Path, answer: str, code: int) -> None:
    with on_terminal("delete", RUN, "--force", "--uri", opened.uri, cwd=tmp_path) as terminal:
        terminal.expect(r"Remove run 'urea' with its 14 structures from the database\? \[y/N\]: ")
        if answer == CTRL_C:
            assert terminal.interrupt() == code
        else:
            terminal.type(answer)
            assert terminal.end() == code
        if code == 130:
            terminal.expect("interrupted; it goes on with: genarris-fw delete urea --force --uri URI")
    assert (opened.catalogue.runs.find(RUN) is None) == (code == 0)


def test_it_is_refused_where_nobody_can_be_asked(opened: Opened, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "delete", RUN, "--force", "--uri", opened.uri)
    assert (done.code, done.out) == (2, "")
    assert "run 'urea' was not removed: there is no terminal to ask at; give --yes" in one_line(done.err)
    assert opened.catalogue.runs.find(RUN)


def test_an_added_run_that_never_began(opened: Opened, capsys: pytest.CaptureFixture) -> None:
    opened.launchpad.add_wf(Workflow([Firework([])], metadata={"run": "third"}))
    done = call(capsys, "delete", "third", "--yes", "--uri", opened.uri)
    assert (done.code, done.out) == (0, "removed run 'third': 1 workflows; files in its folder are as they were\n")
