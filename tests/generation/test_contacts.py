import numpy as np
import pytest
from crystal_contacts import smallest_margin
from generation_molecules import from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule, Structure, vdw_radius
from genarris_fw.errors import InputError
from genarris_fw.generation import check_contacts, cutoff_matrix
from genarris_fw.generation.contacts import ContactRules, roles


def crystal(molecule: Molecule, lattice: np.ndarray, count: int, seed: int) -> Structure:
    """Molecules thrown at random into a cell (and out of it, by some lattice vectors)."""
    random = np.random.default_rng(seed)
    positions = [
        Rotation.random(random_state=seed + k).apply(molecule.positions - molecule.positions.mean(axis=0))
        + (random.uniform(size=3) + random.integers(-2, 3, 3)) @ lattice
        for k in range(count)
    ]
    return Structure(lattice, molecule.species * count, np.concatenate(positions))


def test_the_cutoffs_of_the_tutorial():
    cutoffs = cutoff_matrix(stored("benzene"), 0.85)
    assert cutoffs.shape == (12, 12)
    assert np.allclose(cutoffs, cutoffs.T)
    # cutoff_matrix of the benzene tutorial: 2.89, 2.465 and 2.04.
    assert cutoffs[0, 0] == pytest.approx(2.89)
    assert cutoffs[0, 6] == pytest.approx(2.465)
    assert cutoffs[6, 6] == pytest.approx(2.04)


def test_hydrogen_bonds_have_fixed_distances():
    urea = stored("urea")
    cutoffs, looser = cutoff_matrix(urea, 0.85), cutoff_matrix(urea, 0.95)
    assert urea.species == ["C", "O", "N", "N", "H", "H", "H", "H"]
    assert (cutoffs[1, 4:] == 1.6).all()  # N-H...O
    assert (looser[1, 4:] == 1.6).all()
    assert cutoffs[2, 4] == pytest.approx(0.85 * (1.55 + 1.20))  # an amine N with three neighbours accepts nothing
    assert cutoffs[1, 1] == pytest.approx(0.85 * 3.04)

    methanol = from_ase("CH3OH")
    hydroxyl = next(
        k
        for k, name in enumerate(methanol.species)
        if name == "H" and np.linalg.norm(methanol.positions[k] - methanol.positions[methanol.species.index("O")]) < 1.1
    )
    # The oxygen of a hydroxyl group is no acceptor in Genarris 2.0's rule.
    assert cutoff_matrix(methanol, 1.0)[hydroxyl, methanol.species.index("O")] == pytest.approx(2.72)

    acid = cutoff_matrix(from_ase("CH3COOH"), 0.85)
    assert 1.5 in np.unique(acid)

    pyridine = from_ase("C5H5N")  # an acceptor without a donor
    assert (cutoff_matrix(pyridine, 0.85) > 1.75).all()
    hydrazine_like = Molecule(["N", "N", "H"], [[0, 0, 0], [1.25, 0, 0], [-0.3, 0.95, 0]])
    assert cutoff_matrix(hydrazine_like, 0.85)[1, 2] == 1.75


@pytest.mark.parametrize("sr", [0.0, -1.0, float("nan"), float("inf")])
def test_the_fraction_must_be_positive(sr):
    with pytest.raises(InputError, match="sr ="):
        cutoff_matrix(stored("urea"), sr)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["benzene", "glycine", "urea"]),
    count=st.integers(1, 4),
    rows=st.lists(st.floats(-1.0, 1.0), min_size=9, max_size=9),
    lengths=st.tuples(*[st.floats(2.0, 20.0)] * 3),
    seed=st.integers(0, 10**6),
)
def test_agrees_with_a_neighbour_list_in_any_cell(name, count, rows, lengths, seed):
    lattice = np.array(rows).reshape(3, 3) + np.eye(3)
    lattice = lattice / np.linalg.norm(lattice, axis=1)[:, None] * np.array(lengths)[:, None]
    if not 20 < abs(np.linalg.det(lattice)) < 2000:
        return
    molecule = stored(name)
    structure = crystal(molecule, lattice, count, seed)
    margin = check_contacts(structure, 0.85, len(molecule))
    cutoffs = cutoff_matrix(molecule, 0.85)
    assert margin == pytest.approx(
        smallest_margin(structure, cutoffs, cutoffs.max() + max(margin, 0.0) + 0.1), abs=1e-8
    )


@pytest.mark.parametrize(
    "lattice",
    [
        [[3.0, 0, 0], [0, 30.0, 0], [0, 0, 30.0]],  # thin
        [[6.0, 0, 0], [17.5, 6.0, 0], [-20.0, 15.5, 8.0]],  # oblique, far from reduced
        [[25.0, 3, 1], [24.0, 7.0, 0], [1.0, -2.0, 9.0]],
        [[-9.0, 0, 0], [0, 8.0, 0], [0, 0, 7.0]],  # left-handed
    ],
)
def test_thin_and_oblique_cells(lattice):
    molecule = stored("glycine")
    cutoffs = cutoff_matrix(molecule, 0.85)
    for seed in range(10):
        structure = crystal(molecule, np.array(lattice), 2, seed)
        margin = check_contacts(structure, 0.85, 10)
        assert margin == pytest.approx(smallest_margin(structure, cutoffs, 3.5 + max(margin, 0.0)), abs=1e-8)


def test_distant_molecules_have_the_margin_of_the_shortest_translation():
    molecule = stored("benzene")
    structure = Structure(np.eye(3) * 40.0, molecule.species, molecule.positions)
    cutoffs = cutoff_matrix(molecule, 0.85)
    assert check_contacts(structure, 0.85) == pytest.approx(smallest_margin(structure, cutoffs, 41.0), abs=1e-9)


def test_molecules_are_found_by_their_bonds_in_any_order_of_atoms():
    urea, water = stored("urea"), from_ase("H2O")
    species, positions = (
        urea.species + water.species,
        np.concatenate([urea.positions, water.positions + np.array([4, 1, 0])]),
    )
    lattice = np.diag([8.0, 8.5, 9.0])
    margin = check_contacts(Structure(lattice, species, positions), 0.85)
    order = np.random.default_rng(0).permutation(len(species))
    shuffled = Structure(lattice, [species[k] for k in order], positions[order])
    assert check_contacts(shuffled, 0.85) == pytest.approx(margin)
    assert -3 < margin < 3


def test_structures_that_cannot_be_checked():
    urea = stored("urea")
    with pytest.raises(InputError, match="lattice"):
        check_contacts(urea.to_structure(), 0.85)
    with pytest.raises(InputError, match="whole number of molecules"):
        check_contacts(Structure(np.eye(3) * 9, urea.species, urea.positions), 0.85, 3)
    with pytest.raises(InputError, match="without atoms"):
        check_contacts(Structure(np.eye(3) * 9, [], []), 0.85)


VDW, GENARRIS_3 = ContactRules("vdw"), ContactRules("3.x")


def test_radii_alone():
    urea = stored("urea")
    cutoffs = cutoff_matrix(urea, 0.9, VDW)
    assert cutoffs[1, 4] == pytest.approx(0.9 * (1.52 + 1.20))
    assert cutoffs[4, 4] == pytest.approx(0.9 * 2.40)


def test_the_rules_of_genarris_3():
    urea = stored("urea")
    cutoffs = cutoff_matrix(urea, 0.85, GENARRIS_3)
    assert (cutoffs[1, 4:] == 1.50).all() and (cutoffs[4:, 1] == 1.50).all()  # N-H...O
    assert cutoffs[4, 4] == pytest.approx(0.85 * 2.20)
    assert cutoffs[0, 4] == pytest.approx(0.85 * (1.70 + 1.10))
    acid = cutoff_matrix(from_ase("CH3COOH"), 0.85, GENARRIS_3)
    assert 1.40 in np.unique(acid) and 1.5 not in np.unique(acid)
    imine = Molecule(["N", "N", "H"], [[0, 0, 0], [1.25, 0, 0], [-0.3, 0.95, 0]])
    assert cutoff_matrix(imine, 0.85, GENARRIS_3)[1, 2] == 1.65
    both = Molecule(["O", "H", "C", "N"], [[0, 0, 0], [0.96, 0, 0], [5, 0, 0], [6.15, 0, 0]])
    assert cutoff_matrix(both, 0.85, GENARRIS_3)[1, 3] == 1.50  # O-H...N
    assert cutoff_matrix(both, 0.85)[1, 3] == 1.6


def test_hydroxyl_groups_and_water_accept_in_genarris_3_only():
    water, methanol = from_ase("H2O"), from_ase("CH3OH")
    for molecule in (water, methanol):
        oxygen = molecule.species.index("O")
        assert roles(molecule.species, molecule.positions)[oxygen] == ""
        assert roles(molecule.species, molecule.positions, GENARRIS_3)[oxygen] == "O"
    assert (cutoff_matrix(water, 0.85, GENARRIS_3)[0, 1:] == 1.40).all()
    assert np.allclose(cutoff_matrix(water, 0.85)[0, 1:], 0.85 * 2.72)
    ether = from_ase("CH3OCH3")
    for rules in (ContactRules(), GENARRIS_3):
        assert "O" in roles(ether.species, ether.positions, rules)
    oxide = Molecule(["N", "O", "N"], [[0, 0, 0], [1.3, 0, 0], [2.6, 0, 0]])
    assert roles(oxide.species, oxide.positions, GENARRIS_3)[1] == ""


def test_radii_of_the_users_own():
    urea = stored("urea")
    rules = ContactRules("vdw", radii={"H": 1.0, "C": 2})
    cutoffs = cutoff_matrix(urea, 0.5, rules)
    assert cutoffs[4, 4] == pytest.approx(1.0) and cutoffs[0, 4] == pytest.approx(1.5)
    assert cutoffs[1, 1] == pytest.approx(1.52)
    # A radius of H goes before the one of 3.x, but changes no hydrogen bond.
    cutoffs = cutoff_matrix(urea, 1.0, ContactRules("3.x", {"H": 1.3}))
    assert cutoffs[4, 4] == pytest.approx(2.6) and cutoffs[1, 4] == 1.5


def test_distances_of_pairs_go_before_everything_and_are_not_scaled():
    urea = stored("urea")
    rules = ContactRules("2.0", radii={"O": 3.0}, pairs={"H-O": 1.9, "C-C": 4.0})
    for sr in (0.5, 1.0):
        cutoffs = cutoff_matrix(urea, sr, rules)
        assert (cutoffs[1, 4:] == 1.9).all() and (cutoffs[4:, 1] == 1.9).all()
        assert cutoffs[0, 0] == 4.0
        assert cutoffs[1, 1] == pytest.approx(sr * 6.0)
        assert np.array_equal(cutoffs, cutoffs.T)
    assert rules == ContactRules("2.0", {"O": 3.0}, {"C-C": 4, "O-H": 1.9})
    assert hash(rules) == hash(ContactRules())


def test_rules_reach_the_check_of_a_crystal():
    urea = stored("urea")
    structure = crystal(urea, np.diag([8.0, 8.5, 9.0]), 2, 3)
    for rules in (ContactRules(), GENARRIS_3, VDW, ContactRules("vdw", {"H": 0.5}, {"O-H": 3.0})):
        cutoffs = cutoff_matrix(urea, 0.85, rules)
        expected = smallest_margin(structure, cutoffs, 9.0)
        assert check_contacts(structure, 0.85, 8, rules) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("symbol", ["Se", "Sn", "Hg", "Fe", "Co", "Ti", "Zn", "Ru", "Ir", "Gd", "U", "At", "Cs"])
def test_elements_of_all_kinds(symbol):
    atom = Molecule([symbol, "C"], [[0, 0, 0], [8.0, 0, 0]])
    cutoffs = cutoff_matrix(atom, 0.85)
    assert cutoffs[0, 1] == pytest.approx(0.85 * (vdw_radius(symbol) + 1.70))
    assert 1.5 < cutoffs[0, 1] < 5
    structure = Structure(np.eye(3) * 30.0, atom.species, atom.positions)
    assert check_contacts(structure, 0.85, 1) == pytest.approx(8.0 - cutoffs[0, 1], abs=1e-6)


def test_radii_from_the_tables():
    """Golden: ASE's table where it has the element (Bondi 1964, Mantina 2009), else Alvarez (2013)."""
    known = {"Se": 1.90, "Sn": 2.17, "Hg": 1.55, "Zn": 1.39, "Pd": 1.63, "U": 1.86, "Rn": 2.20}
    alvarez = {"Fe": 2.44, "Co": 2.40, "Ti": 2.46, "Ru": 2.46, "Ir": 2.41, "La": 2.98, "Pu": 2.81}
    assert {symbol: vdw_radius(symbol) for symbol in known | alvarez} == known | alvarez


def test_an_element_without_a_radius():
    molecule = Molecule(["Pm", "C"], [[0, 0, 0], [5.0, 0, 0]])
    with pytest.raises(
        InputError, match=r'no van der Waals radius is known for Pm; give one in Å.*{"Pm": 2.0}'
    ) as told:
        cutoff_matrix(molecule, 0.85)
    assert len(str(told.value).splitlines()) == 1
    assert cutoff_matrix(molecule, 1.0, ContactRules(radii={"Pm": 2.3}))[0, 1] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "2"}, "contact_rules = '2': expected one of 2.0, 3.x, vdw"),
        ({"radii": {"Q": 1.0}}, "custom_radii: 'Q' in 'Q' is no element"),
        ({"radii": {"X": 1.0}}, "custom_radii: 'X' in 'X' is no element"),
        ({"radii": {"h": 1.0}}, "custom_radii: 'h' in 'h' is no element"),
        ({"radii": {"H": 0.0}}, r"custom_radii: H = 0.0: expected a number above 0 and not above 5 \(Å\)"),
        ({"radii": {"H": float("nan")}}, "custom_radii: H = nan"),
        ({"radii": {"H": "1"}}, "custom_radii: H = '1'"),
        ({"radii": {"H": True}}, "custom_radii: H = True"),
        ({"radii": {"H": 50}}, "custom_radii: H = 50"),
        ({"pairs": {"OH": 1.5}}, "custom_radii_by_pairs: 'OH' is no pair"),
        ({"pairs": {"O-H-O": 1.5}}, "custom_radii_by_pairs: 'O-H-O' is no pair"),
        ({"pairs": {("O", "H"): 1.5}}, "is no pair"),
        ({"pairs": {"O-Q": 1.5}}, "custom_radii_by_pairs: 'Q' in 'O-Q' is no element"),
        (
            {"pairs": {"O-H": -1.5}},
            r"custom_radii_by_pairs: O-H = -1.5: expected a number above 0 and not above 10 \(Å\)",
        ),
        ({"pairs": {"O-H": 1.5, "H-O": 1.4}}, "custom_radii_by_pairs: H-O is given twice"),
    ],
)
def test_rules_that_mean_nothing(arguments, words):
    with pytest.raises(InputError, match=words):
        ContactRules(**arguments)
