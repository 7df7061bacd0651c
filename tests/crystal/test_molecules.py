import numpy as np
import pytest
from ase.build import molecule as ase_molecule
from ase.data import covalent_radii
from ase.neighborlist import natural_cutoffs as ase_cutoffs
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared

from genarris_fw.crystal import (
    VDW,
    Molecule,
    Structure,
    bonds,
    connected_components,
    covalent_radius,
    read,
    read_molecule,
    same_bonds,
    vdw_radius,
    whole_molecules,
)
from genarris_fw.errors import InputError


def named(name: str) -> Molecule:
    atoms = ase_molecule(name)
    return Molecule(atoms.get_chemical_symbols(), atoms.positions)


@pytest.mark.parametrize("name", ["C6H6", "CH3CONH2", "C60", "SiH4", "P2", "CH3SiH3", "SO2", "LiF"])
def test_bonds_are_those_of_ase(name):
    """Independent: ASE's neighbour list with its natural cutoffs, half of 0.4 Å longer each."""
    molecule = named(name)
    atoms = molecule.to_ase()
    i, j = neighbor_list("ij", atoms, np.array(ase_cutoffs(atoms)) + 0.2)
    expected = sorted((int(a), int(b)) for a, b in zip(i, j) if a < b)
    assert bonds(molecule.species, molecule.positions) == expected


def test_benzene_has_twelve_bonds():
    molecule = named("C6H6")
    pairs = bonds(molecule.species, molecule.positions)
    assert len(pairs) == 12
    assert all(i < j for i, j in pairs)
    assert connected_components(12, pairs) == [list(range(12))]
    assert bonds(["O"], [[0, 0, 0]]) == []


@given(edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_components_against_merging_sets(edges):
    groups = [{i} for i in range(10)]
    for i, j in edges:
        a = next(group for group in groups if i in group)
        b = next(group for group in groups if j in group)
        if a is not b:
            groups.remove(b)
            a |= b
    assert connected_components(10, edges) == sorted(sorted(group) for group in groups)


def test_same_bonds():
    a = named("C2H6")
    stretched = Molecule(a.species, a.positions * 1.05)
    assert same_bonds(a, stretched)
    torn = Molecule(a.species, a.positions + np.outer(a.positions[:, 2] > 0, [0, 0, 2]))
    assert not same_bonds(a, torn)
    assert not same_bonds(a, Molecule(a.species[::-1], a.positions))


def test_radii():
    """Golden: the radii of the volume model, and the covalent radii of Cordero et al. as ASE has them."""
    assert [VDW[x] for x in ("H", "C", "N", "O", "S", "Si", "Br")] == [1.2, 1.7, 1.55, 1.52, 1.8, 2.1, 1.85]
    assert covalent_radius("C") == covalent_radii[6] == 0.76
    with pytest.raises(InputError, match="no van der Waals radius is known for Pm"):
        vdw_radius("Pm")


def test_good_molecule_files(tmp_path):
    for file in shared("molecules").glob("*.in"):
        assert len(read_molecule(file)) > 5
    file = tmp_path / "hydrogen.xyz"
    file.write_text("2\n\nH 0 0 0\nH 0 0 0.74\n")
    assert read_molecule(file).formula == "H2"
    file = tmp_path / "atom.in"
    file.write_text("atom 0 0 0 Ar\n")
    assert len(read_molecule(file)) == 1


WATER = "atom 0 0 0 O\natom 0.76 0.59 0 H\natom -0.76 0.59 0 H\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# nothing but a comment\n", "no atoms"),
        (WATER + "atom 0.76 0.59 0.1 H\n", r"atoms 2 \(H\) and 4 \(H\) overlap: 0.100 Å"),
        (WATER + "atom 0 0 0 O\n", "overlap: 0.000 Å"),
        (WATER + 3 * "lattice_vector 9 0 0\n", "plane"),
        (WATER + WATER.replace(" 0 H", " 5 H").replace("0 0 0 O", "0 0 5 O"), r"2 molecules .* 3, 3 atoms"),
        (WATER + "atom 3 0 0 Ar\n", r"2 molecules"),
    ],
)
def test_bad_molecule_files(tmp_path, text, message):
    file = tmp_path / "molecule.in"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_molecule(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_missing_molecule_file_and_one_with_two_structures(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_molecule(tmp_path / "none.in")
    file = tmp_path / "two.xyz"
    file.write_text(2 * "1\n\nAr 0 0 0\n")
    with pytest.raises(InputError, match=r"2 records; .* record = n"):
        read_molecule(file)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_scattered_atoms_become_whole_molecules(seed):
    random = np.random.default_rng(seed)
    molecule = named("CH3CONH2")
    n = len(molecule)
    lattice = np.array([[9.0, 0, 0], [1, 9, 0], [-1, 0.5, 9.5]])
    turns = np.linalg.qr(random.normal(size=(2, 3, 3)))[0]
    centres = np.array([[0.9, 0.1, 0.95], [0.4, 0.6, 0.45]]) @ lattice
    points = np.concatenate([molecule.positions @ turn.T + centre for turn, centre in zip(turns, centres)])
    order = random.permutation(2 * n)
    points += random.integers(-2, 3, (2 * n, 3)) @ lattice
    species = np.array(molecule.species * 2)[order]
    whole = whole_molecules(Structure(lattice, list(species), points[order]))
    assert whole.properties == {"Z": 2, "number_of_atoms_in_molecule": n}
    assert whole.species[:n] == whole.species[n:]
    first, second = whole.positions.reshape(2, n, 3)
    distances = [np.linalg.norm(part[:, None] - part[None], axis=2) for part in (first, second)]
    assert np.allclose(distances[0], distances[1], atol=1e-6)
    expected = np.linalg.norm(molecule.positions[:, None] - molecule.positions[None], axis=2)
    assert np.allclose(np.sort(distances[0].ravel()), np.sort(expected.ravel()), atol=1e-6)
    assert same_bonds(Molecule(whole.species[:n], first), Molecule(whole.species[n:], second))


def test_a_network_has_no_molecules():
    diamond = Structure([[0, 1.78, 1.78], [1.78, 0, 1.78], [1.78, 1.78, 0]], ["C", "C"], [[0, 0, 0], [0.89] * 3])
    with pytest.raises(InputError, match="from cell to cell"):
        whole_molecules(diamond)


def test_molecules_of_a_cif_are_those_of_the_molecule_file():
    (crystal,) = read(shared("crystals/urea.cif"))
    alone = read_molecule(shared("molecules/urea_in_crystal.in"))
    n = len(alone)
    for k in range(2):
        molecule = Molecule(crystal.species[k * n : (k + 1) * n], crystal.positions[k * n : (k + 1) * n])
        assert molecule.formula == alone.formula
        distances = [
            np.sort(np.linalg.norm(x.positions[:, None] - x.positions[None], axis=2).ravel()) for x in (molecule, alone)
        ]
        assert np.allclose(*distances, atol=1e-4)
