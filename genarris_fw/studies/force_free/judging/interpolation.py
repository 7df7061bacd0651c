"""A field between the nodes of its grid."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genarris_fw.studies.force_free.fields.field import Field


class Trilinear:
    """A field at any points of its box: linear along each axis between the eight nodes around a point.

    Parameters
    ----------
    field : Field
        On a grid of equal steps along each axis.
    """

    def __init__(self, field: Field) -> None:
        bounds = np.asarray(field.grid.bounds, dtype=float)
        self.lower, self.upper = bounds.T
        self.spacing = np.asarray(field.grid.spacing, dtype=float)
        # The three components of a node lie together: eight gathers of a row each, not twenty-four.
        self._values = np.ascontiguousarray(np.moveaxis(field.values, 0, -1)).reshape(-1, 3)
        shape = np.asarray(field.grid.shape)
        self._last = shape - 2
        self._strides = np.array([shape[1] * shape[2], shape[2], 1])

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the field at (n, 3) points, (n, 3); a point outside has the value of the nearest one inside."""
        place = (np.clip(points, self.lower, self.upper) - self.lower) / self.spacing
        cell = np.clip(place.astype(np.int64), 0, self._last)
        part = place - cell
        first = cell @ self._strides
        found = np.zeros_like(points)
        for corner in itertools.product((0, 1), repeat=3):
            weight = np.prod(np.where(corner, part, 1.0 - part), axis=1)
            found += weight[:, None] * self._values[first + np.dot(corner, self._strides)]
        return found
