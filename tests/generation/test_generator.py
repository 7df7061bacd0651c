import time
from itertools import pairwise

import numpy as np
import pytest
import spglib
from crystal_contacts import smallest_margin
from generation_molecules import from_ase, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.generation import check_contacts, compatible_sites, cutoff_matrix, draw_block, generate
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.space_groups import space_group

# Molecule, Z, volume of the cell, groups of different lattice systems with general and special sites.
CASES = [
    ("benzene", 2, 237.0, [2, 4, 5, 12, 14, 16, 23, 48, 55, 71, 75, 94, 111, 113, 136, 147, 162, 163, 188, 190, 194]),
    ("benzene", 4, 474.0, [14, 15, 19, 61, 64, 76, 198, 201, 205, 208, 213, 224]),
    ("benzene", 3, 356.0, [146, 148, 155, 160, 166]),
    ("benzene", 8, 948.0, [15, 61, 70, 88, 206]),
    ("urea", 2, 145.0, [2, 4, 18, 59, 113]),
    ("urea", 3, 217.0, [144, 145]),
    ("benzene", 6, 711.0, [161, 167]),
    ("urea", 6, 435.0, [169]),
    ("urea", 9, 652.0, [146, 155, 160]),
    ("urea", 18, 1304.0, [148, 161, 167]),
    ("glycine", 4, 330.0, [14, 19, 33, 76]),
]
POOL = [(name, Z, volume, group) for name, Z, volume, groups in CASES for group in groups]


def same(first, second):
    return np.array_equal(first.lattice, second.lattice) and np.array_equal(first.positions, second.positions)


@pytest.mark.parametrize(("name", "Z", "volume", "group"), POOL)
def test_accepted_structures_are_what_they_should_be(name, Z, volume, group):
    molecule = stored(name)
    cutoffs = cutoff_matrix(molecule, 0.85)
    inside = np.linalg.norm(molecule.positions[:, None] - molecule.positions, axis=2)
    if not compatible_sites(molecule, Z, 1e-2, [group]):
        pytest.skip(f"group {group} has no site for this molecule")
    generated = generate(molecule, Z, group, 6, volume, 0.05 * volume, seed=11, max_attempts=400_000)
    assert generated.structures or generated.attempts == 400_000
    for structure in generated.structures:
        # All molecules are there, whole, in the input's order, unchanged.
        assert structure.species == molecule.species * Z
        copies = structure.positions.reshape(Z, -1, 3)
        general = structure.properties["site_symmetry_group"] == "1"
        distances = np.linalg.norm(copies[:, :, None] - copies[:, None], axis=3)
        assert np.abs(distances - inside).max() < (1e-6 if general else 2e-2)
        centres = copies.mean(axis=1) @ np.linalg.inv(structure.lattice)
        assert centres.min() > -1e-5
        assert centres.max() < 1 + 1e-5
        # Nothing is too close, by our check and by an independent neighbour list.
        margin = check_contacts(structure, 0.85)
        assert margin > -1e-5
        assert smallest_margin(structure, cutoffs, cutoffs.max() + 0.3) > -1e-5
        # Niggli cell of the same volume, right-handed.
        assert np.linalg.det(structure.lattice) == pytest.approx(structure.properties["unit_cell_volume"])
        assert abs(structure.properties["unit_cell_volume"] - volume) < 8.6 * 0.05 * volume
        # The intended group is the one found, or a subgroup of it.
        assert structure.properties["attempted_spg"] == group
        assert structure.properties["spg"] > 0
        numbers = [ord(x[0]) for x in structure.species]
        found = spglib.get_symmetry_dataset((structure.lattice, structure.fractional, numbers), symprec=1e-2)
        assert found.number == structure.properties["spg"]
        # Operations per molecule in the cell: no fewer than the intended group has.
        assert len(found.rotations) >= len(space_group(group))
        assert structure.struct_id == ""


def test_the_intended_operations_map_the_crystal_onto_itself():
    """Before the Niggli reduction, in the conventional cell, for every site of every group that benzene can take."""
    molecule = stored("benzene")
    sites = compatible_sites(molecule, 2, 1e-3)
    for group in sorted({s.space_group for s in sites}):
        own = [s for s in sites if s.space_group == group]
        placement = Placement(molecule, 2, own, np.full((12, 12), 0.2))
        crystal = space_group(group)
        *_, chosen, orientations, geometry = placement.sampler.draw(1, 0, 60, 60, 2500.0, 0.0)
        assert set(chosen) == set(range(len(own))) or len(own) > 6
        for site, orientation, numbers in list(zip(chosen, orientations, geometry))[:8]:
            ax, bx, by, cx, cy, cz = numbers[:6]
            lattice = np.array([[ax, 0, 0], [bx, by, 0], [cx, cy, cz]])
            rotation, centre = numbers[6:15].reshape(3, 3), numbers[15:]
            first = (placement.coordinates[orientation] @ rotation.T) @ np.linalg.inv(lattice) + centre
            orbit = np.array([first @ w.T + t for w, t in zip(crystal.rotations, crystal.translations)])
            operations = placement.operations[site]
            cell = orbit[operations].reshape(-1, 3)
            gaps = orbit.reshape(-1, 1, 3) - cell
            gaps = (gaps - np.rint(gaps)) @ lattice
            assert np.linalg.norm(gaps, axis=2).min(axis=1).max() < 1e-9


def test_blocks_may_be_cut_anywhere():
    molecule = stored("benzene")
    sites = compatible_sites(molecule, 2, 1e-3, [14])
    arguments = (molecule, 2, 14, sites, 237.0, 18.0, 0.85, 42)
    whole = draw_block(*arguments, 0, 900, 10**6)
    assert whole.draws == 900
    assert len(whole.accepted) > 20
    for cut in ([0, 450, 900], [0, 1, 2, 300, 301, 777, 900], list(range(0, 901, 100))):
        parts = [draw_block(*arguments, a, b - a, 10**6) for a, b in pairwise(cut)]
        assert sum(part.draws for part in parts) == 900
        hits = [hit for part in parts for hit in part.accepted]
        assert [h.draw for h in hits] == [h.draw for h in whole.accepted]
        assert [h.site for h in hits] == [h.site for h in whole.accepted]
        assert all(same(h.structure, w.structure) for h, w in zip(hits, whole.accepted))


def test_a_quota_stops_at_the_draw_that_fills_it():
    molecule = stored("benzene")
    sites = compatible_sites(molecule, 2, 1e-3, [14])
    arguments = (molecule, 2, 14, sites, 237.0, 18.0, 0.85, 42)
    whole = draw_block(*arguments, 0, 900, 10**6)
    for quota in (1, 5, 17):
        block = draw_block(*arguments, 0, 900, quota)
        assert len(block.accepted) == quota
        assert block.draws == block.accepted[-1].draw + 1 == whole.accepted[quota - 1].draw + 1
    assert draw_block(*arguments, 0, 900, 0).draws == 0
    assert draw_block(*arguments, 0, 0, 5).accepted == []


def test_many_accepted_structures_in_one_block():
    # More than one call of the kernel delivers; numbers rise and none is repeated.
    atom = Molecule(["He"], [[0, 0, 0]])
    sites = compatible_sites(atom, 1, 1e-3, [1])
    block = draw_block(atom, 1, 1, sites, 300.0, 0.0, 0.85, 3, 100, 700, 600)
    draws = [hit.draw for hit in block.accepted]
    assert len(draws) == 600
    assert draws == sorted(set(draws))
    assert draws[0] >= 100
    assert block.draws == draws[-1] - 99


def test_the_seed_and_the_group_name_the_stream():
    benzene = stored("benzene")
    one = generate(benzene, 2, 14, 3, 237.0, 18.0, seed=1)
    again = generate(benzene, 2, 14, 3, 237.0, 18.0, seed=1)
    other = generate(benzene, 2, 14, 3, 237.0, 18.0, seed=2)
    assert one.attempts == again.attempts
    assert all(same(a, b) for a, b in zip(one.structures, again.structures))
    assert not same(one.structures[0], other.structures[0])
    assert one.seconds > 0


def test_the_experimental_groups_of_benzene_and_urea_are_reached():
    benzene = generate(stored("benzene"), 4, 61, 5, 474.0, 20.0)
    assert [s.properties["spg"] for s in benzene.structures] == [61] * 5
    assert {s.properties["attempted_wyckoff_position"] for s in benzene.structures} == {"4a", "4b"}
    urea = generate(stored("urea"), 2, 113, 5, 145.0, 7.0)
    assert [s.properties["spg"] for s in urea.structures] == [113] * 5
    assert {s.properties["attempted_wyckoff_position"] for s in urea.structures} == {"2c"}
    assert urea.supergroups == 0


def test_own_cutoffs_replace_those_of_sr():
    molecule = stored("benzene")
    sites = compatible_sites(molecule, 2, 1e-3, [14])
    cutoffs = np.full((12, 12), 2.0)
    block = draw_block(molecule, 2, 14, sites, 237.0, 0.0, 0.85, 0, 0, 400, 20, cutoffs=cutoffs)
    margins = [smallest_margin(hit.structure, cutoffs, 3.0) for hit in block.accepted]
    assert len(margins) == 20
    assert min(margins) > -1e-6
    assert min(check_contacts(hit.structure, 0.85) for hit in block.accepted) < -0.1


def test_what_cannot_fit_ends_at_once():
    start = time.perf_counter()
    for sr, volume in ((3.0, 237.0), (50.0, 237.0), (0.85, 60.0), (0.85, 1e-3)):
        generated = generate(stored("benzene"), 2, 14, 5, volume, 0.0, sr=sr, max_attempts=10**12)
        assert generated.structures == []
        assert generated.attempts == 10**12
    assert time.perf_counter() - start < 5


def test_hopeless_is_never_said_of_what_can_be_generated():
    for name, Z, group in (("benzene", 2, 194), ("urea", 2, 113), ("glycine", 4, 19)):
        molecule = stored(name)
        sites = compatible_sites(molecule, Z, 1e-2, [group])
        placement = Placement(molecule, Z, sites, cutoff_matrix(molecule, 0.85))
        volume = 600.0
        while not placement.hopeless(volume):
            volume *= 0.97
        assert generate(molecule, Z, group, 1, volume * 0.999, 0.0, max_attempts=300_000).structures == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Z": 0}, "Z = 0"),
        ({"Z": 300}, "Z = 300"),
        ({"Z": 7}, "no site"),
        ({"space_group": 0}, "space group 0"),
        ({"space_group": 231}, "space group 231"),
        ({"sr": 0.0}, "sr = 0.0"),
        ({"sr": -0.85}, "sr = -0.85"),
        ({"sr": float("nan")}, "sr = nan"),
        ({"volume_mean": 0.0}, "volume_mean"),
        ({"volume_mean": -5.0}, "volume_mean"),
        ({"volume_mean": float("inf")}, "volume_mean"),
        ({"volume_std": -1.0}, "volume_std"),
        ({"volume_std": float("nan")}, "volume_std"),
        ({"mode": "packing"}, "mode"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"n": -1}, "negative"),
        ({"max_attempts": -1}, "negative"),
        ({"tol": 0.0}, "tolerance"),
        ({"molecule": Molecule([], [])}, "without atoms"),
    ],
)
def test_bad_input_is_one_clear_line(change, message):
    arguments = {
        "molecule": stored("glycine"),
        "Z": 4,
        "space_group": 14,
        "n": 1,
        "volume_mean": 310.0,
        "volume_std": 10.0,
    } | change
    with pytest.raises(InputError, match=message) as raised:
        generate(**arguments)
    assert "\n" not in str(raised.value)


def test_blocks_refuse_impossible_ranges():
    sites = compatible_sites(stored("glycine"), 4, 1e-2, [14])
    for first, count, quota in ((-1, 5, 5), (0, -5, 5), (0, 5, -1), (2**63, 5, 1)):
        with pytest.raises(InputError, match="draws"):
            draw_block(stored("glycine"), 4, 14, sites, 310.0, 0.0, 0.85, 0, first, count, quota)


FUZZED = ["He", "N2", "CO2", "HCN", "C2H2", "H2O", "CH4", "NH3", "C6H6", "C2H6", "CH3OH", "BF3", "SO2", "LiF", "PH3"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(FUZZED),
    Z=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 96, 192]),
    choice=st.integers(0, 10**6),
    volume=st.floats(1e-2, 250.0),
    spread=st.sampled_from([0.0, 0.05, 1.0]),
    sr=st.sampled_from([0.05, 0.5, 0.85, 1.2, 4.0]),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_molecule_in_any_group_gives_sound_crystals_or_none(name, Z, choice, volume, spread, sr, seed):
    molecule = Molecule(["He"], [[0.3, 0, 0]]) if name == "He" else from_ase(name)
    turned = Rotation.random(random_state=seed % 2**32).apply(molecule.positions)
    molecule = Molecule(molecule.species, turned)
    sites = compatible_sites(molecule, Z, 1e-2)
    if not sites:
        return
    group = sites[choice % len(sites)].space_group
    own = [site for site in sites if site.space_group == group]
    block = draw_block(molecule, Z, group, own, Z * volume, spread * Z * volume, sr, seed, 0, 300, 2)
    assert block.draws == 300 or len(block.accepted) == 2
    for hit in block.accepted:
        assert len(hit.structure) == Z * len(molecule)
        assert check_contacts(hit.structure, sr, len(molecule)) > -1e-5
