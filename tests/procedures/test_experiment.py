"""The measured crystal among the minima of a run: said in words, marked, and carried with the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import EXAMPLES
from in_process import InProcess, launch_all

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Molecule, Structure, read, read_molecule, write
from genarris_fw.errors import InputError
from genarris_fw.generation import generate
from genarris_fw.lattice.charges.electrostatics import Electrostatics
from genarris_fw.lattice.charges.files import write_charges
from genarris_fw.options import load
from genarris_fw.views.closing import closing

UREA = EXAMPLES / "urea"
# Round numbers near those that fit urea's potential: what a wave function takes seconds for is not what is tested.
CHARGES = {"C": 0.9, "O": -0.65, "N": -0.95, "H": 0.4125}
CONF = """\
[Genarris_master]
procedures = ["Molecular_Electrostatics", "Crystal_Search", "Lattice_Energy_Minimisation"]
run_name = urea
seed = 3

[molecular_electrostatics]
molecule_path = urea.in
charges_file = charges.json
electrostatics_file = kept.json

[crystal_search]
Z = 2
space_groups = [113]
stop = draws
draws = 400
output_dir = minima
{experiment}

[lattice_energy_minimisation]
potential = W99
energy_name = second
output_dir = again
"""


def conf(experiment: str = "experiment = measured.cif") -> str:
    return CONF.format(experiment=experiment)


def prepare(folder: Path) -> Structure:
    """Write molecule, charges and the measured crystal into a folder; return the crystal."""
    (folder / "urea.in").write_bytes((UREA / "urea.in").read_bytes())
    (folder / "measured.cif").write_bytes((UREA / "urea.cif").read_bytes())
    molecule: Molecule = read_molecule(UREA / "urea.in")
    charges = np.array([[CHARGES[element]] for element in molecule.species])
    write_charges(folder / "charges.json", molecule, Electrostatics(molecule.positions, charges))
    return read(UREA / "urea.cif")[0]


def marked(farm: InProcess, pool: str) -> list[dict]:
    found = farm.database.structures.find({"run": "urea", "pools": pool, "properties.experiment_rank": {"$exists": 1}})
    return list(found)


def test_the_measured_crystal_is_named_though_its_file_is_gone(in_process: InProcess) -> None:
    prepare(in_process.folder)

    def without_the_file(*args: object) -> None:
        (in_process.folder / "measured.cif").unlink()
        launch_all(*args)

    record = in_process.run(conf(), launch=without_the_file)
    assert record["state"] == "finished", record.get("failure")
    said = record["summaries"]["crystal_search"]["experiment"]
    assert said["found"] and said["rank"] == 1 and said["above_lowest"] == 0.0
    assert 0.02 < said["rmsd"] < 0.5
    assert said["words"] == f"rank 1, 0.00 kJ/mol above the lowest, RMSD_15 {said['rmsd']:.2f} Å"
    assert f"experiment: {said['words']}" in record["summaries"]["crystal_search"]["words"]

    (first,) = marked(in_process, "minima")
    assert first["struct_id"] == said["structure"]
    assert first["properties"]["experiment_rmsd"] == said["rmsd"]
    assert first["properties"]["spg"] == 113
    energies = [one["properties"]["lattice_energy"] for one in in_process.database.structures.find({"pools": "minima"})]
    assert first["properties"]["lattice_energy"] == min(energies)
    (exported,) = read(in_process.folder / "minima" / f"{first['struct_id']}.json")
    assert exported.properties["experiment_rank"] == 1

    table = closing(Catalogue(in_process.database), "urea")["energies"][0]
    assert table["step"] == "crystal_search" and table["engine"] == "lattice"
    assert [row["experiment"] for row in table["rows"]] == [True] + [False] * (len(table["rows"]) - 1)

    # The second potential is asked for its own opinion: the mark of the parent is not passed on.
    again = record["summaries"]["lattice_energy_minimisation"]["experiment"]
    (second,) = marked(in_process, "again")
    assert again["structure"] == second["struct_id"] != first["struct_id"]
    assert second["parent"] == first["struct_id"]
    assert second["properties"]["experiment_rank"] == again["rank"]


def test_a_crystal_that_is_not_there_is_said_to_be_missing(in_process: InProcess) -> None:
    prepare(in_process.folder)
    (in_process.folder / "measured.cif").unlink()
    (other,) = generate(read_molecule(UREA / "urea.in"), 4, 19, 1, 320.0, 10.0, seed=4, mode="packing").structures
    other.struct_id = "measured"
    write([other], in_process.folder, "cif")
    record = in_process.run(conf())
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["crystal_search"]
    assert summary["experiment"] == {"words": "not among them", "found": False}
    assert "experiment: not among them" in summary["words"]
    assert marked(in_process, "minima") == []


def test_without_an_experiment_nothing_is_said(in_process: InProcess) -> None:
    prepare(in_process.folder)
    record = in_process.run(conf(experiment=""))
    for name in ("crystal_search", "lattice_energy_minimisation"):
        assert "experiment" not in record["summaries"][name]
        assert "experiment" not in record["summaries"][name]["words"]


def problem(folder: Path) -> str:
    (folder / "ui.conf").write_text(conf())
    with pytest.raises(InputError) as caught:
        load(folder / "ui.conf")
    return str(caught.value)


def test_a_file_that_is_no_crystal_of_the_molecule_is_refused_before_the_run(tmp_path: Path) -> None:
    crystal = prepare(tmp_path)
    place = tmp_path / "measured.cif"
    (tmp_path / "ui.conf").write_text(conf())
    load(tmp_path / "ui.conf")

    place.unlink()
    assert "experiment = 'measured.cif': no such file; expected a crystal as it was measured" in problem(tmp_path)
    place.write_text("not a crystal")
    assert "experiment: " in problem(tmp_path)

    without = [k for k, element in enumerate(crystal.species) if element != "H"]
    bare = Structure(crystal.lattice, [crystal.species[k] for k in without], crystal.positions[without], {}, "measured")
    place.unlink()
    write([bare], tmp_path, "cif")
    line = problem(tmp_path)
    assert "a molecule of the crystal is CN2O, the molecule of the run is CH4N2O" in line
    assert "hydrogens included" in line
