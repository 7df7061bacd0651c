"""Fields of Low & Lou 1990 (ApJ 352, 343) against golden numbers, their equation and their symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.low_lou import eigenvalue, generating_function, low_lou_at, low_lou_field
from genarris_fw.studies.force_free.judging.factors import height_factors

ORDERS = st.tuples(st.integers(1, 4), st.integers(0, 3))
POINTS = st.integers(0, 10**6).map(
    lambda seed: np.random.default_rng(seed).uniform(-1, 1, (5, 3)) + np.array([0, 0, 1.5])
)
ANGLES = st.floats(-math.pi, math.pi)


@pytest.mark.parametrize(
    ("n", "m", "a2", "within"),
    [
        # Low & Lou give 0.425 and 2.55 for n = 1; the digits are of a shooting from -1 + 1e-6, by another program.
        (1, 0, 0, 0), (1, 1, 0.4274083768548, 1e-9), (1, 2, 2.5432419, 1e-6), (1, 3, 8.7600553, 1e-6),
        (3, 0, 0, 0), (3, 1, 8.0359211640, 1e-7), (3, 2, 21.3847077, 1e-6), (3, 3, 41.1494, 1e-4),
    ],
)  # fmt: skip
def test_eigenvalues_known_before(n, m, a2, within):
    assert eigenvalue(n, m) == pytest.approx(a2, abs=within)


@pytest.mark.parametrize(("n", "m"), [(1, 4), (2, 1), (4, 3), (7, 2)])
def test_the_solution_has_the_nodes_of_its_order_by_another_equation(n, m):
    """In theta the equation is P'' - cot(theta) P' + (n (n + 1) + a^2 (1 + 1/n) abs(P)^(2/n)) P = 0."""
    a2 = eigenvalue(n, m)

    def slope(theta, state):
        value, first = state
        return first, first / math.tan(theta) - (n * (n + 1) + a2 * (1 + 1 / n) * abs(value) ** (2 / n)) * value

    begin = 1e-5  # from the south pole, where P = 10 (1 - cos(theta)) = 5 theta^2
    solution = solve_ivp(
        slope, (begin, math.pi - 1e-3), (5 * begin**2, 10 * begin), method="LSODA", rtol=1e-10, atol=1e-13
    )
    value = solution.y[0]
    assert np.count_nonzero(np.diff(np.sign(value[1:-1]))) == n - 1 + m
    assert abs(value[-1]) < 1e-4 * abs(value).max()  # zero at the north pole again


@settings(max_examples=15, deadline=None)
@given(ORDERS)
def test_the_generating_function_obeys_its_equation_and_is_even_or_odd(order):
    n, m = order
    a2, function = eigenvalue(n, m), generating_function(n, m)
    mu = np.linspace(-0.999, 0.999, 41)
    value, slope = function(mu)
    h = 1e-5
    below, above = function(mu - h), function(mu + h)
    np.testing.assert_allclose((above[0] - below[0]) / (2 * h), slope, atol=1e-5)
    second = (above[1] - below[1]) / (2 * h)
    rest = (1 - mu**2) * second + n * (n + 1) * value + a2 * (1 + 1 / n) * value * abs(value) ** (2 / n)
    np.testing.assert_allclose(rest, 0, atol=1e-4)
    sign = -1 if (n - 1 + m) % 2 else 1
    np.testing.assert_allclose(function(-mu), (sign * value, -sign * slope), atol=1e-8)
    ends, slopes = function(np.array([-1.0, 1.0]))
    assert (ends == 0).all() and slopes == pytest.approx([10, -10 * sign])


def derivatives_at(function, points, h=1e-4):
    steps = h * np.eye(3)
    return np.stack([(function(points + step) - function(points - step)) / (2 * h) for step in steps], axis=-1)


@settings(max_examples=25, deadline=None)
@given(ORDERS, POINTS, ANGLES)
def test_the_field_has_neither_divergence_nor_force_and_the_alpha_of_its_lines(order, points, phi):
    n, m = order
    depth = 0.3
    field = low_lou_at(n, m, depth, phi, points)
    jacobian = derivatives_at(lambda at: low_lou_at(n, m, depth, phi, at), points)
    size = np.linalg.norm(jacobian, axis=(1, 2))
    assert (abs(np.trace(jacobian, axis1=1, axis2=2)) < 1e-5 * size).all()
    curl = np.stack([jacobian[:, i - 1, i - 2] - jacobian[:, i - 2, i - 1] for i in range(3)], axis=-1)
    # alpha = dQ/dA with A = P / r^n, Q = a abs(A)^(1 + 1/n).
    x, _, z = points.T
    r = np.linalg.norm(points - np.array([0, 0, -depth]), axis=1)
    flux = generating_function(n, m)((x * math.sin(phi) + (z + depth) * math.cos(phi)) / r)[0] / r**n
    alpha = math.sqrt(eigenvalue(n, m)) * (1 + 1 / n) * np.sign(flux) * abs(flux) ** (1 / n)
    assert (abs(curl - alpha[:, None] * field) < 1e-4 * size[:, None]).all()


@settings(max_examples=25, deadline=None)
@given(ORDERS, POINTS, ANGLES, ANGLES, st.floats(0.5, 2))
def test_the_field_is_symmetric_about_its_axis_turns_with_it_and_is_similar_to_itself(order, points, phi, turn, scale):
    n, m = order
    depth = 0.5

    def field(at, angle):
        return low_lou_at(n, m, depth, angle, at)

    source = np.array([0, 0, -depth])
    cos, sin = math.cos(turn), math.sin(turn)
    about_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    upright = field(points, 0.0)
    close = {"rtol": 1e-6, "atol": 1e-6 * abs(upright).max()}
    np.testing.assert_allclose(field((points - source) @ about_z.T + source, 0.0), upright @ about_z.T, **close)
    cos, sin = math.cos(phi), math.sin(phi)
    about_y = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    np.testing.assert_allclose(field((points - source) @ about_y.T + source, phi), upright @ about_y.T, **close)
    farther = field(scale * (points - source) + source, 0.0)
    np.testing.assert_allclose(farther * scale ** (n + 2), upright, **close)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 4), POINTS, ANGLES)
def test_without_currents_the_field_is_its_own_mirror_image(n, points, phi):
    mirror = np.array([1, -1, 1])
    field = low_lou_at(n, 0, 0.3, phi, points)
    np.testing.assert_allclose(low_lou_at(n, 0, 0.3, phi, points * mirror), field * mirror, rtol=1e-9, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(POINTS, ANGLES)
def test_the_first_without_currents_is_a_dipole(points, phi):
    """P = 5 (1 - mu^2): a moment of 5 along the axis, whose field is 3 (m.r) r / r^5 - m / r^3."""
    moment, r = 5 * np.array([math.sin(phi), 0, math.cos(phi)]), points - np.array([0, 0, -0.3])
    size = np.linalg.norm(r, axis=1)[:, None]
    dipole = 3 * (r @ moment)[:, None] * r / size**5 - moment / size**3
    np.testing.assert_allclose(low_lou_at(1, 0, 0.3, phi, points), dipole, atol=1e-9 * abs(dipole).max())


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 2)])
def test_on_the_axis_the_field_is_what_it_is_beside_it(n, m):
    on_axis = np.array([[0, 0, 0.2], [0, 0, 1.0]])
    on = low_lou_at(n, m, 0.3, 0.0, on_axis)
    assert (on[:, :2] == 0).all() and (on[:, 2] != 0).all()
    np.testing.assert_allclose(
        low_lou_at(n, m, 0.3, 0.0, on_axis + np.array([1e-7, 0, 0])), on, atol=1e-4 * abs(on).max()
    )


@pytest.mark.parametrize(("n", "phi"), [(1, math.pi / 4), (3, 0.8 * math.pi)])
def test_what_differences_leave_of_divergence_and_force_falls_as_the_square_of_the_spacing(n, phi):
    coarse, fine = (
        height_factors(low_lou_field(n, 1, 0.3, phi, Grid(((-1, 1), (-1, 1), (0.5, 1.5)), (nodes, nodes, nodes))))
        for nodes in (17, 33)
    )
    for factor in ("divergence", "current_weighted_sine"):
        assert 3.3 < coarse[factor][-1] / fine[factor][-1] < 4.7
        assert fine[factor][-1] < 0.05


@pytest.mark.parametrize(("n", "phi"), [(1, math.pi / 4), (3, 0.8 * math.pi)])
def test_the_energy_in_a_box_is_that_of_the_virial_theorem(n, phi):
    """A force-free field has no stress: the integral of B^2 is that of B^2 (r.n) - 2 (B.r) (B.n) over the surface."""
    from scipy.integrate import simpson

    field = low_lou_field(n, 1, 0.3, phi, Grid(((-1, 1), (-1, 1), (0.4, 1.4)), (41, 41, 41)))
    squared, axes = (field.values**2).sum(axis=0), field.grid.axes

    def integral(values, along):
        for axis in reversed(along):
            values = simpson(values, x=axes[axis], axis=-1)
        return values

    place = np.stack(np.meshgrid(*axes, indexing="ij"))
    moment = (field.values * place).sum(axis=0)
    surface = 0.0
    for axis in range(3):
        flux = np.moveaxis(squared * place[axis] - 2 * moment * field.values[axis], axis, 0)
        surface += integral(flux[-1] - flux[0], [other for other in range(3) if other != axis])
    assert surface == pytest.approx(integral(squared, [0, 1, 2]), rel=2e-3)


def test_a_field_says_what_it_came_from():
    field = low_lou_field(3, 1, 0.3, 0.5, Grid(((-1, 1), (-1, 1), (0, 2)), (3, 4, 5)))
    assert field.about == {"kind": "low_lou", "n": 3, "m": 1, "l": 0.3, "phi": 0.5, "a2": eigenvalue(3, 1)}
    assert (field.at_nodes() == low_lou_at(3, 1, 0.3, 0.5, field.grid.points())).all()


@pytest.mark.parametrize("n", [0, -1, 1.5, 41, math.nan, math.inf])
def test_a_power_without_solutions_is_refused(n):
    with pytest.raises(InputError, match=r"n = .*: the power of a Low and Lou field is a whole number from 1 to 40"):
        eigenvalue(n, 1)


@pytest.mark.parametrize("m", [-1, 0.5, 41, math.nan])
def test_an_order_without_an_eigenvalue_is_refused(m):
    with pytest.raises(InputError, match=r"m = .*: eigenvalues are counted from 0"):
        low_lou_field(1, m, 0.3, 0.0, Grid(((-1, 1), (-1, 1), (0, 2)), (3, 3, 3)))


@pytest.mark.parametrize(
    ("depth", "phi", "says"),
    [
        (-0.5, 0.0, r"lies in the box; choose l > 0"),
        (0, 0, "lies in the box"),
        (math.nan, 0, "finite"),
        (1, math.inf, "finite"),
    ],
)
def test_a_source_in_the_box_or_nowhere_is_refused(depth, phi, says):
    with pytest.raises(InputError, match=says):
        low_lou_field(1, 1, depth, phi, Grid(((-1, 1), (-1, 1), (0, 2)), (3, 3, 3)))
