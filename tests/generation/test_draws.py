"""What single draws are made of: random numbers, cells, orientations, positions."""

import numpy as np
import pytest
from genarris_fw._kernels.generator import random_numbers, random_rotations
from generation_molecules import from_ase, stored
from scipy.stats import kstest

from genarris_fw.crystal import Molecule
from genarris_fw.generation import compatible_sites
from genarris_fw.generation.placement import Placement

ATOM = Molecule(["He"], [[0.0, 0.0, 0.0]])


def draws(space_group, number, volume, std=0.0, n=4000, molecule=ATOM, cutoff=0.3, seed=5):
    sites = compatible_sites(molecule, number, 1e-3, [space_group])
    placement = Placement(molecule, number, sites, np.full((len(molecule), len(molecule)), cutoff))
    _, numbers, chosen, orientations, geometry = placement.sampler.draw(seed, 0, n, n, volume, std)
    return placement, numbers, chosen, orientations, geometry


@pytest.mark.parametrize(("seed", "group", "draw"), [(0, 1, 0), (12345678901234567890, 230, 9_876_543_210)])
def test_the_random_numbers_are_those_of_numpy(seed, group, draw):
    bits = np.random.Philox(key=np.array([seed, group], dtype=np.uint64), counter=[0, draw, 0, 0])
    assert (random_numbers(seed, group, draw, 23) == bits.random_raw(23)).all()


def test_rotations_are_uniform():
    rotations = random_rotations(3, 40_000)
    assert np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(rotations) == pytest.approx(np.ones(len(rotations)))
    angles = np.arccos(np.clip((np.trace(rotations, axis1=1, axis2=2) - 1) / 2, -1, 1))
    # Haar measure: the angle has the distribution (angle - sin angle) / pi.
    assert kstest(angles, lambda t: (t - np.sin(t)) / np.pi).pvalue > 1e-3
    assert (angles < np.pi / 3).mean() == pytest.approx(0.0577, abs=0.004)
    # Each matrix element is the cosine of a direction uniform on the sphere.
    for element in rotations.reshape(-1, 9).T:
        assert kstest(element, "uniform", args=(-1, 2)).pvalue > 1e-4


def test_accepted_orientations_of_a_loose_crystal_are_uniform():
    # Nothing is rejected in so large a cell, so nothing may bias the orientations.
    _, numbers, _, _, geometry = draws(4, 2, 5e4, molecule=stored("glycine"), cutoff=0.01)
    assert len(numbers) > 3990
    rotations = geometry[:, 6:15].reshape(-1, 3, 3)
    angles = np.arccos(np.clip((np.trace(rotations, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert kstest(angles, lambda t: (t - np.sin(t)) / np.pi).pvalue > 1e-3


@pytest.mark.parametrize(
    ("space_group", "number"),
    [
        *[(1, 1), (2, 2), (14, 4), (15, 8), (19, 4), (70, 32), (76, 4), (142, 32)],
        *[(146, 9), (167, 36), (169, 6), (194, 24), (198, 12), (230, 96)],
    ],
)
def test_every_lattice_system_has_the_volume_asked_for(space_group, number):
    placement, _, _, _, geometry = draws(space_group, number, 1000.0, n=200)
    volumes = geometry[:, 0] * geometry[:, 2] * geometry[:, 5]
    assert len(volumes) > 20
    assert volumes == pytest.approx(np.full(len(volumes), 1000.0), rel=1e-12)
    structure = placement.structure(0, 0, geometry[0])
    assert structure.cell_volume == pytest.approx(1000.0, rel=1e-9)
    assert len(structure) == number


def test_volumes_are_normal_and_redrawn_every_time():
    *_, geometry = draws(1, 1, 500.0, std=40.0)
    volumes = geometry[:, 0] * geometry[:, 2] * geometry[:, 5]
    assert len(set(volumes)) == len(volumes)
    assert kstest(volumes, "norm", args=(500.0, 40.0)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("space_group", "number", "fixed"),
    [
        (3, 2, "ax by cz cx"),
        (16, 4, "ax by cz"),
        (75, 4, "a=b"),
        (143, 3, "a=b hexagonal"),
        (195, 12, "a=b=c"),
    ],
)
def test_cells_keep_the_shape_of_their_system(space_group, number, fixed):
    *_, geometry = draws(space_group, number, 800.0, n=500)
    ax, bx, by, cx, cy, cz = geometry[:, :6].T
    assert (cy == 0).all()
    assert (cx == 0).all() == ("cx" not in fixed)
    if "hexagonal" in fixed:
        assert bx == pytest.approx(-ax / 2)
        assert by == pytest.approx(ax * np.sqrt(0.75))
    else:
        assert (bx == 0).all()
    if fixed.startswith("a=b") and "hexagonal" not in fixed:
        assert by == pytest.approx(ax)
    if "=c" in fixed:
        assert cz == pytest.approx(ax)
    else:
        assert np.ptp(cz / ax) > 0.5


def test_the_oblique_cells_of_naphthalene_and_anthracene_are_drawn():
    *_, geometry = draws(14, 4, 360.0, n=4000)
    beta = np.degrees(np.arctan2(geometry[:, 5], geometry[:, 3]))
    assert ((beta > 122) & (beta < 128)).mean() > 0.02
    assert beta.min() < 50
    assert beta.max() > 130


def test_positions_fill_the_cell_or_the_free_parameters_of_the_site():
    *_, geometry = draws(1, 1, 500.0)
    for coordinate in geometry[:, 15:].T:
        assert kstest(coordinate, "uniform").pvalue > 1e-3
    urea = stored("urea")
    *_, orientations, geometry = draws(113, 2, 4000.0, molecule=urea, cutoff=0.1)
    assert (geometry[:, 15] == 0).all()
    assert (geometry[:, 16] == 0.5).all()
    assert kstest(geometry[:, 17], "uniform").pvalue > 1e-3
    counts = np.bincount(orientations, minlength=4)
    assert counts == pytest.approx(np.full(4, len(orientations) / 4), rel=0.15)
    assert (geometry[:, 6:15].reshape(-1, 3, 3) == np.eye(3)).all()


def test_a_spin_is_uniform_about_the_axis_of_the_site():
    placement, _, sites, _, geometry = draws(5, 2, 4000.0, molecule=from_ase("H2O"), cutoff=0.1)
    axis = placement.sites[0].axis
    assert np.abs(axis) == pytest.approx([0, 1, 0])
    rotations = geometry[:, 6:15].reshape(-1, 3, 3)
    assert rotations @ axis == pytest.approx(np.tile(axis, (len(rotations), 1)))
    angles = np.arctan2(rotations[:, 0, 2], rotations[:, 0, 0]) % (2 * np.pi)
    assert kstest(angles / (2 * np.pi), "uniform").pvalue > 1e-3
    assert np.bincount(sites) == pytest.approx([len(sites) / 2] * 2, rel=0.1)
