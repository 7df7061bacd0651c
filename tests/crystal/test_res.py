"""Files of SHELX and AIRSS."""

from pathlib import Path

import ase.io
import numpy as np
import pytest
import spglib
from hypothesis import given, settings
from hypothesis import strategies as st
from same_crystal import farthest_atom as farthest

from genarris_fw.crystal import Reading, Structure, read, write
from genarris_fw.crystal.formats.res import format_res, parse_res
from genarris_fw.crystal.formats.shelx_symmetry import triplets
from genarris_fw.errors import InputError

FAULT = Path(__file__).parents[1] / "data" / "faults" / "res_unreadable"
# Three atoms on general positions, fractional, in a cell of 16 x 18 x 20 Å.
SITES = {"C1": (0.12, 0.17, 0.31), "N2": (0.17, 0.13, 0.33), "O3": (0.08, 0.15, 0.4)}


def lines(symm: list[str], latt: int, atoms: list[str], sfac: str = "SFAC C N O", more: str = "") -> str:
    head = ["TITL x", "CELL 0.71073 16 18 20 90 90 90", "ZERR 4 0 0 0 0 0 0", f"LATT {latt}"]
    operations = [f"SYMM {operation}" for operation in symm]
    return "\n".join([*head, *operations, sfac, more, *atoms, "HKLF 4", "END", ""])


def three(sof: str = "11.0") -> list[str]:
    return [f"{n} {k} {x} {y} {z} {sof} 0.04" for k, (n, (x, y, z)) in enumerate(SITES.items(), start=1)]


def one(text: str, reading: Reading | None = None) -> Structure:
    [structure] = parse_res(text, "x.res", reading or Reading())
    return structure


def test_the_files_of_the_report_are_the_same_crystal() -> None:
    reading = Reading()
    [airss] = read(FAULT / "airss.res", reading=reading)
    [shelx] = read(FAULT / "shelx.res", reading=reading)
    assert farthest(airss, shelx) < 1e-4
    assert airss.properties["Z"] == shelx.properties["Z"] == 4
    assert airss.struct_id == "airss-1" and shelx.struct_id == "shelx"
    assert airss.properties["energy"] == -1234.5678 and airss.properties["pressure"] == -0.0123
    assert airss.properties["group"] == "P21/n"
    assert "1 peak of the electron density (Q) left out" in reading.notes
    assert any("enthalpy" in line for line in reading.notes)


@pytest.mark.parametrize(
    ("latt", "symm", "order"),
    [
        (-1, [], 1),
        (1, [], 2),
        (-7, ["-X, Y, -Z"], 4),
        (7, ["-X, Y, 0.5-Z"], 8),
        (4, ["-x,-y,z", "-x,y,-z", "x,-y,-z"], 32),
        (-2, ["-x,-y,z"], 4),
        (-5, ["x,-y,z"], 4),
        (-6, [], 2),
    ],
)
def test_lattices_and_centres(latt: int, symm: list[str], order: int) -> None:
    assert len(triplets(latt, list(enumerate(symm)), "x")) == order
    assert len(one(lines(symm, latt, three()))) == 3 * order


def test_rhombohedral_lattices_are_obverse_on_hexagonal_axes() -> None:
    wanted = spglib.get_symmetry_from_database(436)  # R-3 on hexagonal axes
    assert len(triplets(3, [(1, "-y,x-y,z"), (2, "y-x,-x,z")], "x")) == len(wanted["rotations"]) == 18
    shifts = {tuple(np.rint(t * 6).astype(int)) for t in wanted["translations"]}
    assert shifts == {(0, 0, 0), (4, 2, 2), (2, 4, 4)}
    found = triplets(3, [(1, "-y,x-y,z"), (2, "y-x,-x,z")], "x")
    assert "x+2/3,y+1/3,z+1/3" in found and "x+1/3,y+2/3,z+2/3" in found


@pytest.mark.parametrize("number", [*range(2, 531, 23), 111, 114, 290, 430, 488, 525])
def test_settings_of_space_groups(number: int) -> None:
    """LATT and SYMM of a group's operations give its operations back."""
    group = spglib.get_symmetry_from_database(number)
    every = {(tuple(r.ravel()), tuple(np.rint(t * 24).astype(int) % 24)) for r, t in zip(*group.values(), strict=True)}
    identity, inverse = tuple(np.eye(3, dtype=int).ravel()), tuple(-np.eye(3, dtype=int).ravel())
    shifts = frozenset(t for r, t in every if r == identity)
    lattice = {
        frozenset({(0, 0, 0)}): 1,
        frozenset({(0, 0, 0), (12, 12, 12)}): 2,
        frozenset({(0, 0, 0), (16, 8, 8), (8, 16, 16)}): 3,
        frozenset({(0, 0, 0), (0, 12, 12), (12, 0, 12), (12, 12, 0)}): 4,
        frozenset({(0, 0, 0), (0, 12, 12)}): 5,
        frozenset({(0, 0, 0), (12, 0, 12)}): 6,
        frozenset({(0, 0, 0), (12, 12, 0)}): 7,
    }[shifts]
    centre = (inverse, (0, 0, 0)) in every
    symm = []
    for k, (rotation, shift) in enumerate(every):
        rows = np.array(rotation).reshape(3, 3)
        parts = [
            "".join(f"{'+' if n > 0 else '-'}{x}" for n, x in zip(row, "xyz", strict=True) if n) + f"+{t / 24:.5f}"
            for row, t in zip(rows, shift, strict=True)
        ]
        symm.append((k, ", ".join(parts)))
    assert len(triplets(lattice if centre else -lattice, symm, "x")) == len(every)


def test_continued_lines_comments_and_long_scattering_factors() -> None:
    sfac = (
        "SFAC C 2.31 20.8439 1.02 10.2075 1.5886 0.5687 0.865 =\n   51.6512 0.2156 0.0033 0.0016 1.15 0.68 12.01\n"
        "SFAC N O ! two more\nREM R1 = 0.04 ="
    )
    atoms = three()
    atoms[0] = "C1   1  0.120000  0.170000 =\n     0.310000 11.00000 0.02 0.03 =\n 0.04 0 0 0"
    found = one(lines([], -1, atoms, sfac, more="FVAR 0.5 0.7\nDFIX_2 1.5 C1 N2\nTEMP -100"))
    plain = one(lines([], -1, three()))
    assert found.species == ["C", "N", "O"] and np.allclose(found.positions, plain.positions)


def test_what_shelxl_also_takes() -> None:
    """Numbers right behind the four letters of an instruction, text behind a =, lines that begin with a space."""
    text = lines(["0.5-X, -y, 1/2+Z"], -1, three()).replace("CELL 0.71073", "CELL0.71073").replace("ZERR 4", "ZERR4.00")
    text = text.replace("0.31 11.0", "0.31    = some garbage\n 11.0").replace("SFAC", " skipped\nSFAC")
    assert np.allclose(one(text).positions, one(lines(["0.5-X, -y, 1/2+Z"], -1, three())).positions)


def test_an_energy_of_0_is_none() -> None:
    text = (FAULT / "airss.res").read_text().replace("-0.0123 622.5 -1234.5678", "0 622.5 0")
    reading = Reading()
    assert "energy" not in one(text, reading).properties and reading.notes == []


def test_coded_coordinates_parts_residues_and_moves() -> None:
    atoms = ["RESI 1 MOL", "C1 1 10.12 0.17 10.31 11.0 0.04", "RESI 0", *three()[1:]]
    assert np.allclose(one(lines([], -1, atoms)).positions, one(lines([], -1, three())).positions)
    moved = ["MOVE 1 1 1 -1", *three()]
    assert np.allclose(one(lines([], -1, moved)).fractional % 1, (1 - one(lines([], -1, three())).fractional) % 1)
    fragment = ["FRAG 17 1 1 1 90 90 90", "C9 1 0.5 0.5 0.5", "FEND", *three()]
    assert len(one(lines([], -1, fragment))) == 3


def test_special_positions_by_their_occupancies() -> None:
    """A site occupancy factor of 0.5 on a centre of symmetry is a whole atom; 1 is one as well, and said."""
    half = [*three(), "O4 3 0.5 0.5 0.5 10.5 0.04"]
    assert len(one(lines([], 1, half))) == 7
    reading = Reading()
    assert len(one(lines([], 1, [*three(), "O4 3 0.5 0.5 0.5 11.0 0.04"]), reading)) == 7
    assert any("taken as whole" in line for line in reading.notes)


DISORDERED = [
    "C1 1 0.12 0.21 0.31 11.0 0.04",
    "PART 1 21.0",
    "N2 2 0.26 0.27 0.33 21.0 0.04",
    "PART 2 -21.0",
    "N2B 2 0.24 0.22 0.25 -21.0 0.04",
    "PART 0",
    "O3 3 0.07 0.29 0.22 11.0 0.04",
]


@pytest.mark.parametrize(("share", "kept"), [(0.7, 0.26), (0.3, 0.24)])
def test_disorder(share: float, kept: float) -> None:
    text = lines([], -1, DISORDERED, more=f"FVAR 1.0 {share}")
    with pytest.raises(InputError, match=r"disordered.*N2.*disorder = major"):
        one(text)
    reading = Reading(disorder="major")
    found = one(text, reading)
    assert len(found) == 3 and any("left out" in line for line in reading.notes)
    assert np.isclose(found.fractional[found.species.index("N"), 0], kept)


def test_two_disorders_with_parts_of_the_same_numbers() -> None:
    """Each by its own free variable: the larger part of one is PART 1, of the other PART 2."""
    more = ["PART 1", "O5 3 0.6 0.6 0.6 31.0", "PART 2", "O5B 3 0.65 0.6 0.6 -31.0", "PART 0"]
    found = one(lines([], -1, DISORDERED + more, more="FVAR 1.0 0.7 0.4"), Reading(disorder="major"))
    places = np.round(found.fractional % 1, 3).tolist()
    assert len(found) == 4 and [0.26, 0.27, 0.33] in places and [0.65, 0.6, 0.6] in places


def test_a_part_about_a_centre_is_refused() -> None:
    atoms = [*three(), "PART -1", "N4 2 0.51 0.5 0.5 10.5 0.04", "PART 0"]
    for disorder in ("refuse", "major"):
        with pytest.raises(InputError, match="disordered"):
            one(lines([], 1, atoms), Reading(disorder=disorder))


def test_missing_hydrogens_and_deuterium() -> None:
    atoms = [*three(), "H4 4 0.9 0.9 0.9 11.0 0.05"]
    text = lines([], -1, atoms, "SFAC C N O H\nUNIT 1 1 1 2")
    with pytest.raises(InputError, match=r"1 of the 2 hydrogens of the cell \(UNIT\) have no coordinates"):
        one(text)
    reading = Reading()
    assert one(text.replace("1 1 1 2", "1 1 1 1").replace("O H", "O D"), reading).species.count("H") == 1
    assert any("taken as H" in line for line in reading.notes)
    assert len(one(text.replace("1 1 1 2", "9 1 1 1"), reading)) == 4
    assert any("UNIT states" in line for line in reading.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("LATT -1\n", ""), "no LATT"),
        (("LATT -1", "LATT 9"), "LATT 9 is no lattice"),
        (("CELL 0.71073 16 18 20 90 90 90", ""), "no CELL"),
        (("16 18 20 90", "16 18 x 90"), "line 2: expected 6 numbers"),
        (("C1 1", "C1 7"), "scattering factor 7 of 3"),
        (("C1 1", "C1 one"), "neither an instruction nor an atom"),
        (("SFAC C", "SFAC Qq"), "'Qq' in SFAC is no element"),
        (("11.0 0.04", "31.0 0.04"), "free variable 3 is not given by FVAR"),
        (("LATT -1", "LATT -1\nSYMM 0.5+X, 2Y, Z"), "SYMM .* is no operation"),
        (("LATT -1", "LATT -1\nSYMM 0.145+X, Y, Z"), "SYMM .* is no operation"),
        (("LATT -1", "LATT -1\nSYMM -Y, X, Z"), "form no group"),
        (("HKLF 4\nEND\n", "C9 1 0.1 0.2 ="), "cut off"),
    ],
)
def test_what_is_refused(change: tuple[str, str], message: str) -> None:
    text = lines([], -1, three())
    assert change[0] in text
    with pytest.raises(InputError, match=message) as caught:
        one(text.replace(*change))
    assert str(caught.value).startswith("x.res") and "\n" not in str(caught.value)


def test_an_indented_atom_beside_others_is_a_comment() -> None:
    reading = Reading()
    assert len(one(lines([], -1, [*three(), "  C9 1 0.5 0.5 0.5 11.0"]), reading)) == 3
    assert any("which begin with a space" in line for line in reading.notes)
    assert len(one(lines([], -1, [f"  {line}" for line in three()]))) == 3


def test_airss_states_what_must_agree() -> None:
    text = (FAULT / "airss.res").read_text()
    with pytest.raises(InputError, match="TITL states 35 atoms, and the cell has 36"):
        one(text.replace(" 36 (", " 35 ("))
    both = parse_res(text + text.replace("airss-1", "airss-2").replace("-1234.5678", "-1.5e1"), "x.res", Reading())
    assert [(one.struct_id, one.properties["energy"]) for one in both] == [("airss-1", -1234.5678), ("airss-2", -15.0)]


numbers = st.floats(-0.99, 0.99).map(lambda x: round(x, 9))


@settings(max_examples=15, deadline=None)
@given(
    cell=st.tuples(*[st.floats(15, 30)] * 3, *[st.floats(70, 110)] * 3),
    left=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "latin-1", "utf-16"]),
    shift=st.tuples(numbers, numbers, numbers),
    energy=st.floats(-1e5, 1e5).filter(bool),
)
def test_written_and_read(cell, left, end, encoding, shift, energy, tmp_path_factory) -> None:
    from ase.cell import Cell

    lattice = Cell.fromcellpar(cell)[:] * (-1 if left else 1)
    places = np.array([[0, 0, 0], [1.1, 0, 0], [0.2, 1.2, 0.3], [-0.3, 0.2, 1.3], [-0.8, -0.7, -0.2]])
    written = Structure(
        lattice, ["C", "Cl", "N", "O", "H"], places + np.array(shift) @ lattice, {"energy": energy, "spg": 1}, "ab-1"
    )
    file = tmp_path_factory.mktemp("res") / "ab-1.res"
    file.write_bytes(format_res(written).replace("\n", end).encode(encoding))
    [again] = read(file)
    assert (again.struct_id, again.properties["energy"], again.properties["group"]) == ("ab-1", energy, "P1")
    assert again.cell_volume == pytest.approx(written.cell_volume, rel=1e-8)

    def hand(structure: Structure) -> float:
        at = {name: structure.positions[structure.species.index(name)] for name in structure.species}
        return float(np.linalg.det([at[name] - at["C"] for name in ("Cl", "N", "O")]))

    assert hand(again) == pytest.approx(hand(written), rel=1e-5)


def test_spins_go_with_their_atoms(tmp_path: Path) -> None:
    places = np.array([[1, 1, 1], [2.2, 1, 1], [5.0, 5, 5], [6.2, 5, 5]])
    moments = [1.0, None, -1.0, None]
    crystal = Structure(10 * np.eye(3), ["O", "N", "O", "N"], places, {"initial_moments": moments}, "no")
    [again] = read(write(crystal, tmp_path, "res")[0])
    found = {
        tuple(np.round(p, 6)): m for p, m in zip(again.positions, again.properties["initial_moments"], strict=True)
    }
    assert found == {tuple(p): m for p, m in zip(places, moments, strict=True)}


def test_ase_reads_what_is_written_and_the_other_way(tmp_path: Path) -> None:
    places = np.array([[1, 1, 1], [2.16, 1, 1], [-0.16, 1, 1]])
    lattice = [[5, 0, 0], [1, 6, 0], [0.5, 0.3, 7]]
    written = Structure(lattice, ["C", "O", "O"], places, {"energy": -12.5, "spg": 2, "pressure": 1.0}, "co2")
    [file] = write(written, tmp_path, "res")
    atoms = ase.io.read(file)
    assert atoms.get_potential_energy() == -12.5 and atoms.info["spacegroup"] == "P-1" and atoms.info["name"] == "co2"
    [again] = read(file)
    assert farthest(again, Structure(atoms.cell[:], list(atoms.symbols), atoms.positions)) < 1e-6
    ase.io.write(tmp_path / "ase.res", written.to_ase())
    assert farthest(read(tmp_path / "ase.res")[0], written) < 1e-5


def test_molecules_far_from_the_origin() -> None:
    """From 5 on SHELX takes a coordinate for a fixed one (10 + x), from 15 on for a multiple of a free variable."""
    places = np.array([[0, 0, 0], [1.1, 0, 0], [0.2, 1.2, 0.3]]) + np.array([-170.0, 3.0, 251.0])
    far = Structure(np.diag([9.0, 10.0, 11.0]), ["C", "N", "O"], places, {}, "far")
    [again] = parse_res(format_res(far), "far.res", Reading())
    assert farthest(again, far) < 1e-8
