"""The mode ``packing``: overlaps are removed inside the space group; and the choice that ``auto`` makes."""

from functools import cache

import numpy as np
import pytest
from crystal_contacts import assert_sound, smallest_margin, whole_cell
from generation_molecules import argon, chiral, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.generation import Group, Sampling, cutoff_matrix, generate, occupations
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.modes import pilot
from genarris_fw.generation.placement import Placement

# Molecule, Z, volume of the cell, groups of all lattice systems with general and special sites.
PACKED = [
    ("glycine", 1, 80.0, [1]),
    ("glycine", 2, 157.0, [2, 3, 4, 7]),
    ("glycine", 3, 235.0, [144]),
    ("glycine", 4, 310.0, [5, 9, 14, 18, 19, 33, 76, 81]),
    ("glycine", 6, 480.0, [147, 151, 169]),
    ("glycine", 8, 620.0, [15, 61, 92, 114]),
    ("glycine", 9, 720.0, [146]),
    ("glycine", 12, 1000.0, [195, 198]),
    ("benzene", 2, 237.0, [2, 5, 12, 14, 16, 23, 55, 65, 71, 94, 113, 136, 147, 162, 190, 194]),
    ("benzene", 3, 356.0, [148, 155, 166]),
    ("benzene", 4, 474.0, [15, 61, 64, 198, 205]),
    ("benzene", 8, 960.0, [88, 206]),
    ("urea", 2, 145.0, [4, 59, 113]),
    ("urea", 6, 435.0, [169]),
    ("naphthalene", 2, 360.0, [4, 14]),
    ("tetracene", 2, 600.0, [2, 14]),
    ("aspirin", 4, 854.0, [14, 19]),
]


@pytest.mark.parametrize(
    ("name", "Z", "volume", "group"),
    [(name, Z, volume, group) for name, Z, volume, groups in PACKED for group in groups],
)
def test_packed_structures_are_what_they_should_be(name, Z, volume, group):
    molecule = stored(name)
    cutoffs = cutoff_matrix(molecule, 0.85)
    generated = generate(molecule, Z, group, 5, volume, 0.0, seed=5, mode="packing", max_attempts=3000)
    assert len(generated.structures) == 5
    assert generated.mode == "packing"
    for structure in generated.structures:
        assert_sound(structure, molecule, Z, group, cutoffs, volume)
        assert structure.properties["generation_mode"] == "packing"


@pytest.mark.parametrize(
    ("name", "Z", "volume", "group", "combinations"),
    [
        ("glycine", 4, 310.0, 14, False),
        ("glycine", 4, 310.0, 4, True),
        ("glycine", 9, 720.0, 146, False),
        ("benzene", 4, 474.0, 14, True),
        ("benzene", 4, 474.0, 205, False),
        ("benzene", 2, 237.0, 65, False),
        ("benzene", 2, 237.0, 190, False),
        ("urea", 4, 300.0, 113, True),
        ("urea", 4, 300.0, 5, True),
    ],
)
def test_the_space_group_and_the_sites_hold_by_construction(name, Z, volume, group, combinations):
    """All intended operations map the crystal onto itself, to rounding; the lattice keeps its system's shape."""
    molecule = stored(name)
    cutoffs = cutoff_matrix(molecule, 0.85)
    moved = 0
    for occupation in occupations(molecule, Z, 1e-2, [group], combinations):
        placement = Placement(molecule, occupation, cutoffs)
        hits = Hits.of(*placement.packer.draw(9, 0, 40, 8, volume, 0.0)[1:4])
        starts = {
            number: (lattice, centres)
            for number, lattice, centres in zip(*_draws_without_cutoffs(placement, 9, 40, volume))
        }
        for k, number in enumerate(hits.numbers.tolist()):
            rotations = hits.rotations[k]
            assert np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() < 1e-9
            assert np.linalg.det(rotations) == pytest.approx(np.ones(len(rotations)))
            assert np.linalg.det(hits.lattices[k]) == pytest.approx(volume, rel=1e-9)
            # whole_cell asserts that operations which keep a molecule's place map it onto itself
            atoms = placement.coordinates[hits.orientations[k]] @ rotations.transpose(0, 2, 1)
            cell = whole_cell(molecule, placement.crystal, hits.lattices[k], list(zip(atoms, hits.centres[k])))
            assert len(cell) == Z * len(molecule)
            metric = hits.lattices[k] @ hits.lattices[k].T
            turned = placement.crystal.rotations.transpose(0, 2, 1) @ metric @ placement.crystal.rotations
            assert np.abs(turned - metric).max() < 1e-6
            if number in starts:
                lattice, centres = starts[number]
                moved += not np.allclose(lattice, hits.lattices[k]) or not np.allclose(centres, hits.centres[k])
    assert moved > 3 or group == 205  # where nothing but the spin is free


def _draws_without_cutoffs(placement, seed, count, volume):
    """Where the draws start: the same numbers, whatever overlaps."""
    rigid, *rest = placement._arguments
    sampler = type(placement.sampler)((np.full_like(placement.cutoffs, 0.01), *rigid[1:]), *rest)
    hits = Hits.of(*sampler.draw(seed, 0, count, count, volume, 0.0)[1:])
    return hits.numbers.tolist(), hits.lattices, hits.centres


def test_packing_keeps_the_volume_that_was_drawn():
    molecule = stored("glycine")
    placement = Placement(molecule, occupations(molecule, 4, 1e-2, [19])[0], cutoff_matrix(molecule, 0.85))
    hits = Hits.of(*placement.packer.draw(3, 0, 60, 60, 330.0, 20.0)[1:4])
    loose = Placement(molecule, placement.occupation, np.full((10, 10), 0.05))
    drawn = Hits.of(*loose.sampler.draw(3, 0, 60, 60, 330.0, 20.0)[1:4])
    volumes = dict(zip(drawn.numbers.tolist(), np.linalg.det(drawn.lattices)))
    assert len(hits) > 30
    assert len({round(volume, 6) for volume in volumes.values()}) == 60
    for number, lattice in zip(hits.numbers.tolist(), hits.lattices):
        assert np.linalg.det(lattice) == pytest.approx(volumes[number], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "Z", "volume", "group"),
    [("benzene", 2, 260.0, 14), ("urea", 2, 145.0, 113), ("chiral", 4, 700.0, 19), ("benzene", 4, 474.0, 205)],
)
def test_a_draw_that_fits_is_left_as_it_is(name, Z, volume, group):
    molecule = chiral() if name == "chiral" else stored(name)
    cutoffs = cutoff_matrix(molecule, 0.85)
    for occupation in occupations(molecule, Z, 1e-2, [group]):
        placement = Placement(molecule, occupation, cutoffs)
        _, numbers, orientations, geometry = placement.sampler.draw(4, 0, 200, 200, volume, 0.05 * volume)
        _, packed, packed_orientations, packed_geometry, _ = placement.packer.draw(
            4, 0, 200, 200, volume, 0.05 * volume
        )
        assert len(numbers) > 5
        assert set(numbers.tolist()) <= set(packed.tolist())
        same = np.isin(packed, numbers)
        assert np.array_equal(packed_geometry[same], geometry)
        assert np.array_equal(packed_orientations[same], orientations)


@cache
def counts(name: str, Z: int, group: int, volume: float) -> tuple[int, int]:
    """Accepted of 300 packings, of 200,000 draws by rejection."""
    molecule = stored(name)
    chosen = Group(molecule, occupations(molecule, Z, 1e-2, [group]), cutoff_matrix(molecule, 0.85))
    assert len(chosen) == 1
    packed, _ = chosen.draw(Sampling("packing", 1, volume, 0.0), 0, 300, 10**6)
    kept, _ = chosen.draw(Sampling("rejection", 1, volume, 0.0), 0, 200_000, 10**6)
    return len(packed), len(kept)


@pytest.mark.parametrize(
    ("name", "Z", "group", "volume", "success", "times"),
    [
        ("glycine", 4, 14, 310.0, 0.5, 1000),
        ("glycine", 4, 19, 310.0, 0.5, 300),
        ("glycine", 4, 33, 310.0, 0.5, 300),
        ("glycine", 4, 76, 310.0, 0.4, 300),
        ("aspirin", 4, 14, 854.0, 0.3, 1000),
        ("aspirin", 4, 19, 854.0, 0.3, 1000),
    ],
)
def test_packing_succeeds_where_rejection_hardly_ever_does(name, Z, group, volume, success, times):
    packed, kept = counts(name, Z, group, volume)
    assert packed / 300 > success
    assert packed / 300 > times * kept / 200_000


@pytest.mark.parametrize(("name", "Z", "group", "volume"), [("glycine", 4, 14, 310.0), ("benzene", 2, 14, 237.0)])
def test_the_same_seed_packs_the_same_structures(name, Z, group, volume):
    molecule = stored(name)
    one, again, other = (
        generate(molecule, Z, group, 5, volume, 0.05 * volume, seed=seed, mode="packing") for seed in (1, 1, 2)
    )
    assert one.attempts == again.attempts
    for first, second in zip(one.structures, again.structures, strict=True):
        assert np.array_equal(first.positions, second.positions)
        assert np.array_equal(first.lattice, second.lattice)
        assert first.properties == second.properties
    assert not np.array_equal(one.structures[0].lattice, other.structures[0].lattice)


def test_the_evaluations_are_counted_and_few():
    molecule = stored("glycine")
    placement = Placement(molecule, occupations(molecule, 4, 1e-2, [14])[0], cutoff_matrix(molecule, 0.85))
    assert placement.packer.variables == 3 + 3 + 3
    consumed, numbers, _, _, evaluations = placement.packer.draw(1, 0, 100, 100, 310.0, 0.0)
    assert consumed == 100
    assert 2 * len(numbers) < evaluations < 100 * 30
    # A quota stops at the draw that fills it.
    consumed, some, *_ = placement.packer.draw(1, 0, 100, 5, 310.0, 0.0)
    assert some.tolist() == numbers[:5].tolist()
    assert consumed == some[-1] + 1


def test_where_nothing_can_move_packing_is_rejection():
    atom = argon()
    [occupation] = [o for o in occupations(atom, 4, 1e-2, [225]) if o.wyckoff == "4a"]
    placement = Placement(atom, occupation, cutoff_matrix(atom, 0.85))
    assert placement.packer.variables == 0
    _, numbers, _, geometry = placement.sampler.draw(2, 0, 200, 200, 90.0, 20.0)
    _, packed, _, packed_geometry, evaluations = placement.packer.draw(2, 0, 200, 200, 90.0, 20.0)
    assert 10 < len(numbers) < 190
    assert np.array_equal(packed, numbers)
    assert np.array_equal(packed_geometry, geometry)
    assert evaluations <= 200


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["Ar", "N2", "CO2", "H2O", "CH4", "CH3OH", "chiral"]),
    choice=st.integers(0, 10**6),
    Z=st.sampled_from([1, 2, 3, 4, 6, 8, 16]),
    slack=st.floats(0.0, 0.3),
    sr=st.sampled_from([0.5, 0.85, 1.0]),
    volume=st.floats(15.0, 150.0),
    seed=st.integers(0, 2**64 - 1),
)
def test_what_the_packer_delivers_never_overlaps(name, choice, Z, slack, sr, volume, seed):
    """Whatever the slack; by a neighbour list in the whole cell, to rounding."""
    molecule = {"Ar": argon, "chiral": chiral}.get(name, lambda: from_ase(name))()
    groups = [(choice + 7 * k) % 230 + 1 for k in range(16)]
    found = occupations(molecule, Z, 1e-2, groups, combinations=Z <= 4)
    if not found:
        return
    cutoffs = cutoff_matrix(molecule, sr)
    placement = Placement(molecule, found[choice % len(found)], cutoffs)
    packer = type(placement.packer)(*placement._arguments, slack=slack)
    consumed, *rows, _ = packer.draw(seed, 0, 20, 3, Z * volume, 0.1 * Z * volume)
    hits = Hits.of(*rows)
    assert consumed == 20 or len(hits) == 3
    for k in range(len(hits)):
        atoms = placement.coordinates[hits.orientations[k]] @ hits.rotations[k].transpose(0, 2, 1)
        cell = whole_cell(molecule, placement.crystal, hits.lattices[k], list(zip(atoms, hits.centres[k])))
        assert len(cell) == Z * len(molecule)
        assert smallest_margin(cell, cutoffs, cutoffs.max() + 0.1) > -1e-9


def chosen(name: str, Z: int, group: int) -> Group:
    molecule = stored(name) if isinstance(name, str) else name
    return Group(molecule, occupations(molecule, Z, 1e-2, [group]), cutoff_matrix(molecule, 0.85))


HARD = [("glycine", 4, 14, 310.0), ("glycine", 4, 76, 310.0), ("benzene", 2, 25, 237.0)]
EASY = [("urea", 2, 113, 145.0), ("benzene", 4, 198, 474.0), ("benzene", 2, 194, 237.0)]


@pytest.mark.parametrize(("name", "Z", "group", "volume"), HARD + EASY)
def test_auto_packs_where_rejection_finds_little(name, Z, group, volume):
    expected = "packing" if (name, Z, group, volume) in HARD else "rejection"
    modes = {pilot(chosen(name, Z, group), seed, volume, 0.05 * volume).mode for seed in range(3)}
    assert modes == {expected}


@pytest.mark.parametrize(("name", "Z", "group", "volume"), [HARD[0], EASY[0], ("benzene", 2, 14, 237.0)])
def test_a_pilot_gives_the_same_every_time(name, Z, group, volume):
    first = pilot(chosen(name, Z, group), 3, volume, 0.05 * volume)
    used = chosen(name, Z, group)
    used.draw(Sampling("packing", 8, volume, 0.0), 0, 10, 10, threads=2)
    assert pilot(used, 3, volume, 0.05 * volume) == pilot(used, 3, volume, 0.05 * volume) == first
    assert first.packing > 0
    assert pilot(used, 4, volume, 0.05 * volume) != first
    assert first.mode == ("rejection" if first.rejection >= first.packing else "packing")


@pytest.mark.parametrize(("name", "Z", "group", "volume"), [HARD[0], EASY[0]])
def test_auto_is_the_mode_of_the_pilot(name, Z, group, volume):
    molecule = stored(name)
    arguments = (molecule, Z, group, 4, volume, 0.05 * volume)
    automatic = [generate(*arguments, seed=7, mode="auto") for _ in range(2)]
    assert {made.mode for made in automatic} == {pilot(chosen(name, Z, group), 7, volume, 0.05 * volume).mode}
    plain = generate(*arguments, seed=7, mode=automatic[0].mode)
    for made in automatic:
        assert made.attempts == plain.attempts
        for structure, expected in zip(made.structures, plain.structures, strict=True):
            assert np.array_equal(structure.positions, expected.positions)
            assert structure.properties == expected.properties


def test_a_pilot_of_what_cannot_fit_is_done_at_once():
    molecule = stored("benzene")
    group = Group(molecule, occupations(molecule, 2, 1e-2, [14]), cutoff_matrix(molecule, 3.0))
    assert pilot(group, 0, 237.0, 0.0).mode == "rejection"
    assert (pilot(group, 0, 237.0, 0.0).rejection, pilot(group, 0, 237.0, 0.0).packing) == (0.0, 0.0)
