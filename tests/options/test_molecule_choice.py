"""record and component of ui.conf, and SMILES in the place of the molecule's file."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from genarris_fw.crystal import Reading, read_molecule
from genarris_fw.errors import InputError
from genarris_fw.farm.workflow import run_record
from genarris_fw.options import load, options_hash
from genarris_fw.options.molecule_files import molecule_of

FAULTS = Path(__file__).parents[1] / "data" / "faults"
WATER = "O 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
CONF = """\
[Genarris_master]
procedures = ["Pygenarris_Structure_Generation"]
{master}
[pygenarris_structure_generation]
Z = 2
num_structures = 2
{own}
"""
STEP = "pygenarris_structure_generation"


def loaded(folder, master="", own=""):
    (folder / "ui.conf").write_text(CONF.format(master=master, own=own))
    return load(folder / "ui.conf")


@pytest.fixture
def ensemble(tmp_path):
    second = WATER.replace("0.59", "0.60")
    (tmp_path / "two.xyz").write_text(f"3\n-5.0\n{WATER}3\n-5.1\n{second}")
    return tmp_path


def test_a_record_is_chosen_in_either_section(ensemble):
    for master, own in (
        ("molecule_path = two.xyz\nrecord = 2", ""),
        ("", "molecule_path = two.xyz\nrecord = 2"),
        ("molecule_path = two.xyz", "record = 2"),
    ):
        configuration = loaded(ensemble, master, own)
        assert configuration.step(STEP).options["record"] == 2
        read = run_record(configuration)["molecules"][STEP]
        assert read["positions"][1] == [0.76, 0.6, 0.0]
        assert configuration.molecule().positions[1].tolist() == [0.76, 0.6, 0.0]


def test_without_a_choice_the_run_says_how(ensemble):
    configuration = loaded(ensemble, "molecule_path = two.xyz")
    with pytest.raises(InputError, match=r"2 records; .* record = n, from 1 to 2 \(2 has the lowest energy\)"):
        run_record(configuration)
    with pytest.raises(InputError, match="record = 3, but the file holds 2 records"):
        run_record(loaded(ensemble, "molecule_path = two.xyz\nrecord = 3"))


def test_another_record_is_another_run(ensemble):
    hashes = {options_hash(loaded(ensemble, f"molecule_path = two.xyz\nrecord = {k}")) for k in (1, 2)}
    assert len(hashes) == 2


def test_notes_of_the_reader_are_notices_once(tmp_path):
    (tmp_path / "label.xyz").write_bytes((FAULTS / "xyz_variants" / "16_labels.xyz").read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        configuration = loaded(tmp_path, "molecule_path = label.xyz")
    said = [notice for notice in configuration.notices if "labels taken as elements (6 atoms)" in notice]
    assert len(said) == 1 and "ui.conf:3" in said[0]


def test_what_the_file_says_of_atoms_is_in_the_runs_record(tmp_path):
    (tmp_path / "no2.in").write_bytes((FAULTS / "initial_moment_dropped" / "no2.in").read_bytes())
    read = run_record(loaded(tmp_path, "molecule_path = no2.in"))["molecules"][STEP]
    assert read["initial_moments"] == [0.6, 0.2, 0.2] and read["initial_charges"] == [None, -0.1, None]


def test_smiles_take_the_place_of_a_file(tmp_path):
    pytest.importorskip("rdkit")
    configuration = loaded(tmp_path, "molecule_path = smiles: C#N")
    assert configuration.step(STEP).options["molecule_path"] == "smiles: C#N"
    assert run_record(configuration)["molecules"][STEP]["species"] == ["C", "N", "H"]
    assert any("relax it" in notice for notice in configuration.notices)
    other = loaded(tmp_path, "molecule_path = smiles: C=O")
    assert options_hash(configuration) != options_hash(other)


def test_a_changed_file_is_read_anew(tmp_path):
    file = tmp_path / "m.xyz"
    file.write_text(f"3\n\n{WATER}")
    options = {"molecule_path": str(file)}
    first, _ = molecule_of(options)
    first.positions += 1.0  # what one user does to it is not seen by others
    assert np.array_equal(molecule_of(options)[0].positions, read_molecule(file, reading=Reading()).positions)
    file.write_text(f"3\n\n{WATER.replace('0.59', '0.601')}")
    assert molecule_of(options)[0].positions[1, 1] == 0.601


def test_the_major_part_of_a_disordered_crystal(tmp_path):
    source = FAULTS / "cif_disorder" / "21_disorder.cif"
    (tmp_path / "d.cif").write_bytes(source.read_bytes())
    with pytest.raises(InputError, match="occupanc"):
        run_record(loaded(tmp_path, "molecule_path = d.cif"))
    configuration = loaded(tmp_path, "molecule_path = d.cif\ndisorder = major")
    read = run_record(configuration)["molecules"][STEP]
    expected = read_molecule(source, reading=Reading(disorder="major"))
    assert read["species"] == expected.species
    assert options_hash(configuration) != options_hash(loaded(tmp_path, "molecule_path = d.cif"))
