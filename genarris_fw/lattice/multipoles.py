"""Distributed multipoles: real solid harmonics, their rotation and their shift.

The regular solid harmonics R_lm(r) = sqrt(4 pi / (2 l + 1)) |r|^l Y_lm(r) and their real combinations, without the
Condon-Shortley phase, are those of Stone, "The Theory of Intermolecular Forces", 2nd ed. (2013), appendices B and E:
R_00 = 1; R_10 = z, R_11c = x, R_11s = y; R_20 = (3 z^2 - r^2) / 2, R_21c = sqrt(3) x z, ...
Charges e at positions r have the multipoles Q_lm = sum of e R_lm(r), and the potential of a multipole of 1 at the
origin is the irregular solid harmonic R_lm(r) / |r|^(2 l + 1).

The components are in the order of DMACRYS and GDMA: 00, 10, 11c, 11s, 20, 21c, 21s, 22c, 22s, ...; (rank + 1)^2 in all.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

Array = NDArray[np.float64]

# CODATA 2018: e^2 N_A / (4 pi epsilon_0) in kJ/mol Å, from the Bohr radius and the hartree.
COULOMB = 1389.35457644
BOHR = 0.529177210903  # Å


def rank_of(components: int) -> int:
    """Return the highest rank among so many components.

    Raises
    ------
    InputError
        Where the number is not (rank + 1)^2.
    """
    rank = math.isqrt(components) - 1
    if rank < 0 or (rank + 1) ** 2 != components:
        raise InputError(
            f"{components} components are no multipoles; up to rank l there are (l + 1)^2: 1, 4, 9, 16, 25"
        )
    return rank


def ranks(rank: int) -> NDArray[np.int64]:
    """Return the rank l of each component, ((rank + 1)^2,)."""
    return np.repeat(np.arange(rank + 1), 2 * np.arange(rank + 1) + 1)


def from_atomic_units(multipoles: ArrayLike) -> Array:
    """Convert (..., (rank + 1)^2) multipoles from e bohr^l, in which programs print them, to e Å^l."""
    values = np.asarray(multipoles, dtype=np.float64)
    return np.asarray(values * BOHR ** ranks(rank_of(values.shape[-1])))


def regular(points: ArrayLike, rank: int) -> Array:
    """Return the regular solid harmonics at some points.

    Parameters
    ----------
    points : (n, 3) array_like
        Å.
    rank : int
        The highest one.

    Returns
    -------
    (n, (rank + 1)^2) ndarray
        Å^l. By the recursions for l = m and for rising l of Helgaker, Jørgensen and Olsen, "Molecular
        Electronic-Structure Theory" (2000), section 6.4.4, in Stone's normalisation.
    """
    x, y, z = np.asarray(points, dtype=np.float64).reshape(-1, 3).T
    square = x * x + y * y + z * z
    out = np.zeros((len(x), (rank + 1) ** 2))
    cosine, sine = np.ones_like(x), np.zeros_like(x)
    for m in range(rank + 1):
        if m:
            scale = math.sqrt((2 * m - 1) / (2 * m)) if m > 1 else 1.0
            cosine, sine = scale * (x * cosine - y * sine), scale * (x * sine + y * cosine)
        for start, at in [(cosine, max(2 * m - 1, 0)), (sine, 2 * m)][: 2 if m else 1]:
            before, here = np.zeros_like(x), start
            for l in range(m, rank + 1):  # noqa: E741 (its name everywhere)
                out[:, l * l + at] = here
                after = (2 * l + 1) * z * here - math.sqrt(l * l - m * m) * square * before
                before, here = here, after / math.sqrt((l + 1) ** 2 - m * m)
    return out


def irregular(points: ArrayLike, rank: int) -> Array:
    """Return the potentials at some points of multipoles of 1 at the origin, (n, (rank + 1)^2), 1/Å^(l + 1)."""
    places = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    distances = np.linalg.norm(places, axis=1)
    return np.asarray(regular(places, rank) / distances[:, None] ** (2 * ranks(rank) + 1))


def potential(points: ArrayLike, sites: ArrayLike, multipoles: ArrayLike) -> Array:
    """Return the electrostatic potential of sites with multipoles at some points.

    Parameters
    ----------
    points : (n, 3) array_like
        Å.
    sites : (k, 3) array_like
        Å.
    multipoles : (k, (rank + 1)^2) array_like
        e Å^l.

    Returns
    -------
    (n,) ndarray
        kJ/mol per e.
    """
    places, values = np.asarray(points, dtype=np.float64), np.asarray(multipoles, dtype=np.float64)
    rank = rank_of(values.shape[-1])
    total = np.zeros(len(places))
    for site, value in zip(np.asarray(sites, dtype=np.float64), values, strict=True):
        total += irregular(places - site, rank) @ value
    return COULOMB * total


@functools.cache
def _sample(rank: int) -> tuple[Array, Array]:
    """Return points that tell all harmonic polynomials up to this rank apart, and the inverse of these there.

    A rotation, a reflection and a shift each map the harmonic polynomials up to a rank on themselves, linearly: what
    they do is found from what they do at these points. Points spread over the unit sphere by the golden angle.
    """
    count = 4 * (rank + 1) ** 2
    i = np.arange(count)
    z = 1 - (2 * i + 1) / count
    angle = math.pi * (3 - math.sqrt(5)) * i
    flat = np.sqrt(1 - z * z)
    points = np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
    return points, np.asarray(np.linalg.pinv(regular(points, rank)), dtype=np.float64)


def rotation_of(matrix: ArrayLike, rank: int) -> Array:
    """Return the matrix D, ((rank + 1)^2, (rank + 1)^2), with regular(points @ matrix.T) = regular(points) @ D.T.

    `matrix` is orthogonal, proper or not. D consists of one block for each l; what lies between them is 0.
    """
    points, inverse = _sample(rank)
    turned = (inverse @ regular(points @ np.asarray(matrix, dtype=np.float64).T, rank)).T
    l = ranks(rank)  # noqa: E741
    return np.where(l[:, None] == l, turned, 0.0)


def rotated(multipoles: ArrayLike, matrix: ArrayLike) -> Array:
    """Return the multipoles of sites whose charges were turned (or reflected) about each site.

    Parameters
    ----------
    multipoles : (..., (rank + 1)^2) array_like
        e Å^l.
    matrix : (3, 3) array_like
        Orthogonal: a charge at r (about its site) goes to matrix @ r; improper operations are allowed.

    Returns
    -------
    (..., (rank + 1)^2) ndarray
    """
    values = np.asarray(multipoles, dtype=np.float64)
    return np.asarray(values @ rotation_of(matrix, rank_of(values.shape[-1])).T)


def shifted(multipoles: ArrayLike, vector: ArrayLike) -> Array:
    """Return the multipoles of the same charges about another origin.

    Parameters
    ----------
    multipoles : (..., (rank + 1)^2) array_like
        About the old origin, e Å^l.
    vector : (3,) array_like
        From the new origin to the old one, Å: the position of the site as seen from where its charges are described
        then.

    Returns
    -------
    (..., (rank + 1)^2) ndarray
        Exact for the charges that the multipoles up to the same rank describe.
    """
    values = np.asarray(multipoles, dtype=np.float64)
    rank = rank_of(values.shape[-1])
    points, inverse = _sample(rank)
    moved = inverse @ regular(points + np.asarray(vector, dtype=np.float64), rank)
    l = ranks(rank)  # noqa: E741
    # A multipole contributes to higher ranks, and to itself.
    moved = np.where(l[:, None] < l, moved, np.eye(len(l)))
    return np.asarray(values @ moved)
