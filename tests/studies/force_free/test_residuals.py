"""What a field lacks at a point, against fields whose divergence, current and force are known."""

import numpy as np
import pytest

from genarris_fw.studies.force_free.network.residuals import FORCE_TERMS, divergence_residual, force_residual


def residuals(field, jacobian, term="sin2", weight=1.0):
    """Divergence, force and their gradient, of one point: jacobian[i, k] is the derivative of component i by k."""
    field = np.array([field], dtype=float)
    by_coordinate = np.array(jacobian, dtype=float).T[:, None, :]
    adjoint = np.zeros((4, 1, 3))
    divergence = divergence_residual(by_coordinate, np.array([weight]), adjoint[1:])
    return divergence, force_residual(field, by_coordinate, term, weight, adjoint), adjoint


@pytest.mark.parametrize("term", FORCE_TERMS)
def test_a_linear_force_free_field_lacks_nothing(term):
    """B = (sin az, cos az, 0): curl B = a B."""
    a, z = 1.7, 0.4
    s, c = np.sin(a * z), np.cos(a * z)
    divergence, force, adjoint = residuals([s, c, 0.0], [[0, 0, a * c], [0, 0, -a * s], [0, 0, 0]], term)
    assert divergence == 0.0
    assert force < 1e-30
    assert np.abs(adjoint).max() < 1e-15


@pytest.mark.parametrize(("term", "force"), [("sin2", 1.0), ("sin1", 2.5 * 2.0), ("lorentz", 2.5**2)])
def test_a_field_across_its_current(term, force):
    """B = (2, 2.5 x, 0) at x = 0: J = (0, 0, 2.5), at a right angle to B."""
    found = residuals([2.0, 0.0, 0.0], [[0, 0, 0], [2.5, 0, 0], [0, 0, 0]], term)
    assert found[0] == 0.0
    assert found[1] == pytest.approx(force)


def test_divergence_is_the_trace():
    divergence, _, adjoint = residuals([1, 2, 3], np.diag([1.0, 2.0, 4.0]), weight=0.5)
    assert divergence == 24.5
    assert np.diagonal(adjoint[1:, 0]).tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("term", FORCE_TERMS)
@pytest.mark.parametrize(("field", "jacobian"), [([1, 2, 3], np.diag([1, 1, -2])), ([0, 0, 0], np.zeros((3, 3)))])
def test_no_current_and_no_field_have_no_force(term, field, jacobian):
    _, force, adjoint = residuals(field, jacobian, term)
    assert force == 0.0
    assert np.isfinite(adjoint).all()
