"""What the sum over distributed multipoles needs to know of the molecules, before any crystal is given."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.lattice.multipoles import COULOMB, ranks, regular, rotation_of

Array = NDArray[np.float64]

RANK = 4  # of multipoles, and the largest sum of two ranks that interact
COMPONENTS = (RANK + 1) ** 2
SAMPLES = 16
ALPHA = 0.4  # 1/Å: divides Ewald's sum between the images' sum and the waves
TAPER = (13.0, 15.0)  # Å: where the terms above dipole-dipole end if nothing else is said
ACCURACY = 4.6  # erfc of it is 8e-11: what the sums of Ewald leave out, of a term


def odd_product(n: int) -> int:
    """Return (2 n - 1)!! = 1 x 3 x ... x (2 n - 1)."""
    return math.prod(range(1, 2 * n, 2))


@functools.cache
def coupling() -> Array:
    """Return how multipoles of two sites make the coefficients of the harmonics between them, (25, 25, 25).

    The energy of sites with multipoles Q and Q', the second at r from the first, is sum of C[h, a, b] Q_a Q'_b I_h(r)
    with the irregular harmonics I. It follows from the multipole as a derivative (Stone, "The Theory of Intermolecular
    Forces", 2nd ed., section 3.3): Q_lm acts as R_lm(d/dr) / (2 l - 1)!!, two of them as the product of these
    polynomials, of which only the harmonic part of degree l + l' acts on 1/r, and R_LM(d/dr) 1/r is
    (-1)^L (2 L - 1)!! I_LM. Ranks with l + l' > 4 are left out.
    """
    l = ranks(RANK)  # noqa: E741
    count = 4 * (2 * RANK + 1) ** 2
    i = np.arange(count)
    z = 1 - (2 * i + 1) / count
    angle, flat = math.pi * (3 - math.sqrt(5)) * i, np.sqrt(1 - z * z)
    values = regular(np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1), 2 * RANK)
    inverse = np.linalg.pinv(values)[:COMPONENTS]
    out = np.einsum("hp,pa,pb->hab", inverse, values[:, :COMPONENTS], values[:, :COMPONENTS], optimize=True)
    out[np.abs(out) < 1e-12] = 0.0
    out[(l[:, None] + l)[None] != l[:, None, None]] = 0.0
    factor = np.array([odd_product(n) for n in range(RANK + 1)], dtype=float)
    return np.asarray(out * factor[l][:, None, None] / (factor[l][:, None] * factor[l]) * (-1.0) ** l)


@functools.cache
def generators() -> Array:
    """Return the derivatives of the multipoles' rotation by a turn about x, y, z, (3, 25, 25).

    A rotation by t about an axis is a trigonometric polynomial of degree 4 in t: its derivative at 0 is exact from nine
    or more angles.
    """
    count = 11
    out = np.zeros((3, COMPONENTS, COMPONENTS))
    for axis in range(3):
        turns = []
        for t in 2 * np.pi * np.arange(count) / count:
            matrix = np.zeros((3, 3))
            i, j = (axis + 1) % 3, (axis + 2) % 3
            matrix[axis, axis] = 1.0
            matrix[i, i] = matrix[j, j] = np.cos(t)
            matrix[i, j], matrix[j, i] = -np.sin(t), np.sin(t)
            turns.append(rotation_of(matrix, RANK))
        waves = np.fft.fft(np.array(turns), axis=0) / count
        out[axis] = np.einsum("n,nab->ab", 1j * np.fft.fftfreq(count, 1 / count), waves).real
    out[np.abs(out) < 1e-12] = 0.0
    return out


@functools.cache
def scales() -> Array:
    """Return the kernel's scaled harmonics in terms of Stone's, (25,): see multipole_sums.pxd."""
    out = []
    for l in range(RANK + 1):  # noqa: E741
        out.append(1 / math.factorial(l))
        for m in range(1, l + 1):
            out += 2 * [math.sqrt(2 / (math.factorial(l - m) * math.factorial(l + m)))]
    return np.array(out)


@functools.cache
def sample() -> tuple[Array, Array]:
    """Return points and, for each l, the inverse of its harmonics there, (5, 9, 16): what turns multipoles quickly."""
    i = np.arange(SAMPLES)
    z = (2 * i + 1) / (2 * SAMPLES)  # one half of the sphere: harmonics of one l are even, or odd
    angle, flat = math.pi * (3 - math.sqrt(5)) * i, np.sqrt(1 - z * z)
    points = np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
    values = regular(points, RANK)
    inverses = np.zeros((RANK + 1, 2 * RANK + 1, SAMPLES))
    for l in range(RANK + 1):  # noqa: E741
        inverses[l, : 2 * l + 1] = np.linalg.pinv(values[:, l * l : (l + 1) ** 2])
    return points, inverses


def own_energies(sites: Array, multipoles: Array, alpha: float) -> Array:
    """Return what Ewald's waves count within a molecule and should not, (3,), kJ/mol.

    Charge-charge, charge-dipole, dipole-dipole: with 1/r - erfc(alpha r)/r in place of 1/r, and a site's own (its limit
    for r = 0), with the sign that takes them away; a rigid molecule keeps them.
    """
    from scipy.special import erf

    q, dipoles = multipoles[:, 0], multipoles[:, [2, 3, 1]]
    r = sites[None] - sites[:, None]
    away = np.eye(len(sites))
    square = (r * r).sum(axis=2) + away
    distance = np.sqrt(square)
    b = [erf(alpha * distance) / distance]
    wave = 2 * alpha / math.sqrt(math.pi) * np.exp(-(alpha**2) * square)
    for n in range(2):
        b.append(((2 * n + 1) * b[n] - wave * (2 * alpha**2) ** n) / square)
    b = [x * (1 - away) for x in b]
    along = np.einsum("ijk,ik->ij", r, dipoles)  # m_i . r
    back = np.einsum("ijk,jk->ij", r, dipoles)
    first = float(q @ b[0] @ q + 2 * alpha / math.sqrt(math.pi) * (q @ q))
    second = float((b[1] * (along * q[None] - q[:, None] * back)).sum())
    third = float((b[1] * (dipoles @ dipoles.T) - b[2] * along * back).sum())
    third += float(4 * alpha**3 / (3 * math.sqrt(math.pi)) * (dipoles * dipoles).sum())
    return -0.5 * COULOMB * np.array([first, second, third])


def model_arguments(
    molecules: Sequence[tuple[Array, Array]],
    *,
    cutoff: float = 15.0,
    taper: tuple[float, float] | None = None,
    by_centres: bool = False,
    alpha: float = ALPHA,
) -> dict[str, Any]:
    """Return the arguments of `MultipoleSum`.

    Parameters
    ----------
    molecules : sequence of (sites, multipoles)
        Sites (k, 3) about the molecule's centre, Å; multipoles (k, (rank + 1)^2), e Å^l, rank 0 to 4.
    cutoff : float
        Distance to which the terms above dipole-dipole are summed, Å: of sites.
    taper : (float, float), optional
        The same with a smooth end: these terms go from whole at the first distance to 0 at the second.
    by_centres : bool
        The cutoff is a distance of the molecules' centres, as in DMACRYS without a spline.
    alpha : float
        Of Ewald's sum, 1/Å.

    Raises
    ------
    InputError
        For arrays that do not fit together, or a rank above 4.
    """
    forms = []
    for sites, multipoles in molecules:
        places, values = np.asarray(sites, dtype=float), np.asarray(multipoles, dtype=float)
        components = values.shape[-1]
        if places.ndim != 2 or places.shape[1] != 3 or values.ndim != 2 or len(values) != len(places):
            raise InputError(f"sites {places.shape} and multipoles {values.shape} do not fit; give (k, 3) and (k, m)")
        if components not in {(n + 1) ** 2 for n in range(RANK + 1)}:
            raise InputError(f"{components} components a site are no multipoles to rank 4; give 1, 4, 9, 16 or 25")
        forms.append((places, np.pad(values, ((0, 0), (0, COMPONENTS - components)))))
    # Whole vector registers
    slot = max((len(sites) + 7) // 8 * 8 for sites, _ in forms)
    placed, filled = np.zeros((len(forms), 3, slot)), np.zeros((len(forms), COMPONENTS, slot))
    for f, (sites, values) in enumerate(forms):
        placed[f, :, : len(sites)] = sites.T
        filled[f, :, : len(sites)] = values.T
    higher = max(np.flatnonzero(np.abs(values).max(axis=0)).max(initial=0) for _, values in forms) >= 4
    l = ranks(RANK)  # noqa: E741
    both_low = (l[:, None] < 2) & (l < 2)
    tensor = np.where(both_low[None], 0.0, coupling() * scales()[:, None, None])[4:] * COULOMB
    start, end = taper if taper is not None else (cutoff, cutoff)
    points, inverses = sample()
    return {
        "sites": placed,
        "multipoles": filled,
        "sites_of": [len(sites) for sites, _ in forms],
        "radius_of": [float(np.linalg.norm(sites, axis=1).max(initial=0.0)) for sites, _ in forms],
        "own_energies": [own_energies(sites, values, alpha) for sites, values in forms],
        "alpha": alpha,
        "damped_reach": ACCURACY / alpha,
        "longest_wave": 2 * alpha * ACCURACY,
        "start": 1e9 if by_centres else start,
        "end": 1e9 if by_centres else end,
        "gate": cutoff if by_centres else 0.0,
        "rank": RANK if higher else 1,
        "coupling": tensor.transpose(1, 0, 2),
        "pattern": np.abs(tensor).max(axis=1) > 0,
        "generators": generators(),
        "sample": points,
        "inverses": inverses,
        "spherical": spherical,
    }


def spherical(matrices: Array) -> Array:
    """Return the rotations of multipoles, (n, 25, 25), of (n, 3, 3) orthogonal matrices, improper ones included."""
    return np.array([rotation_of(matrix, RANK) for matrix in matrices]).reshape(-1, COMPONENTS, COMPONENTS)
