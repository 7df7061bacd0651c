import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import spglib
from generation_molecules import DATA, from_ase, stored
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule
from genarris_fw.crystal.point_groups import point_group
from genarris_fw.errors import InputError
from genarris_fw.generation import compatible_sites
from genarris_fw.generation.sites import ANY_ROTATION, FIXED, SPIN, place
from genarris_fw.generation.space_groups import space_group


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
            stabiliser = crystal.stabiliser(position)
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


def test_a_number_that_no_group_offers_gives_no_sites():
    assert compatible_sites(stored("glycine"), 7) == []


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
