"""Files of the Protein Data Bank's format: molecules, crystals by their group, alternates, models, elements."""

from pathlib import Path

import numpy as np
import pytest
from ase.geometry import cellpar_to_cell
from same_crystal import farthest_atom as farthest

from genarris_fw.crystal import Reading, Structure, read, read_molecule
from genarris_fw.crystal.formats.pdb import parse_pdb
from genarris_fw.errors import InputError

FAULTS = Path(__file__).parents[1] / "data" / "faults"
CELL = (8.1, 9.3, 8.45, 90.0, 101.5, 90.0)
LATTICE = cellpar_to_cell(CELL)


def atom(name: str, x: float, y: float, z: float, element: str = "", occ: str = "1.00", alt: str = " ") -> str:
    return f"HETATM    1 {name:4}{alt}UNL A   1    {x:8.3f}{y:8.3f}{z:8.3f}{occ:>6}  0.00          {element:>2}"


def cryst1(symbol: str = "P 1", cell: tuple[float, ...] = CELL) -> str:
    a, b, c, alpha, beta, gamma = cell
    return f"CRYST1{a:9.3f}{b:9.3f}{c:9.3f}{alpha:7.2f}{beta:7.2f}{gamma:7.2f} {symbol:11}   4"


CO2 = [atom(" C1 ", 2, 2, 2, "C"), atom(" O2 ", 3.16, 2, 2, "O"), atom(" O3 ", 0.84, 2, 2, "O")]


def parsed(*lines: str, reading: Reading | None = None) -> list[Structure]:
    return parse_pdb("\n".join([*lines, "END", ""]), "x.pdb", reading or Reading())


def test_the_crystal_of_the_report_is_that_of_its_group() -> None:
    [crystal] = read(FAULTS / "pdb_crystal_symmetry" / "asym.pdb")
    [same] = read(FAULTS / "res_unreadable" / "airss.res")  # all atoms listed
    assert len(crystal) == 36 and crystal.properties["Z"] == 4
    assert farthest(crystal, same) < 2e-3
    assert "Cl" in crystal.species and "C" in crystal.species


@pytest.mark.parametrize("cell", [(1, 1, 1, 90, 90, 90), (0, 0, 0, 90, 90, 90), (0, 0, 0, 0, 0, 0)])
def test_a_cell_that_stands_for_none(cell: tuple[float, ...], tmp_path: Path) -> None:
    assert len(read_molecule(FAULTS / "pdb_crystal_symmetry" / "41_pdb_cryst1.pdb")) == 6
    (tmp_path / "x.pdb").write_text("\n".join([cryst1(cell=cell), *CO2, "END"]))
    assert read_molecule(tmp_path / "x.pdb").species == ["C", "O", "O"]
    assert parsed(*CO2)[0].lattice is None


@pytest.mark.parametrize(("symbol", "n"), [("P 1", 1), ("P 1 21/n 1", 4), ("P 1 21/c 1", 4), ("C 1 2/c 1", 8)])
def test_groups_of_cryst1(symbol: str, n: int) -> None:
    [crystal] = parsed(cryst1(symbol), *CO2)
    assert len(crystal) == 3 * n


def test_groups_on_hexagonal_axes_and_none() -> None:
    assert len(parsed(cryst1("H 3", (12, 12, 15, 90, 90, 120)), *CO2)[0]) == 27
    reading = Reading()
    assert len(parsed(cryst1(""), *CO2, reading=reading)[0]) == 3
    assert "CRYST1 names no space group: taken as P 1" in reading.notes
    with pytest.raises(InputError, match=r"x\.pdb: 'P 9' is no symbol"):
        parsed(cryst1("P 9"), *CO2)


def test_operations_that_are_listed_go_before_the_symbol() -> None:
    remarks = ["REMARK 290     NNNMMM   OPERATOR", "REMARK 290       1555   X,Y,Z", "REMARK 290       2555   -X,-Y,-Z"]
    [crystal] = parsed(*remarks, cryst1("P 1 21/n 1"), *CO2)
    assert len(crystal) == 6


def test_scale_turns_the_cell() -> None:
    """The same crystal, its Cartesian axes turned and moved; SCALE says how."""
    turn = np.linalg.qr(np.array([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]]))[0]
    turn *= np.linalg.det(turn)
    wanted = parsed(cryst1("P 1 21/n 1"), *CO2)[0]
    places = np.array([[2, 2, 2], [3.16, 2, 2], [0.84, 2, 2]]) @ turn.T + [3, -1, 2]
    matrix = np.linalg.inv(LATTICE).T @ turn.T
    scale = [
        f"SCALE{k + 1}    {row[0]:10.6f}{row[1]:10.6f}{row[2]:10.6f}     {shift:10.5f}"
        for k, (row, shift) in enumerate(zip(matrix, -matrix @ [3, -1, 2], strict=True))
    ]
    atoms = [atom(n, *p, n.strip()[0]) for n, p in zip((" C1 ", " O2 ", " O3 "), places, strict=True)]
    assert farthest(parsed(cryst1("P 1 21/n 1"), *scale, *atoms)[0], wanted) < 3e-3
    reading = Reading()
    identity = [f"SCALE{k}      1.000000  0.000000  0.000000        0.00000" for k in (1, 2, 3)]
    assert farthest(parsed(cryst1("P 1 21/n 1"), *identity, *CO2, reading=reading)[0], wanted) < 1e-6
    assert any("SCALE is not that of the cell" in line for line in reading.notes)


def test_special_positions() -> None:
    """An atom on a twofold axis has the occupancy 0.50, or 1.00; it is one atom."""
    for occupancy in ("0.50", "1.00"):
        on_axis = atom(" O1 ", *(np.array([0, 0.3, 0.25]) @ LATTICE), "O", occ=occupancy)
        assert len(parsed(cryst1("C 1 2/c 1"), on_axis)[0]) == 4


ALTERNATES = [
    *CO2,
    atom(" N4 ", 5.0, 5.0, 5.0, "N", "0.60", "A"),
    atom(" N4 ", 5.4, 5.0, 5.0, "N", "0.40", "B"),
]


@pytest.mark.parametrize("header", [[], [cryst1()]])
def test_alternates_are_disorder(header: list[str]) -> None:
    with pytest.raises(InputError, match=r"disordered.*N4 A.*disorder = major"):
        parsed(*header, *ALTERNATES)
    reading = Reading(disorder="major")
    [found] = parsed(*header, *ALTERNATES, reading=reading)
    assert len(found) == 4 and found.positions[found.species.index("N"), 0] == pytest.approx(5)
    assert any("N4 B left out" in line for line in reading.notes)


def test_alternates_that_are_all_whole() -> None:
    whole = [line.replace("  0.60", "  1.00").replace("  0.40", "  1.00") for line in ALTERNATES]
    with pytest.raises(InputError, match="disordered"):
        parsed(*whole)


def test_occupancies_that_are_not_stated() -> None:
    reading = Reading()
    zeros = [line.replace("  1.00", "  0.00") for line in CO2]
    assert (
        len(parsed(*zeros, reading=reading)[0]) == 3 and "all occupancies are 0: taken as not stated" in reading.notes
    )
    assert len(parsed(*[line[:54] for line in CO2])[0]) == 3


def test_models_are_structures(tmp_path: Path) -> None:
    file = tmp_path / "two.pdb"
    file.write_text("\n".join(["MODEL        1", *CO2, "ENDMDL", "MODEL        2", *CO2[:1], "ENDMDL", "END"]))
    assert [(one.struct_id, len(one)) for one in read(file)] == [("two_1", 3), ("two_2", 1)]
    file.write_text("\n".join([cryst1(), *CO2, "END", cryst1(cell=(9, 9, 9, 90, 90, 90)), *CO2, "END"]))
    one, other = read(file)
    assert one.cell_parameters[0] == pytest.approx(8.1) and other.cell_parameters[0] == pytest.approx(9)


@pytest.mark.parametrize(
    ("name", "element", "wanted"),
    [
        (" C1 ", "", "C"),
        ("CL1 ", "", "Cl"),
        ("BR2 ", "", "Br"),
        (" CA ", "", "C"),
        ("CA  ", "", "Ca"),
        ("1HB ", "", "H"),
        ("HG11", "", "H"),
        ("HE21", "", "H"),
        (" D1 ", "D", "H"),
        (" D1 ", "", "H"),
        (" X  ", "CL", "Cl"),
        (" C1 ", "C", "C"),
        ("FE  ", "FE", "Fe"),
        (" N1 ", "N1", "N"),
    ],
)
def test_elements(name: str, element: str, wanted: str) -> None:
    first, *rest = [line[:76] for line in CO2]
    [found] = parsed(first, *rest, atom(name, 6, 6, 6, element))
    assert found.species[-1] == wanted


def test_names_that_do_not_keep_to_their_columns() -> None:
    lines = [atom("C1  ", 2, 2, 2), atom("O2  ", 3.16, 2, 2), atom("Cl3 ", 6, 6, 6)]
    assert parsed(*lines)[0].species == ["C", "O", "Cl"]
    with pytest.raises(InputError, match=r"x\.pdb, line 4: atom 'CA' can be read as two elements"):
        parsed(*lines, atom("CA  ", 8, 8, 8))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("HETATM 1 C1 UNL A 1 2.000 2.000 2.000 1.00 0.00 C", r"line 1: the coordinates are not three numbers"),
        (atom(" C1 ", 2, 2, 2, "C").replace("   2.000   2.000", "   2.000  ?.000"), "the coordinates are not"),
        (atom(" C1 ", 2, 2, 2, "C", occ="x.00"), "is no occupancy"),
        (atom(" Q9Z", 2, 2, 2, "??"), "is no element"),
        ("REMARK nothing", "no atoms; expected ATOM or HETATM"),
        ("CRYST1 a b c", "is no cell"),
        (cryst1(cell=(8, 8, 8, 10, 10, 170)) + "\n" + CO2[0], "no cell has the angles"),
        ("MTRIX1   2 -1.000000  0.000000  0.000000        0.00000\n" + cryst1() + "\n" + CO2[0], "MTRIX records ask"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parsed(line)
    assert str(caught.value).startswith("x.pdb") and "\n" not in str(caught.value)


def test_dummies_are_left_out() -> None:
    reading = Reading()
    assert len(parsed(*CO2, atom(" X1 ", 5, 5, 5, "X"), reading=reading)[0]) == 3
    assert "1 dummy atom left out" in reading.notes
