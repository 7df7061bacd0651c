"""Crystals written as CIF: with their group, and so that other programs read the same crystal."""

import io
import warnings

import numpy as np
import pytest
from crystals_of_settings import crystal_of
from hypothesis import given, settings
from hypothesis import strategies as st
from same_crystal import farthest_atom
from shared_data import shared

from genarris_fw.crystal import Reading, Structure, niggli_reduce, read, space_group, standard_setting
from genarris_fw.crystal.formats.cif import parse_cif
from genarris_fw.crystal.formats.cif_writing import asymmetric_unit, format_cif
from genarris_fw.crystal.formats.space_group_setting import setting_of
from genarris_fw.crystal.primitive_cell import primitive_cell_of_molecules
from genarris_fw.errors import InputError

# One of each crystal system and centring, two origins, both axes of R, and settings that no standard has.
SETTINGS = [1, 2, 3, 12, 82, 90, 115, 143, 229, 288, 317, 325, 336, 356, 394, 433, 434, 461, 475, 493, 520]


def crystal(number: int) -> Structure:
    known = crystal_of(number)
    [found] = parse_cif(known.cif(known.by_hall), "x.cif", Reading())
    found.struct_id = f"setting_{number}"
    return found


def read_back(text: str) -> Structure:
    reading = Reading()
    [found] = parse_cif(text, "x.cif", reading)
    assert reading.notes == []
    return found


@pytest.mark.parametrize("number", SETTINGS)
def test_what_is_written_is_read_the_same(number):
    structure, known = crystal(number), crystal_of(number)
    text = format_cif(structure)
    again = read_back(text)
    assert again.species == structure.species
    assert farthest_atom(again, structure) < 1e-6
    assert again.properties == structure.properties
    unit = asymmetric_unit(structure)
    assert len(unit.operations) == len(known.rotations)
    assert len(unit.atoms) == 5
    assert setting_of(unit.operations).operations.codes == unit.operations.codes
    assert f"_space_group_IT_number {known.kind.number}\n" in text
    assert "_space_group_name_Hall" in text


@pytest.mark.parametrize("number", SETTINGS)
def test_other_programs_read_the_same_crystal(number):
    structure = crystal(number)
    text = format_cif(structure)
    assert farthest_atom(_by_ase(text), structure) < 1e-4
    assert farthest_atom(_by_gemmi(text), structure) < 1e-4


@pytest.mark.parametrize("number", SETTINGS[::3])
def test_pymatgen_reads_the_same_crystal(number):
    """It moves coordinates within 1e-4 of thirds onto them."""
    pytest.importorskip("pymatgen", reason="pymatgen is not installed")
    from pymatgen.io.cif import CifParser

    structure = crystal(number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        [found] = CifParser.from_str(format_cif(structure)).parse_structures(primitive=False)
    species = [site.species_string for site in found]
    assert farthest_atom((species, found.frac_coords), structure) < 1e-3


def _by_ase(text):
    import ase.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = ase.io.read(io.StringIO(text), format="cif")
    return atoms.get_chemical_symbols(), atoms.get_scaled_positions()


def _by_gemmi(text):
    import gemmi

    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())
    sites = small.get_all_unit_cell_sites()
    return [site.element.name for site in sites], np.array([site.fract.tolist() for site in sites])


@pytest.mark.parametrize("number", SETTINGS[::2])
def test_the_origin_and_the_frame_may_be_any(number):
    """Turned, moved and wrapped, a crystal has the same group; what is written is moved to where its elements are."""
    structure, rng = crystal(number), np.random.default_rng(number)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    positions = (structure.positions + np.array([0.7, 1.9, -0.3])) @ turn
    moved = Structure(structure.cell @ turn, structure.species, positions)
    unit = asymmetric_unit(moved)
    assert len(unit.operations) == len(crystal_of(number).rotations)
    again = read_back(format_cif(moved))
    assert farthest_atom((again.species, again.fractional - unit.shift), moved) < 1e-6


def test_a_cell_that_is_in_no_table_is_written_with_the_group_and_its_operations():
    """C 1 2/c 1 in its primitive cell: no setting has it, other programs read it by the operations."""
    structure = crystal(90)
    primitive = niggli_reduce(primitive_cell_of_molecules(structure, 5), 4)
    text = format_cif(primitive)
    assert "_space_group_IT_number 15\n_space_group_name_H-M_ref 'C 2/c'\n" in text
    assert "Hall" not in text
    unit = asymmetric_unit(primitive)
    assert len(unit.operations) == 4
    for found in (_by_ase(text), _by_gemmi(text)):
        assert farthest_atom((found[0], found[1] - unit.shift), primitive) < 1e-4
    again = read_back(text)
    assert farthest_atom((again.species, again.fractional - unit.shift), primitive) < 1e-6


def test_a_molecule_on_a_special_position_is_written_in_part_and_read_whole():
    [urea] = read(shared("crystals/urea.cif"))
    text = format_cif(urea)
    assert "_space_group_name_H-M_alt 'P -4 21 m'" in text
    assert text.count("\nH") == 2  # of four
    again = read_back(text)
    assert again.species == urea.species
    assert np.abs(again.positions - urea.positions).max() < 1e-6


@pytest.mark.parametrize(("noise", "operations"), [(5e-8, 4), (1e-5, 1), (1e-3, 1)])
def test_symmetry_that_does_not_hold_is_not_written(noise, operations):
    structure = crystal(82)
    positions = structure.positions + np.random.default_rng(0).normal(scale=noise, size=structure.positions.shape)
    noisy = Structure(structure.cell, structure.species, positions, struct_id="noisy")
    text = format_cif(noisy)
    assert len(asymmetric_unit(noisy).operations) == operations
    assert farthest_atom(read_back(text), noisy) < 1e-6
    assert ("# within 0.01 Angstrom the space group is number 14" in text) == (operations == 1)


@settings(max_examples=40)
@given(st.lists(st.floats(3, 30), min_size=3, max_size=3), st.lists(st.floats(70, 110), min_size=3, max_size=3))
def test_cells_of_any_shape(lengths, angles):
    from genarris_fw.crystal.cells import cell_values, lattice_of

    lattice = lattice_of(lengths, angles)
    assert cell_values(lattice)[:6] == pytest.approx([*lengths, *angles], abs=1e-9)
    structure = Structure(lattice, ["Cm", "H"], [[0.1, 0.2, 0.3], [0.1, 0.2, 2.0]], struct_id="x")
    again = read_back(format_cif(structure))
    assert np.abs(again.cell - lattice).max() < 1e-6
    shift = asymmetric_unit(structure).shift
    assert farthest_atom((again.species, again.fractional - shift), structure) < 1e-5


@pytest.mark.parametrize("number", SETTINGS)
def test_the_standard_setting(number):
    """Of the group's first setting in the tables, with the second origin where there are two; it is its own."""
    structure, known = crystal(number), crystal_of(number)
    found = standard_setting(structure)
    assert found.properties["spg"] == known.kind.number == space_group(structure)
    assert found.density == pytest.approx(structure.density, rel=1e-9)
    assert np.linalg.det(found.cell) > 0
    unit = asymmetric_unit(found)
    assert np.abs(unit.shift).max() < 1e-9
    setting = setting_of(unit.operations)
    assert setting is not None
    assert setting.choice in ("", "b", "b1", "2", "H")
    assert setting.number == known.kind.number
    again = standard_setting(found)
    assert np.abs(again.cell - found.cell).max() < 1e-9
    assert farthest_atom(again, found) < 1e-6


def test_the_standard_setting_of_a_larger_cell():
    [urea] = read(shared("crystals/urea.cif"))
    doubled = Structure(
        urea.cell * [[1], [1], [2]], urea.species * 2, np.vstack([urea.positions, urea.positions + urea.cell[2]])
    )
    found = standard_setting(doubled)
    assert found.properties["Z"] == 2
    assert len(found) == 16
    assert found.cell_parameters == pytest.approx(urea.cell_parameters)


def test_what_has_no_setting():
    with pytest.raises(InputError, match="is a molecule"):
        standard_setting(Structure(None, ["O"], [[0, 0, 0]]))
    with pytest.raises(InputError, match="no space group is found"):
        standard_setting(Structure(np.eye(3) * 5, ["O", "O"], [[0, 0, 0], [0, 0, 1e-4]]))
