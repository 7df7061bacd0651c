"""Crystals written as CIF in the standard setting, exactly symmetric, as journals and databases want them."""

import io
import re
import warnings

import gemmi
import numpy as np
import pytest
from crystals_of_settings import crystal_of
from same_crystal import farthest_atom
from shared_data import shared

from genarris_fw.crystal import Reading, Structure, read, space_group, standard_setting
from genarris_fw.crystal.formats.cif import parse_cif
from genarris_fw.crystal.formats.cif_writing import format_cif, format_standard_cif
from genarris_fw.crystal.formats.setting_table import of_number, standard_of
from genarris_fw.crystal.symmetrising import symmetrised
from genarris_fw.errors import InputError

# Both origins, both axes of R, unusual axes, all crystal systems and centrings.
SETTINGS = [2, 12, 64, 82, 90, 115, 228, 229, 317, 336, 401, 433, 434, 444, 475, 493, 525, 526]


def disturbed(number: int, noise: float = 2e-4) -> Structure:
    """The crystal of a setting, every atom a little off, turned and moved."""
    known, rng = crystal_of(number), np.random.default_rng(number)
    [found] = parse_cif(known.cif(known.by_hall), "x.cif", Reading())
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    noisy = found.positions + rng.uniform(-noise, noise, size=found.positions.shape)
    return Structure(found.cell @ turn, found.species, noisy @ turn, {"Z": found.properties["Z"]}, f"setting_{number}")


@pytest.mark.parametrize("number", SETTINGS)
def test_all_programs_read_the_same_symmetric_crystal(number: int) -> None:
    structure = disturbed(number)
    text, kind = format_standard_cif(structure), crystal_of(number).kind
    standard = standard_setting(structure)
    [ours] = parse_cif(text, "x.cif", reading := Reading())
    assert reading.notes == [] and space_group(ours, 1e-5) == kind.number
    assert len(ours) == len(standard) and farthest_atom(ours, standard) < 2e-3
    assert ours.properties["Z"] == standard.properties["Z"]
    for found in (_by_ase(text), _by_gemmi(text), _by_pymatgen(text)):
        assert len(found[0]) == len(ours) and farthest_atom(found, ours) < 1e-6
    block = gemmi.cif.read_string(text).sole_block()
    operations = len(list(block.find_values("_space_group_symop_operation_xyz")))
    multiplicities = [int(x) for x in block.find_values("_atom_site_site_symmetry_multiplicity")]
    assert sum(multiplicities) == len(ours) and multiplicities == [operations] * 5
    named = gemmi.find_spacegroup_by_name(gemmi.cif.as_string(block.find_value("_space_group_name_H-M_alt")))
    assert named is not None and named.number == kind.number
    assert gemmi.cif.as_string(block.find_value("_space_group_name_Hall")) == standard_of(kind.number).hall
    assert "# atoms moved by at most " in text


def test_a_molecule_on_a_special_position() -> None:
    [urea] = read(shared("crystals/urea.cif"))
    text = format_standard_cif(urea)
    assert "_space_group_name_H-M_alt 'P -4 21 m'" in text and "# atoms moved" not in text
    rows = [line.split() for line in text.splitlines() if re.match(r"[A-Z][a-z]?\d", line)]
    assert [(row[1], row[2]) for row in rows] == [("C", "2"), ("O", "2"), ("N", "4"), ("H", "4"), ("H", "4")]
    [again] = parse_cif(text, "x.cif", Reading())
    assert farthest_atom(again, urea) < 1e-6


def test_what_cif_writes_in_p_1_is_symmetric_here() -> None:
    structure = disturbed(82, 1e-3)
    assert "_space_group_IT_number 1\n" in format_cif(structure)
    assert "_space_group_name_H-M_alt 'P 1 21/c 1'\n" in format_standard_cif(structure)


@pytest.mark.parametrize("text", [format_cif, format_standard_cif])
@pytest.mark.parametrize("number", [1, 90, 434])
def test_the_rules_of_cif(text, number: int) -> None:
    """CIF 1.1: ASCII, lines of at most 80 letters, one block with a name of at most 75, labels that are unique."""
    structure = disturbed(number)
    structure.struct_id = "größe_" + "x" * 90
    written = text(structure)
    assert written.isascii() and max(map(len, written.splitlines())) <= 80
    assert re.match(r"data_[!-~]{1,75}\n", written)
    block = gemmi.cif.read_string(written).sole_block()
    labels = list(block.find_values("_atom_site_label"))
    assert len(set(labels)) == len(labels) and all(re.fullmatch(r"[A-Z][a-z]?\d+", label) for label in labels)
    assert {item.pair[0] for item in block if item.pair} <= TAGS
    assert {tag for item in block if item.loop for tag in item.loop.tags} <= TAGS


TAGS = {  # of the core dictionary, version 2.4 (International Tables G)
    "_space_group_IT_number", "_space_group_name_H-M_alt", "_space_group_name_Hall", "_space_group_name_H-M_ref",
    "_cell_length_a", "_cell_length_b", "_cell_length_c", "_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma",
    "_cell_volume", "_cell_formula_units_Z", "_chemical_formula_sum", "_space_group_symop_id",
    "_space_group_symop_operation_xyz", "_atom_site_label", "_atom_site_type_symbol",
    "_atom_site_site_symmetry_multiplicity", "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z",
    "_atom_site_occupancy",
}  # fmt: skip


@pytest.mark.parametrize("number", range(1, 231))
def test_the_standard_of_every_group(number: int) -> None:
    setting = standard_of(number)
    assert setting in of_number(number) and setting.choice in ("", "b", "b1", "2", "H")


def test_a_group_that_the_crystal_has_not() -> None:
    operations = standard_of(14).operations
    triclinic = Structure(np.diag([5.0, 6.0, 7.0]), ["C", "C"], [[0, 0, 0], [0.1, 1.3, 2.0]], {}, "tric")
    with pytest.raises(InputError, match=r"^tric: its atoms do not have this symmetry"):
        symmetrised(triclinic, *operations)
    with pytest.raises(InputError, match="is a molecule"):
        format_standard_cif(Structure(None, ["C"], [[0, 0, 0]], {}, "one"))
    with pytest.raises(InputError, match="no space group is found"):
        format_standard_cif(Structure(np.eye(3) * 5, ["O", "O"], [[0, 0, 0], [0, 0, 1e-4]], {}, "two"))


def _by_ase(text):
    import ase.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = ase.io.read(io.StringIO(text), format="cif")
    return atoms.get_chemical_symbols(), atoms.get_scaled_positions()


def _by_gemmi(text):
    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())
    sites = small.get_all_unit_cell_sites()
    return [site.element.name for site in sites], np.array([site.fract.tolist() for site in sites])


def _by_pymatgen(text):
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # By itself it moves what is within 1e-4 of thirds.
        [found] = CifParser.from_str(text, frac_tolerance=0).parse_structures(primitive=False)
    return [site.species_string for site in found], found.frac_coords
