"""Acceleration of a fixed point x = G(x) by what its last steps say (Anderson 1965 J. ACM 12 547)."""

from __future__ import annotations

from collections import deque

import numpy as np

from genarris_fw.studies.trips.model.balancing import Array

# The equations that combine the steps are solved down to this part of the largest singular value.
CONDITION = 1e-10


class Acceleration:
    """The last points and their images.

    Parameters
    ----------
    depth : int
        How many steps are combined at most.
    """

    def __init__(self, depth: int) -> None:
        self._points: deque[Array] = deque(maxlen=depth + 1)
        self._images: deque[Array] = deque(maxlen=depth + 1)

    def next(self, point: Array, image: Array, weights: Array) -> Array:
        """Return where to go from a point: that combination of images whose combined step is the smallest.

        Where numbers are no longer finite it is the image.

        Parameters
        ----------
        point, image : ndarray, shape (n,)
            x and G(x).
        weights : ndarray, shape (n,)
            By what each number of a step is multiplied where its size is measured.
        """
        self._points.append(point)
        self._images.append(image)
        if len(self._points) < 2:
            return image
        images = np.stack(self._images, axis=1)
        steps = images - np.stack(self._points, axis=1)
        changes = np.diff(steps, axis=1) * weights[:, None]
        if not np.isfinite(changes).all():
            return image
        shares = np.linalg.lstsq(changes, steps[:, -1] * weights, rcond=CONDITION)[0]
        return np.asarray(image - np.diff(images, axis=1) @ shares)
