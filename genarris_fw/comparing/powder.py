"""X-ray powder patterns of crystals, and how alike two of them are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

# Å: Cu Kα1 and Kα2 in the ratio 2:1, from the energies of Hölzer et al., Phys. Rev. A 56, 4554 (1997).
CU_K_ALPHA = 1.54187
_FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
_TAIL = 4.0  # sigma: where a peak ends
_AT_ONCE = 2**22  # complex numbers in memory


@dataclass(frozen=True)
class Powder:
    """How powder patterns are calculated and compared.

    Parameters
    ----------
    wavelength : float
        Å.
    start, stop, step : float
        The angles 2θ of a pattern, degrees.
    fwhm : float
        Full width of a peak, a Gaussian, at half its height, degrees.
    window : float
        Peaks so far apart or farther, in degrees, have nothing in common in a comparison.

    Raises
    ------
    InputError
        For values of which there is no pattern.
    """

    wavelength: float = CU_K_ALPHA
    start: float = 5.0
    stop: float = 50.0
    step: float = 0.02
    fwhm: float = 0.1
    window: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no pattern can have."""
        if not 0.0 < self.start < self.stop < 180.0:
            raise InputError(f"2theta from {self.start} to {self.stop}; give 0 < start < stop < 180 degrees")
        if not 1e-3 <= self.step <= min(self.fwhm, self.window) or not math.isfinite(self.fwhm + self.window):
            raise InputError(f"step = {self.step}; give 0.001 degrees or more, and no more than fwhm and window")
        if not 0.0 < self.wavelength < 10.0:
            raise InputError(f"wavelength = {self.wavelength} Å; give a number up to 10")

    @cached_property
    def angles(self) -> Floats:
        """The angles 2θ of a pattern, degrees."""
        return np.asarray(
            self.start + self.step * np.arange(1 + math.floor((self.stop - self.start) / self.step + 1e-9))
        )

    @cached_property
    def profile(self) -> Floats:
        """A peak of height 1 in steps of the pattern."""
        sigma = self.fwhm / _FWHM_PER_SIGMA / self.step
        reach = math.ceil(_TAIL * sigma)
        return np.asarray(np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2))


class Reflections:
    """The reflections of a lattice that a pattern shows, one of each Friedel pair.

    Attributes
    ----------
    hkl : (r, 3) ndarray of int
    two_theta : (r,) ndarray
        Degrees.
    """

    def __init__(self, lattice: ArrayLike, powder: Powder) -> None:
        cell = np.asarray(lattice, dtype=float)
        radii = 2.0 * np.sin(np.radians([powder.start, powder.stop]) / 2.0) / powder.wavelength
        # |h| = |s . a| <= |s| |a|
        self._limits: list[int] = np.floor(radii[1] * np.linalg.norm(cell, axis=1) + 1e-9).astype(int).tolist()
        axes = self._axes()
        everything = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        lengths = np.linalg.norm(everything @ np.linalg.inv(cell).T, axis=1)
        first = everything[:, 0] > 0
        for axis in (1, 2):  # of those with h = 0 every other is the partner of one before
            first |= (everything[:, :axis] == 0).all(axis=1) & (everything[:, axis] > 0)
        self._chosen = np.flatnonzero(first & (lengths >= radii[0]) & (lengths <= radii[1]))
        self.hkl = everything[self._chosen]
        self._lengths = lengths[self._chosen]
        theta = np.arcsin(np.clip(self._lengths * powder.wavelength / 2.0, 0.0, 1.0))
        self.two_theta = np.degrees(2.0 * theta)
        # Lorentz and polarisation factors of a powder and an unpolarised beam.
        self._factor = (1.0 + np.cos(2.0 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))

    def intensities(self, species: Sequence[str], fractional: Floats) -> Floats:
        """Return the intensities of a cell's atoms, (r,), electrons squared; both of a Friedel pair together.

        Parameters
        ----------
        species : sequence of str
            Elements, n of them.
        fractional : (n, 3) ndarray
            Coordinates in the lattice.
        """
        names = np.array(species)
        total: Complex = np.zeros(len(self._chosen), dtype=complex)
        for element in sorted(set(species)):
            total += self._scattering(element) * self._amplitudes(fractional[names == element])
        return np.asarray(2.0 * self._factor * np.abs(total) ** 2, dtype=float)

    def _axes(self) -> list[NDArray[np.int64]]:
        """Return the indices h, from 0, k and l of a box that holds the reflections."""
        return [np.arange(0 if axis == 0 else -most, most + 1) for axis, most in enumerate(self._limits)]

    def _amplitudes(self, fractional: Floats) -> Complex:
        """Sum exp(2πi h·x) over atoms, for all indices of the box at once: a product of matrices."""
        axes = self._axes()
        rows = len(axes[0]) * len(axes[1])
        box: Complex = np.zeros((rows, len(axes[2])), dtype=complex)
        for some in np.array_split(fractional, 1 + len(fractional) * rows // _AT_ONCE):
            waves = np.exp(2j * np.pi * some)
            h, k, el = (waves[:, axis, None] ** indices for axis, indices in enumerate(axes))
            box += (h[:, :, None] * k[:, None, :]).reshape(len(some), rows).T @ el
        return np.asarray(box.ravel()[self._chosen])

    def _scattering(self, element: str) -> Floats:
        """Scattering factors of an element, electrons."""
        a, b, c = _coefficients(element)
        square = (self._lengths / 2.0) ** 2
        return np.asarray(np.exp(-square[:, None] * b) @ a + c)


@lru_cache(maxsize=128)
def _coefficients(element: str) -> tuple[Floats, Floats, float]:
    """Return a, b (Å2), c of f = sum a exp(-b s2) + c, s = sin(theta)/lambda: Int. Tables C (1992), table 6.1.1.4."""
    import gemmi  # here, since few commands need it

    found = gemmi.Element(element).it92
    if found is None:
        raise InputError(f"there are no X-ray scattering factors of {element}")
    return np.array(found.a), np.array(found.b), float(found.c)


def pattern(structure: Structure, powder: Powder | None = None) -> Floats:
    """Calculate the X-ray powder pattern of a crystal whose atoms are at rest.

    Parameters
    ----------
    structure : Structure
        A crystal; any cell of it, its atoms in any order.
    powder : Powder, optional

    Returns
    -------
    (m,) ndarray
        Intensities at `Powder.angles`, the highest 100 (all 0 where no reflection lies there).

    Raises
    ------
    InputError
        For a molecule, and an element without scattering factors.

    Notes
    -----
    Kinematic intensities with multiplicity, Lorentz and polarisation factors, of atoms with the scattering factors of
    International Tables C (1992), without displacements, absorption and preferred orientation.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.comparing import pattern, similarity
    >>> [urea] = read("examples/urea/urea.cif")
    >>> round(similarity(pattern(urea), pattern(urea)), 6)
    1.0
    """
    chosen = powder or Powder()
    cell = reduced(structure.cell)
    reflections = Reflections(cell, chosen)
    fractional = structure.positions @ np.linalg.inv(cell)
    return spread(reflections.two_theta, reflections.intensities(structure.species, fractional), chosen)


def patterns(structures: Iterable[Structure], powder: Powder | None = None) -> Floats:
    """Return the `pattern` of each structure, (n, m)."""
    chosen = powder or Powder()
    found = [pattern(structure, chosen) for structure in structures]
    return np.array(found).reshape(len(found), len(chosen.angles))


def reduced(lattice: Floats) -> Floats:
    """Return the shortest vectors that make up a lattice, (3, 3), Å, in ascending order."""
    found, _ = minkowski_reduce(lattice)
    return np.asarray(found, dtype=float)


def spread(two_theta: Floats, intensities: Floats, powder: Powder) -> Floats:
    """Return the pattern of reflections: each is shared by the two angles beside it, then given its width."""
    size = len(powder.angles)
    place = (two_theta - powder.start) / powder.step
    left = np.clip(np.floor(place).astype(int), 0, size - 1)
    part = place - left
    sticks = np.bincount(left, intensities * (1.0 - part), size)[:size]
    sticks += np.bincount(np.minimum(left + 1, size - 1), intensities * part, size)[:size]
    reach = len(powder.profile) // 2
    found = np.convolve(sticks, powder.profile)[reach : reach + size]
    highest = found.max(initial=0.0)
    return np.asarray(found * (100.0 / highest) if highest > 0.0 else found)


def similarity(one: ArrayLike, other: ArrayLike, powder: Powder | None = None) -> float:
    """Return how alike two patterns are, from 0 to 1 (`similarities`)."""
    return float(similarities(one, np.asarray(other, dtype=float)[None, :], powder)[0])


def similarities(one: ArrayLike, others: ArrayLike, powder: Powder | None = None) -> Floats:
    """Return how alike a pattern is to each of others.

    Parameters
    ----------
    one : (m,) array_like
        A pattern, at `Powder.angles`.
    others : (n, m) array_like
        Patterns.
    powder : Powder, optional
        Its `window` is the half width of the triangle.

    Returns
    -------
    (n,) ndarray
        From 0 to 1; 0 for a pattern without peaks.

    Notes
    -----
    The cross-correlation of the patterns, weighted by a triangle and normalised by their self-correlations: de Gelder,
    Wehrens and Hageman, J. Comput. Chem. 22, 273 (2001). A triangle is the self-correlation of a box, so that this is
    the cosine of the angle between the patterns averaged over a box; it costs one sum over each.
    """
    chosen = powder or Powder()
    width = max(1, round(chosen.window / chosen.step))
    (first,), rest = _averaged(np.atleast_2d(np.asarray(one, dtype=float)), width), _averaged(np.asarray(others), width)
    norms = np.linalg.norm(rest, axis=1) * np.linalg.norm(first)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.where(norms > 0.0, rest @ first / norms, 0.0)
    return np.clip(cosines, 0.0, 1.0)


def _averaged(rows: ArrayLike, width: int) -> Floats:
    """Return the sums over boxes of so many points that touch a pattern, (n, m + width - 1)."""
    padded = np.pad(np.asarray(rows, dtype=float), ((0, 0), (width, width - 1)))
    sums = np.cumsum(padded, axis=1)
    return np.asarray(sums[:, width:] - sums[:, :-width])
