"""Solid harmonics against their polynomials, finite clusters of charges, and the golden cases' order of components."""

import itertools
import json

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.lattice import multipoles as m
from tests.tools.shared_data import shared

RNG = np.random.default_rng(15)


def orthogonal(improper):
    q, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    return q if (np.linalg.det(q) < 0) == improper else -q


def test_the_harmonics_up_to_rank_3_are_stones_polynomials():
    x, y, z = points = RNG.normal(size=(3, 9))
    r2 = x * x + y * y + z * z
    s3 = np.sqrt(3)
    expected = [
        x**0, z, x, y,
        (3 * z * z - r2) / 2, s3 * x * z, s3 * y * z, s3 / 2 * (x * x - y * y), s3 * x * y,
        (5 * z**3 - 3 * z * r2) / 2, np.sqrt(6) / 4 * x * (5 * z * z - r2), np.sqrt(6) / 4 * y * (5 * z * z - r2),
        np.sqrt(15) / 2 * z * (x * x - y * y), np.sqrt(15) * x * y * z,
        np.sqrt(10) / 4 * (x**3 - 3 * x * y * y), np.sqrt(10) / 4 * (3 * x * x * y - y**3),
    ]  # fmt: skip
    np.testing.assert_allclose(m.regular(points.T, 3), np.transpose(expected), atol=1e-13)
    # The addition theorem holds all ranks to one normalisation: sum over m of R_lm^2 = r^(2 l).
    squares = m.regular(points.T, 6) ** 2
    for l in range(7):  # noqa: E741
        np.testing.assert_allclose(squares[:, l * l : (l + 1) ** 2].sum(axis=1), r2**l, rtol=1e-12)


def test_the_potential_of_a_small_cluster_is_that_of_its_multipoles():
    charges, places = RNG.normal(size=7), 0.05 * RNG.normal(size=(7, 3))
    points = RNG.normal(size=(20, 3))
    points *= 3 / np.linalg.norm(points, axis=1)[:, None]
    direct = m.COULOMB * (1 / np.linalg.norm(points[:, None] - places, axis=2)) @ charges
    origin = np.zeros((1, 3))
    errors = [
        np.abs(m.potential(points, origin, charges[None] @ m.regular(places, rank)) - direct).max() for rank in range(5)
    ]
    assert errors[4] < 1e-3
    assert all(after < before / 5 for before, after in itertools.pairwise(errors))


@pytest.mark.parametrize("improper", [False, True])
def test_turning_the_multipoles_turns_the_charges(improper):
    matrix, charges, places = orthogonal(improper), RNG.normal(size=9), RNG.normal(size=(9, 3))
    before = charges @ m.regular(places, 5)
    np.testing.assert_allclose(m.rotated(before, matrix), charges @ m.regular(places @ matrix.T, 5), atol=1e-11)
    np.testing.assert_allclose(m.rotated(m.rotated(before, matrix), matrix.T), before, atol=1e-11)


def test_shifting_the_multipoles_describes_the_same_charges():
    charges, places, vector = RNG.normal(size=9), RNG.normal(size=(9, 3)), np.array([0.3, -1.2, 2.0])
    before = charges @ m.regular(places, 4)
    np.testing.assert_allclose(
        m.shifted(before, vector), charges @ m.regular(places + vector, 4), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_array_equal(m.shifted(before, np.zeros(3))[0], before[0])


def test_a_number_of_components_that_is_no_square_is_refused():
    with pytest.raises(InputError, match="24 components are no multipoles"):
        m.rotated(np.zeros((2, 24)), np.eye(3))


def test_the_components_of_the_planar_golden_molecule_are_even_in_z():
    # Acrolein lies in the plane z = 0 of its own frame: what is odd in z must be small, what is even need not be.
    case = json.loads((shared("lattice/dmacrys") / "01.lem_fit_AXOSOW.json").read_text())
    values = m.from_atomic_units([site["multipoles"]["components"] for site in case["molecule"]["sites"]])
    kept = m.rotated(values, np.diag([1.0, 1.0, -1.0]))
    assert np.abs(values - kept).max() < 0.02
    assert np.abs(values).max() > 0.2
    # The molecule's dipole from its charges and its sites' dipoles, and its charge.
    places = m.BOHR * np.array([site["position_bohr"] for site in case["molecule"]["sites"]])
    whole = np.sum([m.shifted(value, place) for value, place in zip(values, places)], axis=0)
    assert abs(whole[0]) < 1e-3
    np.testing.assert_allclose(
        whole[1:4], (values[:, :1] * places[:, [2, 0, 1]] + values[:, 1:4]).sum(axis=0), atol=1e-12
    )
