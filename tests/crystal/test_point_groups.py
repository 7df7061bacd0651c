import itertools

import numpy as np
import pytest
import spglib
from ase.build import molecule as ase_molecule
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from shared_data import shared

from genarris_fw.crystal import Molecule, point_group, read_molecule, symmetrize
from genarris_fw.crystal.point_group_symbols import hermann_mauguin_symbol, parse_symbol, schoenflies_symbol
from genarris_fw.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")


def named(name: str) -> Molecule:
    atoms = ase_molecule(name)
    return Molecule(atoms.get_chemical_symbols(), atoms.positions)


def sulfur_hexafluoride() -> Molecule:
    arms = 1.56 * np.concatenate([np.eye(3), -np.eye(3)])
    return Molecule(["S"] + 6 * ["F"], np.vstack([[0, 0, 0], arms]))


def ring(n: int, radius: float, height: float = 0.0, turn: float = 0.0) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n + turn
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.full(n, height)])


def sandwich(n: int, turn: float) -> Molecule:
    points = np.vstack([[0, 0, 0], ring(n, 1.2, 1.7), ring(n, 1.2, -1.7, turn)])
    return Molecule(["Fe"] + 2 * n * ["C"], points)


KNOWN = {
    "C6H6": ("6/mmm", "D6h", 24),
    "CH4": ("-43m", "Td", 24),
    "C2H6": ("-3m", "D3d", 12),
    "NH3": ("3m", "C3v", 6),
    "H2O": ("mm2", "C2v", 4),
    "H2O2": ("2", "C2", 2),
    "BF3": ("-6m2", "D3h", 12),
    "C2H4": ("mmm", "D2h", 8),
    "CH3Cl": ("3m", "C3v", 6),
    "C3H4_D2d": ("-42m", "D2d", 8),
    "trans-butane": ("2/m", "C2h", 4),
    "CH3OH": ("m", "Cs", 2),
    "HCN": ("∞m", "C∞v", 24),
    "CO2": ("∞/mm", "D∞h", 48),
    "H2": ("∞/mm", "D∞h", 48),
    "H": ("∞∞m", "Kh", 48),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_molecules(name):
    group = point_group(named(name))
    assert (group.symbol, group.schoenflies, len(group)) == KNOWN[name]


def test_high_and_non_crystallographic_groups():
    assert point_group(sulfur_hexafluoride()).symbol == "m-3m"
    assert point_group(sandwich(5, np.pi / 5)).schoenflies == "D5d"
    assert point_group(sandwich(5, 0.0)).schoenflies == "D5h"
    assert point_group(sandwich(5, 0.3)).schoenflies == "D5"
    assert point_group(sandwich(4, np.pi / 4)).symbol == "-82m"
    phi = (1 + 5**0.5) / 2
    icosahedron = [np.roll([0, x, y * phi], k) for k in range(3) for x in (1, -1) for y in (1, -1)]
    group = point_group(Molecule(12 * ["B"], icosahedron))
    assert (group.schoenflies, group.symbol, len(group)) == ("Ih", "m-3-5", 120)


@pytest.mark.parametrize(
    ("file", "tol", "schoenflies"),
    [
        ("benzene.in", 1e-3, "D6h"),
        ("naphthalene.in", 1e-3, "D2h"),
        ("tetracene.in", 1e-2, "D2h"),
        ("urea_in_crystal.in", 1e-3, "C2v"),
        ("aspirin.in", 1e-2, "C1"),
        ("benzene_in_crystal.in", 1e-3, "Ci"),
        ("benzene_in_crystal.in", 1e-1, "D6h"),
        ("naphthalene_in_crystal.in", 1e-3, "Ci"),
    ],
)
def test_the_molecules_of_the_examples(file, tol, schoenflies):
    assert point_group(read_molecule(shared(f"molecules/{file}")), tol).schoenflies == schoenflies


@pytest.mark.parametrize("name", ["C6H6", "CH4", "C2H6", "BF3", "C2H4", "HCN", "CO2", "H"])
def test_the_operations_are_a_group_that_maps_the_molecule(name):
    molecule = named(name)
    group = point_group(molecule)
    operations, table = group.operations, group.multiplication_table
    assert np.allclose(operations[0], np.eye(3), atol=1e-12)
    assert np.allclose(operations @ operations.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    products = np.einsum("jab,kbc->jkac", operations, operations)
    assert np.allclose(products, operations[table], atol=1e-12)
    assert all(sorted(row) == list(range(len(group))) for row in table.tolist())
    points = molecule.positions - group.centre
    for operation, permutation in zip(operations, group.permutations):
        assert np.allclose(points @ operation.T, points[permutation], atol=1e-5)
        assert [molecule.species[i] for i in permutation] == molecule.species
    for j, k in itertools.product(range(len(group)), repeat=2):
        assert (group.permutations[j][group.permutations[k]] == group.permutations[table[j, k]]).all()


@pytest.mark.parametrize(
    ("name", "gamma", "expected"),
    [("C6H6", 120, "6/mmm"), ("C2H6", 120, "-3m"), ("CH4", 90, "-43m"), ("C2H4", 90, "mmm"), ("H2O", 90, "mm2")],
)
def test_spglib_finds_the_same_group_in_a_large_cell(name, gamma, expected):
    """Independent: the point group of a crystal of far apart molecules that stand as the lattice allows."""
    molecule = named(name)
    cosine, sine = np.cos(np.radians(gamma)), np.sin(np.radians(gamma))
    side = 20.0
    lattice = side * np.array([[1, 0, 0], [cosine, sine, 0], [0, 0, 1]])
    kinds = np.unique(molecule.species, return_inverse=True)[1]
    found = set()
    for turn in (0.0, np.pi / 6):
        turned = molecule.positions @ Rotation.from_euler("z", turn).as_matrix().T
        cell = (lattice, turned @ np.linalg.inv(lattice), kinds)
        found.add(spglib.get_symmetry_dataset(cell, symprec=1e-3).pointgroup)
    assert expected in found
    assert point_group(molecule, 1e-3).symbol == expected


rotations = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(["C6H6", "CH4", "C2H6", "NH3", "H2O", "CO2", "HCN", "CH3OH"]), seed=rotations)
def test_place_orientation_and_order_of_atoms_do_not_matter(name, seed):
    random = np.random.default_rng(seed)
    molecule = named(name)
    group = point_group(molecule)
    order = random.permutation(len(molecule))
    turn = Rotation.random(random_state=seed).as_matrix() * random.choice([1, -1])
    moved = Molecule(
        [molecule.species[i] for i in order], (molecule.positions @ turn.T + random.normal(size=3) * 30)[order]
    )
    found = point_group(moved)
    assert (found.symbol, len(found)) == (group.symbol, len(group))
    if not group.infinite:
        expected = np.einsum("ab,kbc,dc->kad", turn, group.operations, turn)
        gaps = np.abs(found.operations[:, None] - expected[None]).max(axis=(2, 3))
        assert (gaps.min(axis=1) < 1e-4).all()


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(["C6H6", "CH4", "C2H6", "C2H4", "H2O", "CO2"]), seed=rotations)
def test_a_noisy_molecule_is_made_exact(name, seed):
    molecule = named(name)
    noise = np.random.default_rng(seed).uniform(-2e-3, 2e-3, (len(molecule), 3))
    noisy = Molecule(molecule.species, molecule.positions + noise)
    group = point_group(noisy, tol=0.03)
    assert group.symbol == point_group(molecule).symbol
    assert group.deviation <= 0.03
    exact = symmetrize(noisy, tol=0.03)
    assert point_group(exact, tol=1e-7).symbol == group.symbol
    assert np.abs(exact.positions - noisy.positions).max() < 0.02
    assert np.allclose(exact.positions.mean(axis=0), noisy.positions.mean(axis=0), atol=1e-12)
    again = symmetrize(exact, tol=1e-7)
    assert np.abs(again.positions - exact.positions).max() < 1e-7


def test_the_group_stays_a_group_at_every_tolerance():
    """Between the deviations of two operations a plain cut at the tolerance would not be closed."""
    noise = np.random.default_rng(5).normal(scale=0.01, size=(12, 3))
    molecule = Molecule(named("C6H6").species, named("C6H6").positions + noise)
    orders = []
    for tol in np.linspace(0.005, 0.08, 40):
        group = point_group(molecule, tol)
        assert np.isin(group.multiplication_table, np.arange(len(group))).all()
        assert 24 % len(group) == 0
        orders.append(len(group))
    assert orders[0] == 1
    assert orders[-1] == 24


@pytest.mark.parametrize(("name", "count"), [("C2H4", 16), ("NH3", 6), ("CH4", 30), ("C6H6", 54), ("H", 98)])
def test_the_number_of_subgroups(name, count):
    """Known numbers of subgroups: D2h 16, C3v (S3) 6, Td (S4) 30, D6h 54, Oh 98."""
    groups = point_group(named(name)).subgroups()
    assert len(groups) == count
    assert groups[-1].symbol == "1"
    assert all(len(groups[0]) % len(group) == 0 for group in groups)


def test_subgroups_against_trying_every_subset():
    group = point_group(named("C2H4"))
    table = group.multiplication_table
    closed = [
        (0, *rest)
        for size in range(8)
        for rest in itertools.combinations(range(1, 8), size)
        if set(table[np.ix_((0, *rest), (0, *rest))].ravel()) <= {0, *rest}
    ]
    assert sorted(closed) == sorted(group.subgroup_members)


def test_symmetrize_to_a_named_group():
    molecule = read_molecule(shared("molecules/benzene_in_crystal.in"))
    for symbol in ("mmm", "D6h", "2/m", "c2v", "-3m", "1"):
        symmetric = symmetrize(molecule, symbol, tol=0.1)
        found = point_group(symmetric, 1e-8)
        assert found.subgroups(symbol)
        assert np.abs(symmetric.positions - molecule.positions).max() < 0.1
    assert np.allclose(symmetrize(molecule, "1").positions, molecule.positions, atol=1e-12)


def test_of_several_subgroups_the_nearest_is_taken():
    """Ethylene with one mirror kept exactly: `m` must keep it and move nothing."""
    molecule = named("C2H4")
    across = molecule.positions[:, 2] > 0
    bent = molecule.positions + np.outer(across, [0, 0, 2e-3])
    bent = Molecule(molecule.species, bent)
    assert np.abs(symmetrize(bent, "m").positions - bent.positions).max() < 1e-9


def test_what_cannot_be_symmetrized():
    with pytest.raises(InputError, match=r"D6h.*no subgroup 4mm"):
        symmetrize(named("C6H6"), "4mm")
    with pytest.raises(InputError, match="names no point group"):
        symmetrize(named("C6H6"), "nonsense")
    with pytest.raises(InputError, match="without atoms"):
        point_group(Molecule([], []))
    for tol in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="must be positive"):
            point_group(named("H2O"), tol)


def orthogonal(rotations: np.ndarray) -> np.ndarray:
    """Operations in lattice coordinates, in the metric that they keep."""
    metric = sum(w.T @ w for w in rotations) / len(rotations)
    root = np.linalg.cholesky(metric).T
    return np.array([root @ w @ np.linalg.inv(root) for w in rotations])


def test_symbols_of_the_point_groups_of_all_space_groups():
    """Independent: spglib's database names the point group of each of its 530 settings."""
    standard = {"-4m2": "-42m", "-62m": "-6m2", "-31m": "-3m", "31m": "3m", "312": "32", "321": "32"}
    seen = set()
    for hall in range(1, 531):
        about = spglib.get_spacegroup_type(hall)
        database = spglib.get_symmetry_from_database(hall)
        rotations = np.unique(database["rotations"], axis=0)
        name = schoenflies_symbol(orthogonal(rotations.astype(float)))
        expected = about.pointgroup_schoenflies.replace("C3i", "S6")
        assert name == parse_symbol(expected)
        hermann_mauguin = about.pointgroup_international
        assert hermann_mauguin_symbol(name) == standard.get(hermann_mauguin, hermann_mauguin)
        seen.add(name)
    assert len(seen) == 32


def test_symbols_are_read_in_both_notations():
    for text, name in {"mm2": "C2v", "C2V": "C2v", "-4m2": "D2d", "6/mmm": "D6h", "S2": "Ci", "m3m": "Oh"}.items():
        assert parse_symbol(text) == name
    for name in ("C5v", "D5h", "S8", "S10", "C7h", "D4d", "I", "Th", "D∞h"):
        assert parse_symbol(hermann_mauguin_symbol(name)) == name


def test_overlapping_or_flat_atoms_do_not_break_the_search():
    point_group(Molecule(["H", "H", "O"], [[0, 0, 0], [0, 0, 0], [1, 1, 0.2]]))
    point_group(Molecule(["H", "O", "H", "N"], [[0, 0, 0], [1, 0.011, 0], [2, 0, 0], [0.3, 0.3, 0]]), tol=0.5)
    assert point_group(Molecule(["C", "O"], [[0, 0, 0], [0, 0, 1.1]])).infinite
