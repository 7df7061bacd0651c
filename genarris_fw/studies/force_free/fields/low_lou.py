"""The semi-analytical force-free fields of Low & Lou 1990 (ApJ 352, 343).

In spherical coordinates about a source the field is axially symmetric, B = 1/(r sin theta) (1/r dA/dtheta e_r - dA/dr
e_theta + Q e_phi), with A = P(mu) / r^n, mu = cos theta and Q = a |A|^(1 + 1/n). It is force-free where

    (1 - mu^2) P'' + n (n + 1) P + a^2 (1 + 1/n) P |P|^(2/n) = 0,  P(-1) = P(1) = 0,

which has solutions for some a^2 alone. P'(-1) = 10 here: P -> c P with a^2 -> a^2 c^(-2/n) is the same field c times
as strong. The box lies a depth l above the source and is turned by an angle Phi about y.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid

Array = NDArray[np.float64]

_SLOPE = 10.0  # P'(-1)
LARGEST = 40  # n and m: seconds are needed there, and no grid shows such a field
_START = 1e-8  # 1 + mu up to which the series holds


def _series(n: int, a2: float, s: ArrayLike) -> tuple[Array, Array]:
    """P and P' near mu = -1, where s = 1 + mu is small; the last term is the first of those with a^2."""
    s = np.asarray(s, dtype=np.float64)
    power = 2 / n
    bend = _SLOPE * n * (n + 1) / 4
    twist = a2 * (1 + 1 / n) / 2 * _SLOPE ** (1 + power) / (1 + power)
    value = _SLOPE * s - bend * s**2 - twist / (2 + power) * s ** (2 + power)
    slope = _SLOPE - 2 * bend * s - twist * s ** (1 + power)
    return value, slope


def _shoot(n: int, a2: float, dense: bool = False) -> Any:
    """Integrate from mu = -1 to 0 with s = 1 + mu as the variable, so that 1 - mu^2 loses no digits at the pole."""
    from scipy.integrate import solve_ivp

    def slope(s: float, state: Array) -> tuple[float, float]:
        value, first = state
        return first, -(n * (n + 1) + a2 * (1 + 1 / n) * abs(value) ** (2 / n)) * value / (s * (2 - s))

    start = _series(n, a2, _START)
    return solve_ivp(slope, (_START, 1.0), start, method="DOP853", rtol=1e-12, atol=1e-14, dense_output=dense)


def _phase(n: int, a2: float) -> float:
    """Return the turns of (P', P) from mu = -1 to 0: pi for each node between, and what follows the last."""
    value, slope = _shoot(n, a2).y
    nodes = int(np.count_nonzero(np.diff(np.sign(value))))
    sign = (-1) ** nodes
    return nodes * math.pi + math.atan2(sign * value[-1], sign * slope[-1])


def check_orders(n: int, m: int) -> None:
    """Refuse n and m without a solution.

    Raises
    ------
    InputError
        Where n is no whole number from 1 to 40, or m none from 0 to 40.
    """
    if not (1 <= n <= LARGEST and n % 1 == 0):
        raise InputError(f"n = {n}: the power of a Low and Lou field is a whole number from 1 to {LARGEST}")
    if not (0 <= m <= LARGEST and m % 1 == 0):
        raise InputError(f"m = {m}: eigenvalues are counted from 0, the field without currents, to {LARGEST}")


def check_source(l: float, phi: float, grid: Grid) -> None:  # noqa: E741
    """Refuse a source within the box.

    Raises
    ------
    InputError
        Where it lies there, or depth or angle are no finite numbers.
    """
    if not (math.isfinite(l) and math.isfinite(phi)):
        raise InputError(f"l = {l}, phi = {phi}: depth and angle of a Low and Lou field are finite numbers")
    if all(low <= place <= high for place, (low, high) in zip((0.0, 0.0, -l), grid.bounds)):
        above = 0 - grid.bounds[2][0]
        raise InputError(f"l = {l:g}: the source at (0, 0, {-l:g}) lies in the box; choose l > {above:g}")


@functools.lru_cache(maxsize=64)
def eigenvalue(n: int, m: int) -> float:
    """Return a^2 of the m-th solution for a power n.

    Solutions are even or odd; that without currents, a = 0, has n - 1 nodes within (-1, 1), and every further one has
    one more. So the phase of the m-th at mu = 0 is (n + m) pi / 2.

    Raises
    ------
    InputError
        As `check_orders` says.
    """
    from scipy.optimize import brentq

    check_orders(n, m)
    if m == 0:
        return 0.0
    target = (n + m) * math.pi / 2
    high = 1.0
    while _phase(n, high) < target:
        high *= 4
    return float(brentq(lambda a2: _phase(n, a2) - target, 0.0, high, xtol=1e-13, rtol=1e-13))


@functools.lru_cache(maxsize=16)
def generating_function(n: int, m: int) -> Callable[[ArrayLike], tuple[Array, Array]]:
    """Return P and P' as a function of mu within [-1, 1]; P'(-1) = 10.

    Raises
    ------
    InputError
        As `check_orders` says.
    """
    a2 = eigenvalue(n, m)
    inner = _shoot(n, a2, dense=True).sol
    parity = -1.0 if (n + m) % 2 == 0 else 1.0  # there are n - 1 + m nodes

    def function(mu: ArrayLike) -> tuple[Array, Array]:
        mu = np.asarray(mu, dtype=np.float64)
        s = 1 - np.abs(mu)
        integrated = inner(np.maximum(s, _START).ravel()).reshape(2, *s.shape)
        value, slope = np.where(s < _START, _series(n, a2, s), integrated)
        upper = mu > 0
        return np.where(upper, parity * value, value), np.where(upper, -parity * slope, slope)

    return function


def low_lou_field(n: int, m: int, l: float, phi: float, grid: Grid) -> Field:  # noqa: E741
    """Return a field of Low & Lou on a grid.

    Parameters
    ----------
    n, m : int
        The power of the distance, and which of its solutions.
    l : float
        Depth of the source below z = 0.
    phi : float
        Angle from z to the axis of symmetry, about y, radians.
    grid : Grid
        Where.

    Returns
    -------
    Field
        `about` holds n, m, l, phi and a2.

    Raises
    ------
    InputError
        As `check_orders` and `check_source` say.
    """
    check_orders(n, m)
    check_source(l, phi, grid)
    values = low_lou_at(n, m, l, phi, grid.points()).T.reshape(3, *grid.shape)
    about = {"kind": "low_lou", "n": int(n), "m": int(m), "l": float(l), "phi": float(phi), "a2": eigenvalue(n, m)}
    return Field(grid, values, about)


def low_lou_at(n: int, m: int, l: float, phi: float, points: ArrayLike) -> Array:  # noqa: E741
    """Return a field of Low & Lou at points other than its source, (k, 3) both."""
    x, y, z = np.asarray(points, dtype=np.float64).T
    cos, sin = math.cos(phi), math.sin(phi)
    field_x, field_y, field_z = _about_axis(n, m, x * cos - (z + l) * sin, y, x * sin + (z + l) * cos)
    return np.stack([field_x * cos + field_z * sin, field_y, field_z * cos - field_x * sin], axis=-1)


def _about_axis(n: int, m: int, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    """Return the field about a source at the origin whose axis is z."""
    from_axis = np.hypot(x, y)
    r = np.hypot(from_axis, z)
    sin_theta, cos_theta = from_axis / r, z / r
    value, slope = generating_function(n, m)(cos_theta)
    strength = r ** -(n + 2.0)
    # On the axis P is 0, and nothing points away from it.
    over_sin = np.divide(strength, sin_theta, out=np.zeros_like(r), where=sin_theta > 0)
    cos_phi = np.divide(x, from_axis, out=np.zeros_like(r), where=from_axis > 0)
    sin_phi = np.divide(y, from_axis, out=np.zeros_like(r), where=from_axis > 0)
    radial = -slope * strength
    polar = n * value * over_sin
    azimuthal = math.sqrt(eigenvalue(n, m)) * np.abs(value) ** (1 + 1 / n) * over_sin
    outwards = radial * sin_theta + polar * cos_theta
    return (
        outwards * cos_phi - azimuthal * sin_phi,
        outwards * sin_phi + azimuthal * cos_phi,
        radial * cos_theta - polar * sin_theta,
    )
