"""Molecules as people bring them: each form is read right, or refused with the reason.

tests/data/faults: the inputs of public reports, made small, as the issue "What people bring" lists them.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as ase_molecule
from ase.collections import g2
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.crystal import (
    Reading,
    ReadingWarning,
    Structure,
    checked_molecule,
    read,
    read_molecule,
    read_molecules,
)
from genarris_fw.errors import InputError

FAULTS = Path(__file__).parents[1] / "data" / "faults"
METHANOL = """\
C -0.047 0.664 0.000
O -0.047 -0.758 0.000
H -1.093 0.970 0.000
H 0.878 -1.048 0.000
H 0.438 1.072 0.889
H 0.438 1.072 -0.889
"""
POSITIONS = np.array([line.split()[1:] for line in METHANOL.splitlines()], dtype=float)
XYZ = f"6\nmethanol\n{METHANOL}"
BONDS = "  1  2  1\n  1  3  1\n  2  4  1\n  1  5  1\n  1  6  1\n"


def written(tmp_path, text, name="molecule.xyz"):
    file = tmp_path / name
    file.write_text(text)
    return file


def noted(file, **choices):
    reading = Reading(**choices)
    return read_molecule(file, reading=reading), reading.notes


def mol_block(atoms=METHANOL, bonds=BONDS, second="  Prog    01012400003D", tail=""):
    rows = [line.split() for line in atoms.splitlines()]
    lines = [f"{float(x):10.4f}{float(y):10.4f}{float(z):10.4f} {name:<3} 0  0" for name, x, y, z in rows]
    head = f"name\n{second}\n\n{len(rows):3d}{len(bonds.splitlines()):3d}  0  0  0  0  0  0  0  0999 V2000\n"
    return head + "\n".join(lines) + "\n" + bonds + tail + "M  END\n"


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("xyz_variants/02_atomic_numbers.xyz", "atomic numbers taken as elements (6 atoms)"),
        ("xyz_variants/10_qm9.xyz", "lines 9 to 11 after the atoms left out"),
        ("xyz_variants/16_labels.xyz", "labels taken as elements (6 atoms)"),
        ("deuterium/14_D.xyz", "D (deuterium) taken as H (4 atoms)"),
        ("deuterium/36_D_iso.mol", "D (deuterium) taken as H (4 atoms)"),
        ("deuterium/57_D.in", "D (deuterium) taken as H (4 atoms)"),
        ("molfile_v3000/35_v3000.mol", None),
    ],
)
def test_the_reported_files_are_methanol(name, note):
    molecule, notes = noted(FAULTS / name)
    assert molecule.species == ["C", "O", "H", "H", "H", "H"]
    assert np.allclose(molecule.positions, POSITIONS)
    assert note is None or note in notes


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (f"6\n{METHANOL}", "no comment line"),
        (METHANOL, "no number of atoms in the first line: all lines 'element x y z' are taken"),
        (f"methanol\n{METHANOL}", "no number of atoms: all lines 'element x y z' are taken"),
        (f"\n\n{XYZ}\n\n", None),
        (XYZ + "\nfurther words\n", "line 10 after the atoms left out"),
        (XYZ.replace("0.664", "6.64D-01").replace("-0.758", "-7.58d-1"), None),
        (XYZ.replace("0.664", "6.64*^-1"), None),
        (XYZ.replace("C ", "12C "), "the isotope 12C taken as C (1 atom)"),
        (XYZ.replace("C ", "c ").replace("O ", "O1' "), "labels taken as elements (2 atoms)"),
        (XYZ.replace("6\n", "7\n") + "X 9 9 9\n", "dummy atoms left out (1 atom)"),
        (
            XYZ.replace("C ", "C 6.0 ").replace("O ", "O 8 ").replace("H ", "H 1.0 "),
            "the second column, of nuclear charges, left out",
        ),
        (XYZ.replace("C ", "C(Iso=13) "), "labels taken as elements (1 atom)"),
        (XYZ.replace("\n", "\r\n"), None),
        (XYZ.replace(" ", "\t"), None),
        ("6\n\n" + "".join(f"{line} 0.1 7\n" for line in METHANOL.splitlines()), "columns after x y z left out"),
    ],
)
def test_forms_of_xyz(tmp_path, text, note):
    molecule, notes = noted(written(tmp_path, text))
    assert molecule.formula == "CH4O" and np.allclose(molecule.positions, POSITIONS)
    assert notes == ([] if note is None else [note])


@pytest.mark.parametrize(
    ("word", "element"),
    [
        *(("CL", "Cl"), ("Cl3", "Cl"), ("cl", "Cl"), ("BR2", "Br"), ("SI1", "Si"), ("C12", "C"), ("N1A", "N")),
        *(
            ("Ca", "Ca"),
            ("Ca1", "Ca"),
            ("HO", None),
            ("CA", None),
            ("CD1", None),
            ("T", "H"),
            ("2H", "H"),
            ("17", "Cl"),
        ),
        *(("Tv", None), ("CU", None), ("Zz", None), ("C?", None), ("119", None)),
    ],
)
def test_what_an_atom_may_be_called(tmp_path, word, element):
    file = written(tmp_path, f"1\n\n{word} 0 0 0\n")
    if element is None:
        with pytest.raises(InputError, match="line 3") as caught:
            read(file, reading=Reading())
        assert ("can be" in str(caught.value)) == (word in ("HO", "CA", "CD1", "CU"))
    else:
        [structure] = read(file, reading=Reading())
        assert structure.species == [element]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (XYZ.replace("6\n", "7\n", 1), "line 1: says 7 atoms, but 6 follow"),
        (XYZ.replace("6\n", "5\n", 1), "line 1: says 5 atoms, but 6 follow"),
        (XYZ.replace("0.664", "0,664"), "line 1: says 6 atoms, but 0 follow: line 3, 'C -0.047 0,664 0.000'"),
        (XYZ.replace("0.664", "nan"), "line 1: says 6 atoms, but 0 follow"),
        ("six\natoms\nhere\n", "line 1: expected the number of atoms, found 'six'"),
        ("3\n\n", "line 1: says 3 atoms, but 0 follow"),
    ],
)
def test_an_xyz_that_disagrees_is_refused_with_both_numbers(tmp_path, text, message):
    file = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_molecule(file)
    assert str(caught.value).startswith(str(file)) and "\n" not in str(caught.value)


def test_notes_are_warnings_where_nobody_asks_for_them():
    with pytest.warns(ReadingWarning, match="labels taken as elements"):
        read_molecule(FAULTS / "xyz_variants" / "16_labels.xyz")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (XYZ, None),
        ("a title\n", "line 7 after the atoms left out: 'a title'"),
        ("empty 0 0 3 H\n", "empty sites (ghost atoms) left out"),
    ],
)
def test_forms_of_geometry_in(tmp_path, text, note):
    rows = [line.split() for line in METHANOL.splitlines()]
    atoms = "".join(f"atom {x} {y} {z} {name}\n" for name, x, y, z in rows)
    molecule, notes = noted(written(tmp_path, atoms + (text if note else ""), "geometry.in"))
    assert np.allclose(molecule.positions, POSITIONS) and notes == ([note] if note else [])


# ---- drawings, and what no molecule has


@pytest.mark.parametrize("name", ["33_2D_pubchem_withH.sdf", "34_2D_noH.mol"])
def test_a_drawing_is_no_geometry(name, tmp_path):
    file = FAULTS / "drawing_2d" / name
    with pytest.raises(InputError, match=r"a drawing \(2D\), not a geometry"):
        read_molecule(file)
    # Nor is it one where nothing says 2D, or as an xyz file.
    text = file.read_text().replace("2D", "3D")
    with pytest.raises(InputError, match="drawing"):
        read_molecule(written(tmp_path, text, "said.mol"))
    rows = [line.split()[:4] for line in text.splitlines() if len(line.split()) > 12]
    xyz = f"{len(rows)}\n\n" + "".join(f"{name} {x} {y} {z}\n" for x, y, z, name in rows)
    with pytest.raises(InputError, match=r"is (0.62|0.83|1.00) Å long"):
        read_molecule(written(tmp_path, xyz))
    for scale in (1.4, 1.5, 1.8):  # what programs make of drawings that are scaled to the lengths of bonds
        scaled = "".join(f"{name} {scale * float(x)} {scale * float(y)} {z}\n" for x, y, z, name in rows)
        with pytest.raises(InputError, match=r"hydrogens are missing|drawing"):
            read_molecule(written(tmp_path, f"{len(rows)}\n\n{scaled}"))


def test_planar_molecules_pass(tmp_path):
    for name in ("C6H6", "H2CO", "C2H4", "CH3NO2", "C2F4", "HCOOH", "H2O", "CO2", "C4H4O"):
        atoms = ase_molecule(name)
        flat = Structure(None, atoms.get_chemical_symbols(), atoms.positions)
        assert checked_molecule(flat, name).formula == atoms.get_chemical_formula("hill")


def test_the_molecules_of_g2_pass_but_two_radicals():
    """All of G2/97 as ASE has them; only radicals that nothing marks as such seem to lack a hydrogen."""
    refused = []
    for name in g2.names:
        atoms = ase_molecule(name)
        try:
            checked_molecule(Structure(None, atoms.get_chemical_symbols(), atoms.positions), name)
        except InputError as error:
            refused.append(name)
            assert "hydrogens are missing" in str(error) and "a radical says so" in str(error)
    assert sorted(refused) == ["C2H3", "CH3CO"]
    atoms = ase_molecule("C2H3")
    vinyl = Structure(None, atoms.get_chemical_symbols(), atoms.positions, {"multiplicity": 2})
    assert checked_molecule(vinyl, "vinyl").properties == {"multiplicity": 2}


CARBON = "C 0 0 0\nH 1.09 0 0\nH -1.09 0 0\nH 0 1.09 0\nH 0 -1.09 0\n"


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (CARBON, "C1 and its four neighbours lie in a plane: a drawing"),
        (CARBON + "H 0 0 1.09\n", r"C1 has 5 neighbours \(H2, H3, H4, H5, H6\), and C forms at most 4 bonds"),
        ("O 0 0 0\nH 0.96 0 0\nH 0 0.96 0\nC 1.9 0.3 0\n", r"H2 has 2 neighbours \(O1, C4\)"),
        ("N 0 0 0\nN 0 0 0.8\n", "the bond N1-N2 is 0.80 Å long, expected about 1.42 Å"),
        ("C 0 0 0\nC 1.4 0 0\nC 2.1 1.2 0\nC 1.4 2.4 0\nC 0 2.4 0\nC -.7 1.2 0\n", "hydrogens are missing at C1, C2"),
        (METHANOL.replace("H -1.093", "H -2.093"), "2 molecules that no bond joins"),
    ],
)
def test_what_no_molecule_has_is_refused_with_the_atoms(tmp_path, atoms, message):
    file = written(tmp_path, f"{len(atoms.splitlines())}\n\n{atoms}")
    with pytest.raises(InputError, match=message):
        read_molecule(file)


def test_stretched_bonds_are_told(tmp_path):
    longer = METHANOL.replace("H -1.093 0.970", "H -1.300 1.100")
    molecule, notes = noted(written(tmp_path, f"6\n\n{longer}"))
    assert molecule.formula == "CH4O"
    assert notes == ["the bond C1-H3 is 1.33 Å long, usual are 1.07 Å; is it right?"]
    torn = METHANOL.replace("H -1.093 0.970", "H -1.450 1.200")
    with pytest.raises(InputError, match=r"2 molecules .* C1 and H3 are 1.50 Å apart: a stretched bond\?"):
        read_molecule(written(tmp_path, f"6\n\n{torn}"))


def test_positions_in_bohr_are_told(tmp_path):
    rows = zip([line.split()[0] for line in METHANOL.splitlines()], POSITIONS / 0.529177, strict=True)
    text = "6\n\n" + "".join(f"{name} {x} {y} {z}\n" for name, (x, y, z) in rows)
    with pytest.raises(InputError, match="in Bohr"):
        read_molecule(written(tmp_path, text))


# ---- mol, sdf, mol2


def test_a_mol_block_that_disagrees_is_refused(tmp_path):
    for text, message in (
        (mol_block().replace("  6  5  0", "  7  5  0", 1), "line 4: says 7 atoms, but after 6 line 11"),
        (mol_block().replace("  6  5  0", "  5  5  0", 1), "line 4: says 5 atoms, but line 10 is one more"),
        (mol_block().replace("  6  5  0", "  6  6  0", 1), "line 4: says 6 bonds, but after 5 line 16 is 'M  END'"),
        (mol_block().replace(" O ", " R#"), "line 6: 'R#' stands for any of several atoms"),
        (mol_block().replace("-0.7580", "-3.7580"), r"the bond C1-O2 is 4.42 Å long; expected about 1.42 Å"),
        (mol_block().replace("   -0.7580", "   -1e308"), r"an atom lies more than 1000000 Å from the origin"),
        ("a\nb\nc\nd\n", "line 4: expected the numbers of atoms and bonds"),
    ):
        with pytest.raises(InputError, match=message):
            read_molecule(written(tmp_path, text, "m.mol"))
    v3000 = (FAULTS / "molfile_v3000" / "35_v3000.mol").read_text()
    for text, message in (
        (v3000.replace("COUNTS 6 5", "COUNTS 7 5"), "COUNTS says 7 atoms, but 6 follow"),
        (v3000.replace("2 O -0.047", "2 O none"), "line 9: expected 'number element x y z'"),
    ):
        with pytest.raises(InputError, match=message):
            read_molecule(written(tmp_path, text, "m.mol"))


def test_what_follows_a_mol_block(tmp_path):
    _, notes = noted(written(tmp_path, mol_block() + "\nwritten by hand\n", "m.mol"))
    assert notes == ["line 18 and others after the end of the mol block left out"]
    _, notes = noted(written(tmp_path, mol_block() + "> <name>\nmethanol\n\n$$$$\n", "m.sdf"))
    assert notes == []


def test_hydrogens_that_a_mol_block_lacks(tmp_path):
    atoms = "".join(f"{line}\n" for line in METHANOL.splitlines()[:5])
    with pytest.raises(InputError, match="hydrogens are missing at C1"):
        read_molecule(written(tmp_path, mol_block(atoms, "  1  2  1\n  1  3  1\n  2  4  1\n  1  5  1\n"), "m.mol"))
    # A methyl radical that says so.
    radical = "C 0 0 0\nH 1.08 0 0\nH -.54 .935 0\nH -.54 -.935 0\n"
    text = mol_block(radical, "  1  2  1\n  1  3  1\n  1  4  1\n", tail="M  RAD  1   1   2\n")
    molecule = read_molecule(written(tmp_path, text, "m.mol"))
    assert molecule.properties["initial_moments"] == [1.0, 0.0, 0.0, 0.0]


def test_records_are_told_and_chosen(tmp_path):
    file = FAULTS / "sdf_two_records" / "32_two.sdf"
    assert len(read(file)) == 2
    with pytest.raises(InputError, match=r"2 records; .* choose by record = n, from 1 to 2"):
        read_molecule(file)
    assert read_molecule(file, reading=Reading(record=2)).formula == "CH4O"
    with pytest.raises(InputError, match="record = 3, but the file holds 2 records"):
        read_molecule(file, reading=Reading(record=3))
    with pytest.raises(InputError, match="record = 2, but the file holds one record"):
        read_molecule(FAULTS / "deuterium" / "14_D.xyz", reading=Reading(record=2))
    # What is wrong with another record does not matter to the one that is chosen.
    drawn = (FAULTS / "drawing_2d" / "33_2D_pubchem_withH.sdf").read_text()
    mixed = written(tmp_path, drawn + mol_block() + "$$$$\n", "mixed.sdf")
    assert read_molecule(mixed, reading=Reading(record=2)).formula == "CH4O"
    with pytest.raises(InputError, match=r"mixed.sdf, record 1: a drawing"):
        read_molecule(mixed, reading=Reading(record=1))


def test_conformers_with_their_energies(tmp_path):
    """Hartree in an ensemble of CREST (2625.4996 kJ/mol), kcal/mol in an sdf."""
    molecules = read_molecules(FAULTS / "xyz_variants" / "12_crest_ensemble.xyz")
    assert [one.properties["relative_energy"] for one in molecules] == [0.0, 0.0, 0.0]
    ensemble = XYZ.replace("methanol", " -8.2274") + XYZ.replace("methanol", " -8.2284")
    file = written(tmp_path, ensemble)
    energies = [one.properties["relative_energy"] for one in read_molecules(file)]
    assert energies == pytest.approx([2.6254996, 0.0], abs=1e-6)
    with pytest.raises(InputError, match=r"2 has the lowest energy"):
        read_molecule(file)
    records = "".join(f"{mol_block()}\n> <Energy>\n{energy}\n\n$$$$\n" for energy in (1.0, 0.0))
    molecules = read_molecules(written(tmp_path, records, "m.sdf"))
    assert [one.properties["relative_energy"] for one in molecules] == pytest.approx([4.184, 0.0])
    other = XYZ + "3\n\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"
    with pytest.raises(InputError, match="records of different molecules"):
        read_molecules(written(tmp_path, other))


MOL2 = """\
@<TRIPOS>MOLECULE
methanol
6 5
SMALL
NO_CHARGES

@<TRIPOS>ATOM
{atoms}@<TRIPOS>BOND
1 1 2 1
2 1 3 1
3 2 4 1
4 1 5 1
5 1 6 1
"""


@pytest.mark.parametrize("kinds", [("C.3", "O.3", "H"), ("c3", "oh", "hc"), ("C", "O", "H")])
def test_mol2(tmp_path, kinds):
    names = dict(zip("COH", kinds, strict=True))
    rows = [line.split() for line in METHANOL.splitlines()]
    atoms = "".join(f"{k} {name}{k} {x} {y} {z} {names[name]} 1 M 0.0\n" for k, (name, x, y, z) in enumerate(rows, 1))
    file = written(tmp_path, MOL2.format(atoms=atoms), "m.mol2")
    molecule = read_molecule(file)
    assert molecule.species == ["C", "O", "H", "H", "H", "H"] and np.allclose(molecule.positions, POSITIONS)
    with pytest.raises(InputError, match="line 3: says 7 atoms, but 6 follow"):
        read_molecule(written(tmp_path, file.read_text().replace("6 5\n", "7 5\n"), "n.mol2"))


# ---- charges, salts, hydrates, crystals


def test_ions_are_refused_and_zwitterions_pass(tmp_path):
    ammonium = ase_molecule("CH4")
    text = "5\ncharge=1\n" + "".join(
        f"{'N' if name == 'C' else name} {x:.4f} {y:.4f} {z:.4f}\n"
        for name, (x, y, z) in zip(ammonium.get_chemical_symbols(), ammonium.positions, strict=True)
    )
    with pytest.raises(InputError, match=r"an ion of charge \+1"):
        read_molecule(written(tmp_path, text))
    with pytest.raises(InputError, match=r"charge = 0.5; expected a whole number"):
        read_molecule(written(tmp_path, text.replace("charge=1", "charge=0.5")))
    hydroxide = mol_block("O 0 0 0\nH 0.96 0 0\n", "  1  2  1\n", tail="M  CHG  1   1  -1\n")
    with pytest.raises(InputError, match="an ion of charge -1"):
        read_molecule(written(tmp_path, hydroxide, "m.mol"))
    balanced = mol_block(tail="M  CHG  2   1   0   2   0\n")
    assert read_molecule(written(tmp_path, balanced, "m.mol")).formula == "CH4O"


def moved(atoms, dx):
    rows = [line.split() for line in atoms.splitlines()]
    return "".join(f"{name} {float(x) + dx} {y} {z}\n" for name, x, y, z in rows)


WATER = "O 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
ACETATE = "C 0 0 0\nC 1.52 0 0\nO 2.1 1.1 0\nO 2.1 -1.1 0\nH -.4 1.02 0\nH -.4 -.5 .88\nH -.4 -.5 -.88\n"
AMMONIUM = "N 0 0 0\nH .6 .6 .6\nH -.6 -.6 .6\nH -.6 .6 -.6\nH .6 -.6 -.6\n"


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (METHANOL + moved(WATER, 6), r"a hydrate: 1 CH4O and 1 H2O; .* component = n \(1 = CH4O, 2 = H2O\)"),
        (ACETATE + moved(AMMONIUM, 8), "a salt: 1 C2H3O2 and 1 H4N; crystals of ions cannot be searched yet"),
        (AMMONIUM + "Cl 6 0 0\n" + moved(WATER, 12), "a salt hydrate: 1 H4N and 1 Cl and 1 H2O"),
        (METHANOL + moved(METHANOL, 9), r"2 molecules .* \(of 6, 6 atoms\)"),
        (METHANOL + "O 9 0 0\n", "O alone is water without its hydrogens"),
    ],
)
def test_several_molecules_are_named_for_what_they_are(tmp_path, atoms, message):
    file = written(tmp_path, f"{len(atoms.splitlines())}\n\n{atoms}")
    with pytest.raises(InputError, match=message):
        read_molecule(file)


def test_a_component_is_chosen(tmp_path):
    atoms = METHANOL + moved(WATER, 6)
    file = written(tmp_path, f"9\n\n{atoms}")
    assert read_molecule(file, reading=Reading(component=1)).formula == "CH4O"
    assert read_molecule(file, reading=Reading(component=2)).formula == "H2O"
    with pytest.raises(InputError, match="component = 3, but it holds 2 different molecules"):
        read_molecule(file, reading=Reading(component=3))


def test_the_molecule_of_a_crystal(tmp_path):
    rows = [line.split() for line in (METHANOL + moved(METHANOL, 4) + moved(WATER, 8)).splitlines()]
    atoms = "".join(
        f"atom {float(x) + 11} {y} {z} {name}\n    initial_charge {k}\n" for k, (name, x, y, z) in enumerate(rows)
    )
    lattice = "lattice_vector 12 0 0\nlattice_vector 0 7 0\nlattice_vector 0 0 7\n"
    hydrate = written(tmp_path, lattice + atoms, "hydrate.in")
    with pytest.raises(InputError, match=r"a hydrate: 2 CH4O and 1 H2O"):
        read_molecule(hydrate)
    molecule, notes = noted(hydrate, component=2)
    assert molecule.formula == "H2O" and notes == ["the molecule H2O of the crystal taken"]
    assert molecule.properties["initial_charges"] == [12.0, 13.0, 14.0]
    molecule, notes = noted(hydrate, component=1)
    assert molecule.formula == "CH4O" and molecule.properties["initial_charges"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_what_a_file_says_of_atoms_stays_with_them():
    molecule = read_molecule(FAULTS / "initial_moment_dropped" / "no2.in")
    expected = {"initial_moments": [0.6, 0.2, 0.2], "initial_charges": [None, -0.1, None]}
    assert molecule.properties == expected
    assert molecule.to_structure("x").properties == expected
    assert molecule.at(molecule.positions + 1.0).properties == expected


def test_good_files_say_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_molecule(written(tmp_path, XYZ))
        read_molecule(written(tmp_path, mol_block(), "m.mol"))


SEEDS = {
    **{file.name: file.read_text() for folder in ("xyz_variants", "drawing_2d", "molfile_v3000", "sdf_two_records")
       for file in (FAULTS / folder).iterdir()},
    "no2.in": (FAULTS / "initial_moment_dropped" / "no2.in").read_text(),
    "water.mol2": "@<TRIPOS>MOLECULE\nm\n3 2\nSMALL\nNO\n\n@<TRIPOS>ATOM\n1 O1 0 0 0 O.3 1 M 0.0\n"
    "2 H1 0.96 0 0 H 1 M 0.0\n3 H2 -0.24 0.93 0 H 1 M 0\n@<TRIPOS>BOND\n1 1 2 1\n2 1 3 1\n",
    "cell.xyz": '2\nLattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 charge=1\nD 0 0 0\nC1 1 0 0\n',
}  # fmt: skip
ODD = ["²", "-", "1e999", "nan", "9" * 30, "0", "-1", "999", "X", "R#", "V3000", "V2000", "M  CHG  1   1   ²", "$$$$",
       "M  V30 -", "@<TRIPOS>ATOM", "Ⅷ", "٣", "CHG=²", "> <energy>", "\t", "charge=²", "Lattice="]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_molecules_are_read_or_refused_in_one_line(tmp_path_factory, data):
    name = data.draw(st.sampled_from(sorted(SEEDS)))
    lines = SEEDS[name].split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        k = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["remove", "double", "insert", "word", "cut"]))
        if action == "remove":
            lines[k : k + 1] = [] if len(lines) > 1 else lines
        elif action == "double":
            lines.insert(k, lines[data.draw(st.integers(0, len(lines) - 1))])
        elif action == "insert":
            lines.insert(k, data.draw(st.sampled_from(ODD)))
        elif action == "word":
            words = lines[k].split(" ")
            words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(ODD))
            lines[k] = " ".join(words)
        else:
            lines = lines[: k + 1]
    file = tmp_path_factory.getbasetemp() / name
    file.write_text("\n".join(lines) or "x")
    choice = st.sampled_from([None, 1, 2])
    try:
        found = read_molecules(file, reading=Reading(record=data.draw(choice), component=data.draw(choice)))
    except InputError as error:
        assert str(error).startswith(str(file)) and "\n" not in str(error)
    else:
        assert found and all(np.isfinite(one.positions).all() for one in found)


def test_an_extended_xyz_says_its_charge_energy_and_moments(tmp_path):
    head = "3\nProperties=species:S:1:pos:R:3:initial_magmoms:R:1 energy={}\n"
    frames = "".join(
        head.format(energy) + "O 0 0 0 1.0\nH 0.757 0.587 0 0\nH -0.757 0.587 0 0\n" for energy in (-1.0, -2)
    )
    molecules = read_molecules(written(tmp_path, frames))
    assert [one.properties["relative_energy"] for one in molecules] == pytest.approx([96.4853, 0.0], abs=1e-3)
    assert molecules[0].properties["initial_moments"] == [1.0, 0.0, 0.0]
    with pytest.raises(InputError, match=r"an ion of charge \+2"):
        read_molecule(written(tmp_path, frames.replace("energy", "charge=2 energy")), reading=Reading(record=1))
