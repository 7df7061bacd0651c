"""Where a pair's energy is kept from the Buckingham catastrophe: exp-6 goes to minus infinity as two atoms meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError

# Å. Below 1.12 times the inner maximum, and below 1 Å in any case, the energy goes on linearly + 5000 (r - r0)^2.
# Nothing was lost by it in 21 blind searches. The bound of 1 Å also serves pairs without dispersion: polar hydrogens,
# which have no maximum but are attracted by charges; no hydrogen bond brings them so near (strong ones: 1.2 Å).
FACTOR, CLOSEST = 1.12, 1.0
_FURTHEST = 12.0  # Å: no well lies beyond
_STEP = 0.005  # Å


def guard_radius(A: float, B: float, C: float, damping: float = 0.0, rho: float = 0.0, pair: str = "a pair") -> float:
    """Distance below which the energy of a pair of atoms is continued linearly, with 5000 kJ/mol/Å^2 (r - r0)^2 on top.

    Parameters
    ----------
    A, B, C : float
        A exp(-B (r - rho)) - f6(damping r) C / r^6; kJ/mol, 1/Å, kJ/mol Å^6.
    damping : float, optional
        1/Å of Tang and Toennies' damping function; 0 for none.
    rho : float, optional
        Å; the most negative shift of the repulsion that anisotropy can bring.
    pair : str, optional
        What the pair is called in messages.

    Returns
    -------
    float
        Å: `FACTOR` times the place of the inner maximum, at most half way from there to the well, at least `CLOSEST`.

    Raises
    ------
    InputError
        Where two such atoms attract each other at all distances.
    """
    if C == 0.0:
        return CLOSEST
    r = np.arange(_FURTHEST, 0.2, -_STEP)
    uphill = slope(r, A * np.exp(B * rho), B, C, damping) < 0.0  # the energy rises as the atoms approach each other
    if not uphill.any():
        raise InputError(f"{pair}: attracted at all distances; A is too small, or B too large, for such a C")
    well = int(np.argmax(uphill))
    inside = ~uphill[well:]
    if not inside.any():
        return CLOSEST
    top = r[well + int(np.argmax(inside))]
    return float(max(CLOSEST, min(FACTOR * top, 0.5 * (top + r[well]))))


def slope(r: NDArray[np.float64], A: float, B: float, C: float, damping: float = 0.0) -> NDArray[np.float64]:
    """Derivative of A exp(-B r) - f6(damping r) C / r^6 by r.

    f6(x) = 1 - exp(-x) sum_{k=0}^{6} x^k / k! (Tang & Toennies, J. Chem. Phys. 1984, 80, 3726), whose derivative is
    exp(-x) x^6 / 720.

    Parameters
    ----------
    r : (n,) ndarray
        Distances in Å.
    A, B, C, damping : float
        As of `guard_radius`.

    Returns
    -------
    (n,) ndarray
        kJ/mol/Å.
    """
    attraction = 6.0 * C / r**7
    if damping > 0.0:
        x = damping * r
        attraction = f6(x) * attraction - damping * np.exp(-x) * x**6 / 720.0 * C / r**6
    return np.asarray(attraction - A * B * np.exp(-B * r))


def f6(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Damping function of Tang and Toennies for r^-6; by its series where the difference would lose its digits.

    Parameters
    ----------
    x : (n,) ndarray
        Damping parameter times distance, from 0.

    Returns
    -------
    (n,) ndarray
        From 0 to 1.
    """
    small = np.minimum(x, 1.0)
    # exp(-x) (x^7 / 7! + x^8 / 8! + ...): 14 terms are enough for all digits up to x = 1.
    rest, term = np.zeros_like(small), small**7 / 5040.0
    for k in range(8, 22):
        rest += term
        term = term * small / k
    total, term = np.ones_like(x), np.ones_like(x)
    for k in range(1, 7):
        term = term * x / k
        total += term
    return np.where(x < 1.0, np.exp(-small) * rest, 1.0 - np.exp(-x) * total)
