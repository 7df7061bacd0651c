"""LAPW_Equation_Of_State, with any engine: the curve, what is left out, tables and pictures."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import EquationOfState as ASEEquationOfState
from ase.units import Bohr, GPa
from in_process import InProcess, waters

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Structure
from genarris_fw.energetics.equation_of_state import EquationOfState, delta, wien2k
from genarris_fw.logs import Log
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.procedures.lapw_equation_of_state import LAPWEquationOfState

CONF = """\
[Genarris_master]
procedures = ["LAPW_Equation_Of_State"]
run_name = curves
[lapw_equation_of_state]
structure_dir = raw
{options}
"""
EMT_ENGINE = "engine = ase\ncalculator = ase.calculators.emt:EMT\n"


def metal(element: str, a: float, struct_id: str, cubic: bool = False) -> Structure:
    return Structure.from_ase(bulk(element, "fcc", a, cubic=cubic), struct_id)


def run(farm: InProcess, options: str) -> dict:
    return farm.run(CONF.format(options=options))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_curves_of_al_and_cu_agree_with_ases_fit(in_process: InProcess) -> None:
    pool = [metal("Al", 4.0, "al", cubic=True), metal("Cu", 3.6, "cu")]
    in_process.write_pool(pool)
    record = run(in_process, EMT_ENGINE + "eos_range = [0.92, 1.08]\neos_points = 9")
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["lapw_equation_of_state"]
    assert summary["structures"] == 2 and summary["left_out"] == []
    stored = {d["struct_id"]: d["properties"]["eos"] for d in in_process.database.structures.find()}
    for structure in pool:
        scales = np.linspace(0.92, 1.08, 9)
        energies = []
        for scale in scales:
            atoms = structure.to_ase()
            atoms.set_cell(atoms.cell * scale ** (1 / 3), scale_atoms=True)
            atoms.calc = EMT()
            energies.append(atoms.get_potential_energy())
        v0, e0, b0 = ASEEquationOfState(structure.cell_volume * scales, energies, "birchmurnaghan").fit()
        found = stored[structure.struct_id]
        assert found["V0"] == pytest.approx(v0, rel=1e-4)
        assert found["V0_per_atom"] == pytest.approx(v0 / len(structure), rel=1e-4)
        assert found["E0"] == pytest.approx(e0, abs=1e-4)
        assert found["B0"] == pytest.approx(b0 / GPa, rel=5e-3)
        assert found["volumes"] == pytest.approx(structure.cell_volume * scales)
        assert found["energies"] == pytest.approx(energies, abs=1e-9)
        curve = EquationOfState(*(found[k] for k in ("V0", "E0", "B0", "B1")))
        element = structure.species[0]
        assert found["delta_wien2k"] == pytest.approx(delta(curve, wien2k(element), atoms_a=len(structure)))
    assert {one["struct_id"]: one["V0"] for one in summary["equations"]} == {n: s["V0"] for n, s in stored.items()}
    folder = in_process.folder / "lapw_equation_of_state"
    table = {row["struct_id"]: row for row in rows(folder / "equations_of_state.csv")}
    assert float(table["al"]["V0 (A3/atom)"]) == pytest.approx(stored["al"]["V0_per_atom"], abs=1e-4)
    assert float(table["cu"]["B0 (GPa)"]) == pytest.approx(stored["cu"]["B0"], abs=1e-3)
    assert len(rows(folder / "points.csv")) == 18
    for name in ("al", "cu"):
        assert (folder / f"eos_{name}.png").stat().st_size > 5000
        text = (folder / f"eos_{name}.svg").read_text()
        assert f"V₀ {stored[name]['V0_per_atom']:.3f}" in text and "WIEN2k" in text


def test_the_volumes_one_by_one_and_another_name(in_process: InProcess) -> None:
    in_process.write_pool([metal("Cu", 3.6, "cu")])
    record = run(in_process, EMT_ENGINE + "volume_scales = [1.03, 0.95, 1.0, 0.98, 1.05]\neos_name = soft")
    assert record["state"] == "finished", record.get("failure")
    [document] = in_process.database.structures.find()
    volume = 3.6**3 / 4
    assert document["properties"]["soft"]["volumes"] == pytest.approx([volume * s for s in (0.95, 0.98, 1, 1.03, 1.05)])
    assert "lapw_equation_of_state" in document["pools"]


def test_without_a_minimum_in_the_range_a_structure_is_left_out(in_process: InProcess) -> None:
    in_process.write_pool([metal("Al", 4.0, "al"), metal("Cu", 4.4, "far")])
    record = run(in_process, EMT_ENGINE)
    summary = record["summaries"]["lapw_equation_of_state"]
    assert summary["structures"] == 1
    [left] = summary["left_out"]
    assert left["struct_id"] == "far" and "no minimum between" in left["why"]
    assert [d["struct_id"] for d in in_process.database.structures.find({"pools": "lapw_equation_of_state"})] == ["al"]
    [row] = [
        r
        for r in rows(in_process.folder / "lapw_equation_of_state" / "equations_of_state.csv")
        if r["V0 (A3/cell)"] == ""
    ]
    assert row["struct_id"] == "far" and "no minimum" in row["remark"]


def test_too_few_points_say_why(in_process: InProcess) -> None:
    """EMT has no silicon: all of its volumes fail."""
    in_process.write_pool([metal("Al", 4.0, "al"), Structure.from_ase(bulk("Si", "diamond", 5.43), "si")])
    record = run(in_process, EMT_ENGINE)
    summary = record["summaries"]["lapw_equation_of_state"]
    [left] = summary["left_out"]
    assert left["struct_id"] == "si" and summary["failed"] == 7
    assert "0 of 7 volumes were computed, 4 are needed; the first failure: si/volume_0.9400" in left["why"]


def test_nothing_left_stops_the_run(in_process: InProcess) -> None:
    in_process.write_pool([Structure.from_ase(bulk("Si", "diamond", 5.43), "si")])
    record = run(in_process, EMT_ENGINE)
    assert record["state"] == "failed"
    assert "no structure has an equation of state; the first: si: 0 of 7" in record["failure"]
    assert "\n" not in record["failure"]


def test_rigid_molecules_need_molecules(in_process: InProcess) -> None:
    in_process.write_pool([metal("Cu", 3.6, "cu")])
    record = run(in_process, EMT_ENGINE + "rigid_molecules = True")
    assert record["state"] == "failed"
    assert "no structure has an equation of state; the first: cu: 0 of 7 volumes" in record["failure"]
    [error] = {item["error"] for item in in_process.database.work_items.find({"state": "failed"})}
    assert error in record["failure"]
    assert all(item["attempts"] == 1 for item in in_process.database.work_items.find())  # in vain for ever


def test_rigid_molecules_keep_their_bonds(in_process: InProcess) -> None:
    """A potential that counts only the volume: the curve is the same, whatever the molecules do."""
    [structure] = waters(1)
    volume = structure.cell_volume
    in_process.write_pool([structure])
    settings = f'calculator = smooth:OfVolume\ncalculator_settings = {{"volume": {volume}}}\n'
    record = run(
        in_process, f"engine = ase\n{settings}rigid_molecules = True\nvolume_scales = [0.9, 0.95, 1, 1.05, 1.1]"
    )
    assert record["state"] == "finished", record.get("failure")
    [equation] = record["summaries"]["lapw_equation_of_state"]["equations"]
    assert equation["V0"] == pytest.approx(volume, rel=1e-3) and equation["V0_per_atom"] == pytest.approx(
        volume / 6, rel=1e-3
    )
    [document] = in_process.database.structures.find()
    assert "no elemental solid" in document["properties"]["eos"]["no_reference"]


def test_points_that_scatter_are_told(in_process: InProcess) -> None:
    in_process.write_pool([metal("Al", 4.0, "al")])
    settings = 'calculator = smooth:OfVolume\ncalculator_settings = {"volume": 16.0, "noise": 0.01}\n'
    record = run(in_process, f"engine = ase\n{settings}eos_range = [0.8, 1.2]")
    [equation] = record["summaries"]["lapw_equation_of_state"]["equations"]
    scatter = 1000 * equation["residual"]
    assert 1 < scatter < 20
    assert (
        equation["remark"] == f"the points scatter by {scatter:.1f} meV per atom about the curve: take finer settings"
    )
    [row] = rows(in_process.folder / "lapw_equation_of_state" / "equations_of_state.csv")
    assert row["remark"].startswith("the points scatter")


def test_collecting_again_changes_nothing(in_process: InProcess) -> None:
    """As after a kill at the very end: what is collected follows from the committed items alone."""
    in_process.write_pool([metal("Al", 4.0, "al"), metal("Cu", 4.4, "far")])
    record = run(in_process, EMT_ENGINE)
    folder = in_process.folder / "lapw_equation_of_state"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    documents = list(in_process.database.structures.find().sort("_id"))
    log = Log(in_process.folder, "INFO", run="curves", step="lapw_equation_of_state", role="gate", fw=0)
    campaign = Campaign(Catalogue(in_process.database), record, "lapw_equation_of_state", log)
    task = LAPWEquationOfState(run="curves", step="lapw_equation_of_state", role="gate")
    again = task.collect(campaign) | {"failed": 0}
    assert again | {"words": task.in_words(campaign, again)} == record["summaries"]["lapw_equation_of_state"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(in_process.database.structures.find().sort("_id")) == documents


def test_a_compound_has_no_reference(in_process: InProcess) -> None:
    atoms = bulk("Cu", "fcc", 3.75, cubic=True)
    atoms.symbols[0] = "Au"
    in_process.write_pool([Structure.from_ase(atoms, "cu3au")])
    record = run(in_process, EMT_ENGINE)
    assert record["state"] == "finished", record.get("failure")
    [document] = in_process.database.structures.find()
    eos = document["properties"]["eos"]
    assert "delta_wien2k" not in eos and "no elemental solid" in eos["no_reference"]
    assert 12 < eos["V0_per_atom"] < 15


@pytest.mark.elk
def test_elk_keeps_muffin_tins_and_k_grid_along_the_curve(in_process: InProcess) -> None:
    in_process.write_pool([metal("Al", 4.05, "al")])
    # Few k points of a metal make a smooth curve where the smearing is wide.
    quick = "rkmax = 5.5\nk_spacing = 0.8\nsmearing_width = 0.5\nl_max = 6\nvolume_scales = [0.88, 0.96, 1.04, 1.12]"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    record = run(in_process, quick)
    assert record["state"] == "finished", record.get("failure")
    [document] = in_process.database.structures.find()
    eos = document["properties"]["eos"]
    assert eos["engine"] == "lapw" and eos["method"] == "APW+lo PBE"
    assert 14 < eos["V0_per_atom"] < 19 and 40 < eos["B0"] < 140
    settings = [item["payload"]["settings"] for item in in_process.database.work_items.find({"state": "done"})]
    assert len(settings) == 4 and all(one == settings[0] for one in settings)
    # Elk's species file has 2.2 bohr, which two neighbours of the smallest cell have just room for.
    nearest = 4.05 * 0.88 ** (1 / 3) / np.sqrt(2)
    assert settings[0]["muffin_tin"]["Al"] == pytest.approx(2.2 * Bohr) and 2 * 2.2 * Bohr < nearest
    assert len(settings[0]["k_grid"]) == 3
