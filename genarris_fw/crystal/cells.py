"""What a cell measures: lengths, angles, volume, and their names in records and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from genarris_fw.crystal.structure import Structure

CELL_KEYS = ("a", "b", "c", "alpha", "beta", "gamma", "cell_vol")


def cell_values(lattices: ArrayLike) -> NDArray[np.float64]:
    """Return what cells measure, in the order of `CELL_KEYS`.

    Parameters
    ----------
    lattices : (..., 3, 3) array_like
        Rows are the lattice vectors, Å.

    Returns
    -------
    (..., 7) ndarray
        Lengths in Å, the angles between b and c, a and c, a and b in degrees, volume in Å3 (always positive).
    """
    rows = np.asarray(lattices, dtype=float)
    lengths = np.linalg.norm(rows, axis=-1)
    one, other = [1, 0, 0], [2, 2, 1]  # the vectors between which the angles are
    cosines = (rows[..., one, :] * rows[..., other, :]).sum(axis=-1) / (lengths[..., one] * lengths[..., other])
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    return np.concatenate([lengths, angles, np.abs(np.linalg.det(rows))[..., None]], axis=-1)


def cell_properties(structure: Structure) -> dict[str, float]:
    """Return the lengths (Å), angles (degrees) and volume (Å3) of the cell, under their names in a record.

    Parameters
    ----------
    structure : Structure
        A crystal.

    Returns
    -------
    dict
        ``a``, ``b``, ``c``, ``alpha``, ``beta``, ``gamma``, ``cell_vol``.
    """
    return dict(zip(CELL_KEYS, (*structure.cell_parameters, structure.cell_volume), strict=True))
