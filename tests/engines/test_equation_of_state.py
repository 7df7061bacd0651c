"""Equations of state and the Delta gauge."""

from __future__ import annotations

import numpy as np
import pytest
from ase.collections import dcdft
from ase.eos import EquationOfState as ASEEquationOfState
from ase.eos import birchmurnaghan
from ase.units import GPa
from ase.utils.deltacodesdft import delta as ase_delta

from genarris_fw.energetics.equation_of_state import EquationOfState, delta, fit, wien2k
from genarris_fw.errors import InputError

SI = EquationOfState(V0=40.906, E0=-15784.3, B0=88.545, B1=4.31)


def close(found: object, expected: object, **tolerance: float) -> None:
    assert pytest.approx(expected, **tolerance) == found


def test_the_curve_is_birch_murnaghans():
    volumes = np.linspace(30, 50, 9)
    expected = birchmurnaghan(volumes, SI.E0, SI.B0 * GPa, SI.B1, SI.V0)
    assert SI.energy(volumes) == pytest.approx(expected, abs=1e-11)


def test_bulk_modulus_and_its_derivative_are_what_they_are_called():
    """By differences: B = V d2E/dV2 at V0 and B1 = dB/dP."""
    h = 0.02
    v = SI.V0 + h * np.arange(-2, 3)
    e = SI.energy(v) - SI.E0
    second = (-e[0] + 16 * e[1] - 30 * e[2] + 16 * e[3] - e[4]) / (12 * h**2)
    third = (e[4] - 2 * e[3] + 2 * e[1] - e[0]) / (2 * h**3)
    assert SI.V0 * second / GPa == pytest.approx(SI.B0, rel=1e-4)
    assert -1 - SI.V0 * third / second == pytest.approx(SI.B1, rel=1e-3)


@pytest.mark.parametrize("points", [4, 7, 12])
def test_exact_data_give_back_the_curve(points):
    volumes = SI.V0 * np.linspace(0.94, 1.06, points)
    found = fit(volumes, SI.energy(volumes))
    close(found.V0, SI.V0, rel=1e-7)
    close(found.E0, SI.E0, abs=1e-8)
    close(found.B0, SI.B0, rel=1e-5)
    close(found.B1, SI.B1, rel=1e-3)
    assert found.residual < 1e-9


def test_the_order_of_the_points_does_not_matter():
    volumes = SI.V0 * np.linspace(0.94, 1.06, 7)
    energies = SI.energy(volumes) + 1e-5 * np.sin(np.arange(7))
    order = np.random.default_rng(1).permutation(7)
    one, other = fit(volumes, energies), fit(volumes[order], energies[order])
    close(other.V0, one.V0, rel=1e-10)
    close(other.B0, one.B0, rel=1e-8)


def test_noisy_data_agree_with_ases_fit():
    """ASE fits the same function by nonlinear least squares."""
    volumes = SI.V0 * np.linspace(0.94, 1.06, 9)
    energies = SI.energy(volumes) - SI.E0 + 1e-4 * np.cos(5.0 * np.arange(9))
    found = fit(volumes, energies)
    other = ASEEquationOfState(volumes, energies, eos="birchmurnaghan")
    v0, e0, b0 = other.fit()
    close(found.V0, v0, rel=1e-5)
    close(found.E0, e0, abs=1e-7)
    close(found.B0, b0 / GPa, rel=1e-4)
    assert found.residual == pytest.approx(7e-5, rel=0.5)


def test_the_residual_is_that_of_the_points():
    volumes = SI.V0 * np.linspace(0.94, 1.06, 9)
    energies = SI.energy(volumes) + 1e-3 * np.cos(5.0 * np.arange(9))
    found = fit(volumes, energies)
    assert found.residual == pytest.approx(float(np.sqrt(np.mean((found.energy(volumes) - energies) ** 2))))


@pytest.mark.parametrize(
    ("volumes", "energies", "words"),
    [
        ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], "4 different volumes, not 3"),
        ([1.0, 2.0, 2.0, 3.0], [1.0, 0.0, 0.0, 1.0], "4 different volumes, not 3"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 1.0], "one energy per volume"),
        ([1.0, 2.0, 3.0, np.nan], [1.0, 0.0, 1.0, 2.0], "finite"),
        ([-1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 1.0, 2.0], "positive"),
        ([10.0, 11.0, 12.0, 13.0, 14.0], [5.0, 4.0, 3.1, 2.3, 1.6], "no minimum between 10 and 14"),
        ([10.0, 11.0, 12.0, 13.0, 14.0], [1.0, 2.0, 2.5, 2.0, 1.0], "no minimum"),
    ],
)
def test_data_that_are_no_equation_of_state_are_refused(volumes, energies, words):
    with pytest.raises(InputError, match=words):
        fit(volumes, energies)


@pytest.mark.parametrize(("one", "other"), [("Al", "Si"), ("Cu", "Ni"), ("Na", "Mg")])
def test_delta_is_ases(one, other):
    """ASE has an implementation of its own; a midpoint rule in 100 points, hence the tolerance."""
    a, b = wien2k(one), wien2k(other)
    expected = 1000 * ase_delta(a.V0, a.B0 * GPa, a.B1, b.V0, b.B0 * GPa, b.B1, symmetric=True)
    assert delta(a, b) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("element", ["Al", "Si", "Cu", "Fe"])
def test_delta_of_experiment_against_wien2k_is_ases(element):
    values = dcdft.data[element]
    experiment = EquationOfState(values["exp_volume"], 0.0, values["exp_B"], values["exp_Bp"])
    expected = 1000 * ase_delta(
        values["exp_volume"],
        values["exp_B"] * GPa,
        values["exp_Bp"],
        values["wien2k_volume"],
        values["wien2k_B"] * GPa,
        values["wien2k_Bp"],
    )
    assert delta(experiment, wien2k(element)) == pytest.approx(expected, rel=1e-3)


def test_delta_of_a_curve_with_itself_is_nothing():
    assert delta(SI, SI) == 0.0
    shifted = EquationOfState(SI.V0, SI.E0 + 3.0, SI.B0, SI.B1)
    assert delta(SI, shifted) == pytest.approx(0.0, abs=1e-8)


def test_delta_is_symmetric_and_per_atom():
    primitive, reference = SI, wien2k("Al")
    expected = delta(primitive.per_atom(2), reference)
    assert delta(primitive, reference, atoms_a=2) == pytest.approx(expected, rel=1e-12)
    assert delta(reference, primitive, atoms_b=2) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(InputError, match="one atom at least"):
        delta(primitive, reference, atoms_a=0)


def test_the_references_are_those_of_the_delta_project():
    """Å3 per atom, GPa, -: as published for WIEN2k."""
    for element, expected in {"Al": (16.480, 78.08, 4.57), "Si": (20.453, 88.55, 4.31)}.items():
        found = wien2k(element)
        close((found.V0, found.B0, found.B1), expected, abs=6e-3)
    with pytest.raises(InputError, match="no WIEN2k reference for 'U'"):
        wien2k("U")
