"""AMD and PDD: a known lattice, numbers of another program, a sum over all images, invariances, bad input."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Structure, niggli_reduce
from genarris_fw.descriptors import amd, amd_of_rows, nearest_distances, pdd
from genarris_fw.errors import InputError


def slow_distances(lattice, positions, k):
    """Sorted distances of every atom over a block of images that grows until it is certain to hold k neighbours."""
    inverse = np.linalg.inv(lattice)
    heights = 1 / np.linalg.norm(inverse, axis=0)
    positions = positions - np.floor(positions @ inverse) @ lattice
    radius = 1.0
    while True:
        reach = np.ceil(radius / heights).astype(int) + 1
        cells = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in reach), indexing="ij"), -1).reshape(-1, 3)
        everything = (positions[None] + (cells @ lattice)[:, None]).reshape(-1, 3)
        apart = np.sort(np.linalg.norm(everything - positions[:, None], axis=2), axis=1)
        # The first is the atom itself.
        if apart.shape[1] > k and apart[:, k].max() <= radius:
            return apart[:, 1 : k + 1]
        radius *= 1.3


@st.composite
def crystals(draw):
    """Cells of any shape, thin, oblique and left-handed ones included, with atoms in and outside the cell."""
    number = st.floats(-1, 1).map(lambda x: round(x, 4))
    lattice = np.diag([draw(st.floats(1.5, 7)) for _ in range(3)])
    lattice[1, 0], lattice[2, 0], lattice[2, 1] = (draw(number) * 8 for _ in range(3))
    if draw(st.booleans()):
        lattice[0] *= -1
    n = draw(st.integers(1, 5))
    fractional = np.array([[draw(number) * 2 for _ in range(3)] for _ in range(n)])
    species = [draw(st.sampled_from(["C", "H", "O"])) for _ in range(n)]
    return Structure(lattice, species, fractional @ lattice)


def weighted(rows):
    """What a distribution says of the mean and the spread of each distance: free of the order of its rows."""
    return np.stack([rows[:, 0] @ rows[:, 1:], rows[:, 0] @ rows[:, 1:] ** 2])


def test_simple_cubic_lattice():
    cell = Structure(np.eye(3) * 2.5, ["C"], [[0.3, 0.2, 0.1]])
    shells = [(6, 1), (12, 2), (8, 3), (6, 4), (24, 5), (24, 6), (12, 8), (8, 9)]
    expected = np.concatenate([[2.5 * np.sqrt(square)] * count for count, square in shells])
    assert amd(cell, k=100) == pytest.approx(expected[:100], rel=1e-12)
    assert pdd(cell, k=7) == pytest.approx(np.array([[1, *expected[:7]]]), rel=1e-12)


def test_numbers_of_another_program():
    """A centrosymmetric cell of 4 atoms; average-minimum-distance 1.6.1 (PyPI): AMD(set, 100), PDD(set, 4)."""
    lattice = np.array([[5.0, 0, 0], [1.2, 6.0, 0], [-0.7, 0.9, 7.0]])
    fractional = np.array([[0.1, 0.2, 0.3], [0.3, 0.25, 0.35], [0.9, 0.8, 0.7], [0.7, 0.75, 0.65]])
    crystal = Structure(lattice, ["C", "N", "C", "N"], fractional @ lattice)
    first = [1.136727759844, 3.764902565464, 4.005265284597, 4.073935443769, 4.409869612585, 4.604045626597]
    first += [4.694538763742, 4.781738321347, 5.0, 5.0, 5.167216714791, 5.303527579646]
    values = amd(crystal)
    assert values.shape == (100,)
    assert values[:12] == pytest.approx(first, abs=1e-11)
    assert values[[24, 49, 99]] == pytest.approx([6.868916961898, 8.798474258267, 10.73050097579], abs=1e-11)
    rows = [
        [0.5, 1.136727759844, 3.64403622375, 4.005265284597, 4.073935443769],
        [0.5, 1.136727759844, 3.885768907179, 4.005265284597, 4.073935443769],
    ]
    assert pdd(crystal, k=4) == pytest.approx(np.array(rows), abs=1e-11)


@settings(max_examples=60)
@given(crystals(), st.integers(1, 130))
def test_agrees_with_all_images(crystal, k):
    expected = slow_distances(crystal.lattice, crystal.positions, k)
    found = nearest_distances(crystal.lattice, crystal.positions, np.arange(len(crystal)), k)
    assert found == pytest.approx(expected, abs=1e-9)
    assert amd(crystal, k) == pytest.approx(expected.mean(axis=0), abs=1e-9)


@settings(max_examples=60)
@given(crystals(), st.integers(0, 2**31))
def test_invariant(crystal, seed):
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix()
    order = rng.permutation(len(crystal))
    other_cell = np.eye(3, dtype=int)
    for _ in range(6):
        i, j = rng.choice(3, 2, replace=False)
        other_cell[i] += rng.integers(-3, 4) * other_cell[j]
    shifts = rng.integers(-3, 4, size=(len(crystal), 3)) @ crystal.lattice
    repeats = rng.integers(1, 3, size=3)
    images = np.stack(np.meshgrid(*map(range, repeats), indexing="ij"), -1).reshape(-1, 3) @ crystal.lattice
    relatives = [
        Structure(crystal.lattice @ turn, crystal.species, crystal.positions @ turn + [0.3, -7, 20]),
        Structure(crystal.lattice, [crystal.species[i] for i in order], crystal.positions[order]),
        Structure(other_cell @ crystal.lattice, crystal.species, crystal.positions + shifts),
        Structure(-crystal.lattice, crystal.species, -crystal.positions),
        niggli_reduce(crystal, 1),
        Structure(
            crystal.lattice * repeats[:, None],
            crystal.species * len(images),
            (images[:, None] + crystal.positions).reshape(-1, 3),
        ),
    ]
    means, rows = amd(crystal, 60), pdd(crystal, 60)
    assert rows[:, 0].sum() == pytest.approx(1)
    for relative in relatives:
        assert amd(relative, 60) == pytest.approx(means, abs=1e-8)
        assert pdd(relative, 60) == pytest.approx(rows, abs=1e-8)


@settings(max_examples=30)
@given(crystals(), st.integers(0, 2**31))
def test_moves_no_more_than_the_atoms(crystal, seed):
    rng = np.random.default_rng(seed)
    steps = rng.uniform(-0.01, 0.01, size=(len(crystal), 3))
    moved = Structure(crystal.lattice, crystal.species, crystal.positions + steps)
    most = 2 * np.linalg.norm(steps, axis=1).max() + 1e-9
    assert np.abs(amd(moved, 50) - amd(crystal, 50)).max() <= most


def test_thin_and_oblique_cell():
    """A needle whose lattice vectors nearly coincide; the same crystal in its short cell."""
    short = Structure(np.diag([2.0, 3.0, 9.0]), ["C", "H"], [[0.1, 0.2, 0.3], [1, 1, 5]])
    skew = np.array([[1, 0, 0], [2300, 1, 0], [-1700, 3100, 1]])
    oblique = Structure(skew @ short.lattice, short.species, short.positions)
    assert amd(oblique) == pytest.approx(amd(short), abs=1e-7)


@pytest.mark.parametrize("lengths", [(1.0, 1.0, 1e4), (1.0, 2e3, 2e3)])
def test_almost_empty_cells(lengths):
    """Layers and chains so far apart that no sphere of the mean density holds the right number."""
    cell = Structure(np.diag(lengths), ["C"], [[0, 0, 0]])
    flat = [np.hypot(i, j) for i in range(-9, 10) for j in range(-9, 10)] if lengths[1] == 1.0 else []
    chain = np.repeat(np.arange(1.0, 51.0), 2)
    assert amd(cell, 100) == pytest.approx(np.sort(flat)[1:101] if flat else chain, rel=1e-12)


def test_one_molecule_stands_for_all():
    """Two molecules that an inversion maps onto each other."""
    lattice = np.array([[6.0, 0, 0], [1.0, 7.0, 0], [-0.5, 2.0, 8.0]])
    molecule = np.array([[1.0, 1.0, 1.0], [2.2, 1.1, 0.9], [1.3, 2.0, 1.9]])
    crystal = Structure(lattice, ["O", "H", "H"] * 2, np.concatenate([molecule, -molecule]))
    for rows in ([0, 1, 2], [3, 4, 5], np.array([1, 5, 3], dtype=np.int32)):
        assert amd_of_rows(lattice, crystal.positions, rows, 80) == pytest.approx(amd(crystal, 80), abs=1e-12)
    assert amd_of_rows(lattice, crystal.positions, range(1), 5) != pytest.approx(amd(crystal, 5), abs=1e-3)
    assert len(pdd(crystal)) == 3 and pdd(crystal)[:, 0] == pytest.approx([1 / 3] * 3)


def test_rows_are_sorted_and_merged():
    """Nearly equal atoms of a doubled cell are one row, unless the tolerance says otherwise."""
    cell = Structure(np.diag([4.0, 5.0, 12.0]), ["C", "C"], [[0, 0, 0], [0, 0, 6.00002]])
    one = pdd(cell, 20)
    assert one.shape == (1, 21) and one[0, 0] == 1
    assert one[0, 1:] == pytest.approx(amd(cell, 20), abs=1e-12)
    lone = Structure(np.diag([9.0, 9.0, 9.0]), ["C", "C", "C"], [[0, 0, 0], [1.5, 0, 0], [0, 2.0, 0]])
    rows = pdd(lone, 10, collapse_tol=0)
    assert rows.shape == (3, 11)
    # The first two atoms are each other's nearest ones: the second distance decides.
    assert rows[:, 1:3] == pytest.approx(np.array([[1.5, 2.0], [1.5, 2.5], [2.0, 2.5]]))
    assert weighted(pdd(lone, 10, collapse_tol=5)) != pytest.approx(weighted(rows))
    assert len(pdd(lone, 10, collapse_tol=5)) == 1


def test_atoms_on_one_place():
    cell = Structure(np.eye(3) * 4, ["C", "C"], [[1, 1, 1], [5, 1, -3]])
    assert amd(cell, 3) == pytest.approx([0, 4, 4])


def test_input_is_not_changed_and_threads_agree():
    rng = np.random.default_rng(5)
    lattice, positions = np.diag([7.0, 8.0, 9.0]) @ [[1, 0, 0], [4, 1, 0], [0, 3, 1]], rng.uniform(0, 9, (40, 3))
    before = lattice.copy(), positions.copy()
    expected = amd_of_rows(lattice, positions, range(10))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(amd_of_rows(lattice, positions, range(10)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(result, expected) for result in results)
    assert np.array_equal(lattice, before[0]) and np.array_equal(positions, before[1])


@pytest.mark.parametrize("k", [0, -3, 2.5, True, float("nan"), None])
def test_bad_numbers_of_neighbours(k):
    cell = Structure(np.eye(3) * 4, ["C"], [[0, 0, 0]])
    for call in (amd, pdd):
        with pytest.raises(InputError, match="k is"):
            call(cell, k)


@pytest.mark.parametrize(
    ("lattice", "positions", "rows", "words"),
    [
        (np.eye(2), [[0, 0, 0]], [0], "shapes"),
        (np.eye(3), [0, 0, 0], [0], "shapes"),
        (np.eye(3), [[0, 0, 0]], [[0]], "shapes"),
        (np.eye(3), np.zeros((0, 3)), [0], "without atoms"),
        (np.eye(3), [[0, 0, 0]], [], "without atoms"),
        (np.eye(3), [[0, 0, 0]], [1], "none of the atoms"),
        (np.eye(3), [[0, 0, 0]], [-1], "none of the atoms"),
        (np.eye(3), [[0, 0, 0]], [0.5], "numbers of the atoms"),
        (np.eye(3), [[0, 0, 0]], [True], "numbers of the atoms"),
        (np.eye(3), [[0, 0, np.nan]], [0], "not finite"),
        (np.diag([1, 1, np.inf]), [[0, 0, 0]], [0], "not finite"),
        (np.eye(3), [[0, 0, 1e300]], [0], "beyond"),
        (np.diag([1.0, 1.0, 0.0]), [[0, 0, 0]], [0], "no volume"),
        (np.diag([1e3, 1e3, 1e-300]), [[0, 0, 0]], [0], "no volume"),
        ([[1, 0, 0], [1, 1e-9, 0], [0, 0, 1]], [[0, 0, 0]], [0], "no volume"),
    ],
)
def test_bad_arrays(lattice, positions, rows, words):
    with pytest.raises(InputError, match=words):
        amd_of_rows(lattice, positions, rows)


def test_more_neighbours_than_memory():
    with pytest.raises(InputError, match="no neighbour distances"):
        nearest_distances(np.eye(3), [[0, 0, 0]], [0], 10**9)


def test_bad_structures():
    molecule = Structure(None, ["C"], [[0, 0, 0]], struct_id="m1")
    for call in (amd, pdd):
        with pytest.raises(InputError, match="m1 is a molecule"):
            call(molecule)
        with pytest.raises(InputError, match="without atoms"):
            call(Structure(np.eye(3), [], []))
    with pytest.raises(InputError, match="collapse_tol"):
        pdd(Structure(np.eye(3), ["C"], [[0, 0, 0]]), collapse_tol=-1)
