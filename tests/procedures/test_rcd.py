"""RCD_Calculation and RCD_Difference_Folder_Inner in a run, then a clustering by their matrix."""

from __future__ import annotations

import json

import numpy as np
import pytest
from in_process import WATER, InProcess, waters

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Molecule, Structure
from genarris_fw.descriptors import rcd, rcd_difference_rows, read_matrix
from genarris_fw.farm.repair.retrying import rerun_fizzled
from genarris_fw.procedures import rcd_difference_folder_inner
from genarris_fw.procedures.kit import strips

CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = rcd
[rcd_calculation]
structure_dir = raw
molecule_path = water.in
close_picks = 8
output_dir = described
[rcd_difference_folder_inner]
select_pairs = 3
contribution_ratio = 0.5
{more}
[affinity_propagation_fixed_clusters]
num_of_clusters = 4
num_of_clusters_tolerance = 1
output_dir = clustered
"""
ALL = '["RCD_Calculation", "RCD_Difference_Folder_Inner", "Affinity_Propagation_Fixed_Clusters"]'


def run(farm: InProcess, procedures: str = ALL, more: str = "") -> dict:
    (farm.folder / "water.in").write_text(WATER)
    return farm.run(CONF.format(procedures=procedures, more=more))


def molecule() -> Molecule:
    lines = [line.split() for line in WATER.splitlines()]
    return Molecule([words[4] for words in lines], np.array([words[1:4] for words in lines], dtype=float))


def test_the_whole_way(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rcd_difference_folder_inner, "STRIP_PAIRS", 100)
    pool = waters(25)
    in_process.write_pool(pool)
    record = run(in_process)
    assert record["state"] == "finished", record.get("failure")
    expected = rcd_difference_rows(rcd(pool, molecule(), 8), 0, 25, 0.5, 3)
    matrix, ids = read_matrix(in_process.folder / "rcd_difference_matrix.dat")
    assert ids == [structure.struct_id for structure in pool]
    np.testing.assert_array_equal(matrix, expected)
    assert in_process.database.work_items.count_documents({"step": "rcd_difference_folder_inner"}) == 7
    assert 3 <= record["summaries"]["affinity_propagation_fixed_clusters"]["clusters"] <= 5

    written = json.loads((in_process.folder / "described" / "water_0003.json").read_text())
    assert written["properties"]["rcd"]["close_picks"] == 8
    text = (in_process.folder / "rcd_vectors.info").read_text()
    assert all(structure.struct_id in text for structure in pool)
    assert "structures described 25, left out 0" in (in_process.folder / "RCD_report.out").read_text()
    assert not list(in_process.folder.glob("*.rows"))


def test_what_is_not_made_of_the_molecule_is_left_out_and_named(in_process: InProcess) -> None:
    pool = waters(6)
    odd = Structure(np.eye(3) * 6, ["C", "O"], [[0, 0, 0], [1.13, 0, 0]], {"Z": 1, "spg": 1}, "odd_0000")
    in_process.write_pool([*pool, odd])
    record = run(in_process)
    assert record["state"] == "finished", record.get("failure")
    assert record["summaries"]["rcd_calculation"] == {
        **{"structures": 6, "undescribed": 1, "failed": 0},
        "words": "6 structures, 1 without descriptor",
    }
    assert "odd_0000: " in (in_process.folder / "RCD_report.out").read_text()


def test_strips_travel_through_the_database_where_the_folder_is_not_shared(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rcd_difference_folder_inner, "STRIP_PAIRS", 60)
    monkeypatch.setattr(strips.matrix_strips, "laid_out", lambda *_: False)
    pool = waters(20)
    in_process.write_pool(pool)
    record = run(in_process, '["RCD_Calculation", "RCD_Difference_Folder_Inner"]')
    assert record["state"] == "finished", record.get("failure")
    matrix, _ = read_matrix(in_process.folder / "rcd_difference_matrix.dat")
    np.testing.assert_array_equal(matrix, rcd_difference_rows(rcd(pool, molecule(), 8), 0, 20, 0.5, 3))
    stored = {
        item["outcome"]["stored"] for item in in_process.database.work_items.find({"payload.matrix": {"$ne": None}})
    }
    assert stored == {"gridfs"}
    assert in_process.database["artifact_files.files"].count_documents({}) == 0


def test_strips_that_are_lost_are_computed_again(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node wrote into a folder of the same name that is its own."""
    monkeypatch.setattr(rcd_difference_folder_inner, "STRIP_PAIRS", 60)
    written = strips.matrix_strips.write_rows
    monkeypatch.setattr(
        strips.matrix_strips,
        "write_rows",
        lambda path, first, rows: float(np.max(rows)) if first == 6 and len(rows) == 3 else written(path, first, rows),
    )
    pool = waters(20)
    in_process.write_pool(pool)
    monkeypatch.setattr(strips, "_runs", lambda rows: [(int(row), int(row) + 1) for row in rows])
    record = run(in_process, '["RCD_Calculation", "RCD_Difference_Folder_Inner"]')
    assert record["state"] == "finished", record.get("failure")
    matrix, _ = read_matrix(in_process.folder / "rcd_difference_matrix.dat")
    np.testing.assert_array_equal(matrix, rcd_difference_rows(rcd(pool, molecule(), 8), 0, 20, 0.5, 3))


@pytest.mark.parametrize(
    ("procedures", "more", "words"),
    [
        ('["RCD_Difference_Folder_Inner"]', "structure_dir = raw", "6 of 6 structures lack the descriptor 'rcd'"),
        ('["RCD_Calculation", "RCD_Difference_Folder_Inner"]', "select_pairs = 9", "select_pairs"),
    ],
)
def test_bad_input(in_process: InProcess, procedures: str, more: str, words: str) -> None:
    in_process.write_pool(waters(6))
    conf = more if "select_pairs" not in more else ""
    text = CONF.replace("select_pairs = 3", more) if "select_pairs" in more else CONF
    (in_process.folder / "water.in").write_text(WATER)
    record = in_process.run(text.format(procedures=procedures, more=conf))
    assert record["state"] == "failed"
    assert words in record["failure"] and "\n" not in record["failure"]
    assert not (in_process.folder / "rcd_difference_matrix.dat").exists()


def test_a_pool_without_the_molecule_fails_in_one_line(in_process: InProcess) -> None:
    odd = Structure(np.eye(3) * 6, ["C", "O"], [[0, 0, 0], [1.13, 0, 0]], {"Z": 1}, "odd_0000")
    in_process.write_pool([odd])
    record = run(in_process)
    assert record["state"] == "failed"
    assert "no structure could be described" in record["failure"] and "\n" not in record["failure"]


def test_a_gate_that_comes_after_a_finished_matrix_leaves_no_strips(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first gate dies between the finished matrix and the end of its step; the run is continued."""
    joined, calls = rcd_difference_folder_inner.join_strips, []

    def stumble(*arguments, **more):
        joined(*arguments, **more)
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the node is gone")

    monkeypatch.setattr(rcd_difference_folder_inner, "join_strips", stumble)
    pool = waters(12)
    in_process.write_pool(pool)
    assert run(in_process, '["RCD_Calculation", "RCD_Difference_Folder_Inner"]')["state"] == "failed"
    rerun_fizzled(in_process.launchpad, "rcd")
    Catalogue(in_process.database).runs.resumed("rcd")
    record = run(in_process, '["RCD_Calculation", "RCD_Difference_Folder_Inner"]')
    assert record["state"] == "finished" and len(calls) == 2, record.get("failure")
    matrix, _ = read_matrix(in_process.folder / "rcd_difference_matrix.dat")
    np.testing.assert_array_equal(matrix, rcd_difference_rows(rcd(pool, molecule(), 8), 0, 12, 0.5, 3))
    assert not list(in_process.folder.glob("*.rows"))
