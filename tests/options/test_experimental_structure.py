"""The section [experimental_structure]: what is told of a measured crystal before the run, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from command import EXAMPLES

from genarris_fw.crystal import Structure, read, write
from genarris_fw.errors import InputError
from genarris_fw.options import load
from genarris_fw.options.configuration import difference
from genarris_fw.trials.check import check

UREA = EXAMPLES / "urea"
CONF = """\
[Genarris_master]
procedures = {procedures}
{section}
[pygenarris_structure_generation]
molecule_path = urea.in
Z = 2
num_structures = 10
volume_mean = 150
"""
SECTION = "[experimental_structure]\npath = measured.cif\n"
GENERATION = '["Pygenarris_Structure_Generation", "Rigid_Press"]'
SEARCH = '["Crystal_Search"]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(UREA / "urea.in", tmp_path)
    shutil.copy(UREA / "urea.cif", tmp_path / "measured.cif")
    return tmp_path


def conf(folder: Path, section: str = SECTION, procedures: str = GENERATION) -> Path:
    path = folder / "ui.conf"
    path.write_text(CONF.format(section=section, procedures=procedures))
    return path


def problem(folder: Path, section: str = SECTION) -> str:
    with pytest.raises(InputError) as caught:
        load(conf(folder, section))
    [line] = str(caught.value).splitlines()
    return line


def measured(folder: Path, crystal: Structure) -> None:
    crystal.struct_id = "measured"
    (folder / "measured.cif").unlink()
    write([crystal], folder, "cif")


def urea() -> Structure:
    return read(UREA / "urea.cif")[0]


def test_the_crystal_travels_with_the_configuration(folder: Path) -> None:
    found = load(conf(folder))
    assert found.notices == []
    assert found.comparison == {
        "path": str(folder / "measured.cif"),
        "record": None,
        "molecules": 15,
        "distance_tolerance": 0.2,
        "angle_tolerance": 20.0,
    }
    assert found.experiment is not None
    np.testing.assert_allclose(Structure.from_dict(found.experiment).positions, urea().positions)
    rows = {option: (value, origin) for section, option, value, origin in found.describe() if section.startswith("exp")}
    assert rows["path"] == (str(folder / "measured.cif"), "ui.conf line 4")
    assert rows["molecules"] == (15, "default")


def test_without_the_section_nothing_is_as_it_was_not(folder: Path) -> None:
    found = load(conf(folder, ""))
    assert found.experiment is None and found.comparison is None
    assert "xperimental_structure" not in str(found.describe())


def test_another_crystal_or_tolerance_is_another_run_and_a_moved_folder_is_not(folder: Path, tmp_path: Path) -> None:
    before = load(conf(folder)).to_dict()
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("urea.in", "measured.cif"):
        shutil.copy(folder / name, moved)
    assert difference(before, load(conf(moved)).to_dict()) == []
    assert difference(before, load(conf(folder, SECTION + "molecules = 20\n")).to_dict()) == [
        "Experimental_Structure.molecules: 15 -> 20"
    ]
    crystal = urea()
    measured(folder, Structure(crystal.cell * 1.01, crystal.species, crystal.positions * 1.01))
    [line] = difference(before, load(conf(folder)).to_dict())
    assert line.startswith("Experimental_Structure.path: ")


def test_a_search_looks_for_it_by_its_model_too(folder: Path) -> None:
    step = load(conf(folder, procedures=SEARCH)).step("crystal_search")
    assert step.options["experiment"] == str(folder / "measured.cif")
    assert step.options["experiment_content"] is not None
    assert step.origins["experiment"] == "inferred from [experimental_structure] path (line 4)"
    own = "[crystal_search]\nexperiment = other.cif\n"
    shutil.copy(UREA / "urea.cif", folder / "other.cif")
    step = load(conf(folder, SECTION + own, procedures=SEARCH)).step("crystal_search")
    assert step.options["experiment"] == str(folder / "other.cif")


def test_a_file_that_cannot_be_compared_is_refused(folder: Path) -> None:
    place = folder / "measured.cif"
    assert "missing required option path" in problem(folder, "[experimental_structure]\n")
    assert "path = 'nowhere.cif': no such file" in problem(folder, SECTION.replace("measured", "nowhere"))
    assert "molecules = '1'" in problem(folder, SECTION + "molecules = 1\n")
    assert "unknown option 'wrong'" in problem(folder, SECTION + "wrong = 1\n")
    place.write_text("not a crystal")
    assert "path: " in problem(folder)
    shutil.copy(UREA / "urea.in", folder / "measured.in")
    assert "without a cell" in problem(folder, "[experimental_structure]\npath = measured.in\n")


def test_a_crystal_of_another_molecule_is_refused_with_both_formulas(folder: Path) -> None:
    crystal = urea()
    species = ["S" if name == "O" else name for name in crystal.species]
    measured(folder, Structure(crystal.cell, species, crystal.positions))
    assert "CH4N2S" in (line := problem(folder)) and "CH4N2O" in line


def test_a_crystal_with_a_solvent_is_refused_with_its_parts(folder: Path) -> None:
    crystal = urea()
    cell = crystal.cell + np.diag([0, 0, 6.0])
    water = np.array([[2.8, 2.8, 7.5], [3.5, 2.8, 8.1], [2.1, 2.8, 8.1]])
    measured(folder, Structure(cell, [*crystal.species, "O", "H", "H"], np.vstack([crystal.positions, water])))
    line = problem(folder)
    assert "CH4N2O" in line and "H2O" in line and "cannot be compared" in line


def test_missing_hydrogens_are_told_before_the_run(folder: Path) -> None:
    crystal = urea()
    heavy = [k for k, element in enumerate(crystal.species) if element != "H"]
    measured(folder, Structure(crystal.cell, [crystal.species[k] for k in heavy], crystal.positions[heavy]))
    [notice] = load(conf(folder)).notices
    assert "the measured crystal: it has no hydrogens: compared by the other atoms" in notice
    found = load(conf(folder, procedures=SEARCH))
    assert found.step("crystal_search").options.get("experiment_content") is None
    words = "crystal_search compares the measured crystal as it is, and does not minimise it"
    assert any(words in notice for notice in found.notices)


DISORDERED = """\
data_measured
_cell_length_a 5.565
_cell_length_b 5.565
_cell_length_c 4.684
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P -4 21 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_disorder_group
C1 C 0.0 0.5 0.32606 1 .
O1 O 0.0 0.5 0.59785 1 .
N1 N 0.14681 0.64681 0.17687 1 .
H1 H 0.26009 0.76009 0.28293 0.7 1
H2 H 0.14575 0.64575 -0.04074 0.7 1
H1B H 0.27 0.77 0.27 0.3 2
H2B H 0.14 0.64 -0.05 0.3 2
"""


def test_disorder_is_told_and_its_major_part_compared(folder: Path) -> None:
    (folder / "measured.cif").write_text(DISORDERED)
    found = load(conf(folder))
    assert found.experiment is not None and len(Structure.from_dict(found.experiment).species) == 16
    assert any("disorder" in notice for notice in found.notices)
    assert any("disorder" in remark for remark in Structure.from_dict(found.experiment).properties["remarks"])


def test_one_of_several_crystals_is_chosen(folder: Path) -> None:
    text = (UREA / "urea.cif").read_text()
    name = next(line for line in text.splitlines() if line.startswith("data_"))
    (folder / "measured.cif").write_text(text + "\n" + text.replace(name, "data_second"))
    assert "holds 2 crystals" in problem(folder)
    assert load(conf(folder, SECTION + "record = 2\n")).experiment is not None


def test_check_tells_it(folder: Path) -> None:
    (folder / "measured.cif").write_text(DISORDERED)
    from genarris_fw.database.find import Database

    found = check(load(conf(folder)), Database("mongodb://127.0.0.1:1/none", "a test"), every_engine=False)
    assert any("the measured crystal: " in notice for notice in found["notices"])
    assert any(row["section"] == "experimental_structure" for row in found["options"])
