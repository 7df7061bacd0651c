"""Minima met in several groups, cells and settings are one; different ones stay apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from generation_molecules import stored
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError
from genarris_fw.generation import generate, press_fully
from genarris_fw.lattice.searching.merging import NEIGHBOURS, Minimum, Origin, merge


@pytest.fixture(scope="module")
def crystals():
    """Pressed crystals of urea of several groups, all different."""
    found = []
    for group, Z in ((4, 2), (14, 4), (19, 4), (2, 2)):
        made = generate(stored("urea"), Z, group, 3, Z * 75.0, Z * 4.0, seed=3, mode="packing")
        found += [press_fully(one, 0.85).structure for one in made.structures]
    return found


def minimum(structure, energy, origin=("1:1a", 0)):
    Z = len(structure) // 8
    return Minimum.of(structure, energy, Z, Origin(*origin), equivalent=False)


def doubled(structure, axis=2):
    lattice = structure.lattice.copy()
    copy = structure.positions + lattice[axis]
    lattice[axis] *= 2
    return Structure(lattice, structure.species * 2, np.concatenate([structure.positions, copy]))


def otherwise_described(structure, random):
    """Another basis of the lattice, molecules in another order, moved, turned and mirrored."""
    basis = np.array([[1, 1, 0], [0, 1, 0], [-1, 0, 1]]) @ structure.lattice
    turn = Rotation.random(random_state=int(random.integers(1000))).as_matrix() * random.choice([-1.0, 1.0])
    order = random.permutation(len(structure) // 8)
    molecules = structure.positions.reshape(-1, 8, 3)[order]
    positions = molecules.reshape(-1, 3) + random.normal(size=3)
    return Structure(basis @ turn, structure.species, positions @ turn)


def test_a_crystal_is_one_in_any_cell_and_setting_and_as_a_supercell(crystals):
    random = np.random.default_rng(1)
    given = []
    for k, one in enumerate(crystals):
        # The energies of different crystals are equal: it is not they that keep them apart.
        given += [minimum(one, -100.0, ("4:2a", k)), minimum(otherwise_described(one, random), -100.0, ("14:4e", k))]
        given += [minimum(doubled(one), -100.0001, ("19:4a", k))]
    merged = merge(given)
    assert len(merged) == len(crystals)
    assert all(one.hits == {"4:2a": 1, "14:4e": 1, "19:4a": 1} for one in merged)
    # The smallest cell is kept.
    assert sorted(len(one.structure) for one in merged) == sorted(len(one) for one in crystals)


def test_what_minimisation_leaves_of_differences_does_not_divide(crystals):
    random = np.random.default_rng(2)
    given = []
    for k, one in enumerate(crystals):
        for copy in range(4):
            strain = np.eye(3) + random.normal(scale=3e-4, size=(3, 3))
            moved = Structure(one.lattice @ strain, one.species, one.positions @ strain)
            given.append(minimum(moved, -10.0 * k + random.uniform(0, 0.05), ("2:2i", 10 * k + copy)))
    merged = merge(given)
    assert [one.total for one in merged] == [4] * len(crystals)


def test_the_order_in_which_minima_come_does_not_matter(crystals):
    random = np.random.default_rng(3)
    given = []
    for k, one in enumerate(crystals):
        for copy in range(3):
            described = otherwise_described(one, random)
            given.append(minimum(described, -5.0 * (k % 5) + 0.001 * copy, (f"{copy + 1}:x", k)))
    expected = merge(given)
    for _ in range(5):
        random.shuffle(given)
        found = merge(given)
        assert [(one.origin, one.energy, one.hits) for one in found] == [
            (one.origin, one.energy, one.hits) for one in expected
        ]
    # In pieces, as items come in, it is the same too.
    pieces = merge([one for k in range(0, len(given), 7) for one in merge(given[k : k + 7])])
    assert [(one.energy, one.hits) for one in pieces] == [(one.energy, one.hits) for one in expected]


def test_of_equal_minima_the_earliest_draw_is_shown(crystals):
    """Whatever order they come in, one by one, in pieces, or after earlier merges: rounding does not decide."""
    random = np.random.default_rng(4)
    one, other = crystals[0], crystals[1]
    rounding = [3e-7, -2e-7, 1e-7, 0.0]
    origins = [("14:4e", 40), ("4:2a", 7), ("19:4a", 7), ("2:2i", 900)]
    given = [minimum(otherwise_described(one, random), -9.0 + e, at) for e, at in zip(rounding, origins, strict=True)]
    given += [
        minimum(otherwise_described(other, random), -8.0 + e, at) for e, at in zip(rounding, origins, strict=True)
    ]
    seen = set()
    for order in itertools.permutations(range(4)):
        come = [given[k] for k in order] + [given[4 + k] for k in reversed(order)]
        growing: list[Minimum] = []
        for next_one in come:
            growing = merge([*growing, next_one])
        pieces = merge([found for k in range(0, 8, 3) for found in merge(come[k : k + 3])])
        for found in (merge(come), growing, pieces):
            seen.add(tuple((m.origin, m.energy, m.total) for m in found))
    assert seen == {((("19:4a", 7), -9.0 + 1e-7, 4), (("19:4a", 7), -8.0 + 1e-7, 4))}
    # What is lower by more than rounding is another place, and the one to show.
    lower = minimum(one, -9.01, ("61:8c", 5000))
    assert merge([*given[:4], lower])[0].origin == ("61:8c", 5000)


def test_other_energies_densities_or_distances_are_other_crystals(crystals):
    one = minimum(crystals[0], -50.0)
    far = minimum(crystals[0], -49.8)
    strained = Structure(crystals[0].lattice * 1.005, crystals[0].species, crystals[0].positions * 1.005)
    assert len(merge([one, far])) == 2
    assert len(merge([one, minimum(strained, -50.0)])) == 2
    assert len(merge([one, minimum(crystals[1], -50.0)])) == 2


def test_close_numbers_are_not_enough_where_clusters_differ(crystals):
    one, other = minimum(crystals[0], -50.0), minimum(crystals[1], -50.0)
    gap = other.amd + 0.4 * 0.03
    # The same numbers but for less than the tolerance: in doubt clusters are superposed, and these are not alike.
    disguised = Minimum(crystals[0], -50.0, other.volume, gap, Origin("2:2i", 1), {"2:2i": 1})
    assert len(merge([other, disguised])) == 2
    # The very same numbers are not asked about: so exactly alike are only copies.
    alike = Minimum(crystals[0], -50.0, one.volume, one.amd, Origin("2:2i", 1), {"2:2i": 1})
    assert len(merge([one, alike])) == 1


def test_what_lies_above_the_window_is_left_out(crystals):
    given = [minimum(one, -50.0 + 3.0 * k, ("2:2i", k)) for k, one in enumerate(crystals)]
    assert [one.energy for one in merge(given, window=6.5)] == [-50.0, -47.0, -44.0]


def test_ten_thousand_minima_are_merged_into_those_they_are(crystals):
    random = np.random.default_rng(5)
    base = minimum(crystals[0], 0.0)
    kinds = random.normal(size=(3000, NEIGHBOURS)).cumsum(axis=1) * 0.02 + base.amd
    energies = np.sort(random.uniform(0, 30, 3000))
    chosen = random.integers(3000, size=10_000)
    given = [
        Minimum(
            crystals[0], energies[k] + random.normal(scale=1e-4), base.volume, kinds[k] + random.normal(scale=1e-4),
            Origin("2:2i", n), {"2:2i": 1},
        )
        for n, k in enumerate(chosen)
    ]  # fmt: skip
    merged = merge(given)
    assert sum(one.total for one in merged) == 10_000
    assert len(merged) == len(set(chosen.tolist()))


def test_a_minimum_survives_json(crystals):
    one = minimum(crystals[0], -3.5, ("14:4e", 12))
    again = Minimum.from_dict(one.to_dict())
    assert (again.energy, again.volume, again.origin, again.hits) == (one.energy, one.volume, one.origin, one.hits)
    assert again.home == "14:4e"
    assert len(merge([one, again])) == 1
    np.testing.assert_array_equal(again.structure.positions, one.structure.positions)


def test_an_energy_that_is_no_number_is_refused(crystals):
    with pytest.raises(InputError, match="not finite"):
        merge([minimum(crystals[0], np.nan)])
