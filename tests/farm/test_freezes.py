"""Rockets that were frozen while others went on: nothing that they do when they wake up is ever seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from freezing import Frozen, differences, expire, go_on, result
from in_process import InProcess, waters
from killing import NoHeartbeat

from genarris_fw.farm import carry_out
from genarris_fw.farm.workflow import add_run
from genarris_fw.options import load

# Every procedure whose items come in rounds, and a cheap one.
CONF = """\
[Genarris_master]
procedures = ["Remove_Duplicates", "Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters", "Select_Structures"]
run_name = sleepers
[remove_duplicates]
structure_dir = raw
output_dir = unique
[run_rdf_calc]
output_dir = rdf
[affinity_propagation_fixed_clusters]
num_of_clusters = 3
num_of_clusters_tolerance = 2
output_without_success = True
output_dir = clustered
exemplars_output_dir = exemplars
[select_structures]
most_diverse = 2
output_dir = selected
"""
RUN = "sleepers"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    (tmp_path / "rockets").mkdir()
    monkeypatch.chdir(tmp_path / "rockets")


def add(in_process: InProcess) -> None:
    in_process.write_pool(waters(12))
    (in_process.folder / "ui.conf").write_text(CONF)
    add_run(in_process.launchpad, load(in_process.folder / "ui.conf"))


@contextmanager
def anew(uri: str, folder: Path) -> Iterator[InProcess]:
    """The run once more, in an empty database and another folder."""
    farm = InProcess(uri, folder)
    farm.launchpad.reset("", require_password=False)
    for name in farm.database.list_collection_names():
        if name != "fw_id_assigner":
            farm.database[name].delete_many({})
    add(farm)
    yield farm
    farm.close()


def frozen_before(uri: str, folder: Path, n: int, reference: dict) -> bool:
    """Freeze a rocket before its n-th write, let others finish, wake it up; tell whether it was frozen at all."""
    with anew(uri, folder) as farm:
        sleeper = Frozen(uri, RUN, folder / "frozen", n)
        try:
            expire(farm.database)
            record = go_on(farm.launchpad, RUN)
            assert record["state"] == "finished", record.get("failure")
            assert differences(reference, result(folder, farm.database, RUN)) == {}, f"frozen before write {n}"
            sleeper.wake_up()
            assert differences(reference, result(folder, farm.database, RUN)) == {}, f"woken before write {n}"
            assert not list(folder.glob(".prepared-*")) and not list(folder.glob(".*.rows"))
            return sleeper.is_frozen
        finally:
            sleeper.close()


@pytest.fixture
def undisturbed(database_uri: str, tmp_path: Path) -> dict:
    with anew(database_uri, tmp_path / "undisturbed") as farm:
        assert go_on(farm.launchpad, RUN)["state"] == "finished"
        return result(tmp_path / "undisturbed", farm.database, RUN)


@pytest.mark.parametrize("seed", range(2))
def test_frozen_before_a_write_and_woken_when_the_run_is_over(
    database_uri: str, tmp_path: Path, undisturbed: dict, seed: int
) -> None:
    for n in random.Random(seed).sample(range(10, 150), 5):
        frozen_before(database_uri, tmp_path / f"{n}", n, undisturbed)


@pytest.mark.slow
def test_frozen_before_every_write(database_uri: str, tmp_path: Path, undisturbed: dict) -> None:
    n = 0
    while frozen_before(database_uri, tmp_path / f"{n}", n, undisturbed):
        n += 1
    assert n > 100
