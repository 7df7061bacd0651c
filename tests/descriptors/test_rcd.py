"""RCD: the formula of Genarris in plain loops, invariances of crystals and of molecules, bad input."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from generation_molecules import argon, bent, chiral, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from shared_data import shared

from genarris_fw.crystal import Molecule, Structure, read
from genarris_fw.crystal.bonds import bonds, connected_components
from genarris_fw.descriptors.rcd import rcd, rcd_difference, rcd_difference_rows
from genarris_fw.descriptors.rcd_descriptor import RelativeCoordinates
from genarris_fw.descriptors.rcd_frames import molecular_axes
from genarris_fw.descriptors.rcd_molecules import molecules_in_order
from genarris_fw.errors import InputError

INVERSION = -np.eye(3)
GLIDE = np.diag([1.0, -1.0, 1.0])
SCREW = np.diag([-1.0, 1.0, -1.0])


# ------------------------------------------------------------------------------------------------ crystals to compare


def packed(molecule, places, turns, lattice):
    """A crystal of copies of a molecule about its centre of mass: one for each place and turn."""
    masses = molecule.to_ase().get_masses()
    about = molecule.positions - masses @ molecule.positions / masses.sum()
    positions = [about @ np.asarray(turn).T + place for place, turn in zip(places, turns, strict=True)]
    return Structure(lattice, molecule.species * len(turns), np.concatenate(positions))


def random_cell(rng, n):
    lattice = np.diag(rng.uniform(5, 8, 3)) * (n / 2) ** (1 / 3)
    lattice[1, 0], lattice[2, 0], lattice[2, 1] = rng.uniform(-3, 3, 3)
    return lattice @ Rotation.random(rng=rng).as_matrix()


def random_crystal(molecule, n, seed, mirrored=False):
    rng = np.random.default_rng(seed)
    lattice = random_cell(rng, n)
    turns = Rotation.random(n, rng=rng).as_matrix()
    if mirrored:
        turns = turns * rng.choice([-1, 1], n)[:, None, None]
    return packed(molecule, rng.uniform(0, 1, (n, 3)) @ lattice, turns, lattice)


def made_by(operations, molecule, seed):
    """One independent molecule, its place and turn by the seed, in a cell of right angles; (matrix, shift)."""
    rng = np.random.default_rng(seed)
    lattice = np.diag(rng.uniform(6, 9, 3))
    turn, place = Rotation.random(rng=rng).as_matrix(), rng.uniform(0.1, 0.4, 3) @ lattice
    places = [matrix @ place + shift @ lattice for matrix, shift in operations]
    return packed(molecule, places, [matrix @ turn for matrix, _ in operations], lattice)


CENTRIC = [(np.eye(3), np.zeros(3)), (INVERSION, np.zeros(3))]
GLIDING = [(np.eye(3), np.zeros(3)), (GLIDE, np.array([0.5, 0, 0]))]
SCREWED = [(np.eye(3), np.zeros(3)), (SCREW, np.array([0, 0.5, 0]))]
CENTRIC_4 = [*SCREWED, (INVERSION, np.zeros(3)), (-SCREW, np.array([0, 0.5, 0]))]


def mirrored(crystal):
    return Structure(crystal.lattice @ GLIDE, crystal.species, crystal.positions @ GLIDE)


def difference(a, b, molecule, picks=16, **options):
    return rcd_difference(*rcd([a, b], molecule, picks), **options)


# -------------------------------------------------------------------------- an independent reference, straight from 2.2


def slow_neighbours(crystal, molecule, middle, picks):
    """(vector, molecule) of the nearest images, sorted, with those as far as the last; images -7 to 7."""
    n = len(molecule)
    masses = molecule.to_ase().get_masses()
    centres = [masses @ crystal.positions[k : k + n] / masses.sum() for k in range(0, len(crystal), n)]
    cells = np.array(list(itertools.product(range(-7, 8), repeat=3))) @ crystal.lattice
    vectors = np.concatenate([cells + centre - centres[middle] for centre in centres])
    owners = np.repeat(np.arange(len(centres)), len(cells))
    lengths = np.linalg.norm(vectors, axis=1)
    order = np.argsort(lengths)[1:]  # the first is the molecule itself
    last = lengths[order[picks - 1]]
    return [(vectors[m], owners[m]) for m in order if lengths[m] <= last + 1e-3]


def slow_frame(points, pairs):
    a1 = points[pairs[0][0]] - points[pairs[0][1]]
    a2 = points[pairs[1][0]] - points[pairs[1][1]]
    a3 = np.cross(a1, a2)
    rows = []
    for vector in (a1, a2, a3):
        left = vector
        for row in rows:
            left = left - (left @ row) * row
        rows.append(left / np.linalg.norm(left))
    return np.array(rows)


def slow_environments(crystal, molecule, namings, picks, pairs=((0, 1), (0, 2))):
    """Of each molecule: for each of its namings, the neighbours as (t, [turn to the neighbour for its namings])."""
    n = len(molecule)
    copies = [crystal.positions[k : k + n] for k in range(0, len(crystal), n)]
    frames = [[slow_frame(points[list(naming)], pairs) for naming in namings(points)] for points in copies]
    everything = []
    for m in range(len(copies)):
        near = slow_neighbours(crystal, molecule, m, picks)
        everything.append(
            [[(own @ vector, [own @ other.T for other in frames[k]]) for vector, k in near] for own in frames[m]]
        )
    return everything


def slow_pair(u, w, ratio, cosines):
    place = ((u[0] - w[0]) ** 2).sum() / np.linalg.norm(u[0]) / np.linalg.norm(w[0])
    turns = min(np.mean((cosines(x) - cosines(y)) ** 2) for x in u[1] for y in w[1])
    return place + ratio * turns


def slow_greedy(a, b, select, ratio, cosines):
    lengths = [np.linalg.norm(t) for t, _ in a]
    near = [u for u, r in zip(a, lengths, strict=True) if r <= lengths[select - 1] + 1e-3]
    pairs = sorted((slow_pair(u, w, ratio, cosines), i, j) for i, u in enumerate(near) for j, w in enumerate(b))
    total, rows, columns = 0.0, set(), set()
    for d, i, j in pairs:
        if i not in rows and j not in columns and len(rows) < select:
            total += d
            rows.add(i)
            columns.add(j)
    return total


def slow_distance(a, b, select=4, ratio=1.0, cosines=np.diag):
    """Of two environments, the least over the namings of the molecules in the middle."""
    return min(
        (slow_greedy(x, y, select, ratio, cosines) + slow_greedy(y, x, select, ratio, cosines)) / 2
        for x in a
        for y in b
    )


def negated(environment):
    """The mirror image as 2.2 has it: the third component of every t; cosines of same-named axes do not change."""
    return [[(t * [1, 1, -1], turns) for t, turns in view] for view in environment]


def slow_crystals(a, b, select=4, ratio=1.0, cosines=np.diag):
    table = np.array([[slow_distance(x, y, select, ratio, cosines) for y in b] for x in a])
    return (table.min(axis=1).mean() + table.min(axis=0).mean()) / 2


def one_naming(points):
    return [range(len(points))]


def literal(a, b, molecule, picks=16, select=4, ratio=1.0, mirror=True):
    """Section 2.2 word by word: the first molecule of the cell, no symmetry of the molecule."""
    [x], [y] = (slow_environments(crystal, molecule, one_naming, picks)[:1] for crystal in (a, b))
    plain = slow_distance(x, y, select, ratio)
    return min(plain, slow_distance(x, negated(y), select, ratio)) if mirror else plain


def proper(molecule, permutations):
    """Those of some permutations that make a copy the molecule again, turned and not mirrored."""

    def namings(points):
        about = points - points.mean(axis=0)
        reference = molecule.positions - molecule.positions.mean(axis=0)
        return [p for p in permutations if np.linalg.det(about[list(p)].T @ reference) > -1e-6]

    return namings


def isometries(molecule, within=0.02):
    """All permutations of equal atoms that keep the distances."""
    d = np.linalg.norm(molecule.positions[:, None] - molecule.positions[None], axis=2)
    kinds = sorted(set(molecule.species))
    places = [[i for i, s in enumerate(molecule.species) if s == kind] for kind in kinds]
    found = []
    for images in itertools.product(*(itertools.permutations(place) for place in places)):
        order = np.empty(len(molecule), dtype=int)
        for place, image in zip(places, images, strict=True):
            order[place] = image
        if np.abs(d[np.ix_(order, order)] - d).max() < within:
            found.append(tuple(order.tolist()))
    return found


# ------------------------------------------------------------------------------------- molecules without symmetry


@pytest.mark.parametrize(("select", "ratio", "picks"), [(4, 1.0, 16), (1, 0.0, 1), (8, 2.5, 8), (3, 0.7, 20)])
@pytest.mark.parametrize("mirror", [True, False])
def test_formula(select, ratio, picks, mirror):
    molecule = chiral()
    for seed in range(3):
        a, b = (random_crystal(molecule, 1, 10 * seed + k) for k in range(2))
        found = difference(
            a, b, molecule, picks, contribution_ratio=ratio, select_pairs=select, disable_enantiomer=not mirror
        )
        assert found == pytest.approx(literal(a, b, molecule, picks, select, ratio, mirror), rel=1e-5)


@settings(max_examples=12)
@given(st.integers(0, 2**31), st.sampled_from(["aspirin", "glycine", "CHFClBr"]))
def test_formula_for_one_independent_molecule(seed, name):
    """Screw axes, glide planes and centres: any molecule of the cell gives what section 2.2 says of the first."""
    molecule = chiral() if name == "CHFClBr" else stored(name)
    kinds = [CENTRIC, GLIDING, SCREWED, CENTRIC_4]
    a, b = (made_by(kinds[(seed >> shift) % 4], molecule, seed + shift) for shift in (0, 2))
    assert difference(a, b, molecule) == pytest.approx(literal(a, b, molecule), rel=1e-5)


@settings(max_examples=12)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 3))
def test_several_independent_molecules(seed, m, n):
    molecule = chiral()
    a, b = random_crystal(molecule, m, seed), random_crystal(molecule, n, seed + 1)
    x, y = (slow_environments(crystal, molecule, one_naming, 16) for crystal in (a, b))
    plain = slow_crystals(x, y)
    assert difference(a, b, molecule, disable_enantiomer=True) == pytest.approx(plain, rel=1e-5)
    expected = min(plain, slow_crystals(x, [negated(one) for one in y]))
    assert difference(a, b, molecule) == pytest.approx(expected, rel=1e-5)


def test_more_environments_than_one():
    """A crystal of two independent molecules is not one that lacks the second, whichever comes first."""
    molecule = chiral()
    two = random_crystal(molecule, 2, 5)
    [described] = rcd([two], molecule)
    assert [one.weight for one in described.environments] == [0.5, 0.5]
    halves = [
        RelativeCoordinates.from_plain(
            described.to_plain() | {"environments": [one | {"weight": 1.0}]},
        )
        for one in described.to_plain()["environments"]
    ]
    apart = rcd_difference(*halves)
    # One of the two environments finds itself: half of the distance in one direction, nothing in the other.
    assert rcd_difference(described, halves[0]) == pytest.approx(apart / 4, rel=1e-5)
    assert apart > 0.1


def test_environments_are_merged():
    molecule = stored("aspirin")
    for operations, both in ((CENTRIC, True), (GLIDING, True), (SCREWED, False), (CENTRIC_4, True)):
        [described] = rcd([made_by(operations, molecule, 3)], molecule)
        assert [(one.weight, one.both) for one in described.environments] == [(1.0, both)]


# ------------------------------------------------------------------------------------------------------ invariance


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from(["CHFClBr", "urea", "benzene", "CH4", "CO2", "HCN", "Ar", "H2O2"]))
def test_invariant(seed, name):
    """Origin, turn, cell, images, supercell, order of the molecules: none of them changes the descriptor."""
    molecule = a_molecule(name)
    rng = np.random.default_rng(seed)
    crystal = random_crystal(molecule, int(rng.integers(1, 4)), seed, mirrored=True)
    n = len(crystal) // len(molecule)
    turn = Rotation.random(rng=rng).as_matrix()
    order = rng.permutation(n)
    other_cell = np.eye(3, dtype=int)
    for _ in range(6):
        i, j = rng.choice(3, 2, replace=False)
        other_cell[i] += rng.integers(-3, 4) * other_cell[j]
    whole = crystal.positions.reshape(n, -1, 3)
    images = whole + (rng.integers(-3, 4, size=(n, 3)) @ crystal.lattice)[:, None]
    axis = int(rng.integers(3))
    longer = np.eye(3)
    longer[axis, axis] = 2
    relatives = [
        Structure(crystal.lattice @ turn, crystal.species, crystal.positions @ turn + [3, -7, 20]),
        Structure(crystal.lattice, crystal.species, whole[order].reshape(-1, 3)),
        Structure(other_cell @ crystal.lattice, crystal.species, images.reshape(-1, 3)),
        Structure(
            longer @ crystal.lattice,
            crystal.species * 2,
            np.concatenate([crystal.positions, crystal.positions + crystal.lattice[axis]]),
        ),
        Structure(-crystal.lattice[[1, 0, 2]], crystal.species, crystal.positions),
    ]
    other = random_crystal(molecule, 2, seed + 1, mirrored=True)
    [mine, its, *theirs] = rcd([crystal, other, *relatives], molecule)
    for disable in (False, True):
        far = rcd_difference(mine, its, disable_enantiomer=disable)
        assert far > 0.01
        for described in theirs:
            assert rcd_difference(mine, described, disable_enantiomer=disable) == pytest.approx(0, abs=1e-7)
            assert rcd_difference(described, its, disable_enantiomer=disable) == pytest.approx(far, rel=1e-4)


def a_molecule(name):
    made = {
        "CHFClBr": chiral,
        "Ar": argon,
        "CO2": lambda: from_ase("CO2"),
        "HCN": lambda: from_ase("HCN"),
        "H2O2": lambda: from_ase("H2O2"),
        "CH4": lambda: from_ase("CH4"),
        "CH3Cl": lambda: from_ase("CH3Cl"),
        "NH3": lambda: from_ase("NH3"),
        "CCl4": lambda: from_ase("CCl4"),
        "CH3OH": lambda: from_ase("CH3OH"),
    }
    return made[name]() if name in made else stored(name)


def test_skewed_cell():
    """A cell whose vectors nearly coincide, far beyond images -2 to 2."""
    molecule = chiral()
    crystal = random_crystal(molecule, 2, 7)
    skew = np.array([[1, 0, 0], [230, 1, 0], [-170, 310, 1]])
    oblique = Structure(skew @ crystal.lattice, crystal.species, crystal.positions)
    assert difference(crystal, oblique, molecule) == pytest.approx(0, abs=1e-7)


def test_mirror_images():
    molecule = chiral()
    crystal = random_crystal(molecule, 2, 4)
    assert difference(crystal, mirrored(crystal), molecule) == pytest.approx(0, abs=1e-7)
    assert difference(crystal, mirrored(crystal), molecule, disable_enantiomer=True) > 0.01
    for operations in (CENTRIC, GLIDING, CENTRIC_4):
        racemic = made_by(operations, molecule, 9)
        assert difference(racemic, mirrored(racemic), molecule, disable_enantiomer=True) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("name", ["urea", "benzene", "CH4", "CH3Cl", "CO2", "HCN", "H2O2", "Ar", "glycine"])
def test_mirror_images_of_symmetric_molecules(name):
    molecule = a_molecule(name)
    crystal = random_crystal(molecule, 2, 11)
    image = mirrored(crystal)
    assert difference(crystal, image, molecule) == pytest.approx(0, abs=1e-7)
    alike = name == "Ar"  # from one molecule, 16 directions in a mirrored frame: an atom has no frame to tell
    told = difference(crystal, image, molecule, disable_enantiomer=True)
    assert told == pytest.approx(0, abs=1e-7) if alike else told > 1e-3


def test_one_mirror_for_the_whole_crystal():
    """Two environments mirrored apart from each other make another crystal."""
    molecule = chiral()
    [described] = rcd([random_crystal(molecule, 2, 4)], molecule)
    plain = described.to_plain()
    rows = np.array(plain["environments"][1]["neighbours"])
    rows[:, 2] *= -1
    plain["environments"][1]["neighbours"] = rows.tolist()
    assert rcd_difference(described, plain) > 0.01


# ---------------------------------------------------------------------------------------------- symmetric molecules


@pytest.mark.parametrize("name", ["urea", "CH4", "CH3Cl", "NH3", "CH3OH"])
@pytest.mark.parametrize("seed", [0, 1])
def test_symmetric_formula(name, seed):
    """Nine cosines, and the least over all proper namings, the crystals mirrored for real."""
    molecule = a_molecule(name)
    namings = proper(molecule, isometries(molecule))
    a, b = (random_crystal(molecule, 1, seed + 20 * k, mirrored=True) for k in range(2))
    x, y, z = (slow_environments(crystal, molecule, namings, 6) for crystal in (a, b, mirrored(b)))
    # Both sides need not be renamed: one naming of the first crystal's molecules is enough.
    x = [[[(t, turns[:1]) for t, turns in view] for view in environment[:1]] for environment in x]
    plain, image = (slow_crystals(x, other, select=3, cosines=np.ravel) for other in (y, z))
    options = {"picks": 6, "select_pairs": 3}
    assert difference(a, b, molecule, **options, disable_enantiomer=True) == pytest.approx(plain, rel=1e-4)
    assert difference(a, b, molecule, **options) == pytest.approx(min(plain, image), rel=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_chiral_symmetric_formula(seed):
    """H2O2: two namings; axes by superposition, those of mirror images inverted to be right-handed."""
    molecule = from_ase("H2O2")
    own = slow_frame(molecule.positions, ((0, 1), (0, 2)))
    reference = molecule.positions - molecule.positions.mean(axis=0)

    def environments(crystal):
        copies = crystal.positions.reshape(-1, 4, 3)
        frames = []
        for points in copies:
            frames.append([])
            for naming in isometries(molecule):
                about = points[list(naming)] - points.mean(axis=0)
                matrix = np.linalg.lstsq(reference, about, rcond=None)[0]  # of a molecule that is not planar
                frames[-1].append(np.linalg.det(matrix) * own @ matrix)
        return [
            [
                [(axes @ vector, [axes @ other.T for other in frames[k]]) for vector, k in near]
                for axes in frames[m]
                for near in [slow_neighbours(crystal, molecule, m, 8)]
            ]
            for m in range(len(copies))
        ]

    a, b = (random_crystal(molecule, 2, seed + 20 * k, mirrored=True) for k in range(2))
    x, y, z = (environments(crystal) for crystal in (a, b, mirrored(b)))
    plain, image = (slow_crystals(x, other, select=3, cosines=np.ravel) for other in (y, z))
    options = {"picks": 8, "select_pairs": 3}
    assert difference(a, b, molecule, **options, disable_enantiomer=True) == pytest.approx(plain, rel=1e-4)
    assert difference(a, b, molecule, **options) == pytest.approx(min(plain, image), rel=1e-4)


@pytest.mark.parametrize("name", ["CO2", "HCN"])
def test_linear_formula(name):
    """Components along and across the axis; the angles of both axes and the direction, and their triple product."""
    molecule = from_ase(name)
    ends = (1, 2)  # O and O, N and H: farthest apart
    assert np.linalg.norm(np.subtract(*molecule.positions[list(ends)])) == pytest.approx(
        np.linalg.norm(molecule.positions[:, None] - molecule.positions[None], axis=2).max()
    )
    signs = (1, -1) if name == "CO2" else (1,)

    def environments(crystal):
        copies = crystal.positions.reshape(-1, 3, 3)
        axes = [points[ends[0]] - points[ends[1]] for points in copies]
        axes = [axis / np.linalg.norm(axis) for axis in axes]
        everything = []
        for m in range(len(copies)):
            views = []
            for sign in signs:
                a, view = sign * axes[m], []
                for vector, k in slow_neighbours(crystal, molecule, m, 8):
                    d = vector / np.linalg.norm(vector)
                    t = np.array([a @ vector, np.linalg.norm(np.cross(a, vector)), 0])
                    b = axes[k]
                    view.append((t, [s * np.array([a @ b, b @ d, np.cross(a, b) @ d]) for s in signs]))
                views.append(view)
            everything.append(views)
        return everything

    for seed in range(3):
        a, b = (random_crystal(molecule, 2, seed + 20 * k) for k in range(2))
        x, y, z = (environments(crystal) for crystal in (a, b, mirrored(b)))
        plain, image = (slow_crystals(x, other, select=3, cosines=np.ravel) for other in (y, z))
        options = {"picks": 8, "select_pairs": 3}
        assert difference(a, b, molecule, **options, disable_enantiomer=True) == pytest.approx(plain, rel=1e-4)
        assert difference(a, b, molecule, **options) == pytest.approx(min(plain, image), rel=1e-4)


def test_atoms_are_places():
    """Crystals of one atom each: simple cubic and another size."""
    small, large = (Structure(np.eye(3) * length, ["Ar"], [[0, 0, 0]]) for length in (4.0, 5.0))
    one, other = rcd([small, large], argon(), 6)
    assert np.allclose(one.environments[0].neighbours, [[4, 0, 0, 0, 0, 0]] * 6)
    assert rcd_difference(one, other, select_pairs=3) == pytest.approx(3 / 20)


@pytest.mark.parametrize("name", ["benzene", "urea", "CH4", "CCl4", "CH3Cl", "H2O2"])
def test_molecules_turned_onto_themselves(name):
    """Each molecule of a crystal renamed by an operation of its own: another list of positions, one crystal."""
    molecule = a_molecule(name)
    crystal = random_crystal(molecule, 3, 21, mirrored=True)
    other = random_crystal(molecule, 2, 22, mirrored=True)
    namings = ring_namings() if name == "benzene" else isometries(molecule)
    assert len(namings) == {"benzene": 12, "urea": 2, "CH4": 24, "CCl4": 24, "CH3Cl": 6, "H2O2": 2}[name]
    rng = np.random.default_rng(2)
    mine, its = rcd([crystal, other], molecule)
    far = rcd_difference(mine, its)
    for _ in range(8):
        copies = crystal.positions.reshape(3, -1, 3)
        renamed = [points[list(namings[rng.integers(len(namings))])] for points in copies]
        [same] = rcd([Structure(crystal.lattice, crystal.species, np.concatenate(renamed))], molecule)
        assert rcd_difference(mine, same, disable_enantiomer=True) == pytest.approx(0, abs=1e-7)
        assert rcd_difference(its, same) == pytest.approx(far, rel=1e-5)


def ring_namings():
    """The twelve ways to count round benzene as it is stored: six carbon atoms, then their hydrogen atoms."""
    rings = [[(start + step * k) % 6 for k in range(6)] for start in range(6) for step in (1, -1)]
    return [tuple(ring + [6 + k for k in ring]) for ring in rings]


def test_benzene_turned_in_its_plane():
    """By 60 degrees it is the crystal it was, by 30 another one."""
    benzene = stored("benzene")
    normal = np.linalg.svd(benzene.positions - benzene.positions.mean(axis=0))[2][2]
    rng = np.random.default_rng(8)
    lattice, turn = random_cell(rng, 2), Rotation.random(rng=rng).as_matrix()
    places = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.9]]) @ lattice
    angles = [packed(benzene, places, [turn, turn @ about(normal, angle)], lattice) for angle in (0, 60, 180, 30)]
    first, *others, thirty = rcd(angles, benzene)
    for other in others:
        assert rcd_difference(first, other, disable_enantiomer=True) == pytest.approx(0, abs=1e-7)
    assert rcd_difference(first, thirty) > 0.01


def about(axis, degrees):
    return Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix()


def test_different_turns_of_an_achiral_molecule_are_told_apart():
    """The mirror plane of CH3OH allows no turn: a crystal of one molecule per cell, turned alone, is another one."""
    molecule = from_ase("CH3OH")
    rng = np.random.default_rng(6)
    lattice = random_cell(rng, 1)
    turns = Rotation.random(20, rng=rng).as_matrix()
    pool = rcd([packed(molecule, [[0, 0, 0]], [turn], lattice) for turn in turns], molecule)
    rows = rcd_difference_rows(pool, 0, 20)
    assert rows[np.triu_indices(20, 1)].min() > 0.001


# ------------------------------------------------------------------------------------- crystals as they are imported


def roomy(molecule, operations, deformed=0.0):
    """Molecules far from each other, so that bonds tell them apart."""
    turn = Rotation.from_rotvec([0.3, 1.1, -0.4]).as_matrix()
    lattice = np.diag([14.0, 32.0, 15.0])
    places = [matrix @ [3.5, 4.0, 3.75] + shift @ lattice for matrix, shift in operations]
    return packed(bent(molecule, deformed), places, [matrix @ turn for matrix, _ in operations], lattice)


def shuffled(crystal, seed):
    """Atoms in any order, each in the cell."""
    order = np.random.default_rng(seed).permutation(len(crystal))
    wrapped = crystal.fractional % 1.0
    return Structure(crystal.lattice, [crystal.species[i] for i in order], (wrapped @ crystal.lattice)[order])


@pytest.mark.parametrize("name", ["CHFClBr", "glycine", "aspirin", "urea", "benzene", "CCl4", "CO2", "Ar", "H2O2"])
@pytest.mark.parametrize("deformed", [0.0, 0.03, 0.1])
def test_any_order_of_the_atoms(name, deformed):
    molecule = a_molecule(name)
    crystal = roomy(molecule, CENTRIC_4, deformed)
    reference = random_crystal(molecule, 1, 3)
    mine, other, *theirs = rcd([crystal, reference, *(shuffled(crystal, seed) for seed in range(2))], molecule)
    far = rcd_difference(mine, other)
    for described in theirs:
        assert rcd_difference(mine, described) == pytest.approx(0, abs=1e-7)
        assert rcd_difference(described, other) == pytest.approx(far, rel=1e-4)


def test_the_best_order_of_almost_equal_atoms():
    """Urea with sides that differ by some 0.05 Å, deformed more: the sides are told apart all the same."""
    molecule = bent(stored("urea"), 0.06, seed=3)
    deformed = bent(molecule, 0.06, seed=5)
    assert molecular_axes(molecule).form == "general"
    crystal = shuffled(roomy(deformed, CENTRIC_4), 4)
    expected = np.linalg.norm(deformed.positions[:, None] - deformed.positions[None], axis=2)
    for points in molecules_in_order(crystal, molecule):
        assert np.linalg.norm(points[:, None] - points[None], axis=2) == pytest.approx(expected, abs=1e-9)


def test_deformed_molecules_are_found_by_their_bonds():
    """Aspirin with its acetyl group turned: no distances to go by, but bonds."""
    molecule = stored("aspirin")
    graph = molecule.to_ase()
    turned = None
    for i, j in itertools.permutations(range(len(molecule)), 2):
        if molecule.species[i] == "O" and molecule.species[j] == "C" and graph.get_distance(i, j) < 1.5:
            pairs = [pair for pair in bonds(molecule.species, molecule.positions) if set(pair) != {i, j}]
            part = next(part for part in connected_components(len(molecule), pairs) if j in part)
            if i not in part and len(part) == 6:  # C(=O)CH3
                axis = molecule.positions[j] - molecule.positions[i]
                positions = molecule.positions.copy()
                turn = about(axis / np.linalg.norm(axis), 50)
                positions[part] = (positions[part] - positions[i]) @ turn.T + positions[i]
                turned = Molecule(molecule.species, positions)
    assert turned is not None
    crystal = roomy(turned, SCREWED)
    mine, other = rcd([crystal, shuffled(crystal, 1)], molecule)
    assert rcd_difference(mine, other) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("name", ["urea", "acetic_acid", "naphthalene", "benzene"])
def test_crystals_of_experiment(name):
    [crystal] = read(shared("crystals") / f"{name}.cif")
    [given_molecule] = read(shared("molecules") / f"{name}_in_crystal.in")
    molecule = Molecule(given_molecule.species, given_molecule.positions)
    doubled = crystal.to_ase().repeat((1, 2, 1))
    relatives = [shuffled(crystal, 1), Structure.from_ase(doubled), mirrored(crystal)]
    mine, *theirs = rcd([crystal, *relatives], molecule)
    assert len(mine.environments) == 1
    for described in theirs:
        assert rcd_difference(mine, described) == pytest.approx(0, abs=1e-5)


def test_tutorial_pool():
    """Generated benzene: cells of many groups, no molecule of which may matter."""
    paths = sorted(shared("benzene_tutorial/raw_jsons").glob("*.json"))[::6]
    crystals = [read(path)[0] for path in paths]
    benzene = stored("benzene")
    rng = np.random.default_rng(0)
    renamed = []
    for crystal in crystals:
        copies = crystal.positions.reshape(-1, 12, 3)[rng.permutation(len(crystal) // 12)]
        atoms = np.concatenate([points[list(ring_namings()[rng.integers(12)])] for points in copies])
        renamed.append(Structure(crystal.lattice, crystal.species, atoms))
    pool = rcd([*crystals, *renamed], benzene)
    n = len(crystals)
    rows = rcd_difference_rows(pool, 0, 2 * n, disable_enantiomer=True)
    assert np.abs(rows[:n, :n] - rows[n:, n:]).max() < 1e-4
    assert np.diagonal(rows[:n, n:]).max() < 1e-5


# ---------------------------------------------------------------------------------------------------------- matrices


def a_pool(name="CHFClBr", n=9):
    molecule = a_molecule(name)
    return rcd([random_crystal(molecule, 1 + k % 3, k) for k in range(n)], molecule)


@pytest.mark.parametrize("name", ["CHFClBr", "CCl4", "CO2"])
def test_rows_agree_to_the_bit(name):
    pool = a_pool(name)
    whole = rcd_difference_rows(pool, 0, 9)
    assert whole.dtype == np.float32 and whole.shape == (9, 9)
    assert np.array_equal(whole, whole.T) and not np.diagonal(whole).any()
    with ThreadPoolExecutor(3) as threads:
        strips = threads.map(lambda rows: rcd_difference_rows(pool, *rows), [(0, 4), (4, 4), (4, 5), (5, 9)])
    assert np.array_equal(np.concatenate(list(strips)), whole)
    for i, j in itertools.combinations(range(9), 2):
        assert rcd_difference(pool[i], pool[j]) == whole[i, j]
        assert rcd_difference(pool[j], pool[i]) == pytest.approx(whole[i, j], rel=1e-6)


def test_empty_pools():
    assert rcd([], chiral()) == []
    assert rcd_difference_rows([], 0, 0).shape == (0, 0)
    assert rcd_difference_rows(a_pool(n=2), 1, 1).shape == (0, 2)


@pytest.mark.parametrize("name", ["CHFClBr", "urea", "CO2", "Ar"])
def test_plain_numbers(name):
    pool = a_pool(name, 4)
    texts = [json.dumps(one.to_plain(), allow_nan=False) for one in pool]
    plain = [json.loads(text) for text in texts]
    assert np.array_equal(rcd_difference_rows(plain, 0, 4), rcd_difference_rows(pool, 0, 4))
    assert [RelativeCoordinates.from_plain(one).to_plain() for one in plain] == plain


def test_layout_of_genarris():
    """t and o of the neighbours of a single molecule are rows of six numbers, by rising distance."""
    molecule = chiral()
    crystal = random_crystal(molecule, 1, 2)
    [described] = rcd([crystal], molecule, 5)
    rows = described.to_plain()["environments"][0]["neighbours"]
    [[expected]] = slow_environments(crystal, molecule, one_naming, 5)
    assert described.form == "general" and len(rows) == len(expected) == 6  # the fifth has an opposite one
    assert np.linalg.norm(np.array(rows)[:, :3], axis=1) == pytest.approx([np.linalg.norm(t) for t, _ in expected])
    for row in rows:
        assert min(np.abs(np.array(row) - [*t, *np.diag(turns[0])]).max() for t, turns in expected) < 1e-9


def test_equally_far_neighbours_are_kept():
    """Twelve of a face-centred lattice, then six."""
    lattice = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * 3.0
    crystal = packed(chiral(), [[0, 0, 0]], [np.eye(3)], lattice)
    for picks, kept in ((1, 12), (12, 12), (13, 18), (16, 18), (18, 18), (19, 42)):
        assert len(rcd([crystal], chiral(), picks)[0].environments[0].neighbours) == kept


@pytest.mark.parametrize("select", [1, 3])
def test_almost_equally_far_neighbours(select):
    """Opposite neighbours, their distances rounded apart, are both among the nearest, or none is."""
    molecule = chiral()
    crystal, other = random_crystal(molecule, 1, 2), random_crystal(molecule, 2, 3)
    rng = np.random.default_rng(1)
    copies = np.concatenate([crystal.positions + k * crystal.lattice[0] for k in range(3)]).reshape(3, -1, 3)
    long = np.diag([3.0, 1.0, 1.0]) @ crystal.lattice
    shaken = [
        Structure(long, crystal.species * 3, (copies + rng.uniform(-1e-5, 1e-5, (3, 1, 3))).reshape(-1, 3))
        for _ in range(5)
    ]
    mine, its, *theirs = rcd([crystal, other, *shaken], molecule)
    far = rcd_difference(mine, its, select_pairs=select)
    for described in theirs:
        assert rcd_difference(described, its, select_pairs=select) == pytest.approx(far, rel=1e-4)


def test_collinear_atoms_first():
    """Axes from the first atoms that give any: acetonitrile counted along its axis."""
    atoms = from_ase("CH3CN")
    order = sorted(range(6), key=lambda k: ("N", "C", "H").index(atoms.species[k]))
    molecule = Molecule([atoms.species[k] for k in order], atoms.positions[order])
    assert molecule.species[:3] == ["N", "C", "C"]
    a, b = (random_crystal(molecule, 2, seed) for seed in (1, 2))
    renumbered = [
        Structure(c.lattice, atoms.species * 2, c.positions.reshape(2, 6, 3)[:, np.argsort(order)].reshape(-1, 3))
        for c in (a, b)
    ]
    assert difference(a, b, molecule) > 0.1
    # A symmetric molecule has no named axes: the numbering does not matter at all.
    assert difference(*renumbered, atoms) == pytest.approx(difference(a, b, molecule), rel=1e-4)
    lone = Molecule([*chiral().species, "I"], [*chiral().positions, [0, 0, 0] - 2.1 * chiral().positions[1]])
    first = [0, 1, 5, 2, 3, 4]  # C, H and I on one line
    molecule = Molecule([lone.species[k] for k in first], lone.positions[first])
    a, b = (random_crystal(molecule, 1, seed) for seed in (1, 2))
    pairs = ((0, 1), (0, 3))
    x, y = (slow_environments(crystal, molecule, one_naming, 16, pairs) for crystal in (a, b))
    expected = min(slow_distance(x[0], y[0]), slow_distance(x[0], negated(y[0])))
    assert difference(a, b, molecule) == pytest.approx(expected, rel=1e-5)


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("picks", [0, -1, 2.5, True, None, float("nan"), "16", 10**6])
def test_bad_close_picks(picks):
    with pytest.raises(InputError, match="close_picks is"):
        rcd([random_crystal(chiral(), 1, 0)], chiral(), picks)


def test_many_close_picks():
    crystal = random_crystal(chiral(), 1, 0)
    assert len(rcd([crystal], chiral(), 700)[0].environments[0].neighbours) >= 700


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"select_pairs": 0}, "select_pairs is 0"),
        ({"select_pairs": 17}, "select_pairs is 17, more than the 16"),
        ({"select_pairs": 1.5}, "select_pairs is 1.5"),
        ({"select_pairs": True}, "select_pairs is True"),
        ({"contribution_ratio": -0.1}, "contribution_ratio is -0.1"),
        ({"contribution_ratio": float("nan")}, "contribution_ratio is nan"),
        ({"contribution_ratio": float("inf")}, "contribution_ratio is inf"),
        ({"contribution_ratio": "1"}, "contribution_ratio is 1"),
        ({"disable_enantiomer": "no"}, "disable_enantiomer is no"),
    ],
)
def test_bad_options(options, words):
    pool = a_pool(n=2)
    with pytest.raises(InputError, match=words):
        rcd_difference(*pool, **options)
    with pytest.raises(InputError, match=words):
        rcd_difference_rows(pool, 0, 1, **options)


@pytest.mark.parametrize("rows", [(-1, 1), (0, 3), (2, 1), (0.0, 1), (True, 2)])
def test_bad_rows(rows):
    with pytest.raises(InputError, match="rows"):
        rcd_difference_rows(a_pool(n=2), *rows)


def test_descriptors_that_do_not_belong_together():
    one, urea, methane = a_pool(n=1)[0], a_pool("urea", 1)[0], a_pool("CH4", 1)[0]
    [fewer] = rcd([random_crystal(chiral(), 1, 0)], chiral(), 8)
    for other, words in ((urea, "different molecules"), (methane, "different molecules"), (fewer, "close_picks")):
        with pytest.raises(InputError, match=words):
            rcd_difference(one, other)
    with pytest.raises(InputError, match="different molecules"):
        rcd_difference(urea, methane)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("form", "round", "form"),
        ("close_picks", 99, "shape"),
        ("close_picks", "many", "ValueError"),
        ("operations", [[1, 0, 0]], "3 x 3"),
        ("operations", [[[2, 0, 0], [0, 1, 0], [0, 0, 1]]], "orthogonal"),
        ("mirror", [[float("nan")] * 3] * 3, "orthogonal"),
        ("environments", [], "no neighbours"),
        ("environments", 5, "TypeError"),
        ("environments", [{"weight": 1.0}], "KeyError"),
        ("environments", [{"weight": 0.5, "both": False, "neighbours": [[1] * 6] * 16}], "weights"),
        ("environments", [{"weight": 1.0, "both": False, "neighbours": [[1] * 7] * 16}], "shape"),
        ("environments", [{"weight": 1.0, "both": False, "neighbours": [[0] * 6] * 16}], "sorted"),
        (
            "environments",
            [{"weight": 1.0, "both": False, "neighbours": [[1] * 6] * 15 + [[2, float("nan")] * 3]}],
            "fin",
        ),
        ("environments", [{"weight": 1.0, "both": False, "neighbours": [[9] * 6] + [[1] * 6] * 15}], "sorted"),
        ("environments", [{"weight": 1.0, "both": False, "neighbours": [[1] * 6, [1]]}], "ValueError"),
    ],
)
def test_bad_plain_numbers(key, value, words):
    [good] = a_pool(n=1)
    with pytest.raises(InputError, match=f"descriptor 1 is not an RCD descriptor.*{words}"):
        rcd_difference_rows([good, good.to_plain() | {key: value}], 0, 1)


@pytest.mark.parametrize("plain", [None, 3, [], "text", {}, [[1, 2, 3]]])
def test_no_descriptor(plain):
    with pytest.raises(InputError, match="the second descriptor is not an RCD descriptor"):
        rcd_difference(a_pool(n=1)[0], plain)


def test_bad_structures():
    molecule = chiral()
    lone = Structure(None, molecule.species, molecule.positions, struct_id="m1")
    urea = roomy(stored("urea"), CENTRIC)
    urea.struct_id = "u1"
    other_bonds = roomy(Molecule(molecule.species, molecule.positions[[1, 0, 2, 3, 4]]), CENTRIC)
    other_bonds.struct_id = "b1"
    same_place = packed(molecule, [[0, 0, 0], [0, 0, 0]], [np.eye(3), INVERSION], np.eye(3) * 8)
    same_place.struct_id = "p1"
    chain = Structure(np.diag([2.9, 20, 20]), ["C", "H", "F", "Cl", "Br"], [[k * 1.4, 0, 0] for k in range(5)])
    chain.struct_id = "c1"
    cases = [(lone, "m1 is a molecule"), (urea, "u1.*atoms"), (other_bonds, "b1.*bonds"), (chain, "c1")]
    for structure, words in [*cases, (same_place, "p1: two molecules"), (Structure(np.eye(3), [], []), "0 atoms")]:
        with pytest.raises(InputError, match=words):
            rcd([structure], molecule)


def test_bad_molecules():
    crystal = random_crystal(chiral(), 1, 0)
    with pytest.raises(InputError, match="without atoms"):
        rcd([crystal], Molecule([], []))
    with pytest.raises(InputError, match="one place"):
        rcd([crystal], Molecule(["C", "H", "O"], [[0, 0, 0], [0, 0, 0], [1, 1, 0]]))
