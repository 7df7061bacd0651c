"""Remove_Duplicates in a run: planted copies name their survivor, the lowest in energy; what is distinct stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from in_process import InProcess, waters

from genarris_fw.crystal import Structure
from genarris_fw.procedures import remove_duplicates

CONF = """\
[Genarris_master]
procedures = ["Remove_Duplicates"]
run_name = twice
[remove_duplicates]
structure_dir = raw
{options}
"""


def copy_of(structure: Structure, name: str, energy: float | None, seed: int, mirror: bool = False) -> Structure:
    """The same crystal: turned, in another cell, from another origin, its molecules in another order, shaken a bit."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn)) * (-1 if mirror else 1)
    cell = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]]) @ structure.lattice
    order = [3, 4, 5, 0, 1, 2]
    positions = structure.positions[order] + rng.uniform(0, 3, 3) + rng.uniform(-0.01, 0.01, (6, 3))
    properties = dict(structure.properties, energy=energy)
    if energy is None:
        properties.pop("energy")
    return Structure(cell @ turn, [structure.species[i] for i in order], positions @ turn, properties, name)


@pytest.fixture
def pool() -> list[Structure]:
    """Thirty crystals, three of them with copies: two of 3 (one lower, one higher), one of 5 (no energy), a mirror."""
    base = waters(30)
    lowest = min(structure.properties["energy"] for structure in base)
    return [
        *base,
        copy_of(base[3], "water_3_low", lowest - 1.0, 1),
        copy_of(base[3], "water_3_high", lowest + 9.0, 2),
        copy_of(base[5], "a_water_5_without", None, 3),
        copy_of(base[8], "water_8_mirror", lowest + 9.0, 4, mirror=True),
    ]


@pytest.mark.parametrize("per_item", [50, 3])
def test_every_duplicate_names_the_survivor_of_lowest_energy(
    in_process: InProcess, pool: list[Structure], monkeypatch: pytest.MonkeyPatch, per_item: int
) -> None:
    monkeypatch.setattr(remove_duplicates, "STRUCTURES_PER_ITEM", per_item)
    in_process.write_pool(pool)
    record = in_process.run(CONF.format(options="num_replicas = 2"))
    assert record["state"] == "finished", record.get("failure")
    of = {
        document["struct_id"]: document["properties"]["duplicate_of"]
        for document in in_process.database.structures.find({"properties.duplicate_of": {"$exists": True}})
    }
    assert of == {
        "water_0003": "water_3_low",
        "water_3_high": "water_3_low",
        "a_water_5_without": "water_0005",
        "water_8_mirror": "water_0008",
    }
    left = {document["struct_id"] for document in in_process.database.structures.find({"pools": "remove_duplicates"})}
    assert left == {structure.struct_id for structure in pool} - set(of)
    assert {path.stem for path in (in_process.folder / "remove_duplicates").glob("*.json")} == left
    summary = record["summaries"]["remove_duplicates"]
    assert (summary["structures"], summary["duplicates"], summary["uncompared"]) == (30, 4, 0)
    rmsd = [
        d["properties"]["duplicate_rmsd"] for d in in_process.database.structures.find({"struct_id": {"$in": [*of]}})
    ]
    assert len(rmsd) == 4 and all(0 <= value < 0.1 for value in rmsd)


def test_mirror_images_are_told_apart_when_asked(in_process: InProcess, pool: list[Structure]) -> None:
    in_process.write_pool(pool)
    record = in_process.run(CONF.format(options="mirror_images = False\nhydrogens = True"))
    assert record["state"] == "finished", record.get("failure")
    mirror = in_process.database.structures.find_one({"struct_id": "water_8_mirror"})
    assert "remove_duplicates" in mirror["pools"] and "duplicate_of" not in mirror["properties"]
    assert record["summaries"]["remove_duplicates"]["duplicates"] == 3


@pytest.mark.parametrize("number", [1, 2])
def test_tiny_pools(in_process: InProcess, number: int) -> None:
    in_process.write_pool(waters(number))
    record = in_process.run(CONF.format(options=""))
    assert record["summaries"]["remove_duplicates"]["structures"] == number


def test_identical_structures_leave_one(in_process: InProcess) -> None:
    one = waters(1)[0]
    in_process.write_pool([Structure(one.lattice, one.species, one.positions, {"Z": 2}, f"same_{i}") for i in range(7)])
    record = in_process.run(CONF.format(options=""))
    assert record["summaries"]["remove_duplicates"]["structures"] == 1
    assert in_process.database.structures.count_documents({"properties.duplicate_of": "same_0"}) == 6


def test_what_cannot_be_compared_stays_and_is_counted(in_process: InProcess) -> None:
    chain = Structure(np.diag([1.4, 9, 9]), ["C"], [[0, 0, 0]], {"Z": 1}, "endless")
    in_process.write_pool([*waters(3), chain])
    record = in_process.run(CONF.format(options=""))
    summary = record["summaries"]["remove_duplicates"]
    assert (summary["structures"], summary["uncompared"]) == (4, 1)
    assert "cannot be compared" in (in_process.folder / "Genarris.err").read_text()


def test_crystals_that_touch_by_iodine_are_compared(in_process: InProcess) -> None:
    """Generated, pressed to contacts of 3.4 Å, compared: 1.3 times the radii of I made molecules grow together."""
    file = Path(__file__).parents[1] / "data" / "faults" / "p_diiodobenzene.xyz"
    (in_process.folder / "molecule.xyz").write_text(file.read_text())
    record = in_process.run(IODINE)
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["remove_duplicates"]
    assert (summary["structures"] + summary["duplicates"], summary["uncompared"]) == (12, 0)
    documents = list(in_process.database.structures.find({"pools": "rigid_press"}))
    assert len(documents) == 12 and {one["Z"] for one in documents} == {4}


IODINE = """\
[Genarris_master]
procedures = ["Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Rigid_Press", "Remove_Duplicates"]
run_name = iodine
seed = 3
[estimate_unit_cell_volume]
Z = 4
molecule_path = molecule.xyz
[pygenarris_structure_generation]
num_structures = 12
space_groups = [14, 61]
generation_mode = packing
[rigid_press]
[remove_duplicates]
"""
