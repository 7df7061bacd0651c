"""The points at which the network is asked to be a force-free field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Points:
    """Where the field is known, and where its equations are to hold.

    Parameters
    ----------
    boundary : (m, 3) ndarray
    boundary_field : (m, 3) ndarray
        The field there.
    interior : (n, 3) ndarray
    """

    boundary: NDArray[np.float64]
    boundary_field: NDArray[np.float64]
    interior: NDArray[np.float64]
