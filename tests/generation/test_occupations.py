"""Two Wyckoff positions filled at once: two special ones, or two independent molecules on one position."""

from collections import Counter
from itertools import combinations_with_replacement

import numpy as np
import pytest
from crystal_contacts import assert_sound, inner_distances, spglib_dataset
from generation_molecules import argon, bent, chiral, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.generation import compatible_sites, cutoff_matrix, generate, occupations
from genarris_fw.generation.generator import undeformed
from genarris_fw.generation.space_groups import space_group


def found(molecule, Z, group, combinations=True):
    return [o.wyckoff for o in occupations(molecule, Z, 1e-2, [group], combinations)]


def test_a_molecule_without_symmetry_doubles_the_general_position():
    glycine = stored("glycine")
    assert found(glycine, 4, 4) == ["2a+2a"]
    assert found(glycine, 4, 2) == ["2i+2i"]
    assert found(glycine, 2, 1) == ["1a+1a"]
    assert found(glycine, 4, 14) == ["4e"]
    assert found(glycine, 3, 1) == []  # three independent molecules are too many
    assert found(glycine, 4, 4, combinations=False) == []


def test_two_half_molecules_take_two_different_inversion_centres():
    assert found(stored("benzene"), 4, 14) == ["4e", "2a+2b", "2a+2c", "2a+2d", "2b+2c", "2b+2d", "2c+2d"]
    assert found(stored("benzene"), 4, 14, combinations=False) == ["4e"]
    [pair] = [o for o in occupations(stored("benzene"), 4, 1e-2, [14], True) if o.wyckoff == "2a+2d"]
    assert pair.site_symmetry == "-1+-1"
    assert pair.space_group == 14
    assert [site.wyckoff for site in pair.sites] == ["2a", "2d"]


def test_multiplicities_may_differ():
    triclinic = found(stored("benzene"), 3, 2)
    assert triclinic == [f"1{letter}+2i" for letter in "abcdefgh"]
    assert found(argon(), 4, 221) == ["1a+3c", "1a+3d", "1b+3c", "1b+3d"]


@pytest.mark.parametrize(("name", "Z"), [("glycine", 4), ("benzene", 3), ("urea", 4), ("CH4", 4), ("Ar", 5)])
def test_every_pair_that_adds_up_to_Z_and_no_fixed_point_twice(name, Z):
    """Against all pairs of single sites, in all 230 groups."""
    molecule = {"Ar": argon, "CH4": lambda: from_ase("CH4")}.get(name, lambda: stored(name))()
    single: dict[int, list] = {}
    for multiplicity in range(1, Z):
        for site in compatible_sites(molecule, multiplicity, 1e-2):
            single.setdefault(site.space_group, []).append(site)
    expected = Counter()
    for group, sites in single.items():
        free = {p.letter: len(p.basis) > 0 for p in space_group(group).positions}
        for one, other in combinations_with_replacement(sites, 2):
            if one.multiplicity + other.multiplicity == Z and (one != other or free[one.wyckoff[-1]]):
                expected[group, one.wyckoff, other.wyckoff] += 1
    everything = occupations(molecule, Z, 1e-2, combinations=True)
    pairs = [o for o in everything if len(o.sites) == 2]
    assert Counter((o.space_group, *(site.wyckoff for site in o.sites)) for o in pairs) == expected
    assert set(expected.values()) <= {1}
    # Single positions are there as without combinations, first in each group.
    assert [o for o in everything if len(o.sites) == 1] == occupations(molecule, Z, 1e-2)
    assert everything == sorted(everything, key=lambda o: (o.space_group, len(o.sites)))
    assert all({site.space_group for site in o.sites} == {o.space_group} for o in everything)


def test_a_fixed_point_holds_one_molecule_and_a_position_with_a_free_parameter_two():
    urea, methane = stored("urea"), from_ase("CH4")
    assert "2c+2c" in found(urea, 4, 113)
    assert found(methane, 2, 215) == ["1a+1b"]
    assert set(found(from_ase("H2O"), 4, 5)) == {"4c", "2a+2a", "2a+2b", "2b+2b"}


@settings(max_examples=15, deadline=None)
@given(
    group=st.integers(1, 230),
    Z=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 24]),
    molecule=st.sampled_from([stored("benzene"), argon(), from_ase("CH4"), from_ase("CO2")]),
)
def test_numbers_name_an_occupation_in_its_group_whatever_else_is_allowed(group, Z, molecule):
    both = occupations(molecule, Z, 1e-2, [group], combinations=True)
    numbers = [o.number for o in both]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < 2**20 for number in numbers)
    single = occupations(molecule, Z, 1e-2, [group])
    assert [o.number for o in single] == numbers[: len(single)]
    # The same for every molecule and Z: it depends on the letters alone.
    letters = [p.letter for p in space_group(group).positions]
    for occupation in both:
        places = [letters.index(site.wyckoff[-1]) + 1 for site in occupation.sites]
        assert occupation.number == (places[0] if len(places) == 1 else 32 * places[0] + places[1])


def test_the_numbers_of_all_letters_of_a_group_differ():
    assert max(len(space_group(number).positions) for number in range(1, 231)) < 32


# Molecule, Z, group, sites, volume of the cell.
PAIRS = [
    ("glycine", 4, 4, "2a+2a", 310.0),
    ("glycine", 4, 2, "2i+2i", 310.0),
    ("glycine", 2, 1, "1a+1a", 157.0),
    ("glycine", 8, 19, "4a+4a", 630.0),
    ("glycine", 8, 14, "4e+4e", 630.0),
    ("glycine", 6, 144, "3a+3a", 480.0),
    ("glycine", 8, 76, "4a+4a", 640.0),
    ("benzene", 4, 14, "2a+2b", 474.0),
    ("benzene", 4, 14, "2b+2c", 474.0),
    ("benzene", 3, 2, "1a+2i", 360.0),
    ("benzene", 2, 2, "1a+1h", 240.0),
    ("benzene", 8, 61, "4a+4b", 960.0),
    ("benzene", 6, 14, "2a+4e", 720.0),
    ("benzene", 8, 205, "4a+4b", 1000.0),
    ("benzene", 6, 148, "3a+3b", 720.0),
    ("urea", 4, 113, "2c+2c", 300.0),
    ("urea", 4, 5, "2a+2b", 300.0),
    ("naphthalene", 4, 14, "2a+2d", 740.0),
]


@pytest.mark.parametrize("mode", ["rejection", "packing"])
@pytest.mark.parametrize(("name", "Z", "group", "wyckoff", "volume"), PAIRS)
def test_structures_of_two_independent_molecules_are_sound(name, Z, group, wyckoff, volume, mode):
    molecule = stored(name)
    [occupation] = [o for o in occupations(molecule, Z, 1e-2, [group], True) if o.wyckoff == wyckoff]
    if mode == "rejection":
        volume = 1.4 * volume
    made = generate(molecule, Z, group, 4, volume, 0.0, seed=12, mode=mode, sites=[occupation], max_attempts=300_000)
    assert len(made.structures) == 4
    independent = 0
    for structure in made.structures:
        assert structure.properties["attempted_wyckoff_position"] == wyckoff
        assert structure.properties["site_symmetry_group"] == occupation.site_symmetry
        assert_sound(structure, molecule, Z, group, cutoff_matrix(molecule, 0.85), volume, parts=2)
        equivalent = spglib_dataset(structure).equivalent_atoms.reshape(Z, -1)
        independent += len({frozenset(row) for row in equivalent.tolist()})
    assert independent > 4  # most have two kinds of molecule by spglib too


@pytest.mark.parametrize("mode", ["rejection", "packing", "auto"])
def test_site_combinations_add_structures_to_a_group(mode):
    benzene = stored("benzene")
    arguments = (benzene, 4, 14, 12, 500.0, 10.0)
    alone = generate(*arguments, mode=mode, seed=1)
    assert {s.properties["attempted_wyckoff_position"] for s in alone.structures} == {"4e"}
    both = generate(*arguments, mode=mode, seed=1, site_combinations=True)
    letters = {s.properties["attempted_wyckoff_position"] for s in both.structures}
    assert len(both.structures) == 12
    assert any("+" in wyckoff for wyckoff in letters)
    # The occupation without a combination gives what it gives without the option.
    known = {s.properties["draw"]: s for s in alone.structures}
    for structure in both.structures:
        if structure.properties["attempted_wyckoff_position"] == "4e" and both.mode == alone.mode:
            assert np.array_equal(structure.positions, known[structure.properties["draw"]].positions)


def test_a_group_that_has_only_combinations_needs_the_option():
    glycine = stored("glycine")
    with pytest.raises(InputError, match="space group 4 offers this molecule no site for Z = 4"):
        generate(glycine, 4, 4, 2, 310.0, 10.0)
    made = generate(glycine, 4, 4, 2, 310.0, 10.0, mode="packing", site_combinations=True)
    assert [s.properties["attempted_wyckoff_position"] for s in made.structures] == ["2a+2a"] * 2


def test_both_molecules_of_a_chiral_crystal_have_the_same_hand():
    molecule = chiral()
    made = generate(molecule, 4, 4, 4, 480.0, 10.0, mode="packing", site_combinations=True)
    assert len(made.structures) == 4
    hand = np.linalg.det(molecule.positions[1:4] - molecule.positions[0])
    for structure in made.structures:
        copies = structure.positions.reshape(4, -1, 3)
        assert np.linalg.det(copies[:, 1:4] - copies[:, :1]) == pytest.approx([hand] * 4, rel=1e-6)
        assert np.abs(inner_distances(copies) - inner_distances(molecule.positions)).max() < 1e-6


def test_one_deformed_site_leaves_out_the_combination():
    molecule = bent(stored("benzene"), 4e-3)
    everything = occupations(molecule, 4, 2e-2, [14], True)
    assert [o.wyckoff for o in everything] == ["4e", "2a+2b", "2a+2c", "2a+2d", "2b+2c", "2b+2d", "2c+2d"]
    assert [o.wyckoff for o in undeformed(everything, 1e-3)] == ["4e"]
    assert undeformed(everything, 1e-2) == everything
    mixed = [o for o in occupations(molecule, 6, 2e-2, [14], True) if len(o.sites) == 2]
    assert "2a+4e" in [o.wyckoff for o in mixed]
    assert undeformed(mixed, 1e-3) == []
