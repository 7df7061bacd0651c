"""Charges that give an electrostatic potential as well as charges can."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.lattice.multipoles import BOHR, COULOMB

Array = NDArray[np.float64]

# A charge of 1 e counts like an error of 1e-4 hartree per e (0.26 kJ/mol per e) at each point: that holds the charges
# of buried atoms, of which the potential says nothing, and costs the fit less than 0.01 kJ/mol per e.
RIDGE = (1e-4 * COULOMB / BOHR) ** 2


def fit_charges(
    points: Array, potential: Array, sites: Array, classes: NDArray[np.int64], charge: float = 0.0
) -> tuple[Array, float]:
    """Fit charges of sites to a potential: least squares, with a sum that is exact and equal charges in a class.

    Parameters
    ----------
    points : (p, 3) ndarray
        Å.
    potential : (p,) ndarray
        kJ/mol per e.
    sites : (k, 3) ndarray
        Å.
    classes : (k,) ndarray of int
        0 to c - 1; sites of the same number have the same charge.
    charge : float, optional
        The sum of all charges, e.

    Returns
    -------
    charges : (k,) ndarray
        e.
    error : float
        Root of the mean square of what is left of the potential, kJ/mol per e.
    """
    design = COULOMB / np.linalg.norm(points[:, None] - sites, axis=2)
    member = (classes[:, None] == np.arange(classes.max() + 1)).astype(float)
    sizes = member.sum(axis=0)
    # The sum is kept by construction: any charges with it, plus those that a matrix of sums zero makes of the rest.
    particular = np.full(len(sizes), charge / len(sites))
    free = np.linalg.svd(sizes[None], full_matrices=True)[2][1:].T
    by_class = design @ member
    scale = np.sqrt(RIDGE * len(points) * sizes)
    matrix = np.concatenate([by_class, np.diag(scale)])
    wanted = np.concatenate([potential, np.zeros(len(sizes))])
    steps = np.linalg.lstsq(matrix @ free, wanted - matrix @ particular, rcond=None)[0]
    charges = exact_sum(member @ (particular + free @ steps), charge, classes)
    return charges, float(np.sqrt(np.mean((design @ charges - potential) ** 2)))


def exact_sum(charges: Array, charge: float, classes: NDArray[np.int64]) -> Array:
    """Return charges rounded to 1e-10 e whose sum is exact to the last bits, equal within the classes."""
    rounded = np.round(charges, 10)
    largest = int(np.argmax(np.bincount(classes) == np.bincount(classes).max()))
    chosen = classes == largest
    rounded[chosen] += (charge - rounded.sum()) / chosen.sum()
    return np.asarray(rounded)
