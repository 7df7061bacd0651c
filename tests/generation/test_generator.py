"""`generate`: what comes out of it, in all modes."""

from functools import cache

import numpy as np
import pytest
from crystal_contacts import assert_sound, smallest_margin
from generation_molecules import argon, chiral, from_ase, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.generation import Group, check_contacts, compatible_sites, cutoff_matrix, generate, occupations
from genarris_fw.generation.draws import Sampling
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.space_groups import candidates

# Molecule, Z, volume of the cell, groups of different lattice systems with general and special sites.
CASES = [
    ("benzene", 2, 237.0, [2, 4, 5, 12, 14, 16, 23, 48, 55, 71, 75, 94, 111, 113, 136, 147, 162, 163, 188, 190, 194]),
    ("benzene", 4, 474.0, [14, 15, 19, 61, 64, 76, 198, 205]),
    ("benzene", 4, 640.0, [201, 208, 224]),
    ("benzene", 4, 900.0, [213]),
    ("benzene", 3, 356.0, [146, 148, 155, 160, 166]),
    ("benzene", 8, 948.0, [15, 61, 70, 88, 206]),
    ("benzene", 6, 711.0, [161, 167]),
    ("urea", 2, 145.0, [2, 4, 18, 59, 113]),
    ("urea", 3, 217.0, [144, 145]),
    ("urea", 6, 435.0, [169]),
    ("urea", 9, 652.0, [146, 155, 160]),
    ("urea", 18, 1304.0, [148, 161, 167]),
    ("glycine", 4, 330.0, [14, 19, 33, 76]),
    ("naphthalene", 2, 360.0, [2, 4, 14]),
]
POOL = [(name, Z, volume, group) for name, Z, volume, groups in CASES for group in groups]


def same(first, second):
    return np.array_equal(first.lattice, second.lattice) and np.array_equal(first.positions, second.positions)


@pytest.mark.parametrize(("name", "Z", "volume", "group"), POOL)
def test_accepted_structures_are_what_they_should_be(name, Z, volume, group):
    molecule = stored(name)
    cutoffs = cutoff_matrix(molecule, 0.85)
    generated = generate(molecule, Z, group, 5, volume, 0.05 * volume, seed=11, max_attempts=400_000)
    assert generated.structures
    assert len(generated.structures) == 5 or generated.attempts == 400_000
    for structure in generated.structures:
        assert_sound(structure, molecule, Z, group, cutoffs)
        assert check_contacts(structure, 0.85) > -1e-6
        assert abs(structure.properties["unit_cell_volume"] - volume) < 12.2 * 0.05 * volume
        assert structure.struct_id == ""


def test_the_seed_and_the_group_name_the_stream():
    benzene = stored("benzene")
    one = generate(benzene, 2, 14, 3, 237.0, 18.0, seed=1)
    again = generate(benzene, 2, 14, 3, 237.0, 18.0, seed=1)
    other = generate(benzene, 2, 14, 3, 237.0, 18.0, seed=2)
    assert one.attempts == again.attempts
    assert all(same(a, b) for a, b in zip(one.structures, again.structures, strict=True))
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


def test_packing_finds_every_group_of_two_benzenes():
    """All 94 groups but P6mm; Genarris 2.0 fails in 25, 47, 49, 157, 168 and 183 after a million attempts."""
    molecule = stored("benzene")
    cutoffs = cutoff_matrix(molecule, 0.85)
    groups: dict[int, bool] = {}
    for occupation in occupations(molecule, 2, 1e-2):
        group = occupation.space_group
        if not groups.get(group):
            packer = Placement(molecule, occupation, cutoffs).packer
            groups[group] = len(packer.draw(3, 0, 4000, 1, 243.0, 18.0)[1]) == 1
    assert len(groups) == 94
    assert [group for group, found in groups.items() if not found] in ([], [183])


LAST = {"rejection": 4100, "packing": 60}


@cache
def counted(mode):
    """Everything that attempts on the four sites of 14 give, and the number of each one's attempt."""
    molecule = stored("benzene")
    sites = [site.wyckoff for site in compatible_sites(molecule, 2, 1e-2, [14])]
    assert len(sites) == 4
    made = generate(molecule, 2, 14, 10**6, 237.0, 10.0, seed=4, mode=mode, max_attempts=LAST[mode])
    places = [sites.index(structure.properties["attempted_wyckoff_position"]) for structure in made.structures]
    draws = [structure.properties["draw"] for structure in made.structures]
    return made.structures, [4 * draw + place + 1 for draw, place in zip(draws, places)]


@pytest.mark.parametrize("mode", ["rejection", "packing"])
@pytest.mark.parametrize("most", [0, 3, 33, 10**6])
def test_attempts_are_counted_one_by_one(mode, most):
    """The attempts go round the sites; where they end, so do the structures."""
    structures, attempts = counted(mode)
    assert attempts == sorted(set(attempts))
    most = min(most, LAST[mode] - 3)
    arguments = (stored("benzene"), 2, 14)
    made = generate(*arguments, 10**6, 237.0, 10.0, seed=4, mode=mode, max_attempts=most)
    assert made.attempts == most
    expected = [structure for structure, attempt in zip(structures, attempts) if attempt <= most]
    assert len(expected) >= (30 if most in (4097, 57) else 0)
    assert all(same(a, b) for a, b in zip(made.structures, expected, strict=True))
    for n in (1, len(expected) - 1):
        if 0 < n < len(expected):
            some = generate(*arguments, n, 237.0, 10.0, seed=4, mode=mode, max_attempts=most)
            assert some.attempts == attempts[n - 1]
            assert all(same(a, b) for a, b in zip(some.structures, expected[:n], strict=True))


def test_nothing_wanted_is_nothing_done():
    made = generate(stored("benzene"), 2, 14, 0, 237.0, 10.0)
    assert (made.structures, made.attempts, made.supergroups) == ([], 0, 0)


@pytest.mark.parametrize("mode", ["rejection", "packing", "auto"])
@pytest.mark.parametrize(("sr", "volume", "spread"), [(3.0, 237.0, 10.0), (0.85, 60.0, 2.0), (0.85, 1e-3, 0.0)])
def test_what_cannot_fit_is_told_without_trying(mode, sr, volume, spread):
    """So many attempts would take days; all of them count."""
    made = generate(stored("benzene"), 2, 14, 5, volume, spread, sr=sr, mode=mode, max_attempts=10**12)
    assert made.structures == []
    assert made.attempts == 10**12
    assert generate(stored("benzene"), 2, 14, 0, volume, spread, sr=sr, mode=mode).attempts == 0


@pytest.mark.parametrize(("name", "Z", "group"), [("benzene", 2, 194), ("urea", 2, 113), ("glycine", 4, 19)])
def test_hopeless_is_never_said_of_what_can_be_generated(name, Z, group):
    molecule = stored(name)
    cutoffs = cutoff_matrix(molecule, 0.85)
    found = Group(molecule, occupations(molecule, Z, 1e-2, [group]), cutoffs)
    volume = 600.0
    while not found.hopeless(Sampling("packing", 0, volume, 0.0)):
        volume *= 0.97
    # Packing, asked all the same, fits nothing into such a cell.
    for factor in (0.7, 0.8, 0.9, 1.0):
        for placement in found.placements:
            assert len(placement.packer.draw(1, 0, 300, 1, volume * factor, 0.0)[1]) == 0
    assert not found.hopeless(Sampling("packing", 0, volume, volume / 4))  # a wide spread reaches larger volumes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Z": 0}, "Z = 0"),
        ({"Z": 300}, "Z = 300"),
        ({"Z": 7}, "space group 14 offers this molecule no site for Z = 7"),
        ({"Z": 7, "site_combinations": True}, "no site for Z = 7"),
        ({"space_group": 0}, "space group 0"),
        ({"space_group": 231}, "space group 231"),
        ({"space_group": 15}, "space group 15 offers this molecule no site for Z = 4"),
        ({"sr": 0.0}, "sr = 0.0"),
        ({"sr": -0.85}, "sr = -0.85"),
        ({"sr": float("nan")}, "sr = nan"),
        ({"volume_mean": 0.0}, "volume_mean"),
        ({"volume_mean": -5.0}, "volume_mean"),
        ({"volume_mean": float("inf")}, "volume_mean"),
        ({"volume_std": -1.0}, "volume_std"),
        ({"volume_std": float("nan")}, "volume_std"),
        ({"volume_std": 311.0}, "between 0 and volume_mean"),
        ({"mode": "pack"}, "mode 'pack' is not available; use rejection, packing or auto"),
        ({"mode": ""}, "mode"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"n": -1}, "negative"),
        ({"max_attempts": -1}, "negative"),
        ({"tol": 0.0}, "tolerance"),
        ({"molecule": Molecule([], [])}, "without atoms"),
        ({"molecule": Molecule(["Pm"], [[0, 0, 0]]), "space_group": 225}, "radius is known for Pm"),
        ({"cutoffs": np.eye(3)}, r"shape \(3, 3\); the molecule has 10 atoms"),
        ({"sites": []}, "no site"),
        ({"sites": compatible_sites(stored("glycine"), 4, 1e-2, [19])}, "space group 14 offers this molecule no site"),
    ],
)
@pytest.mark.parametrize("mode", ["rejection", "packing", "auto"])
def test_bad_input_is_one_clear_line(mode, change, message):
    arguments = {
        "molecule": stored("glycine"),
        "Z": 4,
        "space_group": 14,
        "n": 1,
        "volume_mean": 310.0,
        "volume_std": 10.0,
        "mode": mode,
    } | change
    with pytest.raises(InputError, match=message) as raised:
        generate(**arguments)
    assert "\n" not in str(raised.value)


def test_sites_may_be_chosen():
    molecule = stored("benzene")
    sites = compatible_sites(molecule, 2, 1e-2, [14])
    arguments = (molecule, 2, 14, 8, 237.0, 10.0)
    everywhere = generate(*arguments, seed=2)
    assert len({s.properties["attempted_wyckoff_position"] for s in everywhere.structures}) > 1
    some = generate(*arguments, seed=2, sites=sites[1:2])
    assert {s.properties["attempted_wyckoff_position"] for s in some.structures} == {"2b"}
    [pair] = [o for o in occupations(molecule, 4, 1e-2, [14], True) if o.wyckoff == "2b+2c"]
    both = generate(molecule, 4, 14, 8, 500.0, 10.0, sites=[pair], mode="packing")
    assert {s.properties["attempted_wyckoff_position"] for s in both.structures} == {"2b+2c"}


def test_own_cutoffs_replace_those_of_sr():
    molecule = stored("benzene")
    cutoffs = np.full((12, 12), 2.0)
    made = generate(molecule, 2, 14, 20, 237.0, 0.0, cutoffs=cutoffs)
    margins = [smallest_margin(structure, cutoffs, 3.0) for structure in made.structures]
    assert len(margins) == 20
    assert min(margins) > -1e-6
    assert min(check_contacts(structure, 0.85) for structure in made.structures) < -0.1


@pytest.mark.parametrize("mode", ["rejection", "packing", "auto"])
@pytest.mark.parametrize(
    ("molecule", "Z", "group", "volume"),
    [
        (argon(), 4, 225, 150.0),  # one atom, which can neither move nor turn
        (argon(), 1, 1, 45.0),
        (from_ase("CO2"), 4, 205, 230.0),  # linear, dry ice
        (from_ase("HCN"), 2, 44, 130.0),  # linear and polar
        (from_ase("BF3"), 2, 194, 200.0),  # flat
        (chiral(), 4, 19, 500.0),
        (from_ase("CH4"), 2, 217, 100.0),
    ],
)
def test_molecules_of_all_kinds(mode, molecule, Z, group, volume):
    made = generate(molecule, Z, group, 4, volume, 0.05 * volume, seed=6, mode=mode, max_attempts=100_000)
    assert len(made.structures) == 4
    for structure in made.structures:
        assert_sound(structure, molecule, Z, group, cutoff_matrix(molecule, 0.85))


@pytest.mark.parametrize("mode", ["rejection", "packing"])
@pytest.mark.parametrize(("group", "hands"), [(19, {1: 4}), (4, {1: 2}), (14, {1: 2, -1: 2}), (33, {1: 2, -1: 2})])
def test_chiral_molecules_keep_their_hand(mode, group, hands):
    molecule = chiral()
    Z = sum(hands.values())
    made = generate(molecule, Z, group, 4, 130.0 * Z, 5.0 * Z, seed=6, mode=mode, max_attempts=200_000)
    assert len(made.structures) == 4

    def hand(points):
        return np.sign(np.linalg.det(points[1:4] - points[0]))

    for structure in made.structures:
        found = [hand(points) * hand(molecule.positions) for points in structure.positions.reshape(Z, -1, 3)]
        assert {h: found.count(h) for h in sorted(set(found), reverse=True)} == hands


def group_with_site(molecule, Z, choice):
    """One of the groups that offer the molecule a site; only some are looked at."""
    groups = sorted({number for number, _ in candidates(Z)})
    start = choice % len(groups)
    sites = compatible_sites(molecule, Z, 1e-2, (groups[start:] + groups[:start])[:20])
    return sites[0].space_group if sites else None


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
    mode=st.sampled_from(["rejection", "packing", "auto"]),
    combinations=st.booleans(),
)
def test_any_molecule_in_any_group_gives_sound_crystals_or_none(
    name, Z, choice, volume, spread, sr, seed, mode, combinations
):
    molecule = Molecule(["He"], [[0.3, 0, 0]]) if name == "He" else from_ase(name)
    turned = Rotation.random(random_state=seed % 2**32).apply(molecule.positions)
    molecule = Molecule(molecule.species, turned)
    group = group_with_site(molecule, Z, choice)
    if group is None:
        return
    combinations = combinations and Z <= 16
    most = {"rejection": 300, "packing": 100, "auto": 100}[mode]
    made = generate(
        molecule,
        Z,
        group,
        2,
        Z * volume,
        spread * Z * volume,
        sr=sr,
        seed=seed,
        mode=mode,
        max_attempts=most,
        site_combinations=combinations,
        max_deformation=1e-2,
    )
    assert mode in (made.mode, "auto")
    assert made.attempts == most or len(made.structures) == 2
    cutoffs = cutoff_matrix(molecule, sr)
    for structure in made.structures:
        assert len(structure) == Z * len(molecule)
        assert structure.properties["attempted_spg"] == group
        assert check_contacts(structure, sr, len(molecule)) > -1e-5
        assert smallest_margin(structure, cutoffs, cutoffs.max() + 0.1) > -1e-5
