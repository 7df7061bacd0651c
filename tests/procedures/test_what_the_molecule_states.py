"""initial_moment, initial_charge and constrain_relaxation of the molecule, from its file to FHI-aims and back."""

from pathlib import Path

from aims_inputs import COMMAND, control, species_folder
from in_process import InProcess

from genarris_fw.crystal import read

FAULTS = Path(__file__).parents[1] / "data" / "faults"
CONF = """\
[Genarris_master]
procedures = ["Relax_Single_Molecule", "Pygenarris_Structure_Generation", "Run_FHI_Aims_Batch"]
run_name = states
seed = 1
engine = aims
species_dir = species
aims_command = {command}
[relax_single_molecule]
molecule_path = no2.in
Z = 2
control_path = molecule.in
aims_output_dir = of_molecule
[pygenarris_structure_generation]
num_structures = 1
Z = 2
volume_mean = 110
space_groups = [4]
output_dir = raw
[run_fhi_aims_batch]
control_path = relax.in
aims_output_dir = of_crystals
output_dir = relaxed
"""
MOMENTS, CHARGES = [0.6, 0.2, 0.2], [None, -0.1, None]


def test_every_copy_has_what_the_molecules_file_states(in_process: InProcess) -> None:
    given = (FAULTS / "initial_moment_dropped" / "no2.in").read_text() + "  constrain_relaxation .true.\n"
    run = in_process
    (run.folder / "no2.in").write_text(given)
    species_folder(run.folder / "species", ["N", "O"])
    (run.folder / "molecule.in").write_text(control(relax=True, crystal=False, tolerance=0.3))
    (run.folder / "relax.in").write_text(control(relax=True, tolerance=0.3))
    document = run.run(CONF.format(command=f"env AIMS_STAND_IN_WIDTH=4.0 OMP_NUM_THREADS=1 {COMMAND}"))
    assert document["state"] == "finished", document.get("failure")
    expected = {"initial_moments": MOMENTS, "initial_charges": CHARGES, "fixed_atoms": [2]}
    [molecule] = read(run.folder / "of_molecule" / "molecule" / "geometry.in")
    assert {name: molecule.properties[name] for name in expected} == expected
    repeated = {"initial_moments": 2 * MOMENTS, "initial_charges": 2 * CHARGES, "fixed_atoms": [2, 5]}
    places = list((run.folder / "of_crystals").glob("*/geometry.in"))
    [relaxed] = (run.folder / "relaxed").glob("*.json")
    for file in (*places, relaxed):
        [crystal] = read(file)
        assert {name: crystal.properties[name] for name in repeated} == repeated, file
    assert len(places) == 1
