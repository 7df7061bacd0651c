"""Where the energy of a pair is kept from the Buckingham catastrophe."""

from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.guards import CLOSEST, f6, guard_radius, slope
from genarris_fw.lattice.potentials.potential import Potential

COULOMB = 1389.35457644  # kJ/mol Å/e²


def curve(r, A, B, C, damping=0.0):
    return A * np.exp(-B * r) - (f6(damping * r) if damping else 1.0) * C / r**6


def guarded(r, r0, A, B, C, damping=0.0):
    """What the kernel does of it."""
    at = np.array([r0])
    inside = curve(at, A, B, C, damping) + slope(at, A, B, C, damping) * (r - r0) + 5000.0 * (r - r0) ** 2
    return np.where(r < r0, inside, curve(np.maximum(r, r0), A, B, C, damping))


def pairs_of(name):
    potential = Potential(name)
    types = list(potential._file.types)
    known = [one for one in types if one not in ("N", "N_amine", "Cl", "S")] if name == "UNI" else types
    numbers = potential.parameters(known)
    for i in range(len(known)):
        for j in range(i + 1):
            A, B, C, damping = (matrix[i, j] for matrix in (numbers.A, numbers.B, numbers.C, numbers.damping))
            yield numbers, i, j, numbers.guard[i, j], (A, B, C, damping)


@pytest.mark.parametrize("name", Potential.names())
def test_no_guard_hides_a_well_or_leaves_a_maximum(name):
    r = np.arange(0.3, 8.0, 0.001)
    for numbers, i, j, radius, constants in pairs_of(name):
        pair = (numbers.types[i], numbers.types[j])
        energy = guarded(r, radius, *constants)
        falls = np.diff(energy) < 0.0
        if constants[2] == 0.0:
            assert radius == CLOSEST and falls.all(), pair
            continue
        well = int(np.argmin(energy))
        assert r[well] > radius + 0.3, pair
        assert falls[:well].all() and not falls[well:].any(), pair  # one well, a wall inside, a slope outside
        assert energy[0] > 400.0, pair


@pytest.mark.parametrize("name", Potential.names())
def test_nothing_is_lost_to_charges(name):
    """The strongest attraction that charges of atoms bring (0.5 e on a hydrogen, 0.9 e on an acceptor) finds a wall."""
    r = np.arange(0.2, 6.0, 0.002)
    for numbers, i, j, radius, constants in pairs_of(name):
        energy = guarded(r, radius, *constants) - 0.45 * COULOMB / r
        well = int(np.argmin(energy[r > 0.8])) + int((r <= 0.8).sum())
        assert energy[:well].max() > energy[well] + 400.0, (numbers.types[i], numbers.types[j])


@pytest.mark.parametrize(("A", "B", "C"), [(369746.0, 3.6, 2439.8), (173320.0, 2.9, 11667.0), (12680.0, 3.56, 278.37)])
def test_the_inner_maximum(A, B, C):
    # The smaller root of A B exp(-B r) r^7 = 6 C, here by bisection.
    low, high = 0.01, 7.0 / B
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if A * B * exp(-B * middle) * middle**7 < 6.0 * C else (low, middle)
    assert curve(low, A, B, C) > max(curve(low - 0.01, A, B, C), curve(low + 0.01, A, B, C))
    assert guard_radius(A, B, C) == pytest.approx(max(1.0, 1.12 * low), abs=0.01)


def test_anisotropy_moves_the_guard_outwards():
    numbers = Potential("W99").parameters(["I_01"])
    A, B, C = numbers.A[0, 0], numbers.B[0, 0], numbers.C[0, 0]
    rho = 2 * numbers.rho20[0]  # head on
    assert numbers.guard[0, 0] == guard_radius(A, B, C, rho=rho) > guard_radius(A, B, C) + 0.05
    r = np.arange(numbers.guard[0, 0], 3.0, 0.001)
    assert (slope(r, A * np.exp(B * rho), B, C) < 0.0).all()


@settings(max_examples=60, deadline=None)
@given(st.floats(2.5, 4.5), st.floats(2.8, 4.5), st.floats(0.05, 4.0), st.floats(0.0, 4.0))
def test_any_pair_with_a_well_gets_a_wall(steepness, distance, depth, damping):
    zeta = steepness * distance
    if zeta < 9.0:
        return
    scale = depth / (zeta - 6.0)
    A, B, C = 6.0 * scale * exp(zeta), steepness, zeta * scale * distance**6
    radius = guard_radius(A, B, C, damping)
    r = np.arange(0.2, radius + 0.2, 0.002)
    assert 1.0 <= radius < distance
    assert (np.diff(guarded(r, radius, A, B, C, damping)) < 0.0).all()


@pytest.mark.parametrize(("A", "B", "C"), [(0.0, 3.5, 100.0), (10.0, 3.6, 2400.0)])
def test_two_atoms_that_only_attract_are_refused(A, B, C):
    with pytest.raises(InputError, match=r"mine, C and H: attracted at all distances"):
        guard_radius(A, B, C, pair="mine, C and H")


def test_the_damping_function_and_the_slope():
    x = np.array([0.0, 1e-3, 0.3, 0.999, 1.001, 3.0, 12.0, 60.0])
    # exp(-x) times the rest of the exponential's series: all of its terms are positive, so no digits are lost.
    exact = [exp(-v) * sum(v**k / factorial(k) for k in range(7, 170 if v > 20 else 90)) for v in x]
    np.testing.assert_allclose(f6(x), exact, rtol=1e-12, atol=0)
    r = np.linspace(0.8, 9.0, 50)
    for damping in (0.0, 3.1):
        step = 1e-5
        numeric = (curve(r + step, 2e5, 3.5, 2e3, damping) - curve(r - step, 2e5, 3.5, 2e3, damping)) / (2 * step)
        np.testing.assert_allclose(slope(r, 2e5, 3.5, 2e3, damping), numeric, rtol=1e-6, atol=1e-6)
