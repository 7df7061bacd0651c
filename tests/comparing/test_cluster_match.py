"""How many molecules of a cluster match, and how well: against oxtalign, and against what is known of the crystals."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import n_atoms, pool, turned
from shared_data import shared

from genarris_fw.comparing.cluster_match import ClusterMatch, Tolerances, match_clusters
from genarris_fw.crystal import Structure, read, whole_molecules
from genarris_fw.errors import InputError

# What oxtalign does: a molecule matches where its atoms are within 1 Å, wherever it lies.
AS_OXTALIGN = Tolerances(distance=math.inf, angle=180.0, farthest=1.0)
CRYSTALS = ["urea", "benzene", "aspirin", "naphthalene", "hydantoin", "acetamide", "coumarin", "resorcinol", "biphenyl"]


@cache
def measured(name: str) -> Structure:
    return whole_molecules(read(shared(f"crystals/{name}.cif"))[0])


def strained(crystal: Structure, strain: float, rng: np.random.Generator, noise: float = 0.02) -> Structure:
    """Its molecules as they are, their centres and the cell deformed at random."""
    shear = rng.normal(0, strain, (3, 3))
    deformed = np.eye(3) + (shear + shear.T) / 2
    molecules = crystal.positions.reshape(-1, n_atoms(crystal), 3)
    centres = molecules.mean(axis=1, keepdims=True)
    other = crystal.copy()
    other.lattice = crystal.cell @ deformed
    other.positions = (molecules - centres + centres @ deformed).reshape(-1, 3)
    other.positions += rng.normal(0, noise, other.positions.shape)
    return other


def by_oxtalign(one: Structure, other: Structure, n: int = 15):
    oxtalign = pytest.importorskip("oxtalign", reason="oxtalign, which compares crystals independently, is not there")
    crystals = [oxtalign.from_arrays(each.species, each.fractional, cell=each.cell) for each in (one, other)]
    return oxtalign.compare(*crystals, n=n)


@pytest.mark.parametrize("name", CRYSTALS)
def test_measured_crystals_and_strained_copies_agree_with_oxtalign(name: str) -> None:
    rng = np.random.default_rng(7)
    crystal = measured(name)
    for strain in (0.0, 0.02, 0.05):
        other = strained(crystal, strain, rng)
        found, theirs = match_clusters(crystal, other, AS_OXTALIGN), by_oxtalign(crystal, other)
        # Of nearly a full cluster either may keep a molecule at the edge of 1 Å that the other one gives up.
        assert abs(found.matched - theirs.n_matched) <= 1
        if found.matched == theirs.n_matched:
            assert found.rmsd == pytest.approx(theirs.rmsd_n, abs=0.01)


@pytest.mark.parametrize("n", [20, 30])
def test_larger_clusters_agree_with_oxtalign(n: int) -> None:
    crystal = measured("benzene")
    other = strained(crystal, 0.02, np.random.default_rng(2))
    found = match_clusters(crystal, other, Tolerances(n, math.inf, 180.0, 1.0))
    theirs = by_oxtalign(crystal, other, n)
    assert (found.matched, found.of) == (theirs.n_matched, n)
    # Of several molecules that touch equally close, each of them takes another as the last one.
    assert found.rmsd == pytest.approx(theirs.rmsd_n, abs=0.02)


@pytest.mark.parametrize("name", ["urea", "benzene", "glycine"])
def test_other_crystals_match_in_part_as_oxtalign_says(name: str) -> None:
    crystals = pool(name)[:4]
    differences = []
    for one in crystals:
        for other in crystals:
            found, theirs = match_clusters(one, other, AS_OXTALIGN), by_oxtalign(one, other)
            assert found.is_full == (one is other) == (theirs.n_matched == 15)
            differences.append(found.matched - theirs.n_matched)
    # Both look for the most molecules by way of the central one; neither proves that there are no more.
    assert min(differences) >= -1 and np.mean(differences) >= 0


NAMES = st.sampled_from(["glycine", "urea", "benzene", "CO2", "H2O", "chiral"])


@settings(max_examples=40, deadline=None)
@given(NAMES, st.integers(0, 5), st.integers(0, 2**31), st.booleans(), st.sampled_from([(1, 1, 1), (2, 1, 1)]))
def test_the_second_crystal_is_moved_onto_the_first(name, k, seed, mirror, repeat) -> None:
    crystal = pool(name)[k]
    other = turned(crystal, np.random.default_rng(seed), 0.0, mirror, None, repeat)
    found = match_clusters(crystal, other)
    assert (found.matched, found.of) == (15, 15) and found.rmsd == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(found.turn @ found.turn.T, np.eye(3), atol=1e-9)
    # All atoms of the moved crystal are atoms of the first one.
    moved = other.positions @ found.turn.T + found.move
    for element in set(crystal.species):
        there = crystal.fractional[[name == element for name in crystal.species]]
        mine = (moved @ np.linalg.inv(crystal.cell))[[name == element for name in other.species]]
        apart = mine[:, None] - there
        nearest = np.linalg.norm((apart - np.rint(apart)) @ crystal.cell, axis=2).min(axis=1)
        assert nearest.max() < 1e-3


def test_both_hands_match_unless_they_are_told_apart() -> None:
    crystal = pool("chiral", 19)[0]
    other = turned(crystal, np.random.default_rng(1), mirror=True)
    assert match_clusters(crystal, other).mirrored
    assert not match_clusters(crystal, other, Tolerances(mirror_images=False)).is_full


def test_tolerances_are_of_distances_and_directions() -> None:
    crystal = measured("urea")
    for stretch, matches in ((1.08, True), (1.15, False), (1.3, False)):
        molecules = crystal.positions.reshape(-1, 8, 3)
        centres = molecules.mean(axis=1, keepdims=True)
        other = crystal.copy()
        other.lattice = stretch * crystal.cell
        other.positions = (molecules + (stretch - 1.0) * centres).reshape(-1, 3)
        found = match_clusters(crystal, other)
        assert found.is_full == matches
        assert match_clusters(crystal, other, Tolerances(distance=0.7)).is_full
        # Directions and turns agree, distances do not: of contacts first, at last of all neighbours.
        assert found.matched == {1.08: 15, 1.15: 9, 1.3: 1}[stretch]


def turned_molecules(crystal: Structure, degrees: float) -> Structure:
    """Every second molecule turned about the axis of its C=O, its centre in its place."""
    other = crystal.copy()
    for first in range(8, len(crystal), 16):
        rows = range(first, first + 8)
        species = [crystal.species[k] for k in rows]
        points = crystal.positions[list(rows)]
        axis = points[species.index("O")] - points[species.index("C")]
        x, y, z = axis / np.linalg.norm(axis)
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        angle = np.radians(degrees)
        turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        middle = points.mean(axis=0)
        other.positions[list(rows)] = (points - middle) @ turn.T + middle
    return other


def test_molecules_that_are_turned_too_far_do_not_match() -> None:
    crystal = measured("urea")
    assert match_clusters(crystal, turned_molecules(crystal, 15.0)).is_full
    far = turned_molecules(crystal, 35.0)
    assert match_clusters(crystal, far).matched < 15
    assert match_clusters(crystal, far, Tolerances(angle=40.0)).is_full


def test_a_nearly_linear_molecule_is_laid_upon_a_linear_one() -> None:
    crystals = pool("CO2")
    rng = np.random.default_rng(4)
    for crystal in crystals:
        for _ in range(4):
            shaken = turned(crystal, rng, noise=0.05)
            assert match_clusters(shaken, crystal).is_full and match_clusters(crystal, shaken).is_full


def test_another_conformer_does_not_match() -> None:
    crystal = measured("aspirin")
    other = crystal.copy()
    names = crystal.species[:21]
    neighbours = [
        [j for j in range(21) if j != i and np.linalg.norm(crystal.positions[i] - crystal.positions[j]) < 1.65]
        for i in range(21)
    ]
    acid = next(  # the carbon of the acid has two oxygens, one of them with a hydrogen, and a carbon
        i
        for i in range(21)
        if names[i] == "C"
        and sorted(names[j] for j in neighbours[i]) == ["C", "O", "O"]
        and any("H" in [names[k] for k in neighbours[j]] for j in neighbours[i])
    )
    oxygens = [j for j in neighbours[acid] if names[j] == "O"]
    ring = next(j for j in neighbours[acid] if names[j] == "C")
    moving = [*oxygens, *(k for j in oxygens for k in neighbours[j] if names[k] == "H")]
    for first in range(0, len(crystal), 21):
        points = crystal.positions[first : first + 21]
        x, y, z = (points[acid] - points[ring]) / np.linalg.norm(points[acid] - points[ring])
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        quarter = np.eye(3) + cross + cross @ cross
        rows = [first + k for k in moving]
        other.positions[rows] = (crystal.positions[rows] - points[acid]) @ quarter.T + points[acid]
    assert match_clusters(crystal, crystal).is_full
    assert match_clusters(crystal, other).matched == 0


def test_molecules_of_other_bonds_do_not_match() -> None:
    found = match_clusters(pool("urea")[0], pool("benzene")[0])
    assert (found.matched, found.first, found.second) == (0, (), ())
    assert math.isnan(found.rmsd) and str(found) == "0 of 15"


def test_in_words() -> None:
    match = ClusterMatch(12, 15, 0.4142, np.eye(3), np.zeros(3), (), ())
    assert str(match) == "12 of 15, RMSD_12 0.41 Å" and not match.mirrored


@pytest.mark.parametrize("values", [{"molecules": 1}, {"molecules": True}, {"distance": 0}, {"angle": math.nan}])
def test_tolerances_that_are_none(values: dict) -> None:
    with pytest.raises(InputError, match="give a"):
        Tolerances(**values)
