import numpy as np
import pytest
from crystal_contacts import smallest_margin
from generation_molecules import from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation import check_contacts, cutoff_matrix


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
