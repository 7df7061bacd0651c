import numpy as np
import pytest
import spglib
from ase.build import bulk
from ase.geometry import cellpar_to_cell
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shared_data import shared

from genarris_fw.crystal import Structure, niggli_reduce, read, space_group
from genarris_fw.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")

METHYL = ["C", "H", "F", "Cl"]
SHAPE = np.array([[0, 0, 0], [1.0, 0.1, 0], [-0.3, 1.3, 0.2], [-0.5, -0.6, 1.6]])


def periodic_distances(structure: Structure, cutoff: float) -> np.ndarray:
    """Sorted distances of each atom to every image of every atom: (i, j, d), by plain sums over images."""
    lattice = structure.lattice
    heights = abs(np.linalg.det(lattice)) / np.linalg.norm(
        np.cross(np.roll(lattice, -1, axis=0), np.roll(lattice, -2, axis=0)), axis=1
    )
    fractional = structure.fractional
    wrapped = (fractional - np.floor(fractional)) @ lattice
    reach = np.ceil(cutoff / heights).astype(int) + 1
    images = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    gaps = wrapped[None, :, None] - wrapped[:, None, None] + (images @ lattice)[None, None]
    distances = np.linalg.norm(gaps, axis=-1)
    i, j, _ = np.nonzero(distances < cutoff)
    rows = np.column_stack([i, j, distances[distances < cutoff]])
    return rows[np.lexsort(rows.T[::-1])]


cells = st.tuples(
    *[st.floats(3, 14) for _ in range(3)],
    *[st.floats(35, 145) for _ in range(3)],
)


def made(cell, seed: int, n_molecules: int, skew: bool) -> Structure:
    random = np.random.default_rng(seed)
    cosines = np.cos(np.radians(cell[3:]))
    flatness = 1 - (cosines**2).sum() + 2 * cosines.prod()  # (V / abc)^2
    assume(flatness > 0 and np.prod(cell[:3]) * np.sqrt(flatness) > 20)
    lattice = cellpar_to_cell(cell)
    if skew:
        lattice = np.array([[1, 2, 0], [0, 1, 0], [1, 0, 1]]) @ lattice
    if random.random() < 0.5:
        lattice = lattice[[1, 0, 2]]
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    lattice = lattice @ turn
    centres = random.uniform(-2, 2, (n_molecules, 3)) @ lattice
    turns = np.linalg.qr(random.normal(size=(n_molecules, 3, 3)))[0]
    positions = np.einsum("mab,kb->mka", turns, SHAPE) + centres[:, None]
    return Structure(lattice, METHYL * n_molecules, positions.reshape(-1, 3), {"spg": 1, "a": -1.0}, "made")


@settings(max_examples=60, deadline=None)
@given(cell=cells, seed=st.integers(0, 2**32 - 1), n_molecules=st.integers(1, 3), skew=st.booleans())
def test_niggli_reduction_changes_the_description_only(cell, seed, n_molecules, skew):
    structure = made(cell, seed, n_molecules, skew)
    before = structure.copy()
    reduced = niggli_reduce(structure, n_molecules)
    assert (structure.positions == before.positions).all()
    lattice = reduced.lattice
    assert reduced.species == structure.species
    assert reduced.struct_id == "made"
    assert reduced.cell_volume == pytest.approx(structure.cell_volume, rel=1e-9)
    # right-handed and lower triangular
    assert (np.triu(lattice, 1) == 0).all()
    assert (np.diag(lattice) > 0).all()
    # every molecule whole and of the same hand, its centre in the cell
    old = structure.positions.reshape(n_molecules, -1, 3)
    new = reduced.positions.reshape(n_molecules, -1, 3)
    for a, b in zip(old - old[:, :1], new - new[:, :1]):
        assert np.allclose(a @ a.T, b @ b.T, atol=1e-8)
        assert np.linalg.det(a[1:]) == pytest.approx(np.linalg.det(b[1:]), abs=1e-8)
    centres = new.mean(axis=1) @ np.linalg.inv(lattice)
    assert (centres > -1e-5).all()
    assert (centres < 1 + 1e-5).all()
    # all distances between atoms and images
    steps = periodic_distances(structure, 6.2)[:, 2]
    steps = np.sort([5.8, *steps[steps > 5.8], 6.2])
    cutoff = steps[np.diff(steps).argmax()] + np.diff(steps).max() / 2
    given_, found = periodic_distances(structure, cutoff), periodic_distances(reduced, cutoff)
    assert given_.shape == found.shape
    assert np.allclose(given_, found, atol=1e-7)
    # the properties of the cell follow, the others stay
    assert reduced.properties["a"] == pytest.approx(np.linalg.norm(lattice[0]))
    assert reduced.properties["cell_vol"] == pytest.approx(reduced.cell_volume)
    assert reduced.properties["spg"] == 1
    # the main conditions of a Niggli cell, and that it is the end
    a, b, c, *angles = reduced.cell_parameters
    assert a <= b + 1e-4
    assert b <= c + 1e-4
    assert all(x <= 90 + 1e-3 for x in angles) or all(x >= 90 - 1e-3 for x in angles)
    again = niggli_reduce(reduced, n_molecules)
    assert again.cell_parameters == pytest.approx(reduced.cell_parameters, abs=1e-3)


def test_one_lattice_has_one_niggli_cell():
    """Golden: the cell of Křivý and Gruber (1976), Acta Cryst. A32, 297, and its reduced form from the same paper."""
    lattice = cellpar_to_cell(
        [3, 27**0.5, 2, *np.degrees(np.arccos([-5 / (2 * 2 * 27**0.5), -4 / 12, -22 / (6 * 27**0.5)]))]
    )
    reduced = niggli_reduce(Structure(lattice, ["C"], [[0.1, 0.2, 0.3]]), 1)
    metric = reduced.lattice @ reduced.lattice.T
    assert np.diag(metric) == pytest.approx([4, 9, 9])
    assert 2 * metric[[1, 0, 0], [2, 2, 1]] == pytest.approx([9, 3, 4])


def test_a_centred_cell_is_not_made_primitive():
    copper = Structure.from_ase(bulk("Cu", cubic=True))
    reduced = niggli_reduce(copper, 4)
    assert len(reduced) == 4
    assert reduced.cell_parameters[:3] == pytest.approx([3.61] * 3)
    assert space_group(reduced) == 225


def test_space_groups_of_experiments():
    """Golden: urea P-42_1m, benzene Pbca, naphthalene P2_1/a, acetic acid Pna2_1 (the cif files state them)."""
    for name, number in {"urea": 113, "benzene": 61, "naphthalene": 14, "acetic_acid": 33}.items():
        (structure,) = read(shared(f"crystals/{name}.cif"))
        reduced = niggli_reduce(structure, structure.properties["Z"])
        assert space_group(structure) == space_group(reduced) == number


def test_space_group_depends_on_the_tolerance():
    copper = Structure.from_ase(bulk("Cu", cubic=True))
    copper.positions[0] += [0.05, 0.02, 0.01]
    assert space_group(copper, 1e-3) == 1
    assert space_group(copper, 0.3) == 225
    assert space_group(Structure(np.eye(3) * 5, ["C", "C"], [[0, 0, 0], [0, 0, 0]])) == 0


def test_what_has_no_cell_or_no_niggli_form():
    molecule = Structure(None, ["O"], [[0, 0, 0]])
    with pytest.raises(InputError, match="no space group"):
        space_group(molecule)
    with pytest.raises(InputError, match="no Niggli cell"):
        niggli_reduce(molecule, 1)
    crystal = Structure(np.eye(3) * 5, ["C", "H", "H"], [[0, 0, 0], [0, 0, 1], [0, 1, 0]])
    for n_molecules in (0, 2, -1):
        with pytest.raises(InputError, match="3 atoms do not make"):
            niggli_reduce(crystal, n_molecules)


def test_niggli_agrees_with_spglib_in_length_and_angle():
    random = np.random.default_rng(3)
    for _ in range(20):
        lattice = random.normal(size=(3, 3)) * 6
        if abs(np.linalg.det(lattice)) < 30:
            continue
        expected = spglib.niggli_reduce(lattice)
        reduced = niggli_reduce(Structure(lattice, ["C"], [[0, 0, 0]]), 1)
        assert reduced.lattice @ reduced.lattice.T == pytest.approx(expected @ expected.T, abs=1e-6)
