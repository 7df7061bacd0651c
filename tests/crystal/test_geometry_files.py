import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.crystal import Structure, read, write
from genarris_fw.crystal.formats.geometry_in import format_geometry_in, parse_geometry_in
from genarris_fw.crystal.formats.geometry_out import BEGIN, END, format_geometry_out, parse_geometry_out
from genarris_fw.errors import InputError

GENERATOR_OUTPUT = """\
#some remark of the program
####### BEGIN STRUCTURE #######
#structure_number = 7
#struct_id = geometry_0a1b2c3d4e
#Z = 2
#number_of_atoms_in_molecule = 1
#unit_cell_volume = 263.158478 cubic Angstrom
#attempted_spacegroup = 12
#attempted_wyckoff_position = 2b
#site_symmetry_group = 1
#SPGLIB_detected_spacegroup = 12
#"All distances in Angstroms and using Cartesian coordinate system"
lattice_vector     4.12616915   0.00000000   0.00000000
lattice_vector    -1.80907084   5.49382836   0.00000000
lattice_vector     0.00000000   0.00000000  11.60901300
atom     1.0  2.0  3.0  C
atom     1.5  2.5  3.5  C
#######  END  STRUCTURE #######

####### BEGIN STRUCTURE #######
#structure_number = 8
atom_frac 0.5 0.5 0.5 O
lattice_vector 2 0 0
lattice_vector 0 4 0
lattice_vector 1 0 8
#######  END  STRUCTURE #######
"""


def crystal(**properties) -> Structure:
    return Structure([[5, 0, 0], [1, 6, 0], [0.5, 0.25, 7]], ["C", "H"], [[1, 2, 3], [1, 2, 4.1]], properties, "g_1")


def test_what_the_generator_wrote_is_read():
    first, second = parse_geometry_out(GENERATOR_OUTPUT.splitlines(), "geometry.out", "geometry")
    assert first.struct_id == "geometry_0a1b2c3d4e"
    assert first.properties == {
        "Z": 2,
        "number_of_atoms_in_molecule": 1,
        "unit_cell_volume": 263.158478,
        "attempted_spg": 12,
        "attempted_wyckoff_position": "2b",
        "site_symmetry_group": "1",
        "spg": 12,
    }
    assert first.cell_volume == pytest.approx(263.158478, abs=1e-4)
    assert second.struct_id == "geometry_8"
    assert second.positions.tolist() == [[1.5, 2.0, 4.0]]


finite = st.floats(-1e4, 1e4, allow_nan=False)
vectors = st.tuples(finite, finite, finite)


@settings(max_examples=80, deadline=None)
@given(
    positions=st.lists(vectors, min_size=1, max_size=6),
    lattice=st.none() | st.tuples(vectors, vectors, vectors).filter(lambda v: abs(np.linalg.det(v)) > 1),
    text=st.text(max_size=12),
    number=st.floats(allow_nan=False, allow_infinity=False),
    count=st.integers(),
    truth=st.booleans(),
)
def test_round_trip(positions, lattice, text, number, count, truth):
    properties = {"site_symmetry_group": "2", "note": text, "energy": number, "Z": count, "valid": truth}
    structure = Structure(lattice, ["C"] * len(positions), positions, properties, "geometry_1")
    readings = [parse_geometry_in(format_geometry_in(structure).splitlines())]
    readings += parse_geometry_out("".join(format_geometry_out([structure])).splitlines())
    for again in readings:
        assert again.struct_id == "geometry_1"
        assert again.properties == properties
        assert again.species == structure.species
        assert np.abs(again.positions - structure.positions).max() <= 1e-10
        if lattice is None:
            assert again.lattice is None
        else:
            assert np.abs(again.lattice - structure.lattice).max() <= 1e-10


def test_moments_charges_and_constraints_are_kept():
    lines = """
        lattice_vector 5 0 0
          constrain_relaxation .true.
        lattice_vector 0 5 0
        lattice_vector 0 0 5
        atom 0 0 0 Fe   # the first
          initial_moment 2.5
          constrain_relaxation .true.
        atom 1 0 0 O
          initial_charge -1
          constrain_relaxation x
        atom 2 0 0 O
          constrain_relaxation .false.
        trust_radius 0.2
        hessian_file
    """.splitlines()
    structure = parse_geometry_in(lines)
    assert structure.properties == {
        "initial_moments": [2.5, None, None],
        "initial_charges": [None, -1.0, None],
        "fixed_atoms": [0],
        "fixed_lattice_vectors": [0],
    }
    again = parse_geometry_in(format_geometry_in(structure).splitlines())
    assert again.properties == structure.properties


def test_a_comment_cannot_pose_as_a_list_of_moments():
    structure = parse_geometry_in(["#initial_moments = 3", "#fixed_atoms = 1", "atom 0 0 0 H"])
    assert structure.properties == {}
    format_geometry_in(structure)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("atom 0 0 0", r"line 1: expected 'atom x y z element'"),
        ("atom 0 0 zero H", r"line 1: expected 3 numbers"),
        ("atom 0 0 nan H", r"line 1: a number of atom is not finite"),
        ("atom 0 0 0 Q", r"line 1: 'Q' is no element"),
        ("rubbish here\natom 0 0 0 H", r"line 1: unknown line 'rubbish here'"),
        ("atom 0 0 0 H\natm 0 0 1 H", r"line 2: unknown line 'atm 0 0 1 H'"),
        ("lattice_vector 1 0 0\nlattice_vector 0 1 0\natom 0 0 0 H", r"2 lattice_vector lines"),
        (4 * "lattice_vector 1 0 0\n" + "atom 0 0 0 H", r"line 4: a fourth"),
        (3 * "lattice_vector 1 0 0\n" + "atom 0 0 0 H", r"plane"),
        ("lattice_vector 1 0\natom 0 0 0 H", r"line 1: expected 3 numbers"),
        ("atom_frac 0 0 0 H", r"atom_frac needs three"),
        ("initial_moment 1", r"line 1: initial_moment stands before any atom"),
        ("atom 0 0 0 H\ninitial_charge", r"line 2: expected one number"),
        ("atom 0 0 0 H\nconstrain_relaxation maybe", r"line 2: expected .true."),
        ("# only a comment", r"no atoms"),
    ],
)
def test_unusable_lines_are_named(tmp_path, text, message):
    file = tmp_path / "geometry.in"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{BEGIN}\natom 0 0 0 H\n", "line 1 does not end"),
        (f"{BEGIN}\n{BEGIN}\n", "line 2: a structure begins before the one of line 1 ends"),
        (f"{END}\n", "line 1: a structure ends that has not begun"),
        (f"\natom 0 0 0 H\n{BEGIN}\natom 0 0 0 H\n{END}", "line 2: text outside"),
        (f"#\n{BEGIN}\natom 0 0 0 H\nnonsense\n{END}", "line 4: unknown line"),
        ("# nothing", "no structures"),
    ],
)
def test_unusable_concatenated_files(text, message):
    with pytest.raises(InputError, match=message):
        list(parse_geometry_out(text.splitlines(), "geometry.out"))


def test_files_of_both_kinds(tmp_path):
    pool = [crystal(spg=4), Structure(None, ["O"], [[0, 0, 0]], {}, "g_2")]
    files = write(pool, tmp_path / "pool", "geo")
    assert [file.name for file in files] == ["g_1.in", "g_2.in"]
    (file,) = write(pool, tmp_path / "out" / "geometry.out", "geometry_out")
    again = read(file)
    assert [structure.struct_id for structure in again] == ["g_1", "g_2"]
    assert again[0].properties == {"spg": 4}
    assert file.read_text().count(BEGIN) == file.read_text().count(END) == 2


def test_aims_next_step_is_a_geometry(tmp_path):
    file = tmp_path / "geometry.in.next_step"
    file.write_text("#\n# This is the geometry file\natom 0.0 0.0 1.0 H\nhessian_block 1 1 0.0\n")
    (structure,) = read(file)
    assert structure.struct_id == "geometry"
    assert structure.positions.tolist() == [[0, 0, 1]]
