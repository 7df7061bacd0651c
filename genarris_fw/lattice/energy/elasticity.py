"""Elastic constants of crystals of rigid molecules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.lattice.energy.hessian import Hessian
from genarris_fw.units import GPA_A3_IN_KJ_PER_MOL

Floats = NDArray[np.float64]

STILL = 1e-7  # of the stiffest: motions that cost nothing, such as a linear molecule's turn about its axis


def elastic_constants(hessian: Hessian) -> Floats:
    """Return the elastic constants, every molecule free to shift and turn while the cell is strained.

    C = (H_ee - H_ei H_ii^-1 H_ie) / V (M. Born & K. Huang, Dynamical Theory of Crystal Lattices, 1954, chapter III;
    for rigid molecules G. M. Day, S. L. Price & M. Leslie, Cryst. Growth Des. 1, 13 (2001)), e the strains and i the
    shifts and turns. The crystal should be a minimum without pressure.

    Parameters
    ----------
    hessian : Hessian
        Of the crystal.

    Returns
    -------
    (6, 6) array
        GPa; Voigt's order xx yy zz yz xz xy with shears twice the strain, in the axes of the structure.
    """
    matrix = hessian.matrix
    inner, outer = matrix[6:, 6:], matrix[:6, 6:]
    values, vectors = np.linalg.eigh(inner)
    keeps = np.abs(values) > STILL * np.abs(values).max()
    answer = (outer @ vectors[:, keeps]) / values[keeps] @ (outer @ vectors[:, keeps]).T
    # By strains: the matrix has them times the cube root of the volume, the shears times the root of 2.
    scale = np.array([1.0, 1.0, 1.0, np.sqrt(0.5), np.sqrt(0.5), np.sqrt(0.5)])
    per_volume = hessian.volume ** (2.0 / 3.0) / hessian.volume / GPA_A3_IN_KJ_PER_MOL
    return np.asarray((matrix[:6, :6] - answer) * np.outer(scale, scale) * per_volume)
