"""From what the kernels accept to finished structures: Niggli cells, and space groups with spglib or without."""

import numpy as np
import pytest
import spglib
from crystal_contacts import assert_sound, inner_distances, smooth_sum, spglib_dataset, whole_cell
from generation_molecules import argon, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule
from genarris_fw.crystal.formats.geometry_in import format_geometry_in
from genarris_fw.errors import GenarrisError
from genarris_fw.generation import Group, Sampling, cutoff_matrix, generate, occupations
from genarris_fw.generation.finishing import Finisher, Hits
from genarris_fw.generation.placement import Placement


def named(name: str) -> Molecule:
    stored_ones = ("benzene", "glycine", "urea", "naphthalene", "tetracene", "aspirin")
    return argon() if name == "Ar" else stored(name) if name in stored_ones else from_ase(name)


def placed(name: str, Z: int, group: int, wyckoff: str, tol: float = 1e-2) -> Placement:
    molecule = named(name)
    [occupation] = [o for o in occupations(molecule, Z, tol, [group], "+" in wyckoff) if o.wyckoff == wyckoff]
    return Placement(molecule, occupation, cutoff_matrix(molecule, 0.85))


def drawn(placement: Placement, count: int, volume: float, cutoff: float = 0.05) -> Hits:
    """Draws without regard to overlaps."""
    n = len(placement.molecule)
    loose = Placement(placement.molecule, placement.occupation, np.full((n, n), cutoff))
    return Hits.of(*loose.sampler.draw(6, 0, 4 * count, count, volume, 0.05 * volume)[1:])


# Molecule, Z, volume of the cell, groups: general and special sites, all lattice systems, centred cells.
CONFIRMED = [
    ("benzene", 2, 237.0, [2, 4, 5, 12, 14, 16, 21, 55, 65, 71, 94, 113, 147, 163, 194]),
    ("benzene", 3, 356.0, [148, 155, 160, 166]),
    ("benzene", 4, 474.0, [14, 15, 19, 61, 64, 66, 198, 205]),
    ("benzene", 8, 960.0, [88]),
    ("glycine", 2, 157.0, [2, 4]),
    ("glycine", 4, 310.0, [5, 14, 19, 33, 76]),
    ("urea", 2, 145.0, [4, 5, 18, 59, 113]),
    ("urea", 4, 290.0, [5, 14, 15, 36, 76]),
    ("naphthalene", 2, 370.0, [4, 5, 14, 65]),
    ("naphthalene", 4, 740.0, [15, 61]),
    ("CH4", 2, 100.0, [119, 121, 217]),
    ("CH4", 3, 150.0, [160]),
    ("BF3", 2, 110.0, [11, 176, 194]),
    ("CO2", 4, 200.0, [14, 61, 205]),
]


@pytest.mark.parametrize(
    ("name", "Z", "volume", "group", "mode"),
    [
        (name, Z, volume, group, mode)
        for name, Z, volume, groups in CONFIRMED
        for mode, some in (("packing", groups), ("rejection", groups[::2]))
        for group in some
    ],
)
def test_the_space_group_is_the_one_that_spglib_finds(name, Z, volume, group, mode):
    """Without being asked for each structure. The proof of the shortcut."""
    molecule = named(name)
    found = occupations(molecule, Z, 1e-2, [group])[:3]
    count = 30 // len(found) if mode == "packing" else 10_000
    volume = volume if mode == "packing" else 1.4 * volume
    chosen = Group(molecule, found, cutoff_matrix(molecule, 0.85))
    accepted, _ = chosen.draw(Sampling(mode, 8, volume, 0.04 * volume), 0, count, 18)
    labels = [hit.structure.properties["spg"] for hit in accepted]
    assert len(labels) >= 5
    assert labels == [spglib_dataset(hit.structure).number for hit in accepted]


@pytest.mark.parametrize(
    ("name", "Z", "volume", "group"), [("benzene", 2, 237.0, 12), ("glycine", 4, 310.0, 14), ("urea", 2, 145.0, 59)]
)
@pytest.mark.parametrize("mode", ["packing", "rejection", "auto"])
def test_asking_spglib_every_time_changes_nothing(name, Z, volume, group, mode):
    quick, full = (
        generate(named(name), Z, group, 12, 1.1 * volume, 0.04 * volume, seed=3, mode=mode, confirm=confirm)
        for confirm in (False, True)
    )
    assert len(quick.structures) == 12
    assert quick.supergroups == full.supergroups
    for one, other in zip(quick.structures, full.structures, strict=True):
        assert one.properties == other.properties
        assert np.array_equal(one.positions, other.positions)


def test_many_structures_of_centred_cells_that_pack_closely():
    """Where the molecules nearly touch on a hexagonal net, the C-centred cell itself shows nothing hexagonal."""
    relabelled = 0
    for name, Z, volume, group in (("benzene", 2, 237.0, 65), ("benzene", 4, 474.0, 66)):
        for occupation in occupations(named(name), Z, 1e-2, [group])[-2:]:
            placement = placed(name, Z, group, occupation.wyckoff)
            hits = Hits.of(*placement.packer.draw(7, 0, 100, 100, volume, 0.05 * volume)[1:4])
            quick, full = (
                [s.properties["spg"] for s in Finisher(placement, every).structures(hits)] for every in (False, True)
            )
            assert quick == full
            relabelled += len([number for number in full if number in (191, 192)])
    assert relabelled > 0


HEXAGONAL = np.array([[1.0, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ("name", "Z", "group", "wyckoff", "lattice", "larger"),
    [
        # The lattice of all translations has more symmetry than the centred cell.
        ("benzene", 2, 65, "2a", np.diag([6.4, 6.4 * np.sqrt(3), 4.0]), 191),
        ("benzene", 2, 65, "2b", np.diag([6.4 * np.sqrt(3), 6.4, 4.0]), 191),
        ("CH4", 3, 160, "3a", HEXAGONAL * np.array([[6.4], [6.4], [6.4 * np.sqrt(1.5)]]), 215),
        ("CH4", 3, 160, "3a", HEXAGONAL * np.array([[4.6], [4.6], [4.6 * np.sqrt(6)]]), 216),
        ("CH4", 3, 160, "3a", HEXAGONAL * np.array([[7.1], [7.1], [7.1 * np.sqrt(0.375)]]), 217),
        ("CH4", 2, 119, "2a", np.diag([4.6, 4.6, 4.6 * np.sqrt(2)]), 216),
        # The cell itself has.
        ("CH4", 2, 121, "2a", np.diag([5.2, 5.2, 5.2]), 217),
        ("CH4", 1, 111, "1a", np.diag([5.0, 5.0, 5.0]), 215),
        # The lattice has, the molecule has not.
        ("benzene", 1, 47, "1a", np.diag([7.0, 7.0, 4.0]), None),
        ("urea", 2, 35, "2a", np.diag([7.0, 7.0, 5.0]), None),
    ],
)
def test_special_metrics_are_seen(name, Z, group, wyckoff, lattice, larger):
    placement = placed(name, Z, group, wyckoff)
    k = len(placement.coordinates)
    odd = np.array([1.0, -1.0, 0.0]) if lattice[0, 0] != lattice[1, 1] and group == 65 else np.array([1.0, 1.0, -2.0])
    for strain in (0.0 * odd, 2e-4 * odd, 0.05 * odd):
        geometry = [*(lattice * (1 + strain)).ravel(), *np.eye(3).ravel(), *placement.positions[0].point]
        hits = Hits.of(np.arange(k), np.arange(k)[:, None], np.tile(geometry, (k, 1)))
        quick, full = (
            [s.properties["spg"] for s in Finisher(placement, every).structures(hits)] for every in (False, True)
        )
        assert quick == full
        if larger is None or strain.max() > 0.01:
            assert set(full) == {group}
        else:
            assert larger in full


@pytest.mark.parametrize(
    ("name", "Z", "group", "wyckoff", "lattice"),
    [
        ("CH4", 4, 56, "4d", np.diag([5.7, 6.5, 5.9])),
        ("CH4", 4, 56, "4d", np.diag([8.0, 30.0, 6.0])),
        ("H2O", 2, 3, "2e", np.diag([30.0, 6.0, 8.0])),
        ("NH3", 3, 143, "3d", HEXAGONAL * 9.0),
        ("benzene", 2, 13, "2e", np.diag([7.0, 8.0, 12.0])),
        ("benzene", 2, 13, "2e", np.diag([7.0, 40.0, 30.0])),
    ],
)
def test_small_molecules_turned_a_little_off_a_larger_group_are_seen(name, Z, group, wyckoff, lattice):
    """To spglib a small molecule is symmetric even when turned so far that long lattice vectors go far astray."""
    placement = placed(name, Z, group, wyckoff)
    [site] = placement.occupation.sites
    axis = np.array([0.0, 0.0, 1.0]) if site.freedom == 0 else site.axis
    point = [0.0, 0.0, 0.0] if site.freedom == 0 else placement.positions[0].point
    larger = 0
    for start in (0.0, 45.0):
        angles = np.radians(start + np.linspace(-0.8, 0.8, 21))
        turns = Rotation.from_rotvec(angles[:, None] * axis).as_matrix().reshape(-1, 9)
        for k in range(len(placement.coordinates)):
            geometry = np.array([[*lattice.ravel(), *turn, *point] for turn in turns])
            hits = Hits.of(np.arange(21), np.full((21, 1), k), geometry)
            quick, full = (
                [s.properties["spg"] for s in Finisher(placement, every).structures(hits)] for every in (False, True)
            )
            assert quick == full
            larger += len([number for number in full if number != group])
    assert larger > 0


def test_a_molecule_that_was_made_symmetric_may_have_more_than_the_site_asked_for():
    """One H bent out of all symmetry; on a site 622 the average is planar again."""
    molecule = stored("benzene")
    molecule.positions[6] += [0.05, 0.03, 0.05]
    arguments = {"mode": "packing", "tol": 0.2, "max_deformation": 0.2, "seed": 1}
    quick, full = (
        [
            s.properties["spg"]
            for s in generate(molecule, 1, 177, 5, 130.0, 0.0, confirm=confirm, **arguments).structures
        ]
        for confirm in (False, True)
    )
    assert full == [191] * 5
    assert quick == full


def test_where_there_can_be_no_larger_group_spglib_is_not_asked():
    assert [len(extra) for extra in Finisher(placed("glycine", 4, 14, "4e")).extra] == [0]
    on_centres = Finisher(placed("benzene", 2, 14, "2a"))
    assert {len(extra) for extra in on_centres.extra} == {24 - 2}
    assert Finisher(placed("benzene", 4, 14, "2a+2b")).extra is None
    assert Finisher(placed("CO2", 4, 205, "4a")).extra is None
    assert Finisher(placed("glycine", 4, 14, "4e"), every=True).extra is None


@pytest.mark.parametrize(
    ("Z", "group", "volume", "mode"),
    [(2, 12, 237.0, "packing"), (2, 65, 237.0, "packing"), (2, 16, 300.0, "rejection")],
)
def test_relabelled_structures_are_counted(Z, group, volume, mode):
    molecule = stored("benzene")
    made = generate(molecule, Z, group, 40, volume, 0.05 * volume, seed=7, mode=mode, max_attempts=100_000)
    larger = 0
    for structure in made.structures:
        found = spglib_dataset(structure).number
        assert structure.properties["spg"] == found
        assert structure.properties["attempted_spg"] == group
        if found != group:
            assert_sound(structure, molecule, 2, group, cutoff_matrix(molecule, 0.85))
            larger += 1
    assert made.supergroups == larger > 0


@pytest.mark.parametrize(
    ("name", "Z", "group", "wyckoff", "volume"),
    [
        ("glycine", 1, 1, "1a", 100.0),
        ("glycine", 4, 14, "4e", 400.0),
        ("glycine", 4, 2, "2i+2i", 400.0),
        ("glycine", 9, 146, "9b", 800.0),
        ("glycine", 12, 198, "12b", 1200.0),
        ("benzene", 6, 14, "2a+4e", 800.0),
        ("benzene", 2, 194, "2b", 300.0),
        ("benzene", 2, 65, "2c", 300.0),
        ("urea", 4, 113, "2c+2c", 400.0),
        ("CH4", 3, 160, "3a", 150.0),
        ("Ar", 4, 225, "4a", 150.0),
    ],
)
def test_the_finished_structure_is_the_crystal_of_the_operations(name, Z, group, wyckoff, volume):
    """Compared by a sum over all contacts, with the cell that the operations make before anything is reduced."""
    placement = placed(name, Z, group, wyckoff)
    molecule, n = placement.molecule, len(placement.molecule)
    hits = drawn(placement, 4, volume)
    assert len(hits) == 4
    finisher = Finisher(placement)
    finished = finisher.structures(hits)
    for k, structure in enumerate(finished):
        atoms = placement.coordinates[hits.orientations[k]] @ hits.rotations[k].transpose(0, 2, 1)
        cell = whole_cell(molecule, placement.crystal, hits.lattices[k], list(zip(atoms, hits.centres[k])))
        assert len(structure) == len(cell) == Z * n
        assert structure.cell_volume == pytest.approx(abs(np.linalg.det(hits.lattices[k])), rel=1e-9)
        assert smooth_sum(structure, n, 7.0) == pytest.approx(smooth_sum(cell, n, 7.0), rel=1e-8)
        # The molecules of the first part come first, each in the order of the input.
        inside = inner_distances(structure.positions.reshape(Z, n, 3))
        at = 0
        for part, site in enumerate(placement.occupation.sites):
            expected = inner_distances(placement.coordinates[hits.orientations[k, part]])
            assert np.abs(inside[at : at + site.multiplicity] - expected).max() < 1e-9
            at += site.multiplicity
    # One by one, or in another order, they come out the same.
    for k in (2, 0):
        [alone] = finisher.structures(hits[k : k + 1])
        assert np.array_equal(alone.positions, finished[k].positions)
        assert alone.properties == finished[k].properties


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.tuples(*[st.floats(4.0, 15.0)] * 3),
    shears=st.tuples(*[st.floats(-2.0, 2.0)] * 3),
    seed=st.integers(0, 2**32 - 1),
    Z=st.sampled_from([1, 2]),
)
def test_cells_are_niggli_cells_right_handed_and_of_the_same_crystal(lengths, shears, seed, Z):
    """However oblique the cell; a reduced cell's vectors are the shortest, and nothing is mirrored."""
    placement = placed("glycine", Z, Z, f"{Z}{'ai'[Z - 1]}")
    a, b, c = lengths
    lattice = np.array([[a, 0, 0], [shears[0] * a, b, 0], [shears[1] * a, shears[2] * b, c]])
    random = np.random.default_rng(seed)
    rotation, centre = Rotation.random(random_state=seed).as_matrix(), random.uniform(-3, 3, 3)
    hits = Hits.of(np.zeros(1, int), np.zeros((1, 1), int), np.array([[*lattice.ravel(), *rotation.ravel(), *centre]]))
    [structure] = Finisher(placement).structures(hits)
    cell = whole_cell(placement.molecule, placement.crystal, lattice, [(placement.coordinates[0] @ rotation.T, centre)])
    assert smooth_sum(structure, 10, 6.0) == pytest.approx(smooth_sum(cell, 10, 6.0), rel=1e-7)
    made = structure.lattice
    assert (made[np.triu_indices(3, 1)] == 0).all()
    assert (np.diag(made) > 0).all()
    assert np.linalg.det(made) == pytest.approx(a * b * c, rel=1e-9)
    assert np.linalg.norm(made, axis=1) == pytest.approx(
        np.linalg.norm(spglib.niggli_reduce(lattice), axis=1), rel=1e-6
    )
    centres = structure.positions.reshape(Z, 10, 3).mean(axis=1) @ np.linalg.inv(made)
    assert centres.min() > -1e-5 and centres.max() < 1 + 1e-5
    # The first molecule has the hand of the input: distances to three of its atoms and the side of their plane.
    given_hand, made_hand = (
        np.linalg.det(points[[1, 3, 7]] - points[8]) for points in (placement.molecule.positions, structure.positions)
    )
    assert made_hand == pytest.approx(given_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "Z", "group", "wyckoff"), [("glycine", 9, 146, "9b"), ("benzene", 2, 65, "2a"), ("urea", 4, 5, "2a+2b")]
)
def test_centred_cells_are_not_made_primitive(name, Z, group, wyckoff):
    placement = placed(name, Z, group, wyckoff)
    hits = drawn(placement, 3, 100.0 * Z)
    for structure, lattice in zip(Finisher(placement).structures(hits), hits.lattices, strict=True):
        assert len(structure) == Z * len(placement.molecule)
        assert structure.properties["Z"] == Z
        assert structure.cell_volume == pytest.approx(np.linalg.det(lattice), rel=1e-9)
        numbers = [ord(name[0]) for name in structure.species]
        primitive = spglib.find_primitive((structure.lattice, structure.fractional, numbers), symprec=1e-3)
        assert len(primitive[2]) < len(structure)


def test_a_structure_tells_what_it_is():
    placement = placed("benzene", 4, 14, "2a+2b")
    [structure] = Finisher(placement).structures(drawn(placement, 1, 500.0))
    properties = structure.properties
    expected = {
        "Z": 4,
        "number_of_atoms_in_molecule": 12,
        "attempted_spg": 14,
        "attempted_wyckoff_position": "2a+2b",
        "site_symmetry_group": "-1+-1",
        "spg": 14,
    }
    assert {key: properties[key] for key in expected} == expected
    assert all(type(value) in (int, float, str) for value in properties.values())
    assert properties["unit_cell_volume"] == properties["cell_vol"] == pytest.approx(structure.cell_volume, rel=1e-12)
    cell = [properties[key] for key in ("a", "b", "c", "alpha", "beta", "gamma")]
    assert cell == pytest.approx(structure.cell_parameters, rel=1e-9)


@pytest.mark.parametrize("error", [2e-6, 1e-3, 1.0, np.nan])
def test_a_molecule_that_came_out_changed_is_an_error(error):
    placement = placed("glycine", 4, 14, "4e")
    hits = drawn(placement, 3, 400.0)
    assert len(Finisher(placement).structures(hits)) == 3
    hits.rotations[1] *= 1 + error
    with pytest.raises(GenarrisError, match=r"space group 14, .*a molecule came out changed by .*please report this"):
        Finisher(placement).structures(hits)


def test_no_hits_give_no_structures():
    placement = placed("benzene", 4, 14, "2a+2b")
    hits = Hits.of(*placement.sampler.draw(0, 0, 5, 5, 150.0, 0.0)[1:])
    assert len(hits) == 0
    assert hits.rotations.shape == (0, 2, 3, 3)
    assert Finisher(placement).structures(hits) == []


def test_what_is_known_of_the_molecules_atoms_is_repeated_in_every_copy():
    """Moments, charges and constraints reach each copy of the molecule, and so the geometry.in of FHI-aims."""
    molecule = named("SO2")
    molecule.properties = {
        "initial_moments": [1.0, None, 0.5],
        "initial_charges": [None, 0.1, None],
        "fixed_atoms": [2],
    }
    for structure in generate(molecule, 4, 14, 2, 240.0, 5.0, seed=1).structures:
        about = structure.properties
        assert about["initial_moments"] == [1.0, None, 0.5] * 4 and about["initial_charges"] == [None, 0.1, None] * 4
        assert about["fixed_atoms"] == [2, 5, 8, 11]
        text = format_geometry_in(structure, header=False)
        for line, times in (("initial_moment 1.0", 4), ("initial_charge 0.1", 4), ("constrain_relaxation .true.", 4)):
            assert text.count(line) == times
    assert "initial_moments" not in generate(named("SO2"), 4, 14, 1, 240.0, 5.0, seed=1).structures[0].properties
