"""RDF vectors: published numbers, independent sums, invariances, both conventions, bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Structure, read
from genarris_fw.descriptors import radial_functions, rdf
from genarris_fw.descriptors.radial_functions import RDF_CONVENTIONS
from genarris_fw.errors import InputError

DATA = Path(__file__).parents[1] / "data"
TUTORIAL = Path(__file__).parents[2] / "../shared/data/benzene_tutorial"

# Cubic cell of 5 Å with C at the origin and H at 1.1 Å: the last Genarris 2 code's formula, computed independently.
LIKE = [0.001251, 0.018401, 0.146857, 0.638659, 1.542869, 2.244129]
LIKE += [2.486292, 2.669141, 2.474122, 1.77244, 1.08648, 0.632034]
UNLIKE = [0.496117, 0.44772, 0.42561, 0.763433, 1.446107, 2.148435]
UNLIKE += [2.550714, 2.600752, 2.323945, 1.754068, 1.141972, 0.717421]


def slow_rdf(structure, elements, functions):
    """The formula as it is written, over a block of images certain to hold the sphere."""
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.lattice), axis=0)
    reach = (
        np.ceil(functions.cutoff / heights).astype(int) + 1 + np.ptp(np.floor(structure.fractional), axis=0).astype(int)
    )
    images = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in reach), indexing="ij"), -1).reshape(-1, 3)
    result = np.zeros((len(elements), len(elements), len(functions)))
    for i, centre in enumerate(structure.positions):
        for j, neighbour in enumerate(structure.positions):
            r = np.linalg.norm(neighbour - centre + images @ structure.lattice, axis=1)
            r = r[(r > 1e-9) & (r <= functions.cutoff)]
            smooth = (np.cos(np.pi * r / functions.cutoff) + 1) / 2
            values = np.exp(-functions.eta * (r[:, None] - functions.centres) ** 2) * smooth[:, None]
            result[elements.index(structure.species[i]), elements.index(structure.species[j])] += values.sum(axis=0)
    return result.ravel() / len(structure)


def manual_rdf(structure, elements, eta, centres, cutoff):
    """The sum of the code that the manual describes: over a block of cells, plain, an atom's own place included."""
    steps = np.array([(i, j, k) for i in range(-2, 3) for j in range(-2, 3) for k in range(-2, 3)])
    block = (steps @ structure.lattice)[:, None] + structure.positions
    species = np.array(structure.species)
    result = []
    for a in elements:
        for b in elements:
            apart = block[:, species == b][:, :, None] - structure.positions[species == a]
            r = np.sqrt((apart**2).sum(axis=-1)).ravel()
            r = r[r <= cutoff]
            smooth = 0.5 * (1 + np.cos(np.pi * r / cutoff))
            result += [float((np.exp(-e * (r - c) ** 2) * smooth).sum()) for e, c in zip(eta, centres)]
    return np.array(result)


def sums_of_rows(structures, elements, **options):
    """The vectors from the surroundings of every atom, where the kernel evaluates every function at every distance."""
    vectors = []
    for structure, rows in zip(structures, rdf(structures, per_atom=True, elements=elements, **options)):
        species = np.array(structure.species)
        vectors.append(np.concatenate([rows[species == name].sum(axis=0) for name in elements]) / len(species))
    return np.array(vectors)


@st.composite
def crystals(draw):
    """Small cells of any shape, thin and oblique ones included, with atoms in and outside the cell."""
    number = st.floats(-1, 1).map(lambda x: round(x, 4))
    lengths = [draw(st.floats(1.5, 7)) for _ in range(3)]
    lattice = np.diag(lengths)
    lattice[1, 0], lattice[2, 0], lattice[2, 1] = (draw(number) * 6 for _ in range(3))
    if draw(st.booleans()):
        lattice[0] *= -1
    n = draw(st.integers(1, 4))
    fractional = np.array([[draw(number) * 2 for _ in range(3)] for _ in range(n)])
    species = [draw(st.sampled_from(["C", "H", "O"])) for _ in range(n)]
    return Structure(lattice, species, fractional @ lattice)


OPTIONS = {"cutoff": 5.0, "n_D_inter": 4, "Rs_range": (0.5, 4.0), "elements": ["C", "H", "O"]}


def test_synthetic_cell():
    cell = Structure(np.eye(3) * 5, ["C", "H"], [[0, 0, 0], [1.1, 0, 0]])
    vector = rdf([cell], cutoff=12, n_D_inter=12, Rs_range=(1, 10))
    assert np.abs(vector[0] - np.concatenate([LIKE, UNLIKE, UNLIKE, LIKE])).max() < 1e-6


def test_published_vectors_stored_here():
    for record in json.loads((DATA / "descriptors_benzene_rsf.json").read_text())["structures"]:
        structure = Structure(record["lattice"], record["species"], record["positions"])
        assert rdf([structure], Rs_range=[1, 10])[0] == pytest.approx(record["RSF"], rel=1e-6)


def test_all_published_vectors():
    folder = TUTORIAL / "rsf_vectors"
    if not folder.is_dir():
        pytest.skip(f"the published vectors are not here: {folder.name} of the tutorial's data is absent")
    structures = [structure for path in sorted(folder.glob("*.json")) for structure in read(path)]
    assert len(structures) == 12
    published = np.array([structure.properties["RSF"] for structure in structures])
    assert rdf(structures, Rs_range=[1, 10]) == pytest.approx(published, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(crystals(), st.sampled_from(["shifted", "centered", "random"]), st.integers(1, 5))
def test_agrees_with_the_formula_written_out(crystal, scheme, n):
    options = {"cutoff": 5.0, "n_D_inter": n, "init_scheme": scheme, "Rs_range": (0.5, 4.0)}
    expected = slow_rdf(crystal, ["C", "H", "O"], radial_functions(**options))
    assert rdf([crystal], **options, elements=["O", "H", "C"])[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(crystals(), st.data())
def test_invariant(crystal, data):
    # An atom's own place is no neighbour; two atoms on one place are told apart from that by rounding alone.
    apart = crystal.fractional[:, None] - crystal.fractional
    apart = np.linalg.norm((apart - np.round(apart)) @ crystal.lattice, axis=2) + np.eye(len(crystal))
    assume(apart.min() > 1e-3)
    seed = data.draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix()
    order = rng.permutation(len(crystal))
    species = [crystal.species[i] for i in order]
    other_cell = np.eye(3, dtype=int)
    for _ in range(4):
        i, j = rng.choice(3, 2, replace=False)
        other_cell[i] += rng.integers(-2, 3) * other_cell[j]
    shifts = rng.integers(-3, 4, size=(len(crystal), 3)) @ crystal.lattice
    repeats = rng.integers(1, 3, size=3)
    images = np.stack(np.meshgrid(*map(range, repeats), indexing="ij"), -1).reshape(-1, 3) @ crystal.lattice
    relatives = [
        Structure(crystal.lattice @ turn, crystal.species, crystal.positions @ turn + [0.3, -7, 20]),
        Structure(crystal.lattice, species, crystal.positions[order]),
        Structure(other_cell @ crystal.lattice, crystal.species, crystal.positions + shifts),
        Structure(-crystal.lattice, crystal.species, -crystal.positions),
        Structure(
            crystal.lattice * repeats[:, None],
            crystal.species * len(images),
            (images[:, None] + crystal.positions).reshape(-1, 3),
        ),
    ]
    vectors = rdf([crystal, *relatives], **OPTIONS)
    assert vectors[1:] == pytest.approx(np.tile(vectors[0], (len(relatives), 1)), rel=1e-8, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(crystals(), min_size=1, max_size=3),
    st.sampled_from(["shifted", "centered", "random"]),
    st.integers(1, 20),
    st.floats(2, 9),
    st.floats(0, 30),
    st.integers(0, 1000),
)
def test_moments_agree_with_every_distance(pool, scheme, n, cutoff, eta, seed):
    options = {"cutoff": cutoff, "n_D_inter": n, "init_scheme": scheme, "eta_range": (eta / 2, eta), "seed": seed}
    assert len(radial_functions(**options).pieces()) > 0
    expected = sums_of_rows(pool, ["C", "H", "O"], **options)
    # At the very cutoff, where all functions end, the polynomials leave a rounding of 5e-15.
    assert rdf(pool, elements=["C", "H", "O"], **options) == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("n", [1, 12, 50])
@pytest.mark.parametrize("scheme", ["shifted", "centered", "random"])
def test_functions_as_polynomials(scheme, n):
    functions = radial_functions(12, n, scheme)
    pieces = functions.pieces()
    r = np.linspace(0, 12, 3000, endpoint=False)
    bins, places = np.divmod(r * len(pieces) / 12, 1)
    values = np.zeros((len(r), len(functions)))
    for power in range(7, -1, -1):
        values = values * (2 * places[:, None] - 1) + pieces[bins.astype(int), power]
    exact = functions(r)
    assert (np.abs(values - exact) <= 2e-11 * exact + 1e-15).all()


def test_functions_too_narrow_for_polynomials():
    options = {"init_scheme": "random", "eta_range": (4000, 9000), "Rs_range": (1, 6), "cutoff": 6.0, "n_D_inter": 40}
    functions = radial_functions(**options)
    assert len(functions.pieces()) == 0
    cell = Structure(np.diag([4.0, 5.0, 6.0]), ["H", "C", "H"], [[0, 0, 0], [1, 1, 1], [2, 2, 0.5]])
    assert rdf([cell], **options)[0] == pytest.approx(slow_rdf(cell, ["C", "H"], functions), rel=1e-9, abs=1e-14)


def test_thin_and_oblique_cell():
    """A needle whose lattice vectors nearly coincide; the same crystal in its short cell."""
    short = Structure(np.diag([2.0, 3.0, 9.0]), ["C"], [[0.1, 0.2, 0.3]])
    skew = np.array([[1, 0, 0], [23, 1, 0], [-17, 31, 1]])
    oblique = Structure(skew @ short.lattice, ["C"], [[0.1, 0.2, 0.3]])
    vectors = rdf([short, oblique])
    assert vectors[1] == pytest.approx(vectors[0], rel=1e-8)


@pytest.mark.parametrize("lengths", [(3, 3, 40), (40, 3, 3), (2, 60, 55), (1, 1, 1), (50, 50, 50)])
def test_needles_plates_and_empty_cells(lengths):
    rng = np.random.default_rng(7)
    lattice = np.diag(np.array(lengths, dtype=float)) + np.tril(rng.uniform(-1, 1, (3, 3)), -1)
    cell = Structure(lattice, ["C", "H", "H", "O"], rng.uniform(-1, 2, (4, 3)) @ lattice)
    expected = slow_rdf(cell, ["C", "H", "O"], radial_functions(9.0))
    assert rdf([cell], cutoff=9.0)[0] == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_a_thousand_atoms():
    """A large cell is the same crystal as the small one it is made of."""
    rng = np.random.default_rng(5)
    small = Structure(np.diag([4.0, 4.5, 5.0]), list("CHHNOOCH"), rng.uniform(0, 5, (8, 3)))
    cells = np.stack(np.meshgrid(*[range(5)] * 3, indexing="ij"), -1).reshape(-1, 3) @ small.lattice
    large = Structure(small.lattice * 5, small.species * 125, (cells[:, None] + small.positions).reshape(-1, 3))
    vectors = rdf([small, large])
    assert len(large) == 1000
    assert vectors[1] == pytest.approx(vectors[0], rel=1e-11)


def test_atoms_on_one_place_are_no_neighbours():
    cell = Structure(np.eye(3) * 5, ["C", "H"], [[0.1, 0.2, 0.3], [0.1, 5.2, 0.3 + 1e-15]])
    vector = rdf([cell])[0].reshape(4, 12)
    # Both see the same lattice, but for the place they share.
    assert vector[1:] == pytest.approx(np.tile(vector[0], (3, 1)), rel=1e-12)


def test_threads_do_not_change_a_bit():
    rng = np.random.default_rng(2)
    cells = [Structure(np.diag(rng.uniform(3, 9, 3)), ["C", "H", "O"], rng.uniform(0, 9, (3, 3))) for _ in range(37)]
    one = rdf(cells)
    assert np.array_equal(one, rdf(cells, threads=3))
    assert np.array_equal(one[5:6], rdf(cells[5:6]))
    assert all(map(np.array_equal, rdf(cells, per_atom=True), rdf(cells, per_atom=True, threads=2)))


def test_the_manuals_grids():
    assert RDF_CONVENTIONS == ("mean", "2.0-manual")
    shifted = radial_functions(12, 12, "shifted", Rs_range=(3, 4), convention="2.0-manual")
    step = 10.5 / 11
    assert len(shifted) == 11
    assert shifted.eta == pytest.approx(np.full(11, 0.5488), abs=1e-4)
    assert shifted.centres == pytest.approx(1 + step * np.arange(11), rel=1e-14)
    centered = radial_functions(12, 12, "centered", convention="2.0-manual")
    assert centered.eta == pytest.approx(0.5 / (1 + step * np.arange(11)) ** 2, rel=1e-14)
    assert not centered.centres.any()
    random = radial_functions(12, 12, "random", Rs_range=(3, 4), convention="2.0-manual")
    assert len(random) == 12 and random.centres.min() >= 3 and random.centres.max() <= 4
    one = radial_functions(12, 1, "shifted", convention="2.0-manual")
    assert (one.eta[0], one.centres[0]) == pytest.approx((1 / 72, 6))


def test_the_manuals_sum_in_numbers():
    """One atom in a cell longer than the cutoff sees itself alone, at distance 0; three atoms count three times."""
    cell = Structure(np.eye(3) * 20, ["C"], [[1, 2, 3]])
    step = 10.5 / 11
    expected = np.exp(-0.5 / step**2 * (1 + step * np.arange(11)) ** 2)
    options = {"convention": "2.0-manual"}
    assert rdf([cell], **options)[0] == pytest.approx(expected, rel=1e-12)
    assert rdf([cell], per_atom=True, **options)[0][0] == pytest.approx(expected, rel=1e-12)
    far = Structure(np.eye(3) * 60, ["C"] * 3, np.diag([15.0, 30, 45]))
    assert rdf([far], **options)[0] == pytest.approx(3 * expected, rel=1e-12)
    # Not more than two cells away: 5 places along a line of 2 Å cells.
    line = Structure(np.diag([2.0, 20, 20]), ["C"], [[0, 0, 0]])
    functions = radial_functions(convention="2.0-manual")
    assert rdf([line], **options)[0] == pytest.approx(functions([0, 2, 2, 4, 4]).sum(axis=0), rel=1e-11)


@settings(max_examples=40, deadline=None)
@given(crystals(), st.sampled_from(["shifted", "centered", "random"]), st.integers(1, 6), st.floats(2, 12))
def test_the_manuals_sum(crystal, scheme, n, cutoff):
    options = {"cutoff": cutoff, "n_D_inter": n, "init_scheme": scheme, "Rs_range": (0.5, 4), "seed": 4}
    options["convention"] = "2.0-manual"
    grid = 1 + (cutoff - 1.5) / max(n - 1, 1) * np.arange(n - 1)
    if scheme == "random":
        functions = radial_functions(**options)
        eta, centres = functions.eta, functions.centres
    elif n == 1:
        eta, centres = [2 / cutoff**2], [cutoff / 2 if scheme == "shifted" else 0]
    elif scheme == "shifted":
        eta, centres = np.full(n - 1, 0.5 / ((cutoff - 1.5) / (n - 1)) ** 2), grid
    else:
        eta, centres = 0.5 / grid**2, 0 * grid
    expected = manual_rdf(crystal, ["C", "H", "O"], eta, centres, cutoff)
    assert rdf([crystal], elements=["C", "H", "O"], **options)[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    rows = sums_of_rows([crystal], ["C", "H", "O"], **options)[0] * len(crystal)
    assert rows == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_rows_of_atoms_sum_to_the_vector():
    cell = Structure(np.diag([4.0, 5.0, 6.0]), ["H", "C", "H"], [[0, 0, 0], [1, 1, 1], [2, 2, 0.5]])
    rows = rdf([cell], per_atom=True)
    assert len(rows) == 1 and rows[0].shape == (3, 24)
    centres = [rows[0][[1]].sum(axis=0), rows[0][[0, 2]].sum(axis=0)]
    assert rdf([cell])[0] == pytest.approx(np.concatenate(centres) / 3)


def test_pool_of_different_compositions():
    one = Structure(np.eye(3) * 4, ["C"], [[0, 0, 0]])
    two = Structure(np.eye(3) * 4, ["O"], [[0, 0, 0]])
    vectors = rdf([one, two], n_D_inter=3)
    assert vectors.shape == (2, 12)
    assert np.flatnonzero(vectors[0]).max() < 3 and np.flatnonzero(vectors[1]).min() >= 9
    # A part of the pool, described with the pool's elements, gives the same rows.
    assert rdf([two], n_D_inter=3, elements=["O", "C"]) == pytest.approx(vectors[1:])


def test_schemes():
    shifted = radial_functions(12, 12, "shifted", Rs_range=(1, 10))
    assert shifted.eta == pytest.approx(np.full(12, 0.457467), abs=1e-6)
    assert shifted.centres[[0, -1]] == pytest.approx([1, 10])
    centered = radial_functions(12, 12, "centered")
    assert not centered.centres.any()
    assert centered.eta[[0, -1]] == pytest.approx([0.5, 0.5 / 11.5**2])
    one = radial_functions(12, 1, "shifted")
    assert (one.eta[0], one.centres[0]) == pytest.approx((1 / 72, 6))
    random = radial_functions(12, 50, "random", seed=3)
    assert random.eta.min() >= 0.05 and random.eta.max() <= 0.5 and random.centres.max() <= 12
    assert np.array_equal(random.eta, radial_functions(12, 50, "random", seed=3).eta)
    assert not np.array_equal(random.eta, radial_functions(12, 50, "random", seed=4).eta)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cutoff": 0}, "cutoff"),
        ({"cutoff": float("nan")}, "cutoff"),
        ({"cutoff": 1.0, "init_scheme": "centered"}, "cutoff"),
        ({"n_D_inter": 0}, "n_D_inter"),
        ({"n_D_inter": 2.5}, "n_D_inter"),
        ({"init_scheme": "shfted"}, "shifted, centered, random"),
        ({"Rs_range": (5, 1)}, "Rs_range"),
        ({"Rs_range": (5,)}, "Rs_range"),
        ({"init_scheme": "random", "eta_range": (-1, 1)}, "eta_range"),
        ({"elements": ["C"]}, "H"),
        ({"elements": ["C", "H", "Qq"]}, "elements.*Qq"),
        ({"elements": []}, "elements"),
        ({"cutoff": 0.5}, "cutoff"),
        ({"cutoff": 1.5, "convention": "2.0-manual"}, "cutoff"),
        ({"cutoff": "far"}, "cutoff"),
        ({"cutoff": 1e6}, "cutoff"),
        ({"cutoff": float("inf")}, "cutoff"),
        ({"n_D_inter": float("nan")}, "n_D_inter"),
        ({"n_D_inter": "twelve"}, "n_D_inter"),
        ({"n_D_inter": True}, "n_D_inter"),
        ({"n_D_inter": 10**9}, "n_D_inter"),
        ({"Rs_range": (0, float("nan"))}, "Rs_range"),
        ({"Rs_range": 3}, "Rs_range"),
        ({"eta_range": (0.5, 0.05)}, "eta_range"),
        ({"init_scheme": "random", "seed": -1}, "seed"),
        ({"init_scheme": "random", "seed": 1.5}, "seed"),
        ({"convention": "3.0"}, "convention.*mean, 2.0-manual"),
        ({"threads": 0}, "threads"),
        ({"threads": 1.5}, "threads"),
    ],
)
def test_bad_options(options, words):
    cell = Structure(np.eye(3) * 5, ["C", "H"], [[0, 0, 0], [1.1, 0, 0]], struct_id="x")
    with pytest.raises(InputError, match=words):
        rdf([cell], **options)


def test_bad_structures():
    with pytest.raises(InputError, match="molecule"):
        rdf([Structure(None, ["C"], [[0, 0, 0]], struct_id="m1")])
    with pytest.raises(InputError, match="no structures"):
        rdf([])
    assert rdf([], elements=["C", "H"]).shape == (0, 48)
    assert rdf([], elements=["C", "H"], per_atom=True) == []
    with pytest.raises(InputError, match="x1 has no atoms"):
        rdf([Structure(np.eye(3), [], [], struct_id="x1")], elements=["C"])


@pytest.mark.parametrize("convention", RDF_CONVENTIONS)
def test_numbers_that_are_none(convention):
    """A structure is checked when it is made; what is written into it afterwards is found here."""
    good = Structure(np.eye(3) * 5, ["C", "H"], [[0, 0, 0], [1.1, 0, 0]], struct_id="good")
    for bad_value in (np.nan, np.inf, 1e9):
        bad = Structure(np.eye(3) * 5, ["C", "H"], [[0, 0, 0], [1.1, 0, 0]], struct_id="bad")
        bad.positions[1, 2] = bad_value
        with pytest.raises(InputError, match="bad has a lattice or position"):
            rdf([good, bad], convention=convention)
        bad = Structure(np.eye(3) * 5, ["C", "H"], [[0, 0, 0], [1.1, 0, 0]], struct_id="bad")
        bad.lattice[0, 0] = bad_value
        with pytest.raises(InputError, match="bad has a lattice or position"):
            rdf([good, bad], convention=convention)
    flat = Structure(np.eye(3) * 5, ["C"], [[0, 0, 0]], struct_id="flat")
    flat.lattice[2] = flat.lattice[0]
    with pytest.raises(InputError, match="flat lie in a plane"):
        rdf([good, flat], convention=convention)
