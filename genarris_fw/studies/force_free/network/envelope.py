"""How large a field is from place to place, roughly: the network gives the field in units of that.

Fields fall by orders of magnitude with height. What a network has to learn then is of the order of one everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field

Rows = NDArray[np.float64]

# Nodes to which an envelope is fitted at most.
_ENOUGH = 5000


@dataclass(frozen=True)
class Envelope:
    """``size |x - centre|^-power``: that of a multipole below the photosphere, or with power 0 a constant.

    Parameters
    ----------
    size : float
    power : float
        3 for a dipole.
    centre : (x, y, z)
        Outside of the box where the field is looked for.

    Raises
    ------
    InputError
        For a size that is not above 0, or a number that is not finite.
    """

    size: float = 1.0
    power: float = 0.0
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Check the numbers."""
        numbers = np.array([self.size, self.power, *self.centre], dtype=np.float64)
        if not (np.isfinite(numbers).all() and self.size > 0):
            raise InputError(f"field_scale is {self.size}; give a number above 0")

    def at(self, points: Rows) -> Rows:
        """Return the envelope at points (n, 3): (n,)."""
        if self.power == 0:
            return np.full(len(points), float(self.size))
        squares = ((points - self.centre) ** 2).sum(axis=1)
        return np.asarray(self.size * squares ** (-self.power / 2))

    def slopes(self, points: Rows) -> Rows:
        """Return its derivatives by x, y and z at points (n, 3): (n, 3)."""
        if self.power == 0:
            return np.zeros_like(points)
        away = points - self.centre
        return np.asarray(-self.power * (self.at(points) / (away**2).sum(axis=1))[:, None] * away)


def as_envelope(field_scale: float | Envelope) -> Envelope:
    """Return an envelope, constant where a number is given."""
    return field_scale if isinstance(field_scale, Envelope) else Envelope(field_scale)


def fitted_envelope(field: Field) -> Envelope:
    """Return the envelope that is nearest to the size of a field: least squares of its logarithm over the nodes.

    Parameters
    ----------
    field : Field
        Such as the potential field of what is known below; its box must not hold what it comes from.
    """
    from scipy.optimize import least_squares

    sizes = np.linalg.norm(field.at_nodes(), axis=1)
    nodes = np.flatnonzero(sizes > 0)
    nodes = nodes[:: max(1, len(nodes) // _ENOUGH)]
    if len(nodes) == 0:
        return Envelope()
    points, logarithms = field.grid.points()[nodes], np.log(sizes[nodes])
    low, high = np.asarray(field.grid.bounds).T
    # In units of the box: a centre at least a hundredth of its height below it.
    box = high - low
    first = np.array([logarithms.mean(), 3.0, *(low + high)[:2] / 2, low[2] - 0.15 * box[2]])
    most = np.array([np.inf, 20.0, *(high + box)[:2], low[2] - 0.01 * box[2]])
    least = np.array([-np.inf, 0.0, *(low - box)[:2], low[2] - 2 * box[2]])

    def difference(q: Rows) -> Rows:
        squares = ((points - q[2:]) ** 2).sum(axis=1)
        return np.asarray(q[0] - 0.5 * q[1] * np.log(squares) - logarithms)

    size, power, *centre = (float(number) for number in least_squares(difference, first, bounds=(least, most)).x)
    return Envelope(float(np.exp(size)), power, (centre[0], centre[1], centre[2]))
