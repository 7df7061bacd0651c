import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import spglib
from crystal_contacts import assert_sound, inner_distances
from generation_molecules import DATA, argon, bent, chiral, from_ase, stored
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule
from genarris_fw.crystal.point_groups import point_group
from genarris_fw.errors import InputError
from genarris_fw.generation import compatible_sites, cutoff_matrix, generate
from genarris_fw.generation.sites import ANY_ROTATION, FIXED, SPIN, place
from genarris_fw.generation.space_groups import candidates, space_group


def test_benzene_with_two_molecules_has_the_94_groups_of_genarris():
    golden = json.loads((DATA / "generation_benzene_sites.json").read_text())["sites"]
    expected = {(int(number), *site) for number, sites in golden.items() for site in sites}
    found = compatible_sites(stored("benzene"), 2, 1e-3)
    assert {(s.space_group, s.wyckoff, s.site_symmetry) for s in found} == expected
    assert len(found) == len(expected)
    assert len({s.space_group for s in found}) == 94


def test_urea_finds_the_site_of_its_crystal():
    site = next(s for s in compatible_sites(stored("urea"), 2) if s.space_group == 113)
    assert (site.wyckoff, site.site_symmetry, site.freedom) == ("2c", "mm2", FIXED)
    # Its plane on either mirror, its oxygen up or down.
    assert len(site.orientations) == 4


def test_a_molecule_without_symmetry_takes_general_positions_only():
    sites = compatible_sites(stored("glycine"), 4)
    assert {s.site_symmetry for s in sites} == {"1"}
    assert all(s.freedom == ANY_ROTATION for s in sites)
    assert len(sites) == len({s.space_group for s in sites}) == 26
    assert {14, 19, 33, 76} <= {s.space_group for s in sites}


@pytest.mark.parametrize(
    ("name", "subgroups"),
    [
        ("benzene", "1 -1 2 m 2/m 222 mm2 mmm 3 -3 32 3m -3m 6 -6 6/m 622 6mm -6m2 6/mmm"),
        ("urea", "1 2 m mm2"),
        ("glycine", "1"),
    ],
)
@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 8, 12, 24])
def test_sites_are_those_whose_point_group_is_a_subgroup(name, subgroups, number):
    """The classification by symbol alone: every subgroup of these point groups is in the list of its type."""
    expected = {
        (group, f"{number}{position.letter}")
        for group in range(1, 231)
        for position in space_group(group).positions
        if position.multiplicity == number and position.site_symmetry in subgroups.split()
    }
    found = compatible_sites(stored(name), number, 1e-2)
    assert {(s.space_group, s.wyckoff) for s in found} == expected


def test_all_wyckoff_positions_of_all_groups():
    positions = [p for number in range(1, 231) for p in space_group(number).positions]
    assert len(positions) == 1731
    for number in range(1, 231):
        crystal = space_group(number)
        for position in crystal.positions:
            stabiliser = crystal.stabiliser(position.point)
            assert len(stabiliser) * position.multiplicity == len(crystal)
        assert Counter(p.letter for p in crystal.positions).most_common(1)[0][1] == 1


@pytest.mark.parametrize("number", [2, 14, 61, 113, 148, 167, 194, 220, 227])
def test_letters_are_those_of_spglib(number):
    """One atom on each special position, together with atoms in general positions, labelled by spglib."""
    crystal = space_group(number)
    cell = {0: [9, 10, 11, 80, 95, 105], 1: [9, 10, 11, 90, 105, 90], 2: [9, 10, 11, 90, 90, 90]}
    lengths = cell.get(crystal.lattice_system, [20, 20, 23, 90, 90, 90])
    if crystal.lattice_system == 4:
        lengths = [20, 20, 23, 90, 90, 120]
    if crystal.lattice_system == 5:
        lengths = [25, 25, 25, 90, 90, 90]
    from ase.geometry import cellpar_to_cell

    lattice = cellpar_to_cell(lengths)
    general = [[0.061, 0.137, 0.218], [0.413, 0.084, 0.318], [0.284, 0.372, 0.043]]
    points, kinds = [], []
    sites = [np.array(g) for g in general]
    sites += [p.origin + np.array([0.193, 0.3718, 0.1175])[: len(p.basis)] @ p.basis for p in crystal.positions]
    for kind, site in enumerate(sites):
        for image in crystal.images(site) % 1:
            own = [p for p, k in zip(points, kinds) if k == kind]
            if not own or (np.abs((image - own + 0.5) % 1 - 0.5).max(axis=1) > 1e-6).all():
                points.append(image)
                kinds.append(kind)
    data = spglib.get_symmetry_dataset((lattice, points, kinds), symprec=1e-5)
    assert data.number == number
    # The origin that spglib takes may differ by a symmetry of the group: then letters are exchanged among each other.
    found = sorted(data.wyckoffs[kinds.index(k + 3)] for k in range(len(crystal.positions)))
    assert found == sorted(p.letter for p in crystal.positions)
    for k, position in enumerate(crystal.positions):
        assert kinds.count(k + 3) == position.multiplicity


@pytest.mark.parametrize("name", ["benzene", "urea"])
def test_placed_molecules_have_the_site_symmetry_exactly(name):
    molecule = stored(name)
    distances = np.linalg.norm(molecule.positions[:, None] - molecule.positions, axis=2)
    for site in compatible_sites(molecule, 2, 1e-3):
        for points in place(molecule, site):
            for operation in site.operations:
                gaps = np.linalg.norm((points @ operation.T)[:, None] - points, axis=2)
                assert gaps.min(axis=1).max() < 1e-9
            assert np.abs(np.linalg.norm(points[:, None] - points, axis=2) - distances).max() < 2e-3


def test_a_slightly_bent_molecule_is_symmetrised_within_the_tolerance():
    molecule = stored("urea")
    bent = Molecule(molecule.species, molecule.positions + np.random.default_rng(1).uniform(-2e-3, 2e-3, (8, 3)))
    assert not [s for s in compatible_sites(bent, 2, 1e-4) if s.space_group == 113]
    site = next(s for s in compatible_sites(bent, 2, 1e-2) if s.space_group == 113)
    for rotation, points in zip(site.orientations, place(bent, site)):
        moved = (bent.positions - bent.positions.mean(axis=0)) @ rotation.T - points
        assert np.linalg.norm(moved, axis=1).max() < 1e-2
        for operation in site.operations:
            assert np.linalg.norm((points @ operation.T)[:, None] - points, axis=2).min(axis=1).max() < 1e-9


def test_orientations_do_not_repeat_and_do_not_depend_on_how_the_molecule_lies():
    molecule = stored("benzene")
    turned = Molecule(molecule.species, Rotation.random(random_state=3).apply(molecule.positions) + 5)
    group = point_group(molecule, 1e-3).operations
    proper = group[np.linalg.det(group) > 0]
    for site, other in zip(compatible_sites(molecule, 2, 1e-3), compatible_sites(turned, 2, 1e-3), strict=True):
        assert site == other
        assert site.freedom == other.freedom
        assert len(site.orientations) == len(other.orientations)
        if site.freedom == FIXED:
            for i, rotation in enumerate(site.orientations):
                for second in site.orientations[:i]:
                    assert np.abs(second @ proper - rotation).max(axis=(1, 2)).min() > 0.1
        if site.freedom == SPIN:
            directions = site.orientations.transpose(0, 2, 1) @ site.axis
            assert (directions @ directions.T - np.eye(len(directions)) < 0.99).all()


def test_linear_molecules_and_atoms_reach_the_symmetric_sites():
    carbon_dioxide = from_ase("CO2")
    sites = {(s.space_group, s.wyckoff): s for s in compatible_sites(carbon_dioxide, 4)}
    assert sites[205, "4a"].site_symmetry == "-3"  # dry ice
    assert sites[205, "4a"].freedom == SPIN
    sites = compatible_sites(Molecule(["Ar"], [[1.0, 2.0, 3.0]]), 4)
    assert (225, "4a", "m-3m") in {(s.space_group, s.wyckoff, s.site_symmetry) for s in sites}


@pytest.mark.parametrize("amount", [2e-3, 5e-3])
@pytest.mark.parametrize(("name", "Z", "group", "wyckoff"), [("benzene", 2, 14, "2a"), ("urea", 2, 113, "2c")])
def test_a_bent_molecule_has_its_sites_within_tol_but_is_not_used_unless_that_is_allowed(
    name, Z, group, wyckoff, amount
):
    molecule = bent(stored(name), amount)
    [site] = [s for s in compatible_sites(molecule, Z, 2.5e-2, [group]) if s.wyckoff == wyckoff]
    # An atom is moved by about as much as it was moved away.
    assert 1e-3 < site.deformation < 2 * amount
    placed = place(molecule, site)
    centred = molecule.positions - molecule.positions.mean(axis=0)
    moved = np.linalg.norm(placed - centred @ site.orientations.transpose(0, 2, 1), axis=2)
    assert site.deformation == pytest.approx(moved.max())
    volume = {"benzene": 260.0, "urea": 150.0}[name]
    for mode in ("rejection", "packing", "auto"):
        arguments = {"mode": mode, "tol": 2.5e-2, "seed": 1}
        with pytest.raises(InputError, match=r"more than max_deformation = 0\.001 Å") as raised:
            generate(molecule, Z, group, 2, volume, 5.0, **arguments)
        assert f"would be moved by {site.deformation:.2g} Å" in str(raised.value)
        assert "\n" not in str(raised.value)
        with pytest.raises(InputError, match="more than max_deformation"):
            generate(molecule, Z, group, 2, volume, 5.0, max_deformation=0.9 * site.deformation, **arguments)
        made = generate(molecule, Z, group, 3, volume, 5.0, max_deformation=1.01 * site.deformation, **arguments)
        assert len(made.structures) == 3
        for structure in made.structures:
            cutoffs = cutoff_matrix(molecule, 0.85)
            assert_sound(structure, molecule, Z, group, cutoffs, unchanged=2 * site.deformation)
            assert (
                np.abs(inner_distances(structure.positions.reshape(Z, -1, 3)[:1]) - inner_distances(centred)).max()
                > 1e-4
            )


def test_general_positions_take_a_bent_molecule_as_it_is():
    molecule = bent(stored("benzene"), 5e-3)
    [site] = compatible_sites(molecule, 4, 1e-2, [14])
    assert (site.wyckoff, site.deformation) == ("4e", 0.0)
    made = generate(molecule, 4, 14, 3, 500.0, 5.0, mode="packing")
    for structure in made.structures:
        assert_sound(structure, molecule, 4, 14, cutoff_matrix(molecule, 0.85), unchanged=1e-6)


def test_only_the_sites_that_bend_too_much_are_left_out():
    """Urea with its twofold axis kept: sites on an axis are as good as before, sites on a mirror plane are not."""
    urea = stored("urea")
    moves = bent(urea, 4e-3).positions - urea.positions
    half_turn = np.diag([-1.0, -1.0, 1.0])
    partner = [0, 1, 3, 2, 5, 4, 7, 6]
    assert np.abs(urea.positions @ half_turn - urea.positions[partner]).max() < 1e-9
    molecule = Molecule(urea.species, urea.positions + (moves + moves[partner] @ half_turn) / 2)
    deformed = {s.wyckoff: (s.site_symmetry, s.deformation) for s in compatible_sites(molecule, 2, 2e-2, [10])}
    assert set(deformed) == {"2i", "2j", "2k", "2l", "2m", "2n"}
    for symmetry, deformation in deformed.values():
        assert deformation < 1e-9 if symmetry == "2" else deformation > 1e-3
    made = generate(molecule, 2, 10, 6, 220.0, 5.0, mode="packing", tol=2e-2)
    assert {s.properties["site_symmetry_group"] for s in made.structures} == {"2"}
    every = generate(molecule, 2, 10, 40, 220.0, 5.0, mode="packing", tol=2e-2, max_deformation=2e-2)
    assert {s.properties["site_symmetry_group"] for s in every.structures} == {"2", "m"}


@pytest.mark.parametrize("name", ["benzene", "urea", "naphthalene", "tetracene"])
def test_molecules_as_they_are_stored_are_symmetric_enough(name):
    """The limit of `generate` lets calculated and tabulated geometries pass."""
    sites = [site for Z in (1, 2, 4) for site in compatible_sites(stored(name), Z, 1e-2)]
    assert len(sites) > 50
    assert max(site.deformation for site in sites) < 1e-3
    assert {site.deformation for site in sites if site.site_symmetry == "1"} == {0.0}


def test_a_flat_molecule_lies_flat_on_a_threefold_axis_with_a_mirror():
    flat = from_ase("BF3")
    assert np.abs(flat.positions[:, 2]).max() < 1e-9
    sites = [s for s in compatible_sites(flat, 1, 1e-2, [174, 187]) if s.site_symmetry.startswith("-6")]
    assert len(sites) == 12
    for site in sites:
        for points in place(flat, site):
            assert np.abs(points[:, 2]).max() < 1e-9
    # Any plane of symmetry will do for a mirror: the molecule's own plane or one that holds a bond.
    mirror = [s for s in compatible_sites(flat, 2, 1e-2, [11]) if s.site_symmetry == "m"]
    spreads = [np.ptp(points @ site.axis) for site in mirror for points in place(flat, site)]
    assert min(spreads) < 1e-9 and max(spreads) > 1


def test_a_linear_molecule_lies_along_axes():
    polar, symmetric = from_ase("HCN"), from_ase("CO2")
    [site] = [s for s in compatible_sites(polar, 2, 1e-2, [44]) if s.wyckoff == "2a"]
    assert site.site_symmetry == "mm2"
    for points in place(polar, site):
        assert np.abs(points[:, :2]).max() < 1e-9
    # Along the polar axis up and down; a molecule with ends alike has one orientation for both.
    assert len({tuple(np.round(points[0], 6)) for points in place(polar, site)}) == 2
    inversion = [s.wyckoff for s in compatible_sites(symmetric, 2, 1e-2, [14])]
    assert inversion == ["2a", "2b", "2c", "2d"]
    assert compatible_sites(polar, 2, 1e-2, [14]) == []


def test_one_atom_takes_every_position():
    atom = argon()
    for multiplicity in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 192):
        sites = compatible_sites(atom, multiplicity)
        assert [(s.space_group, s.wyckoff[-1]) for s in sites] == candidates(multiplicity)
        assert {s.freedom for s in sites} <= {FIXED}
        assert {s.deformation for s in sites} <= {0.0}


def test_a_chiral_molecule_takes_no_site_that_would_mirror_it():
    sites = [s for Z in (1, 2, 4, 8) for s in compatible_sites(chiral(), Z)]
    assert {s.site_symmetry for s in sites} == {"1"}
    # Hydrogen peroxide is twisted: it has an axis, but neither mirror nor inversion.
    sites = [s for Z in (1, 2, 4, 8) for s in compatible_sites(from_ase("H2O2"), Z)]
    assert {s.site_symmetry for s in sites} == {"1", "2"}


@pytest.mark.parametrize("name", ["benzene", "urea", "CO2", "Ar"])
def test_sites_know_their_free_coordinates(name):
    molecule = argon() if name == "Ar" else from_ase(name) if name == "CO2" else stored(name)
    for site in compatible_sites(molecule, 4):
        position = next(p for p in space_group(site.space_group).positions if p.letter == site.wyckoff[-1])
        assert site.parameters == len(position.basis)
        assert site.multiplicity == 4


def test_looking_at_some_groups_finds_what_looking_at_all_finds_there():
    molecule = stored("benzene")
    everywhere = compatible_sites(molecule, 4)
    some = compatible_sites(molecule, 4, space_groups=[205, 14, 61])
    assert some == [s for s in everywhere if s.space_group in (14, 61, 205)]
    assert compatible_sites(molecule, 4, space_groups=[]) == []


@pytest.mark.parametrize("number", [5, 7, 11, 191])
def test_a_number_that_no_group_offers_gives_no_sites(number):
    assert compatible_sites(stored("glycine"), number) == []
    assert compatible_sites(argon(), number) == []
    with pytest.raises(InputError, match=f"space group 14 offers this molecule no site for Z = {number}$"):
        generate(stored("glycine"), number, 14, 1, 80.0 * number, 1.0)


@pytest.mark.parametrize("number", [0, -1, 193, 300, 2.5, True])
def test_impossible_numbers_of_molecules(number):
    with pytest.raises(InputError, match="Z = "):
        compatible_sites(stored("glycine"), number)


def test_a_tolerance_must_be_positive():
    with pytest.raises(InputError):
        compatible_sites(stored("glycine"), 4, 0.0)


def test_the_science_needs_neither_database_nor_farm():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from generation_molecules import stored;"
        "from genarris_fw import clustering, descriptors, engines, generation;"
        "print(len(generation.generate(stored('urea'), 2, 113, 1, 145.0, 7.0).structures));"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pymongo', 'fireworks'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(DATA.parent / "tools")],
        cwd=DATA,  # not the clone: the installed package is meant
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["1", "[]"]
