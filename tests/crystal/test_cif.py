"""Crystallographic information files, read right or refused with a reason."""

import numpy as np
import pytest
from cif_texts import ATOMS, COLUMNS, OPERATIONS, cif, listed, symbol
from crystals_of_settings import crystal_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from same_crystal import farthest_atom

from genarris_fw.crystal import Reading, Structure
from genarris_fw.crystal import read as read_file
from genarris_fw.crystal.cells import lattice_of
from genarris_fw.crystal.formats.cif import parse_cif
from genarris_fw.crystal.formats.cif_writing import format_cif
from genarris_fw.errors import InputError

NOTHING: list[str] = []


def read(text, **choices):
    reading = Reading(**choices)
    [structure] = parse_cif(text, "f.cif", reading)
    return structure, reading.notes


def refused(text, **choices):
    with pytest.raises(InputError) as error:
        parse_cif(text, "f.cif", Reading(**choices))
    line = str(error.value)
    assert line.startswith("f.cif: ")
    assert "\n" not in line
    return line


REFERENCE, _ = read(cif())


def is_reference(structure) -> bool:
    return structure.species == REFERENCE.species and farthest_atom(structure, REFERENCE) < 1e-6


# --- the space group


@pytest.mark.parametrize(
    "text",
    [
        *("P 1 21/n 1", "P 21/n", "P21/n", "P2_1/n", "P 2_1/n", "P 1 2_1/n 1", "P_21/n", "P2(1)/n", "P121/n1"),
        *("p 21/n", "P 21/N", " P 21/n ", "P 21/n :b2", "P 21/c :b2", "P 21/n (no. 14)", "P 1 21/n 1 (unique axis b)"),
    ],
)
def test_spellings_of_a_symbol(text):
    structure, notes = read(cif(symbol(text)))
    assert is_reference(structure)
    assert notes == NOTHING


CUBE, BOX, HEXAGONAL = (5, 5, 5, 90, 90, 90), (5, 6, 7, 90, 90, 90), (5, 5, 9, 90, 90, 120)


@pytest.mark.parametrize(
    ("text", "cell", "hall_number"),
    [
        ("C m c a", BOX, 304),  # C m c e
        ("Cmce", BOX, 304),
        ("Bmab", BOX, 309),
        ("A b m 2", BOX, 191),
        ("C m m a", BOX, 316),
        ("C m m b", BOX, 317),
        ("C c c b :2", BOX, 325),
        ("P a 3", CUBE, 501),
        ("Fm3m", CUBE, 523),
        ("F d d d Z", BOX, 336),
        ("F d d d S", BOX, 335),
        ("P n n n (origin choice 2)", BOX, 229),
        ("R -3 c", HEXAGONAL, 460),
        ("R -3 c H", HEXAGONAL, 460),
        ("R-3c:h", HEXAGONAL, 460),
        ("H 3 2", HEXAGONAL, 444),
        ("R -3 c", (5, 5, 5, 100, 100, 100), 461),
        ("R -3 c", CUBE, 461),
        ("P 21/c", (5, 6, 7, 90, 100, 90), 81),
        ("P 21/b", (5, 6, 7, 90, 90, 100), 86),
        ("P 21/b", (5, 6, 7, 100, 90, 90), 87),
        ("P 2", (5, 6, 7, 90, 90, 100), 4),
        ("P 2", BOX, 3),  # unique axis b where the angles allow it
        ("P 63/m m c", HEXAGONAL, 488),
        ("P b c m :2", BOX, 269),  # it has one origin
    ],
)
def test_symbols_and_the_cells_in_which_they_mean_a_setting(text, cell, hall_number):
    from genarris_fw.crystal.formats.space_group_setting import candidates

    found = candidates(text, None, lattice_of(cell[:3], cell[3:]))
    assert [one.hall for one in found.settings] == [crystal_of(hall_number).kind.hall_symbol]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("P 21/q", "'P 21/q' is no symbol of a space group that is known; add the symmetry operations"),
        ("P 21/n 1 1", "the cell is not one of P 21/n 1 1: its lengths and angles"),
        ("P 1 1 21/n", "the cell is not one of P 1 1 21/n"),
        ("P 1 21/n 1 :b1", "the setting :b1 of the space group 'P 1 21/n 1' is not known; known: :b2"),
        ("R -3 c", "the cell is not one of R -3 c :H or R -3 c :R"),
    ],
)
def test_symbols_that_mean_nothing_here(text, reason):
    assert reason in refused(cif(symbol(text)))


@pytest.mark.parametrize("text", ["P 21/n", "?", ".", "", "P -1", "P 1 21/n 1", "what it may be", "R -3 c :H"])
def test_listed_operations_are_enough(text):
    structure, notes = read(cif(symbol(text) + listed()))
    assert is_reference(structure)
    assert len(notes) == (text in ("P -1", "R -3 c :H"))
    assert all("the listed operations are taken, of space group P 1 21/n 1 (number 14)" in note for note in notes)


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        (OPERATIONS[1:], "lack the identity"),
        (OPERATIONS[:3], "are no group"),
        ((*OPERATIONS[:3], "1/2+x,1/2-y,q"), "'1/2+x,1/2-y,q' is no symmetry operation"),
        (("x,y,z", "2x,y,z"), "changes volumes"),
        (("x,y,z", "y,x,z"), "do not fit the cell"),
        (("x,y,z", "-x,-y,z"), "do not fit the cell"),
    ],
)
def test_operations_that_are_none(operations, reason):
    assert reason in refused(cif(listed(operations)))


def test_operations_may_be_written_in_many_ways():
    for operations in (
        ("X,Y,Z", " -x+0.5 , y+.5 , -z+0.500 ", "-X,-Y,-Z", "x+1/2,-y+1/2,z+1/2"),
        (*OPERATIONS, *OPERATIONS),
        ("-x,-y,-z", "+x,+y,+z", "x-1/2,-y-1/2,z+3/2", "-x+1/2,y+1/2,-z+1/2"),
    ):
        structure, notes = read(cif(listed(operations)))
        assert farthest_atom(structure, REFERENCE) < 1e-6
        assert notes == NOTHING


def test_operations_with_blanks_and_without_quotes():
    lines = "".join(f"{text.replace(',', ', ')}\n" for text in OPERATIONS)
    structure, notes = read(cif("loop_\n_symmetry_equiv_pos_as_xyz\n" + lines))
    assert is_reference(structure)
    assert notes == NOTHING
    assert "'x,y' is no symmetry operation" in refused(cif(listed([*OPERATIONS, "x,y"])))


def test_the_hall_symbol_comes_before_the_symbol_and_that_before_the_number():
    hall = "_symmetry_space_group_name_Hall '-P 2yn'\n"
    structure, notes = read(cif(hall + symbol("P 21/c")))
    assert is_reference(structure)
    assert notes == ["the Hall symbol -P 2yn is taken, of space group P 1 21/n 1 (number 14), which contradicts P 21/c"]
    structure, notes = read(cif(hall.upper().replace("-P", "-p")))
    assert is_reference(structure)
    structure, notes = read(cif(hall.replace("-P", "-Q") + symbol("P 21/n")))
    assert is_reference(structure)
    assert notes == ["'-Q 2yn' is no Hall symbol: the symbol and the number are taken"]
    assert "'I 4bw 2abw -1bw' is no Hall symbol" in refused(cif("_space_group_name_Hall 'I 4bw 2abw -1bw'\n"))
    assert "'-Q 2yn' is no Hall symbol" in refused(cif(hall.replace("-P", "-Q")))
    number = "_space_group_IT_number 2\n"
    assert "'P 21/n' by its symbol, but 2 by its number (P 1 21/n 1 is number 14)" in refused(
        cif(symbol("P 21/n") + number)
    )


def test_a_number_alone_is_the_standard_setting_if_that_makes_a_crystal():
    """In P 21/c the molecules of this crystal run into each other; P 21/n and P 21/a are left, and nothing tells."""
    number = "_space_group_IT_number 14\n"
    assert "can be P 1 21/c 1 or P 1 21/n 1 or P 1 21/a 1" in refused(cif(number))
    structure, _ = read(cif(number + "_space_group.IT_coordinate_system_code b2\n"))
    assert is_reference(structure)
    structure, notes = read(cif(symbol("P 21/n") + "_space_group.IT_coordinate_system_code standard\n"))
    assert is_reference(structure)
    assert notes == ["the setting :standard of the space group 'P 21/n' is not known"]
    known = crystal_of(115)  # P 21 21 21, of which there is one setting
    structure, notes = read(known.cif("_symmetry_Int_Tables_number 19\n"))
    assert known.farthest(structure.fractional, structure.species) < 1e-3
    assert notes == ["the space group is stated by its number alone, 19: P 21 21 21 is taken for it"]


@pytest.mark.parametrize("hall_number", [336, 229, 362, 365])
def test_of_two_origins_the_one_is_taken_with_which_the_atoms_make_a_crystal(hall_number):
    """N2 around the inversion at the second origin; at the first, with its twofold axes, four atoms are 0.8 Å apart."""
    known = crystal_of(hall_number)
    place = np.array([0.28, 0.28, 0.38]) @ np.linalg.inv(known.lattice)
    rows = [("N1", "N", *(f"{x:.7f}" for x in place))]
    cell = dict(zip(("length_a", "length_b", "length_c"), map(str, known.parameters[:3]), strict=True))
    wanted, _ = read(cif(known.by_operations, atoms=rows, angle_beta="90", **cell))
    structure, notes = read(cif(symbol(known.kind.international_short), atoms=rows, angle_beta="90", **cell))
    assert structure.properties["Z"] == len(known.rotations) // 2
    assert farthest_atom(structure, wanted) < 1e-6
    [note] = notes
    assert ":2: as " in note
    assert "N1 and its own image are 0.79 Å apart" in note


def test_two_origins_that_both_make_crystals_are_asked_about():
    known = crystal_of(229)
    line = refused(known.cif(symbol("P n n n")))
    assert "can be P n n n :1 or P n n n :2, and the atoms do not tell which" in line
    structure, _ = read(known.cif(symbol("P n n n :2")))
    assert known.farthest(structure.fractional, structure.species) < 1e-3


def test_a_file_without_any_symmetry_is_taken_as_P_1_and_that_is_said():
    structure, notes = read(cif(""))
    assert len(structure) == 9
    assert notes == ["no space group is stated: taken as P 1"]
    formula = "_chemical_formula_sum 'C2 H5 Cl O'\n_cell_formula_units_Z 4\n"
    assert "the cell has 1 formula units C2 H5 Cl O, but Z is stated to be 4" in refused(cif("", more=formula))


def test_magnetic_structures_are_refused():
    assert "a magnetic structure" in refused(cif("_space_group_magn.number_BNS 1.1\n"))


# --- the atoms


@pytest.mark.parametrize(
    ("text", "element"),
    [
        *(("Cl", "Cl"), ("CL", "Cl"), ("cl", "Cl"), ("BR", "Br"), ("SI", "Si"), ("CA", "Ca"), ("Cl1-", "Cl")),
        *(
            ("O2-", "O"),
            ("O-2", "O"),
            ("Na+", "Na"),
            ("Fe3+", "Fe"),
            ("C5", "C"),
            ("Cval", "C"),
            ("D", "H"),
            ("T", "H"),
        ),
    ],
)
def test_type_symbols(text, element):
    structure, _ = read(cif(atoms=[("A1", text, *ATOMS[0][2:])]))
    assert set(structure.species) == {element}


@pytest.mark.parametrize("text", ["Wat", "Uuo", "6", "A", "+"])
def test_type_symbols_of_no_element(text):
    assert "atom 'A1': its type symbol" in refused(cif(atoms=[("A1", text, *ATOMS[0][2:])]))


def labelled(label, formula=""):
    columns = tuple(column for column in COLUMNS if column != "type_symbol")
    more = f"_chemical_formula_sum '{formula}'\n" if formula else ""
    return cif(atoms=[(label, *ATOMS[0][2:])], columns=columns, more=more)


@pytest.mark.parametrize(
    ("label", "element"),
    [
        *(("C1", "C"), ("CL3", "Cl"), ("BR1", "Br"), ("SI1", "Si"), ("Cl3", "Cl"), ("Ca1", "Ca"), ("H12A", "H")),
        *(
            ("1HB", "H"),
            ("OW1", "O"),
            ("CX1", "C"),
            ("ZN1", "Zn"),
            ("NH1", "N"),
            ("CN1", "C"),
            ("D1", "H"),
            ("c1", "C"),
        ),
    ],
)
def test_labels_where_there_is_no_type_symbol(label, element):
    assert set(read(labelled(label))[0].species) == {element}


@pytest.mark.parametrize("label", ["CA1", "CO1", "HG1", "NB1", "NA1", "HO1", "CD2", "SE1", "ca1"])
def test_labels_that_can_be_two_elements(label):
    """The formula decides; without one it is asked for the type symbol."""
    line = refused(labelled(label))
    assert f"atom '{label}' can be " in line
    assert "_atom_site_type_symbol" in line
    two, one = label[:2].capitalize(), label[0].upper()
    types = labelled(label).replace("loop_", f"loop_\n_atom_type_symbol\n{one}\n{'O' if one != 'O' else 'H'}\nloop_", 1)
    assert set(read(types)[0].species) == {one}
    assert set(read(labelled(label, one))[0].species) == {one}
    assert set(read(labelled(label, two))[0].species) == {two}


def test_the_formula_is_compared():
    formula = "_chemical_formula_sum '{}'\n_cell_formula_units_Z {}\n"
    assert is_reference(read(cif(more=formula.format("C2 H5 Cl O", 4)))[0])
    assert is_reference(read(cif(more=formula.format("C2 D5 Cl O", 4)))[0])
    assert is_reference(read(cif(more=formula.format("C4H10Cl2O2", 2)))[0])
    assert is_reference(read(cif(more=formula.format("C2 H5 Cl O", "?")))[0])
    structure, notes = read(cif(more=formula.format("(C2 H5 Cl O)n", 4)))
    assert is_reference(structure)
    assert notes == ["the formula '(C2 H5 Cl O)n' cannot be read: the atoms are not compared with it"]
    assert "4 formula units C2 H5 Cl O, but Z is stated to be 8" in refused(cif(more=formula.format("C2 H5 Cl O", 8)))
    assert "atoms of Cl, which the formula C2 H5 Br O has not" in refused(cif(more=formula.format("C2 H5 Br O", 4)))
    assert "C8 Cl4 H20 O4, but 4 formula units" in refused(cif(more=formula.format("C2 H5 Cl O2", 4)))
    assert "cannot be shared out to the 3 formula units" in refused(cif(more="_cell_formula_units_Z 3\n"))
    line = refused(cif(atoms=ATOMS[:-1], more=formula.format("C2 H5 Cl O", 4)))
    assert "4 of the 20 hydrogens in the cell have no coordinates" in line
    moiety = "_chemical_formula_moiety 'C2 H5 Cl O'\n_cell_formula_units_Z 4\n"
    assert "4 of the 20 hydrogens" in refused(cif(atoms=ATOMS[:-1], more=moiety))
    for abridged in ("C2", "C2 H5 Cl O, H2 O", "C2 H4 Cl +, O H -"):
        assert is_reference(read(cif(more=f"_chemical_formula_moiety '{abridged}'\n"))[0])


def test_the_formula_of_the_cell_under_the_name_of_the_formula():
    """As pymatgen writes it: formula_sum is of the cell, and Z counts the units of formula_structural."""
    more = "_chemical_formula_structural C2H5ClO\n_chemical_formula_sum 'C8 H20 Cl4 O4'\n_cell_formula_units_Z 4\n"
    assert is_reference(read(cif(more=more))[0])
    assert "the cell has 1 formula units C2 H5 Cl O, but Z" in refused(cif("", more=more))


def test_what_stands_there_twice():
    """In files of the American Mineralogist database a second formula is empty."""
    twice = "_chemical_formula_sum 'C2 H5 Cl O'\n_chemical_formula_sum '{}'\n_cell_formula_units_Z 4\n"
    for text in ("", "?", "C2 H5 Cl O"):
        structure, notes = read(cif(more=twice.format(text)))
        assert is_reference(structure)
        assert notes == NOTHING
    structure, notes = read(cif(more=twice.format("C6 H6")))
    assert is_reference(structure)
    assert len(notes) == 1
    assert "_chemical_formula_sum stands there twice" in notes[0]


def test_hydrogens_that_are_only_counted():
    rows = [(*row, "2") for row in ATOMS[:3]]
    line = refused(cif(atoms=rows, columns=(*COLUMNS, "attached_hydrogens")))
    assert "hydrogens at C1, C2, Cl3 are counted without coordinates" in line


def with_occupancies(occupancies, groups=None):
    rows = [(*row, occupancy) for row, occupancy in zip(ATOMS, occupancies, strict=True)]
    if groups:
        rows = [(*row, group) for row, group in zip(rows, groups, strict=True)]
    return cif(atoms=rows, columns=(*COLUMNS, "occupancy", *(["disorder_group"] if groups else [])))


def test_occupancies():
    assert is_reference(read(with_occupancies(["1.00(2)"] * 8 + ["?"]))[0])
    assert "'x' is no occupancy" in refused(with_occupancies(["x"] * 9))
    assert "disordered: C1 (0.5), C2 (0.5), Cl3 (0.5), O4 (0.5) and 5 more" in refused(with_occupancies(["0.5"] * 9))
    assert "none has an occupancy above one half" in refused(with_occupancies(["0.5"] * 9), disorder="major")
    assert "none has an occupancy above one half" in refused(with_occupancies(["0.4"] * 9), disorder="major")
    assert "about a symmetry element" in refused(with_occupancies(["0.5"] * 9, ["-1"] * 9), disorder="major")
    assert is_reference(read(with_occupancies(["0.8"] * 9), disorder="major")[0])
    assert "disordered: C1 (1), C2 (1)" in refused(with_occupancies(["1"] * 9, ["1", "2"] + ["."] * 7))
    assert "no atoms: all have the occupancy 0" in refused(with_occupancies(["0"] * 9))
    structure, notes = read(with_occupancies(["1"] * 8 + ["0"]))
    assert len(structure) == 32
    assert notes == ["1 atom of occupancy 0 left out"]


def test_occupancies_that_count_the_images_on_a_special_position():
    """CO2 in P a -3, its carbon on a site of order 6 and its oxygen on the axis, of order 3; the formula says whole."""
    cell = {f"length_{name}": "5.624" for name in "abc"} | {"angle_beta": "90"}
    rows = [("C1", "C", "0", "0", "0", "0.1667"), ("O1", "O", "0.1185", "0.1185", "0.1185", "0.3333")]
    formula = "_chemical_formula_sum 'C O2'\n_cell_formula_units_Z 4\n"
    columns = (*COLUMNS, "occupancy")
    structure, notes = read(cif(symbol("P a -3"), atoms=rows, columns=columns, more=formula, **cell))
    assert structure.species == ["C", "O", "O"] * 4
    assert notes == ["the occupancies of C1, O1 count images on a special position: taken as whole atoms"]
    assert "disordered: C1 (0.1667), O1" in refused(cif(symbol("P a -3"), atoms=rows, columns=columns, **cell))


def test_two_disorders_whose_groups_have_the_same_numbers():
    """Of each the larger part is taken, whichever number it has: the alternatives of H5 and of H9 are 0.3 Å away."""
    columns = (*COLUMNS, "occupancy", "disorder_group")
    whole = [(*row, "1", ".") for row in ATOMS[:4] + ATOMS[5:8]]
    parts = [(*ATOMS[4], "0.70(2)", "1"), (*ATOMS[8], "0.6", "2")]
    minor = [("H5B", "H", "0.29", "0.07", "0.30", "0.30(2)", "2"), ("H9B", "H", "0.41", "0.31", "0.05", "0.4", "1")]
    structure, notes = read(cif(atoms=[*whole, *parts, *minor], columns=columns), disorder="major")
    assert farthest_atom(structure, REFERENCE) < 1e-6
    assert notes == ["disordered: the largest part is taken, H5B, H9B left out"]
    lone = [(*row, "1", ".") for row in ATOMS] + [("O1W", "O", "0.7", "0.7", "0.5", "0.3", "1")]
    assert is_reference(read(cif(atoms=lone, columns=columns), disorder="major")[0])


def test_overlaps_are_named():
    assert "C1 and C9 are 0.00 Å apart" in refused(cif(atoms=[*ATOMS, ("C9", "C", *ATOMS[0][2:])]))
    assert "C1 and C9 are 0.15 Å apart" in refused(cif(atoms=[*ATOMS, ("C9", "C", "0.22", *ATOMS[0][3:])]))
    near = [*ATOMS[:-1], ("H9", "H", "0.375", "0.300", "0.06")]
    assert len(read(cif(atoms=near))[0]) == 36  # O-H of 0.69 Å, as X-rays may have it
    assert "O4 and H9 are 0.27 Å apart" in refused(cif(atoms=[*ATOMS[:-1], ("H9", "H", "0.355", "0.25", "0.05")]))
    assert "C1 and its own image are 0.38 Å apart" in refused(cif(atoms=[("C1", "C", "0.02000", "0.01000", "0.01000")]))


@pytest.mark.parametrize("digits", range(2, 8))
@pytest.mark.parametrize("cut", [False, True])
def test_images_of_one_site_are_one_atom(digits, cut):
    """On the axis of P 3 at 1/3, 2/3, rounded or cut to any number of digits."""
    third, two = (f"{int(x * 10**digits) / 10**digits if cut else x:.{digits}f}" for x in (1 / 3, 2 / 3))
    cell = {"length_a": "9.8", "length_b": "9.8", "length_c": "7", "angle_beta": "90", "angle_gamma": "120"}
    structure, _ = read(cif(symbol("P 3"), atoms=[("C1", "C", third, two, f"{0.2:.{digits}f}")], **cell))
    assert len(structure) == 1
    assert structure.fractional[0] == pytest.approx([1 / 3, 2 / 3, 0.2], abs=1e-12)


def test_numbers():
    with_errors = [(label, kind, *(f"{text}(12)" for text in place)) for label, kind, *place in ATOMS]
    assert is_reference(read(cif(atoms=with_errors, length_a="8.100(3)", angle_beta="101.5(2)"))[0])
    assert "atom 'C1': 'abc' is no coordinate" in refused(cif(atoms=[("C1", "C", "abc", "0", "0")]))
    assert "atom 'C1': 'nan' is no coordinate" in refused(cif(atoms=[("C1", "C", "nan", "0", "0")]))
    assert "atom 'C1': '1e400' is no" in refused(cif(atoms=[("C1", "C", "1e400", "0", "0")]))
    assert len(read("data_a\n_x\n" + cif(name="a").removeprefix("data_a\n"))[0]) == 36  # a name without a value
    assert "no atoms with coordinates" in refused(cif(atoms=[("C1", "C", "?", "?", "?")]))
    for text in ("?", None):
        assert refused(cif(length_a=text)) == "f.cif: the cell needs _cell_length_a, a number above 0"
    assert "; it is 'abc'" in refused(cif(length_a="abc"))
    assert "no cell has the angles 30, 101.5, 170" in refused(cif("", angle_alpha="30", angle_gamma="170"))
    structure, notes = read(cif(more="_cell_volume 700\n"))
    assert is_reference(structure)
    assert notes == ["the cell measures 623.8 Å3 by its lengths and angles, but 700.0 is stated"]


def test_cartesian_coordinates():
    lattice = REFERENCE.cell
    columns = ("label", "type_symbol", "Cartn_x", "Cartn_y", "Cartn_z")
    places = np.array([[float(text) for text in row[2:]] for row in ATOMS]) @ lattice
    rows = [(*row[:2], *(f"{x:.6f}" for x in place)) for row, place in zip(ATOMS, places, strict=True)]
    assert farthest_atom(read(cif(atoms=rows, columns=columns))[0], REFERENCE) < 1e-5
    # Another orientation, with its matrix: turned about z by 90 degrees.
    turn = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    rows = [(*row[:2], *(f"{x:.6f}" for x in place @ turn)) for row, place in zip(ATOMS, places, strict=True)]
    to_cartesian = (lattice @ turn).T
    for stem, matrix in (("Cartn_tran", to_cartesian), ("fract_tran", np.linalg.inv(to_cartesian))):
        more = "".join(
            f"_atom_sites_{stem}_matrix_{i + 1}{j + 1} {matrix[i, j]:.9f}\n" for i in range(3) for j in range(3)
        )
        assert farthest_atom(read(cif(atoms=rows, columns=columns, more=more))[0], REFERENCE) < 1e-5


# --- the file


def test_names_of_other_dictionaries_and_other_letters():
    text = cif()
    modern = text.replace("_cell_", "_cell.").replace("_atom_site_", "_atom_site.").replace("_equiv_", "_equiv.")
    assert is_reference(read(modern)[0])
    assert is_reference(read(text.replace("_atom_site_fract", "_Atom_Site_Fract").replace("data_", "DATA_"))[0])


def test_several_blocks(tmp_path):
    text = cif() + "data_b\n_publ_author 'no one'\n" + cif(name="c", atoms=ATOMS[:3])
    reading = Reading()
    first, second = parse_cif(text, "f.cif", reading)
    assert is_reference(first)
    assert len(second) == 12
    assert reading.notes == ["block 'b' without atoms skipped"]
    file = tmp_path / "two.cif"
    file.write_text(text)
    [third] = read_file(file, reading=Reading(record=2))
    assert len(third) == 12
    assert "f.cif: block 'd': atoms overlap" in refused(text + cif(name="d", atoms=ATOMS * 2))
    assert "no atoms (no block" in refused("data_a\n_x 1\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cif() + "_x 'abc\n", "line 29: not a CIF file: a quote"),
        (cif() + "3\n", "not a CIF file: the loop that begins before has not as many values"),
        ("hello\n", "line 1: not a CIF file: expected data_ and a name"),
        ("#\\#CIF_2.0\n" + cif() + "_x [1 2]\n", "of CIF 2.0, lists"),
        (cif() + "_cell_length_a 9\n", "_cell_length_a stands there twice"),
        (cif(atoms=[]), "the atoms lack a coordinate"),
        (cif() + "loop_\n_atom_site_occupancy\n1\n1\n", "_atom_site_occupancy has 2 values for 9 atoms"),
        (cif(columns=("x", "y", *COLUMNS[2:])), "the atoms have neither labels nor type symbols"),
    ],
)
def test_what_is_no_cif(text, reason):
    assert reason in refused(text)


@settings(max_examples=60)
@given(
    hall_number=st.integers(1, 530),
    element=st.integers(1, 96),
    digits=st.integers(4, 9),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    way=st.sampled_from(["operations", "hall", "full", "short"]),
)
@example(hall_number=528, element=96, digits=4, ending="\r", way="full")
def test_any_setting_element_digits_and_line_ends(hall_number, element, digits, ending, way):
    from ase.data import chemical_symbols

    known = crystal_of(hall_number)
    symmetry = {
        "operations": known.by_operations,
        "hall": known.by_hall,
        "full": known.by_symbol(full=True),
        "short": known.by_symbol(full=False),
    }[way]
    # One more atom, where it can be only by itself: 2 Å beside the molecule.
    text = known.cif(symmetry, digits=digits).replace(
        "N1 N ", f"{chemical_symbols[element]}9 {chemical_symbols[element]} "
    )
    reading = Reading()
    [found] = parse_cif(text.replace("\n", ending), "f.cif", reading)
    assert reading.notes == NOTHING
    names = [name if name != chemical_symbols[element] else "N" for name in found.species]
    counts = {name: found.species.count(name) for name in found.species}
    assert sum(counts.values()) == 5 * len(known.rotations)
    if chemical_symbols[element] not in ("C", "H", "F", "O"):
        tolerance = 2 * max(known.parameters[:3]) * 10.0**-digits + 1e-6
        assert known.farthest(found.fractional, names) < tolerance
    found.struct_id = "x"
    [again] = parse_cif(format_cif(found).replace("\n", ending), "f.cif", reading)
    assert again.species == found.species
    assert np.abs(again.cell - found.cell).max() < 1e-6


@given(st.text(max_size=200))
@settings(max_examples=80)
def test_any_text_is_one_line(text):
    for whole in (text, "data_a\n" + text, cif() + text):
        try:
            found = parse_cif(whole, "f.cif", Reading())
        except InputError as error:
            assert str(error).startswith("f.cif: ")
            assert "\n" not in str(error)
        else:
            assert all(isinstance(structure, Structure) for structure in found)
