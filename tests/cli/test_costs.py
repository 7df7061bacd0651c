"""genarris-fw costs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import one_line
from command_line import call
from small_run import EXEMPLARS, RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.opening import open_database


@pytest.fixture
def catalogue(database_uri: str, tmp_path: Path) -> Iterator[Catalogue]:
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        yield opened.catalogue


def test_for_a_person_and_for_a_program(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "costs", RUN, "--uri", database_uri)
    assert done.code == 0 and done.out.startswith("run urea running, 48.0 core s in work items")
    found = call(capsys, "costs", "--uri", database_uri, "--json", "--dearest", "1").json  # the only run
    assert found["total"]["core_seconds"] == 48.0
    assert [row["struct_id"] for row in found["structures"]["dearest"]] == [EXEMPLARS[2]]
    assert call(capsys, "status", RUN, "--uri", database_uri, "--json").json["core_seconds"] == 0  # no replica there


def test_which_run(catalogue: Catalogue, database_uri: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "costs", "urae", "--uri", database_uri)
    assert done.code == 2 and "no run 'urae'" in one_line(done.err)
    catalogue.runs.create("other", {"options": {"steps": []}}, begun_by=8)
    done = call(capsys, "costs", "--uri", database_uri)
    assert done.code == 2 and "which run? this database has other, urea" in one_line(done.err)
    assert call(capsys, "costs", "other", "--uri", database_uri).code == 0
