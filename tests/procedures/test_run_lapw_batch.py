"""Run_LAPW_Batch: energies and forces of a pool, with one basis for all."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.units import Bohr
from in_process import InProcess

from genarris_fw.crystal import Structure

CONF = """\
[Genarris_master]
procedures = ["Run_LAPW_Batch"]
run_name = batch
max_attempts = 1
engine = tblite
[run_lapw_batch]
structure_dir = raw
{options}
"""
EMT_ENGINE = "engine = ase\ncalculator = ase.calculators.emt:EMT\n"


def cells(scales: tuple[float, ...], Z: int | None = 4) -> list[Structure]:
    """Cubic cells of four Cu atoms, one of them moved, called a, b, c, ..."""
    found = []
    for name, scale in zip("abcdef", scales):
        atoms = bulk("Cu", "fcc", 3.61 * scale, cubic=True)
        atoms.positions[0, 0] += 0.1
        found.append(Structure.from_ase(atoms, name, {} if Z is None else {"Z": Z}))
    return found


def test_energies_and_forces(in_process: InProcess) -> None:
    pool = cells((0.99, 1.0, 1.02))
    in_process.write_pool(pool)
    record = in_process.run(CONF.format(options=EMT_ENGINE))
    assert record["state"] == "finished", record.get("failure")
    expected = {}
    for structure in pool:
        atoms = structure.to_ase()
        atoms.calc = EMT()
        expected[structure.struct_id] = (atoms.get_potential_energy(), atoms.get_forces())
    found = list(in_process.database.structures.find({"pools": "run_lapw_batch"}))
    assert len(found) == 3
    for document in found:
        energy, forces = expected[document["struct_id"]]
        stored, properties = document["energies"]["lapw_energy"], document["properties"]
        assert stored["value"] == pytest.approx(energy) and stored["per_molecule"] == pytest.approx(energy / 4)
        assert stored["engine"] == "ase" and len(stored["settings_hash"]) == 16
        assert properties["lapw_energy"] == stored["value"]
        assert np.allclose(properties["lapw_energy_forces"], forces, atol=1e-9)
        assert properties["lapw_energy_max_force"] == pytest.approx(np.linalg.norm(forces, axis=1).max())
    lowest = min(expected, key=lambda name: expected[name][0])
    assert record["summaries"]["run_lapw_batch"] == {
        **{"evaluated": 3, "best": lowest, "failed": 0},
        "words": "3 evaluated",
    }
    assert sorted(p.stem for p in (in_process.folder / "run_lapw_batch").glob("*.json")) == ["a", "b", "c"]


def test_what_fails_is_left_out(in_process: InProcess) -> None:
    pool = [*cells((1.0,)), Structure.from_ase(bulk("Si", "diamond", 5.43), "si", {"Z": 2})]
    in_process.write_pool(pool)
    record = in_process.run(CONF.format(options=EMT_ENGINE))
    assert record["summaries"]["run_lapw_batch"] == {
        **{"evaluated": 1, "best": "a", "failed": 1},
        "words": "1 evaluated",
    }


def test_the_number_of_molecules_is_said_by_someone(in_process: InProcess) -> None:
    in_process.write_pool(cells((1.0, 1.02), Z=None))
    record = in_process.run(CONF.format(options=EMT_ENGINE))
    assert record["state"] == "failed"
    assert "2 structures do not say how many molecules their cell has (first a): set Z in" in record["failure"]
    assert "\n" not in record["failure"]


def test_the_option_Z_goes_first(in_process: InProcess) -> None:
    in_process.write_pool(cells((1.0,)))
    in_process.run(CONF.format(options=EMT_ENGINE + "Z = 2"))
    [document] = in_process.database.structures.find()
    record = document["energies"]["lapw_energy"]
    assert record["per_molecule"] == pytest.approx(record["value"] / 2)


def test_an_elk_that_is_not_there(in_process: InProcess) -> None:
    in_process.write_pool(cells((1.0,)))
    record = in_process.run(CONF.format(options="lapw_command = no-such-elk"))
    assert record["state"] == "failed"
    assert "no-such-elk" in record["failure"] and "\n" not in record["failure"]
    assert "apt" in record["failure"] or "elk-lapw" in record["failure"]


@pytest.mark.elk
def test_elk_has_the_same_muffin_tins_for_all(in_process: InProcess) -> None:
    pool = []
    for name, a in (("a", 3.2), ("b", 4.05)):
        atoms = bulk("Al", "fcc", a)
        pool.append(Structure.from_ase(atoms, name, {"Z": 1}))
    in_process.write_pool(pool)
    record = in_process.run(CONF.format(options="rkmax = 5\nk_grid = [2, 2, 2]\nl_max = 6\nforces = True"))
    assert record["state"] == "finished", record.get("failure")
    one, other = (d["energies"]["lapw_energy"] for d in in_process.database.structures.find().sort("struct_id"))
    assert one["engine"] == other["engine"] == "lapw"  # the master's engine is not taken over
    assert one["settings_hash"] == other["settings_hash"]
    assert one["details"]["muffin_tins"] == other["details"]["muffin_tins"]
    # Two spheres have just room between the neighbours of the smaller cell, where Elk's own 2.2 bohr have not.
    radius, nearest = one["details"]["muffin_tins"]["Al"], 3.2 / np.sqrt(2)
    assert 0.98 * nearest < 2 * radius < nearest < 2 * 2.2 * Bohr
    assert all(np.shape(d["properties"]["lapw_energy_forces"]) == (1, 3) for d in in_process.database.structures.find())
