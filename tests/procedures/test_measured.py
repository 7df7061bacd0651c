"""The measured crystal in every pool of a run: looked for, marked once whatever is killed, and said where it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from command import EXAMPLES
from in_process import InProcess, waters
from killing import killed_at, launch_all

from genarris_fw.catalogue import Catalogue
from genarris_fw.comparing.pool import compare_pool
from genarris_fw.crystal import Structure, read, read_molecule, write
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.generation import generate
from genarris_fw.procedures.kit import measured
from genarris_fw.units import KJ_PER_MOL_PER_EV
from genarris_fw.views.closing import closing
from genarris_fw.views.comparison import experiment_of_pool, measured_crystal
from genarris_fw.views.status import status

CONF = """\
[Genarris_master]
procedures = ["Remove_Duplicates", "Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters"]
run_name = found
[experimental_structure]
path = measured.cif
{options}
[remove_duplicates]
structure_dir = raw
output_dir = different
[run_rdf_calc]
output_dir = described
[affinity_propagation_fixed_clusters]
num_of_clusters = 4
num_of_clusters_tolerance = 4
output_dir = clustered
exemplars_output_dir = exemplars
exemplars_output_format = json
output_without_success = True
"""


def conf(options: str = "") -> str:
    return CONF.format(options=options)


def another_description(structure: Structure, seed: int = 0) -> Structure:
    """The same crystal as somebody else measured it: another cell, hand, origin and order; 0.02 Å off."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    cell = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]]) @ structure.cell
    order = [3, 4, 5, 0, 1, 2]
    positions = structure.positions[order] + rng.uniform(0, 3, 3) + rng.uniform(-0.02, 0.02, (6, 3))
    return Structure(cell @ turn, [structure.species[i] for i in order], positions @ turn, {}, "measured")


def prepared(farm: InProcess, number: int = 12, which: int = 7) -> list[Structure]:
    """Write a pool, and one of its crystals as the measured one."""
    pool = waters(number)
    farm.write_pool(pool)
    write([another_description(pool[which])], farm.folder, "cif")
    return pool


def marks(farm: InProcess) -> list[tuple[Any, ...]]:
    found = farm.database.structures.find({"run": "found", "properties.experiment_rank": {"$exists": True}})
    return sorted((one["struct_id"], one["properties"]["experiment_rank"]) for one in found)


def test_every_pool_says_where_the_measured_crystal_is(in_process: InProcess) -> None:
    pool = prepared(in_process)
    record = in_process.run(conf())
    assert record["state"] == "finished", record.get("failure")
    right = pool[7]
    energies = sorted(one.properties["energy"] for one in pool)
    rank = energies.index(right.properties["energy"]) + 1
    above = (right.properties["energy"] - energies[0]) / 2 * KJ_PER_MOL_PER_EV
    summaries = record["summaries"]
    for step in ("remove_duplicates", "run_rdf_calc", "affinity_propagation_fixed_clusters"):
        said = summaries[step]["experiment"]
        assert said["found"] and said["structure"] == right.struct_id
        assert (said["rank"], said["molecules"], said["of"], said["structures"]) == (rank, 15, 15, len(pool))
        assert said["above_lowest"] == pytest.approx(above)
        assert 0.0 < said["rmsd"] < 0.05
        assert said["rank_density"] == 1 + sum(one.density > right.density for one in pool)
        words = f"rank {rank}, {above:.2f} kJ/mol above the lowest, RMSD_15 {said['rmsd']:.2f} Å"
        assert said["words"] == words
        assert f"experiment: {words}" in summaries[step]["words"]
    assert marks(in_process) == [(right.struct_id, rank)]
    for folder in ("different", "clustered"):
        [exported] = read(in_process.folder / folder / f"{right.struct_id}.json")
        assert exported.properties["experiment_rank"] == rank

    exemplars = summaries["affinity_propagation_fixed_clusters"]["exemplars_experiment"]
    kept = [one["struct_id"] for one in in_process.database.structures.find({"pools": "exemplars"})]
    assert exemplars["found"] == (right.struct_id in kept) and exemplars["structures"] == len(kept)

    catalogue = Catalogue(in_process.database)
    assert experiment_of_pool(catalogue, "found", "clustered") == said
    assert experiment_of_pool(catalogue, "found", "exemplars") == exemplars
    assert experiment_of_pool(catalogue, "found", "raw") is None
    crystal = measured_crystal(catalogue, "found")
    assert crystal is not None and crystal.struct_id == "measured" and len(crystal) == 6
    table = closing(catalogue, "found")["experiment"]
    assert [row["pool"] for row in table] == ["different", "described", "clustered", "exemplars"]
    shown = status(catalogue, "found")["steps"]
    assert f"experiment: {words}" in shown[0]["result"]
    assert (shown[0]["experiment"]["rank"], shown[2]["exemplars_experiment"]) == (rank, exemplars)


def test_what_is_not_there_is_not_said_to_be(in_process: InProcess) -> None:
    in_process.write_pool(waters(12))
    [other] = waters(1, seed=99)
    other.struct_id = "measured"
    write([other], in_process.folder, "cif")
    record = in_process.run(conf())
    assert record["state"] == "finished", record.get("failure")
    said = record["summaries"]["remove_duplicates"]["experiment"]
    assert not said["found"] and "structure" not in said and said["molecules"] < 15
    assert said["words"] == f"not among them (the nearest has {said['molecules']} of 15 molecules in place)"
    assert marks(in_process) == []
    assert all(not row["found"] for row in closing(Catalogue(in_process.database), "found")["experiment"])


def test_fewer_molecules_and_tighter_tolerances_are_those_asked_for(in_process: InProcess) -> None:
    prepared(in_process)
    record = in_process.run(conf("molecules = 6\nangle_tolerance = 10"))
    assert record["summaries"]["remove_duplicates"]["experiment"]["of"] == 6
    assert "RMSD_6" in record["summaries"]["remove_duplicates"]["words"]


@pytest.mark.parametrize("energies", [True, False])
def test_of_a_pool_too_large_the_promising_part_is_compared(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch, energies: bool
) -> None:
    monkeypatch.setattr(measured, "MOST", 3)
    pool = waters(12)
    which = min(range(12), key=lambda k: pool[k].properties["energy"])
    if not energies:
        for one in pool:
            del one.properties["energy"]
    in_process.write_pool(pool)
    write([another_description(pool[which])], in_process.folder, "cif")
    said = in_process.run(conf())["summaries"]["remove_duplicates"]["experiment"]
    assert (said["structure"], said["structures"], said["rank_density"]) == (pool[which].struct_id, 3, None)
    assert said["rank"] == (1 if energies else None)
    what = "of the lowest energy" if energies else "of the nearest density"
    assert said["remarks"][-1:] == [f"3 of 12 structures are compared: those {what}"]
    assert said["words"].endswith(f"RMSD_15 {said['rmsd']:.2f} Å")


@pytest.mark.parametrize("error", [ValueError("nothing fits"), MemoryError("too large"), IndexError(3)])
def test_a_comparison_that_fails_is_said_and_the_run_goes_on(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(measured, "compare_pool", fails)
    prepared(in_process, 5, 2)
    record = in_process.run(conf())
    assert record["state"] == "finished", record.get("failure")
    said = record["summaries"]["remove_duplicates"]["experiment"]
    assert said == {"words": f"not looked for: {type(error).__name__}: {error}", "found": False}
    assert marks(in_process) == []


def test_a_pool_of_other_molecules_is_said_to_be_one(in_process: InProcess) -> None:
    in_process.write_pool(waters(5))
    (in_process.folder / "measured.cif").write_bytes((EXAMPLES / "urea" / "urea.cif").read_bytes())
    record = in_process.run(conf())
    assert record["state"] == "finished", record.get("failure")
    said = record["summaries"]["remove_duplicates"]["experiment"]
    assert said["words"].startswith("not looked for: measured is of CH4N2O") and "H2O" in said["words"]


def test_a_mark_is_of_its_pool_and_not_inherited(in_process: InProcess) -> None:
    """Neither from a file that another run wrote, nor by what is pressed out of the structure that was marked."""
    molecule = read_molecule(EXAMPLES / "urea" / "urea.in")
    drawn = generate(molecule, 2, 4, 4, 150.0, 3.0, seed=4, mode="packing").structures
    for number, one in enumerate(drawn):
        one.struct_id = f"urea_{number}"
    drawn[0].properties |= {"experiment_rank": 1, "experiment_rmsd": 0.1}
    in_process.write_pool(drawn)
    write([Structure(drawn[1].cell, drawn[1].species, drawn[1].positions, {}, "measured")], in_process.folder, "cif")
    (in_process.folder / "urea.in").write_bytes((EXAMPLES / "urea" / "urea.in").read_bytes())
    text = """\
[Genarris_master]
procedures = ["Remove_Duplicates", "Rigid_Press"]
run_name = found
molecule_path = urea.in
[experimental_structure]
path = measured.cif
distance_tolerance = 0.02
angle_tolerance = 1
[remove_duplicates]
structure_dir = raw
[rigid_press]
sr = 0.7
"""
    record = in_process.run(text)
    assert record["state"] == "finished", record.get("failure")
    first, second = (record["summaries"][step]["experiment"] for step in ("remove_duplicates", "rigid_press"))
    assert first["structure"] == "urea_1" and not second["found"]
    assert marks(in_process) == [("urea_1", None)]


@pytest.mark.parametrize(
    "where",
    [
        "genarris_fw.procedures.kit.measured:compare_pool",
        "genarris_fw.catalogue.publications:Publications.prepare",
        "genarris_fw.farm.roles:publish",
    ],
)
def test_a_gate_that_is_killed_while_it_compares_has_compared_once(in_process: InProcess, where: str) -> None:
    """While it looks, when it is about to commit what it found, and once that is committed: as if nothing had been."""
    pool = prepared(in_process)
    killed = []

    def launch(launchpad: Any, run: str) -> None:
        for _ in range(2):  # at the plan and at the gate of a step
            killed.append(killed_at(where, in_process.uri, run, in_process.folder / "rockets"))
            assert recover(launchpad, run, grace_seconds=0)
        launch_all(launchpad, run)

    record = in_process.run(conf(), launch=launch)
    assert killed[0]
    assert record["state"] == "finished", record.get("failure")
    [crystal] = read(in_process.folder / "measured.cif")
    energies = [one.properties["energy"] / 2 * KJ_PER_MOL_PER_EV for one in pool]
    expected = compare_pool(pool, crystal, energies=energies).summary()
    for summary in record["summaries"].values():
        assert summary["experiment"] == expected
    assert marks(in_process) == [(pool[7].struct_id, expected["rank"])]
    for name in {one.struct_id for one in pool}:
        [exported] = read(in_process.folder / "different" / f"{name}.json")
        assert ("experiment_rank" in exported.properties) == (name == pool[7].struct_id)
