"""Lattice_Energy_Minimisation in a run: pools minimised, by one potential after another."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from in_process import InProcess, waters
from lattice_urea import CHARGES, POTENTIAL_FILE, UREA, urea_model
from rich.console import Console

from genarris_fw import lattice
from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Structure, read_molecule
from genarris_fw.views.closing import closing, render

CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = urea
seed = 3

[molecular_electrostatics]
molecule_path = urea.in
charges_file = charges.json
{more}
"""
GENERATED = """
[pygenarris_structure_generation]
Z = 2
volume_mean = 150
sr = 0.85
num_structures = 8
space_groups = [4, 113]
output_dir = raw

[lattice_energy_minimisation]
output_dir = minimised

[lattice_energy_minimisation_2]
potential = FIT
energy_name = energy_fit
lowest = 1
output_dir = again
"""


@pytest.fixture
def farm(in_process: InProcess) -> InProcess:
    shutil.copy(UREA, in_process.folder / "urea.in")
    shutil.copy(CHARGES, in_process.folder / "charges.json")
    return in_process


@pytest.fixture(scope="module")
def model() -> lattice.Model:
    return urea_model()


@pytest.fixture(scope="module")
def crystals(model: lattice.Model) -> list[Structure]:
    """Different minima of urea, the lowest first."""
    return lattice.search(model.molecules[0], 2, model, [4, 113], 12.0, "draws", draws=100).structures


def procedures(*names: str) -> str:
    return "[" + ", ".join(f'"{name}"' for name in ("Molecular_Electrostatics", *names)) + "]"


def pulled(structure: Structure, name: str, factor: float = 1.03) -> Structure:
    """The crystal in a larger cell, its molecules moved apart; the properties of a pool's structure."""
    wide = structure.copy()
    size = 8
    positions, own = structure.positions.reshape(-1, size, 3), structure.lattice
    centres = positions.mean(axis=1, keepdims=True)
    wide.positions = (positions + (factor - 1) * centres).reshape(-1, 3)
    wide.lattice = own * factor
    wide.struct_id, wide.properties = name, {"Z": len(structure) // size, "number_of_atoms_in_molecule": size}
    return wide


def test_a_generated_pool_and_then_its_lowest_by_a_second_potential(farm: InProcess) -> None:
    names = procedures("Pygenarris_Structure_Generation", "Lattice_Energy_Minimisation", "Lattice_Energy_Minimisation")
    record = farm.run(CONF.format(procedures=names, more=GENERATED))
    assert record["state"] == "finished", record.get("failure")
    found = {pool: list(farm.database.structures.find({"pools": pool})) for pool in ("raw", "minimised", "again")}
    first = record["summaries"]["lattice_energy_minimisation"]
    assert len(found["raw"]) == 8
    # Urea's crystals of so few groups are few minima; those of 113 lead to one, or almost all do.
    assert 1 <= len(found["minimised"]) == first["structures"]
    assert first["structures"] + first["duplicates"] + first["refused"] == 8 and first["duplicates"] >= 1
    parents = {one["struct_id"] for one in found["raw"]}
    for document in found["minimised"]:
        about = document["properties"]
        assert document["parent"] in parents and about["is_minimum"] in (True, False)
        assert document["energies"]["energy"]["per_molecule"] * 96.485332 == pytest.approx(
            about["lattice_energy"], abs=1e-5
        )
        assert document["energies"]["energy"]["details"]["method"].startswith("W99")
    assert first["lowest"] == pytest.approx(min(one["properties"]["lattice_energy"] for one in found["minimised"]))
    # lowest = 1: the other potential minimises that one alone.
    [again] = found["again"]
    lowest = min(found["minimised"], key=lambda one: one["properties"]["lattice_energy"])
    assert again["parent"] == lowest["struct_id"]
    assert again["energies"]["energy_fit"]["details"]["method"].startswith("FIT")
    assert again["energies"]["energy_fit"]["settings_hash"] != lowest["energies"]["energy"]["settings_hash"]
    assert again["properties"]["energy"] == lowest["properties"]["energy"]  # beside the first
    assert again["properties"]["energy_fit_per_molecule"] == again["energies"]["energy_fit"]["per_molecule"]


SEARCHED = """
[crystal_search]
Z = 2
space_groups = [4, 14]
window = 12
stop = draws
draws = 100
output_dir = minima

[lattice_energy_minimisation]
potential = {potential}
energy_name = second
output_dir = again
"""


def test_two_potentials_stand_side_by_side_with_their_spread_as_the_error_bar(farm: InProcess) -> None:
    names = procedures("Crystal_Search", "Lattice_Energy_Minimisation")
    record = farm.run(CONF.format(procedures=names, more=SEARCHED.format(potential="FIT")))
    assert record["state"] == "finished", record.get("failure")
    [table] = closing(Catalogue(farm.database), "urea")["comparisons"]
    assert table["step"] == "lattice_energy_minimisation" and table["energy_names"] == ["energy", "second"]
    assert [source.partition(",")[0] for source in table["sources"]] == ["W99star", "FIT"]
    kept = {pool: list(farm.database.structures.find({"pools": pool})) for pool in ("minima", "again")}
    first = {one["struct_id"]: one["properties"]["lattice_energy"] for one in kept["minima"]}
    pairs = {one["struct_id"]: (first[one["parent"]], one["properties"]["lattice_energy"]) for one in kept["again"]}
    assert table["structures"] == len(pairs) > 2
    lowest = min(pairs, key=lambda name: sum(pairs[name]))
    undecided = 0
    rows = {row["struct_id"]: row for row in table["rows"]}
    for name, (one, other) in pairs.items():
        by_each = one - pairs[lowest][0], other - pairs[lowest][1]
        spread = abs(by_each[0] - by_each[1]) / 2**0.5  # the standard deviation of two
        undecided += name != lowest and abs(sum(by_each) / 2) <= spread
        if name in rows:
            assert (rows[name]["mean"], rows[name]["error"]) == pytest.approx((sum(by_each) / 2, spread), abs=1e-5)
    assert table["undecided"] == undecided
    text = rendered(closing(Catalogue(farm.database), "urea"))
    assert "Energies side by side, lattice_energy_minimisation" in text and "mean ± spread" in text
    # Where they do not decide, a range of ranks stands for the rank.
    assert any("-" in row["rank"] for row in table["rows"]) == (undecided > 0)


def test_the_same_potential_again_is_no_second_opinion(farm: InProcess) -> None:
    names = procedures("Crystal_Search", "Lattice_Energy_Minimisation")
    record = farm.run(CONF.format(procedures=names, more=SEARCHED.format(potential="W99star")))
    assert record["state"] == "finished", record.get("failure")
    assert closing(Catalogue(farm.database), "urea")["comparisons"] == []


def rendered(found: dict) -> str:
    console = Console(width=150, file=io.StringIO())
    console.print(render(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


PLAIN = """
[lattice_energy_minimisation]
structure_dir = raw
output_dir = minimised
{more}
"""


def test_duplicates_are_merged_and_what_leads_to_no_minimum_is_named(
    farm: InProcess, crystals: list[Structure], model: lattice.Model
) -> None:
    other = waters(1)[0]
    other.properties = {"Z": 2, "number_of_atoms_in_molecule": 3}
    pool = [pulled(crystals[0], "near"), pulled(crystals[0], "far", 1.06), pulled(crystals[1], "second"), other]
    farm.write_pool(pool)
    text = CONF.format(procedures=procedures("Lattice_Energy_Minimisation"), more=PLAIN.format(more=""))
    record = farm.run(text)
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["lattice_energy_minimisation"]
    assert (summary["structures"], summary["duplicates"], summary["refused"]) == (2, 1, 1)
    assert len(summary["reasons"]) == 1
    said = "".join(path.read_text() for path in (farm.folder / "logs").glob("*.log"))
    assert "not minimised" in said and other.struct_id in said
    energies = sorted(
        one["properties"]["lattice_energy"] for one in farm.database.structures.find({"pools": "minimised"})
    )
    assert energies == pytest.approx([one.properties["lattice_energy"] for one in crystals[:2]], abs=1e-3)


def test_all_are_kept_when_asked_for_and_pressure_makes_them_smaller(
    farm: InProcess, crystals: list[Structure]
) -> None:
    farm.write_pool([pulled(crystals[0], "near"), pulled(crystals[0], "far", 1.06)])
    more = PLAIN.format(more="keep_duplicates = True\npressure = 2")
    record = farm.run(CONF.format(procedures=procedures("Lattice_Energy_Minimisation"), more=more))
    assert record["state"] == "finished", record.get("failure")
    found = list(farm.database.structures.find({"pools": "minimised"}))
    assert record["summaries"]["lattice_energy_minimisation"]["reasons"] == {}
    assert all("2 GPa" in one["energies"]["energy"]["details"]["method"] for one in found)
    assert len(found) == record["summaries"]["lattice_energy_minimisation"]["structures"] == 2
    for document in found:
        volume = abs(np.linalg.det(np.array(document["geometry"]["lattice"])))
        assert volume < 0.97 * crystals[0].cell_volume


@pytest.mark.parametrize(
    ("more", "words"),
    [("lowest = 2", "no structure of pool 'raw' has a lattice energy"), ("", "could be minimised")],
)
def test_nothing_to_minimise_is_one_line(farm: InProcess, more: str, words: str) -> None:
    pool = waters(2)
    for one in pool:
        one.properties = {"Z": 2, "number_of_atoms_in_molecule": 3}
    farm.write_pool(pool)
    text = CONF.format(procedures=procedures("Lattice_Energy_Minimisation"), more=PLAIN.format(more=more))
    record = farm.run(text)
    assert record["state"] == "failed"
    assert words in record["failure"] and "\n" not in record["failure"] and "Traceback" not in record["failure"]


ENGINE = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch"]
run_name = urea

[fhi_aims_energy_evaluation]
structure_dir = raw
molecule_path = urea.in
Z = 2
engine = lattice
potential_file = own.json
charges = none
output_dir = evaluated

[run_fhi_aims_batch]
engine = lattice
charges = none
output_dir = relaxed
energy_name = energy_relaxed
"""


def test_the_engine_lattice_in_procedures_of_the_manual(farm: InProcess, crystals: list[Structure]) -> None:
    pool = [pulled(crystals[0], "near"), pulled(crystals[1], "second")]
    farm.write_pool(pool)
    own = lattice.Potential("FIT")
    (farm.folder / "own.json").write_text(POTENTIAL_FILE.read_text())
    record = farm.run(ENGINE)
    assert record["state"] == "finished", record.get("failure")
    model = lattice.Model(read_molecule(UREA), own)
    for document in farm.database.structures.find({"pools": "evaluated"}):
        kept = document["energies"]["energy"]
        [structure] = [one for one in pool if one.struct_id == document["struct_id"]]
        assert kept["engine"] == "lattice"
        assert kept["per_molecule"] * 96.485332 == pytest.approx(model.energy(structure).total, abs=1e-4)
    relaxed = list(farm.database.structures.find({"pools": "relaxed"}))
    assert len(relaxed) == 2
