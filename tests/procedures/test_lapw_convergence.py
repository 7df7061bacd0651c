"""LAPW_Convergence: the table, the settings that are enough, and what is said where none are."""

from __future__ import annotations

import csv

import pytest
from ase.build import bulk
from in_process import InProcess
from smooth import energy

from genarris_fw.crystal import Structure

CONF = """\
[Genarris_master]
procedures = ["LAPW_Convergence"]
run_name = fine
max_attempts = 1
[lapw_convergence]
structure_dir = raw
{options}
"""
SMOOTH = "engine = ase\ncalculator = smooth:Smooth\n"
RKMAX, GRIDS = [3.0, 4.0, 5.0, 6.0], [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]]
AXES = f"rkmax_values = {RKMAX}\nk_grids = {GRIDS}\n"


def al(struct_id: str = "al", cubic: bool = False) -> Structure:
    return Structure.from_ase(bulk("Al", "fcc", 4.05, cubic=cubic), struct_id)


def test_table_and_cheapest_settings(in_process: InProcess) -> None:
    in_process.write_pool([al("big", cubic=True), al()])
    record = in_process.run(CONF.format(options=SMOOTH + AXES + "energy_tolerance_per_atom = 5.0"))
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["lapw_convergence"]
    assert summary["structure"] == "al" and summary["atoms"] == 1  # the smallest cell
    finest = energy(RKMAX[-1], GRIDS[-1])
    for i, rkmax in enumerate(RKMAX):
        for j, grid in enumerate(GRIDS):
            expected = 1000 * (energy(rkmax, grid) - finest)
            assert summary["differences"][i][j] == pytest.approx(expected, abs=1e-6)
    # 40 eV * 10^-4 = 4 meV is within 5 meV, 40 meV is not; 0.5 eV / 8^2 = 7.8 meV is not, 0.5 / 27^2 = 0.7 meV is.
    assert (summary["rkmax"], summary["k_grid"]) == (4.0, [3, 3, 3])
    assert (summary["rkmax_at_finest_k_grid"], summary["k_grid_at_finest_rkmax"]) == (4.0, [3, 3, 3])
    assert summary["remark"] == ""
    folder = in_process.folder / "lapw_convergence"
    with (folder / "convergence.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(row["rkmax"], row["k grid"]) for row in table] == [
        (f"{r:g}", "x".join(map(str, k))) for r in RKMAX for k in GRIDS
    ]
    assert [row["converged"] for row in table] == [str(r >= 4 and k[0] >= 3) for r in RKMAX for k in GRIDS]
    assert (folder / "convergence.png").stat().st_size > 5000
    assert "4×4×4" in (folder / "convergence.svg").read_text()


def test_a_crossing_is_no_convergence(in_process: InProcess) -> None:
    """Basis and grid err in opposite directions: at 3, 1x1x1 some of both cancels, which must not count."""
    in_process.write_pool([al()])
    axes = "rkmax_values = [1.903, 6]\nk_grids = [[1, 1, 1], [4, 4, 4]]\n"
    record = in_process.run(CONF.format(options=SMOOTH + axes))
    summary = record["summaries"]["lapw_convergence"]
    assert abs(summary["differences"][0][0]) < 1.0 < abs(summary["differences"][0][1])
    assert summary["rkmax"] is None and summary["k_grid"] is None
    assert "take a finer rkmax and k_grid" in summary["remark"]


def test_a_failure_is_a_hole_and_not_an_energy(in_process: InProcess) -> None:
    in_process.write_pool([al()])
    options = SMOOTH + AXES + 'energy_tolerance_per_atom = 5.0\ncalculator_settings = {"fails_at": [5.0, 3]}'
    record = in_process.run(CONF.format(options=options))
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["lapw_convergence"]
    assert summary["failed"] == 1 and summary["differences"][2][2] is None
    # All that the hole is finer than does not count; 4.0 with the finest grid is cheaper than 6.0 with 3x3x3.
    assert (summary["rkmax"], summary["k_grid"]) == (4.0, [4, 4, 4])


def test_without_the_finest_there_is_nothing_to_compare_with(in_process: InProcess) -> None:
    in_process.write_pool([al()])
    record = in_process.run(CONF.format(options=SMOOTH + AXES + 'calculator_settings = {"fails_at": [6.0, 4]}'))
    assert record["state"] == "failed"
    assert "the finest settings, which all others are compared with, failed: al/rkmax_6_k_4x4x4" in record["failure"]


def test_the_structure_by_name(in_process: InProcess) -> None:
    in_process.write_pool([al("big", cubic=True), al()])
    options = SMOOTH + "rkmax_values = [6]\nk_grids = [[2, 2, 2], [8, 8, 8]]\nstructure = "
    record = in_process.run(CONF.format(options=options + "big"))
    summary = record["summaries"]["lapw_convergence"]
    assert summary["structure"] == "big" and summary["atoms"] == 4
    # One value of rkmax shows nothing of its convergence.
    assert "take a finer rkmax and k_grid" in summary["remark"]


def test_no_such_structure(in_process: InProcess) -> None:
    in_process.write_pool([al()])
    record = in_process.run(CONF.format(options=SMOOTH + AXES + "structure = ag"))
    assert "structure = ag is not in the pool 'raw' (first of its 1: al)" in record["failure"]


@pytest.mark.elk
def test_elk(in_process: InProcess) -> None:
    in_process.write_pool([al()])
    record = in_process.run(CONF.format(options="rkmax_values = [4, 5]\nk_spacings = [1.5, 1.0]\nl_max = 6"))
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["lapw_convergence"]
    assert summary["engine"] == "lapw" and summary["failed"] == 0
    # |b| = 2 pi sqrt(3) / 4.05 Å = 2.69 1/Å
    assert summary["k_grids"] == [[2, 2, 2], [3, 3, 3]]
    # The basis is variational: a larger one lowers the energy.
    assert summary["differences"][0][1] > 0.0
