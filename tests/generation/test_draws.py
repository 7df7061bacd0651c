"""What single draws are made of (random numbers, cells, orientations, positions), and ranges of draws of a group."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from crystal_contacts import smallest_margin, whole_cell
from genarris_fw._kernels.generator import Sampler, random_numbers, random_rotations
from generation_molecules import argon, chiral, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.generation import Accepted, Group, Sampling, cutoff_matrix, occupations
from genarris_fw.generation.draws import least_volume
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.placement import Placement

ATOM = Molecule(["He"], [[0.0, 0.0, 0.0]])


def placed(space_group, Z, molecule=ATOM, cutoff=0.3, wyckoff=None):
    """One occupation of a group, with the same cutoff for all atoms."""
    found = occupations(molecule, Z, 1e-3, [space_group], combinations="+" in (wyckoff or ""))
    occupation = next(o for o in found if wyckoff in (None, o.wyckoff))
    return Placement(molecule, occupation, np.full((len(molecule), len(molecule)), cutoff))


def draws(space_group, Z, volume, std=0.0, n=4000, molecule=ATOM, cutoff=0.3, seed=5, wyckoff=None):
    placement = placed(space_group, Z, molecule, cutoff, wyckoff)
    return placement, Hits.of(*placement.sampler.draw(seed, 0, n, n, volume, std)[1:])


def angles_of(rotations):
    return np.arccos(np.clip((np.trace(rotations, axis1=-2, axis2=-1) - 1) / 2, -1, 1))


def haar(angle):
    """Distribution of a rotation's angle when the rotation is uniform on SO(3)."""
    return (angle - np.sin(angle)) / np.pi


def numpy_normals(seed, group, site, numbers):
    """The first normal number (Marsaglia's polar method) of each draw, from numpy's generator."""
    key = np.array([seed, group], dtype=np.uint64)
    normals = []
    for draw in numbers:
        raw = np.random.Philox(key=key, counter=[0, int(draw), site, 0]).random_raw(100)
        points = 2 * ((raw >> np.uint64(11)) * 2.0**-53).reshape(-1, 2) - 1
        squares = (points**2).sum(axis=1)
        k = int(np.argmax((squares < 1) & (squares > 0)))
        normals.append(points[k, 0] * np.sqrt(-2 * np.log(squares[k]) / squares[k]))
    return np.array(normals)


@pytest.mark.parametrize(
    ("seed", "group", "site", "draw"),
    [(0, 1, 0, 0), (12345678901234567890, 230, 7, 9_876_543_210), (2**64 - 1, 14, 34, 2**63)],
)
def test_the_random_numbers_are_those_of_numpy(seed, group, site, draw):
    key = np.array([seed, group], dtype=np.uint64)
    bits = np.random.Philox(key=key, counter=np.array([0, draw, site, 0], dtype=np.uint64))
    assert (random_numbers(seed, group, site, draw, 23) == bits.random_raw(23)).all()


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
@pytest.mark.parametrize(
    ("group", "Z", "wyckoff", "number"), [(1, 1, "1a", 1), (5, 2, "2b", 2), (5, 4, "2a+2b", 34), (5, 4, "2b+2b", 66)]
)
def test_seed_group_occupation_and_draw_name_the_stream(seed, group, Z, wyckoff, number):
    placement = placed(group, Z, wyckoff=wyckoff)
    assert placement.occupation.number == number
    first = 2**40
    hits = Hits.of(*placement.sampler.draw(seed, first, 50, 50, 5e3, 200.0)[1:])
    assert len(hits) > 40
    assert hits.numbers.min() >= first
    expected = 5e3 + 200.0 * numpy_normals(seed, group, number, hits.numbers)
    assert np.linalg.det(hits.lattices) == pytest.approx(expected, rel=1e-12)


def test_rotations_are_uniform():
    rotations = random_rotations(3, 40_000)
    assert np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(rotations) == pytest.approx(np.ones(len(rotations)))
    angles = angles_of(rotations)
    assert kstest(angles, haar).pvalue > 1e-3
    assert (angles < np.pi / 3).mean() == pytest.approx(0.0577, abs=0.004)
    # Each matrix element is the cosine of a direction uniform on the sphere.
    for element in rotations.reshape(-1, 9).T:
        assert kstest(element, "uniform", args=(-1, 2)).pvalue > 1e-4


@pytest.mark.parametrize(("group", "Z", "wyckoff"), [(4, 2, "2a"), (4, 4, "2a+2a")])
def test_accepted_orientations_of_a_loose_crystal_are_uniform(group, Z, wyckoff):
    # Nothing is rejected in so large a cell, so nothing may bias the orientations.
    _, hits = draws(group, Z, 5e4, molecule=stored("glycine"), cutoff=0.01, wyckoff=wyckoff)
    assert len(hits) > 3980
    for part in hits.rotations.transpose(1, 0, 2, 3):
        assert kstest(angles_of(part), haar).pvalue > 1e-3
    if hits.rotations.shape[1] == 2:  # and independent of each other
        assert kstest(angles_of(hits.rotations[:, 0].transpose(0, 2, 1) @ hits.rotations[:, 1]), haar).pvalue > 1e-3


@pytest.mark.parametrize(
    ("space_group", "number"),
    [
        *[(1, 1), (2, 2), (14, 4), (15, 8), (19, 4), (70, 32), (76, 4), (142, 32)],
        *[(146, 9), (167, 36), (169, 6), (194, 24), (198, 12), (230, 96)],
    ],
)
def test_every_lattice_system_has_the_volume_asked_for(space_group, number):
    placement, hits = draws(space_group, number, 1000.0, n=200)
    volumes = np.linalg.det(hits.lattices)
    assert len(volumes) > 20
    assert volumes == pytest.approx(np.full(len(volumes), 1000.0), rel=1e-12)
    cell = whole_cell(ATOM, placement.crystal, hits.lattices[0], [(np.zeros((1, 3)), hits.centres[0, 0])])
    assert len(cell) == number


def test_volumes_are_normal_and_redrawn_every_time():
    _, hits = draws(1, 1, 500.0, std=40.0)
    volumes = np.linalg.det(hits.lattices)
    assert len(set(volumes)) == len(volumes)
    assert kstest(volumes, "norm", args=(500.0, 40.0)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("space_group", "number", "fixed"),
    [
        (1, 1, "ax bx by cx cy cz"),
        (3, 2, "ax by cz cx"),
        (16, 4, "ax by cz"),
        (75, 4, "a=b"),
        (143, 3, "a=b hexagonal"),
        (195, 12, "a=b=c"),
    ],
)
def test_cells_keep_the_shape_of_their_system(space_group, number, fixed):
    _, hits = draws(space_group, number, 800.0, n=500)
    assert (hits.lattices[:, [0, 0, 1], [1, 2, 2]] == 0).all()
    ax, bx, by, cx, cy, cz = hits.lattices[:, [0, 1, 1, 2, 2, 2], [0, 0, 1, 0, 1, 2]].T
    assert (cy == 0).all() == ("cy" not in fixed)
    assert (cx == 0).all() == ("cx" not in fixed)
    if "hexagonal" in fixed:
        assert bx == pytest.approx(-ax / 2)
        assert by == pytest.approx(ax * np.sqrt(0.75))
    else:
        assert (bx == 0).all() == ("bx" not in fixed)
    if fixed.startswith("a=b") and "hexagonal" not in fixed:
        assert by == pytest.approx(ax)
    if "=c" in fixed:
        assert cz == pytest.approx(ax)
    else:
        assert np.ptp(cz / ax) > 0.5


def test_the_oblique_cells_of_naphthalene_and_anthracene_are_drawn():
    _, hits = draws(14, 4, 360.0, n=4000)
    beta = np.degrees(np.arctan2(hits.lattices[:, 2, 2], hits.lattices[:, 2, 0]))
    assert ((beta > 122) & (beta < 128)).mean() > 0.02
    assert beta.min() < 50
    assert beta.max() > 130


def test_positions_fill_the_cell_or_the_free_parameters_of_the_site():
    _, hits = draws(1, 1, 500.0)
    for coordinate in hits.centres[:, 0].T:
        assert kstest(coordinate, "uniform").pvalue > 1e-3
    _, hits = draws(113, 2, 4000.0, molecule=stored("urea"), cutoff=0.1)
    assert (hits.centres[:, 0, :2] == [0, 0.5]).all()
    assert kstest(hits.centres[:, 0, 2], "uniform").pvalue > 1e-3
    counts = np.bincount(hits.orientations[:, 0], minlength=4)
    assert counts == pytest.approx(np.full(4, len(hits) / 4), rel=0.15)
    assert (hits.rotations == np.eye(3)).all()


def test_each_of_two_molecules_has_its_own_position_and_orientations():
    placement, hits = draws(113, 4, 8000.0, molecule=stored("urea"), cutoff=0.1, wyckoff="2c+2c")
    assert placement.starts.tolist() == [0, 4, 8]
    for part in (0, 1):
        assert (hits.centres[:, part, :2] == [0, 0.5]).all()
        assert kstest(hits.centres[:, part, 2], "uniform").pvalue > 1e-3
        counts = np.bincount(hits.orientations[:, part] - 4 * part, minlength=4)
        assert counts == pytest.approx(np.full(4, len(hits) / 4), rel=0.15)
    assert kstest((hits.centres[:, 0, 2] - hits.centres[:, 1, 2]) % 1, "uniform").pvalue > 1e-3
    pairs = np.bincount(4 * hits.orientations[:, 0] + hits.orientations[:, 1] - 4, minlength=16)
    assert pairs == pytest.approx(np.full(16, len(hits) / 16), rel=0.3)


@pytest.mark.parametrize("wyckoff", ["2a", "2b"])
def test_a_spin_is_uniform_about_the_axis_of_the_site(wyckoff):
    placement, hits = draws(5, 2, 4000.0, molecule=from_ase("H2O"), cutoff=0.1, wyckoff=wyckoff)
    [site] = placement.occupation.sites
    assert np.abs(site.axis) == pytest.approx([0, 1, 0])
    rotations = hits.rotations[:, 0]
    assert rotations @ site.axis == pytest.approx(np.tile(site.axis, (len(rotations), 1)))
    angles = np.arctan2(rotations[:, 0, 2], rotations[:, 0, 0]) % (2 * np.pi)
    assert kstest(angles / (2 * np.pi), "uniform").pvalue > 1e-3
    # The molecule points up or down its axis.
    assert np.bincount(hits.orientations[:, 0]) == pytest.approx([len(hits) / 2] * 2, rel=0.1)


# Molecule, Z, group, sites, volume of the cell, at which some draws fit and some do not.
EXACT = [
    ("glycine", 1, 1, "1a", 110.0),
    ("chiral", 2, 2, "2i", 280.0),
    ("chiral", 4, 2, "2i+2i", 900.0),
    ("benzene", 2, 14, "2b", 237.0),
    ("benzene", 4, 14, "2a+2d", 560.0),
    ("chiral", 4, 14, "4e", 700.0),
    ("benzene", 8, 88, "8c", 1100.0),
    ("chiral", 4, 19, "4a", 600.0),
    ("chiral", 8, 15, "8f", 1500.0),
    ("benzene", 2, 65, "2a", 260.0),
    ("urea", 2, 113, "2c", 145.0),
    ("chiral", 4, 76, "4a", 700.0),
    ("chiral", 3, 144, "3a", 450.0),
    ("benzene", 3, 148, "3a", 380.0),
    ("benzene", 2, 194, "2b", 280.0),
    ("benzene", 4, 198, "4a", 474.0),
    ("argon", 4, 225, "4a", 100.0),
    ("argon", 4, 19, "4a", 220.0),
]


@pytest.mark.parametrize(("name", "Z", "group", "wyckoff", "volume"), EXACT)
def test_accepted_is_what_a_neighbour_list_accepts(name, Z, group, wyckoff, volume):
    """No overlap is missed, and no draw without an overlap is refused."""
    molecule = {"argon": argon, "chiral": chiral}.get(name, lambda: stored(name))()
    [occupation] = [o for o in occupations(molecule, Z, 1e-2, [group], True) if o.wyckoff == wyckoff]
    cutoffs = cutoff_matrix(molecule, 0.85)
    placement = Placement(molecule, occupation, cutoffs)
    rigid, *rest = placement._arguments
    everything = Sampler((np.full_like(cutoffs, 0.01), *rigid[1:]), *rest)  # the same draws, whatever overlaps
    spread, count = 0.2 * volume, 140 if group != 225 else 40
    hits = Hits.of(*everything.draw(8, 0, count, count, volume, spread)[1:])
    assert len(hits) > 0.8 * count
    margins = {}
    for k, number in enumerate(hits.numbers.tolist()):
        atoms = placement.coordinates[hits.orientations[k]] @ hits.rotations[k].transpose(0, 2, 1)
        cell = whole_cell(molecule, placement.crystal, hits.lattices[k], list(zip(atoms, hits.centres[k])))
        margins[number] = smallest_margin(cell, cutoffs, cutoffs.max() + 0.1)
    assert min(abs(margin) for margin in margins.values()) > 1e-9  # none is too close to call
    accepted = placement.sampler.draw(8, 0, count, count, volume, spread)[1].tolist()
    assert accepted == [number for number, margin in margins.items() if margin > 0]
    assert 3 < len(accepted) < len(hits)


# Several occupations of a group, of different acceptance.
@cache
def group_of(name: str) -> tuple[Group, Sampling]:
    molecule = stored(name.split(maxsplit=1)[0])
    Z, number, volume, combinations = {
        "benzene 14": (2, 14, 237.0, False),
        "urea 18": (2, 18, 145.0, False),
        "urea 5 and pairs": (4, 5, 290.0, True),
        "benzene 14 and pairs": (4, 14, 474.0, True),
    }[name]
    found = occupations(molecule, Z, 1e-2, [number], combinations)
    mode = "packing" if combinations else "rejection"
    return Group(molecule, found, cutoff_matrix(molecule, 0.85)), Sampling(mode, 42, volume, 0.07 * volume)


RANGE = {"rejection": 900, "packing": 60}
GROUPS = ["benzene 14", "urea 18", "urea 5 and pairs", "benzene 14 and pairs"]


@cache
def whole(name: str) -> tuple[list[Accepted], int]:
    group, sampling = group_of(name)
    return group.draw(sampling, 0, RANGE[sampling.mode], 10**6)


def named(accepted: list[Accepted]) -> list[tuple[int, str]]:
    return [(hit.draw, hit.occupation.wyckoff) for hit in accepted]


def assert_same(first: list[Accepted], second: list[Accepted]) -> None:
    assert named(first) == named(second)
    for one, other in zip(first, second):
        assert one.attempts == other.attempts
        assert np.array_equal(one.structure.lattice, other.structure.lattice)
        assert np.array_equal(one.structure.positions, other.structure.positions)
        assert one.structure.properties == other.structure.properties


@pytest.mark.parametrize("name", GROUPS)
def test_draws_go_round_the_occupations(name):
    group, sampling = group_of(name)
    accepted, made = whole(name)
    assert made == RANGE[sampling.mode] * len(group)
    assert len(accepted) > 15
    letters = [placement.occupation.wyckoff for placement in group.placements]
    assert len(set(letters)) == len(group) and {hit.occupation.wyckoff for hit in accepted} == set(letters)
    order = [(hit.draw, letters.index(hit.occupation.wyckoff)) for hit in accepted]
    assert order == sorted(set(order))
    assert [hit.attempts for hit in accepted] == [draw * len(group) + k + 1 for draw, k in order]


@pytest.mark.parametrize("name", GROUPS)
def test_one_occupation_alone_accepts_what_it_accepts_among_others(name):
    group, sampling = group_of(name)
    accepted, _ = whole(name)
    for only, placement in enumerate(group.placements):
        alone, made = group.draw(sampling, 0, RANGE[sampling.mode], 10**6, only=only)
        assert made == RANGE[sampling.mode]
        assert_same(alone, [hit for hit in accepted if hit.occupation == placement.occupation])


@pytest.mark.parametrize("name", GROUPS)
def test_other_occupations_in_the_group_change_no_draw(name):
    """The stream bears the occupation's own number, so what else is allowed does not matter."""
    group, sampling = group_of(name)
    accepted, _ = whole(name)
    some = [placement.occupation for placement in group.placements][1:][::-1]
    smaller = Group(group.placements[0].molecule, some, group.placements[0].cutoffs)
    fewer, _ = smaller.draw(sampling, 0, RANGE[sampling.mode], 10**6)
    assert sorted(named(fewer)) == sorted(named([hit for hit in accepted if hit.occupation in some]))
    found = dict(zip(named(accepted), (hit.structure for hit in accepted)))
    for hit in fewer:
        assert np.array_equal(hit.structure.positions, found[hit.draw, hit.occupation.wyckoff].positions)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(name, threads):
    group, sampling = group_of(name)
    accepted, made = whole(name)
    again, count = group.draw(sampling, 0, RANGE[sampling.mode], 10**6, threads=threads)
    assert count == made
    assert_same(again, accepted)
    first, count = group.draw(sampling, 0, RANGE[sampling.mode], 7, threads=threads)
    assert count == accepted[6].attempts
    assert_same(first, accepted[:7])


@settings(max_examples=10, deadline=None)
@given(name=st.sampled_from(GROUPS), cuts=st.sets(st.integers(1, 899), max_size=6), threads=st.integers(1, 3))
def test_ranges_may_be_cut_anywhere(name, cuts, threads):
    group, sampling = group_of(name)
    end = RANGE[sampling.mode]
    edges = sorted({0, end} | {cut * end // 900 for cut in cuts})
    parts = [group.draw(sampling, a, b - a, 10**6, threads=threads) for a, b in pairwise(edges)]
    assert sum(made for _, made in parts) == end * len(group)
    assert_same([hit for accepted, _ in parts for hit in accepted], whole(name)[0])


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(GROUPS), quota=st.integers(1, 30), threads=st.integers(1, 3))
def test_a_quota_keeps_the_lowest_draws_and_stops_at_the_one_that_fills_it(name, quota, threads):
    group, sampling = group_of(name)
    accepted, made = whole(name)
    some, count = group.draw(sampling, 0, RANGE[sampling.mode], quota, threads=threads)
    assert_same(some, accepted[:quota])
    assert count == (accepted[quota - 1].attempts if quota <= len(accepted) else made)


@pytest.mark.parametrize("name", GROUPS)
def test_there_may_be_more_threads_than_draws(name):
    group, sampling = group_of(name)
    few, made = group.draw(sampling, 0, 20, 10**6, threads=33)
    assert made == 20 * len(group)
    assert_same(few, [hit for hit in whole(name)[0] if hit.draw < 20])


def test_no_quota_and_no_draws_give_nothing():
    group, sampling = group_of("benzene 14")
    assert group.draw(sampling, 0, 900, 0) == ([], 0)
    assert group.draw(sampling, 0, 0, 5) == ([], 0)


@pytest.mark.parametrize("mode", ["rejection", "packing"])
def test_ranges_without_a_hit_give_nothing_but_their_count(mode):
    group, _ = group_of("benzene 14")
    tight = Sampling(mode, 1, 135.0, 0.0)  # no balls too large, but no room either
    assert not group.hopeless(tight)
    for threads in (1, 3):
        assert group.draw(tight, 0, 20, 5, threads=threads) == ([], 20 * len(group))


def test_many_accepted_structures_in_one_range():
    # More than one call of the kernel delivers; numbers rise and none is repeated.
    group = Group(ATOM, occupations(ATOM, 1, 1e-3, [1]), cutoff_matrix(ATOM, 0.85))
    accepted, made = group.draw(Sampling("rejection", 3, 300.0, 0.0), 100, 1400, 1200)
    numbers = [hit.draw for hit in accepted]
    assert len(numbers) == 1200
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 100
    assert made == numbers[-1] - 99


def test_own_cutoffs_replace_those_of_sr():
    molecule = stored("benzene")
    cutoffs = np.full((12, 12), 2.0)
    group = Group(molecule, occupations(molecule, 2, 1e-3, [14]), cutoffs)
    accepted, _ = group.draw(Sampling("rejection", 0, 237.0, 0.0), 0, 400, 20)
    margins = [smallest_margin(hit.structure, cutoffs, 3.0) for hit in accepted]
    assert len(margins) == 20
    assert min(margins) > -1e-6
    usual = cutoff_matrix(molecule, 0.85)
    assert min(smallest_margin(hit.structure, usual, 3.0) for hit in accepted) < -0.1


def test_a_group_has_occupations_of_one_space_group():
    molecule = stored("glycine")
    cutoffs = cutoff_matrix(molecule, 0.85)
    with pytest.raises(InputError, match="one space group"):
        Group(molecule, occupations(molecule, 4, 1e-2, [14, 19]), cutoffs)
    with pytest.raises(InputError, match="at least"):
        Group(molecule, [], cutoffs)
    with pytest.raises(InputError, match=r"shape \(3, 3\); the molecule has 10 atoms"):
        Group(molecule, occupations(molecule, 4, 1e-2, [14]), np.eye(3))


def test_the_least_volume_of_one_atom_is_that_of_the_closest_spheres() -> None:
    assert least_volume(placed(225, 4, cutoff=3.0)) == pytest.approx(3.0**3 / math.sqrt(2))
