import numpy as np
import pytest
from generation_molecules import from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.stats import qmc

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.generation import estimate_volume, volume_estimate
from genarris_fw.generation.volume import FRAGMENT_COEFFICIENTS, union_volume


def test_relaxed_benzene_has_the_volume_that_genarris_printed():
    estimate = volume_estimate(stored("benzene"))
    assert 2 * estimate.volume == pytest.approx(242.852264, rel=5e-4)
    assert estimate.vdw_volume == pytest.approx(83.771, rel=5e-4)
    assert estimate.fragments == {"HC": 6, "HCCC": 6}
    assert estimate.unknown_fragments == []
    assert estimate.packing_volume == pytest.approx(estimate.vdw_volume / 0.70)


@pytest.mark.parametrize(
    ("name", "vdw", "volume"),
    [("CH3COOH", 55.80, 82.75), ("C5H5N", 78.83, 116.97), ("C4H4S", 74.61, 107.65), ("H2O", 19.37, 19.88)],
)
def test_molecules_of_ase(name, vdw, volume):
    # Golden values of an independent code on a coarse grid, good to about 0.2 %.
    estimate = volume_estimate(from_ase(name))
    assert estimate.vdw_volume == pytest.approx(vdw, rel=2.5e-3)
    assert estimate.volume == pytest.approx(volume, rel=3e-3)


def test_water_has_an_unknown_fragment_and_keeps_its_terminal_ones():
    estimate = volume_estimate(from_ase("H2O"))
    assert estimate.fragments == {"HHO": 1, "HO": 2}
    assert estimate.unknown_fragments == ["HHO"]


def test_nitro_oxygen_is_the_key_ON_with_its_coefficient():
    nitromethane = from_ase("CH3NO2")
    estimate = volume_estimate(nitromethane)
    assert estimate.fragments["ON"] == 2
    assert all(isinstance(key, str) for key in estimate.fragments)
    assert FRAGMENT_COEFFICIENTS["ON"] == -2.44819463
    assert len(FRAGMENT_COEFFICIENTS) == 63


def test_union_of_two_overlapping_spheres_is_exact():
    radius, other, distance = 1.7, 1.2, 1.1
    lens = (
        np.pi
        * (radius + other - distance) ** 2
        * (distance**2 + 2 * distance * (radius + other) - 3 * (radius - other) ** 2)
        / (12 * distance)
    )
    exact = 4 / 3 * np.pi * (radius**3 + other**3) - lens
    centres = np.array([[0, 0, 0], [0.3, 0.4, np.sqrt(distance**2 - 0.25)]])
    assert union_volume(centres, np.array([radius, other])) == pytest.approx(exact, rel=2e-4)


def test_agrees_with_quasi_monte_carlo():
    molecule = stored("aspirin")
    radii = np.array([{"H": 1.2, "C": 1.7, "O": 1.52}[name] for name in molecule.species])
    low, high = (molecule.positions - radii[:, None]).min(axis=0), (molecule.positions + radii[:, None]).max(axis=0)
    points = qmc.scale(qmc.Sobol(3, seed=1).random_base2(17), low, high)
    inside = np.zeros(len(points), dtype=bool)
    for centre, radius in zip(molecule.positions, radii):
        inside |= ((points - centre) ** 2).sum(axis=1) < radius**2
    assert union_volume(molecule.positions, radii) == pytest.approx(inside.mean() * np.prod(high - low), rel=2e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(["benzene", "glycine", "urea", "aspirin"]))
def test_turning_and_moving_a_molecule_changes_nothing(seed, name):
    molecule = stored(name)
    random = np.random.default_rng(seed)
    turned = Rotation.random(random_state=seed).apply(molecule.positions) + random.normal(size=3) * 10
    order = random.permutation(len(molecule))
    other = Molecule([molecule.species[i] for i in order], turned[order])
    assert estimate_volume(other) == pytest.approx(estimate_volume(molecule), rel=5e-4)
    assert volume_estimate(other).fragments == volume_estimate(molecule).fragments


def test_what_cannot_be_estimated_is_an_input_error():
    with pytest.raises(InputError, match="without atoms"):
        estimate_volume(Molecule([], []))
    with pytest.raises(InputError, match="radius"):
        estimate_volume(Molecule(["Pm", "H"], [[0, 0, 0], [0, 0, 1.6]]))
