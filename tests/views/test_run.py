"""A run from Python: what the top level of the package offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_run import IDS, RUN, fill

import genarris_fw
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import open_database


@pytest.fixture
def uri(database_uri: str, tmp_path: Path) -> str:
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
    return database_uri


def test_a_run_is_opened_and_looked_at(uri: str, tmp_path: Path) -> None:
    with genarris_fw.open(tmp_path, uri=uri) as run:
        assert isinstance(run, genarris_fw.Run)
        assert (run.name, repr(run)) == (RUN, f"Run({RUN!r})")
        assert run.pools["raw"] == len(IDS)
        structures = run.structures("raw")
        assert [structure.struct_id for structure in structures] == IDS
        assert run.state == run.status()["state"] and run.summaries
        assert run.costs()["run"] == run.name
        with pytest.raises(InputError, match="no pool 'rwa'"):
            run.structures("rwa")
    files = genarris_fw.write(structures[:2], tmp_path / "out", "json")
    [again] = genarris_fw.read(files[0])
    np.testing.assert_allclose(again.positions, structures[0].positions)


def test_a_run_that_is_not_there(uri: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="other"):
        genarris_fw.open(tmp_path, run="other", uri=uri)
    with pytest.raises(DatabaseError, match="no database here"):
        genarris_fw.open(tmp_path)


def test_the_top_level_is_light() -> None:
    code = "import sys, genarris_fw; print(genarris_fw.__version__, 'numpy' in sys.modules, 'pymongo' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told[1:] == ["False", "False"] and set(genarris_fw.__all__) <= set(dir(genarris_fw))
