"""Molecular_Electrostatics, as a run carries it out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as built
from in_process import InProcess

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Molecule, write
from genarris_fw.errors import InputError
from genarris_fw.lattice.charges.by_method import electrostatics
from genarris_fw.lattice.charges.electrostatics import Electrostatics
from genarris_fw.lattice.charges.files import read_charges, write_charges
from genarris_fw.lattice.charges.molecular_potential import key_of
from genarris_fw.lattice.molecule import wave_function
from genarris_fw.logs import Log
from genarris_fw.options import load
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.molecular_charges import electrostatics_for

CONF = """\
[Genarris_master]
procedures = ["Molecular_Electrostatics"]
run_name = {name}
[molecular_electrostatics]
molecule_path = water.in
{options}
"""
TURN = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # exact, also of numbers in a file
WATER = Molecule(["O", "H", "H"], built("H2O").positions)


def place(farm: InProcess, molecule: Molecule) -> Molecule:
    """Write the molecule's file; return the molecule that it holds."""
    path = farm.folder / "water.in"
    write([molecule.to_structure("water")], farm.folder / "made", "geometry")
    [made] = (farm.folder / "made").iterdir()
    made.replace(path)
    from genarris_fw.crystal import read_molecule

    return read_molecule(path)


def summary_of(record: dict) -> dict:
    assert record["state"] == "finished", record.get("failure")
    return record["summaries"]["molecular_electrostatics"]


def campaign_of(farm: InProcess, record: dict) -> Campaign:
    catalogue = Catalogue(farm.database)
    return Campaign(catalogue, record, "molecular_electrostatics", Log(farm.folder))


def test_a_run_computes_once_what_all_runs_use(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyscf", reason="pyscf is not installed: pip install genarris_fw[pyscf]")
    molecule = place(in_process, WATER)
    record = in_process.run(CONF.format(name="first", options="method = hf/6-31G"))
    summary = summary_of(record)
    expected = electrostatics(molecule, "HF/6-31G")
    assert summary["sites"] == 6 and summary["rank"] == 0
    assert summary["error"] == pytest.approx(expected.error) and summary["error_elsewhere"] < summary["error"]
    assert summary["potential"] == key_of(molecule, "HF/6-31G")
    written = read_charges(in_process.folder / "electrostatics.json", molecule)
    assert written.sites == pytest.approx(expected.sites, abs=1e-6)
    assert written.multipoles == pytest.approx(expected.multipoles, abs=1e-7)
    assert in_process.database.molecular_potentials.count_documents({}) == 1

    # Another run of the molecule, turned: nothing is computed, neither for other sites nor for another rank.
    def never(*_: object) -> None:
        raise AssertionError("a wave function was computed again")

    monkeypatch.setattr(wave_function.WaveFunction, "__init__", never)
    turned = place(in_process, Molecule(WATER.species, molecule.positions @ TURN.T + 5.0))
    options = "method = HF/6-31G\nrank = 4\nelectrostatics_file = multipoles.json"
    record = in_process.run(CONF.format(name="second", options=options))
    assert summary_of(record)["potential"] == summary["potential"]
    assert summary_of(record)["rank"] == 4
    assert len(json.loads((in_process.folder / "multipoles.json").read_text())["multipoles"][0]) == 25
    # What a later step asks for: charges where its potential has the hydrogens.
    sites = turned.positions + 0.1 * (turned.positions[0] - turned.positions)
    found = electrostatics_for(campaign_of(in_process, record), turned, sites, "molecular_electrostatics")
    assert found.rank == 4 and found.sites == pytest.approx(sites)
    # Runs come and go; what was computed stays.
    Catalogue(in_process.database).delete_run("first")
    assert in_process.database.molecular_potentials.count_documents({}) == 1


def test_charges_of_the_user_s_file(in_process: InProcess) -> None:
    molecule = place(in_process, WATER)
    write_charges(
        in_process.folder / "mine.json",
        Molecule(molecule.species, molecule.positions @ TURN.T),
        Electrostatics(molecule.positions @ TURN.T, [-0.8, 0.4, 0.4]),
    )
    record = in_process.run(CONF.format(name="given", options="charges_file = mine.json"))
    summary = summary_of(record)
    assert (summary["source"], summary["sites"]) == ("file", 3)
    written = read_charges(in_process.folder / "electrostatics.json", molecule)
    assert written.multipoles[:, 0] == pytest.approx([-0.8, 0.4, 0.4])
    found = electrostatics_for(campaign_of(in_process, record), molecule, None, "molecular_electrostatics")
    assert found.sites == pytest.approx(molecule.positions, abs=1e-6)
    assert in_process.database.molecular_potentials.count_documents({}) == 0


def test_charges_of_another_sum_stop_the_run(in_process: InProcess) -> None:
    place(in_process, WATER)
    (in_process.folder / "mine.dma").write_text(
        "Units angstrom\n"
        + "".join(
            f"{name} {x} {y} {z} Rank 0\n{charge}\n"
            for name, (x, y, z), charge in zip(WATER.species, WATER.positions, (-0.8, 0.4, 0.5))
        )
    )
    record = in_process.run(CONF.format(name="wrong", options="charges_file = mine.dma"))
    assert record["state"] == "failed"
    assert "sum to +0.10000 e" in record["failure"] and "\n" not in record["failure"]
    assert not (in_process.folder / "electrostatics.json").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("method = HF", "expected theory/basis, such as HF/6-31G** or B3LYP/6-311G**, or GFN2"),
        ("rank = 5", "rank = '5'"),
        ("charges_file = none.json", "no such file; expected a file of charges"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: str, words: str) -> None:
    write([WATER.to_structure("water")], tmp_path / "made", "geometry")
    next((tmp_path / "made").iterdir()).replace(tmp_path / "water.in")
    (tmp_path / "ui.conf").write_text(CONF.format(name="bad", options=options))
    with pytest.raises(InputError) as refused:
        load(tmp_path / "ui.conf")
    assert words in str(refused.value)


def test_a_missing_program_is_said_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genarris_fw.procedures.options import molecular_electrostatics as options

    write([WATER.to_structure("water")], tmp_path / "made", "geometry")
    next((tmp_path / "made").iterdir()).replace(tmp_path / "water.in")
    (tmp_path / "ui.conf").write_text(CONF.format(name="bad", options=""))
    monkeypatch.setattr(options.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs pyscf, which is missing.*genarris_fw\[pyscf\].*or method = GFN2"):
        load(tmp_path / "ui.conf")
