"""Which radial functions describe an atom's surroundings: widths and centres by scheme and convention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

# How the radial functions are placed.
INIT_SCHEMES = ("shifted", "centered", "random")
# "mean": the formula and grids of the last Genarris 2 code; "2.0-manual": those of the code the manual describes.
RDF_CONVENTIONS = ("mean", "2.0-manual")

MOST_FUNCTIONS = 10000  # for each pair of elements
MOMENTS = 8  # coefficients of a polynomial: what the kernel gathers for a bin
LARGEST_TABLE = 2**21  # numbers; with more, narrow functions are evaluated at every distance


@dataclass(frozen=True)
class RadialFunctions:
    """Gaussians exp(-eta (r - centre)^2), each times the cosine cutoff (cos(pi r / cutoff) + 1) / 2.

    Attributes
    ----------
    eta : (n,) ndarray
        Widths in 1/Å2.
    centres : (n,) ndarray
        Centres in Å.
    cutoff : float
        Radius in Å beyond which every function is zero.
    """

    eta: NDArray[np.float64]
    centres: NDArray[np.float64]
    cutoff: float

    def __len__(self) -> int:
        """Return the number of functions."""
        return len(self.eta)

    def __call__(self, r: ArrayLike) -> NDArray[np.float64]:
        """Return the values, (..., n), at distances (...) in Å up to the cutoff."""
        distances = np.asarray(r, dtype=float)[..., None]
        smooth = (np.cos(np.pi / self.cutoff * distances) + 1) / 2
        return np.asarray(np.exp(-self.eta * (distances - self.centres) ** 2) * smooth)

    @property
    def spacing(self) -> float:
        """Distance of neighbouring centres in Å when they ascend evenly and eta is common, else 0."""
        steps = np.diff(self.centres)
        if len(steps) == 0 or steps[0] <= 0 or np.ptp(self.eta) > 0:
            return 0.0
        return float(steps.mean()) if np.allclose(steps, steps[0], rtol=1e-12, atol=0) else 0.0

    def pieces(self) -> NDArray[np.float64]:
        """Write the functions as polynomials on even bins between 0 and the cutoff.

        Returns
        -------
        (bins, 8, n) ndarray
            Coefficients of the powers 0 to 7 of the place within a bin, from -1 at its lower end to 1. No bins
            where the functions are so narrow that the table would be too large.

        Notes
        -----
        Interpolation at the Chebyshev points of the bin. With s the steepest slope of a function's logarithm, the
        relative error is about 2 (s h / 8)^8 / 8! for bins of width h; s h = 1/2 makes it 3e-12. The slope
        ``2 eta |r - centre|`` counts where the Gaussian exceeds exp(-36), a rounding error of its peak; the error grows
        gently beyond. At least 24 bins serve the cosine.
        """
        farthest = np.maximum(self.centres, np.abs(self.cutoff - self.centres))
        slopes = 2 * np.sqrt(self.eta) * np.minimum(6, np.sqrt(self.eta) * farthest)
        bins = max(24, math.ceil(2 * self.cutoff * slopes.max()))
        if bins * MOMENTS * len(self) > LARGEST_TABLE:
            return np.zeros((0, MOMENTS, len(self)))
        places = np.cos(np.pi * (np.arange(MOMENTS) + 0.5) / MOMENTS)
        values = self((np.arange(bins) + (places[:, None] + 1) / 2) * (self.cutoff / bins))
        coefficients = np.tensordot(np.linalg.inv(np.vander(places, increasing=True)), values, 1)
        return np.ascontiguousarray(np.swapaxes(coefficients, 0, 1))


def _range(name: str, values: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {values!r}; give two numbers [low, high]") from None
    if not (np.isfinite([low, high]).all() and 0 <= low <= high):
        raise InputError(f"{name} is [{low:g}, {high:g}]; give two numbers with 0 <= low <= high")
    return low, high


def _number_of_functions(n_D_inter: int) -> int:
    whole = isinstance(n_D_inter, int | float | np.integer) and not isinstance(n_D_inter, bool)
    if not (whole and 1 <= n_D_inter <= MOST_FUNCTIONS and int(n_D_inter) == n_D_inter):
        raise InputError(f"n_D_inter is {n_D_inter}; give a whole number of functions, 1 to {MOST_FUNCTIONS}")
    return int(n_D_inter)


def _cutoff(cutoff: float) -> float:
    try:
        radius = float(cutoff)
    except (TypeError, ValueError):
        radius = math.nan
    if not (math.isfinite(radius) and radius > 0):
        raise InputError(f"cutoff is {cutoff}; give a radius in Å above 0")
    return radius


def choose(name: str, value: str, choices: Sequence[str]) -> str:
    """Return the option's value in small letters; InputError for none of the choices."""
    if str(value).lower() not in choices:
        raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
    return str(value).lower()


def radial_functions(
    cutoff: float = 12.0,
    n_D_inter: int = 12,
    init_scheme: str = "shifted",
    eta_range: Sequence[float] = (0.05, 0.5),
    Rs_range: Sequence[float] = (0.1, 12.0),
    seed: int = 0,
    convention: str = "mean",
) -> RadialFunctions:
    """Choose the radial functions by the manual's options.

    Parameters
    ----------
    cutoff : float
        Radius in Å.
    n_D_inter : int
        Number of functions for each ordered pair of elements.
    init_scheme : {'shifted', 'centered', 'random'}
        ``shifted``: centres evenly over `Rs_range`, ends included, with one width eta = 1 / (2 d^2),
        d = (cutoff - 0.5) / (n - 1). ``centered``: centres at 0, widths 1 / (2 r^2) for r evenly from
        1 Å to cutoff - 0.5 Å. ``random``: both uniform in their ranges.
        With one function r = d = cutoff / 2 in the first two.
    eta_range : (2,) sequence of float
        Widths in 1/Å2, for ``random`` only.
    Rs_range : (2,) sequence of float
        Centres in Å, for ``shifted`` and ``random``.
    seed : int
        Of the ``random`` scheme.
    convention : {'mean', '2.0-manual'}
        ``mean``: as above. ``2.0-manual``: ``shifted`` and ``centered`` share the grid 1 Å, 1 Å + d, ... with
        d = (cutoff - 1.5) / (n - 1) and its end, cutoff - 0.5 Å, left out: n - 1 functions. ``shifted`` has its
        centres there, eta = 1 / (2 d^2), whatever `Rs_range`; ``centered`` has the widths 1 / (2 r^2).

    Returns
    -------
    RadialFunctions

    Raises
    ------
    InputError
        For an option that makes no functions.

    Notes
    -----
    The symmetry functions are those of Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007); the schemes
    follow Gastegger et al., J. Chem. Phys. 148, 241709 (2018), with the grids of the Genarris 2.0 codes.
    """
    radius, n = _cutoff(cutoff), _number_of_functions(n_D_inter)
    scheme = choose("init_scheme", init_scheme, INIT_SCHEMES)
    manual = choose("convention", convention, RDF_CONVENTIONS) == "2.0-manual"
    widths, places = _range("eta_range", eta_range), _range("Rs_range", Rs_range)
    if scheme == "random":
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise InputError(f"seed is {seed}; give a whole number, 0 or more")
        rng = np.random.default_rng(seed)
        return RadialFunctions(rng.uniform(*widths, n), rng.uniform(*places, n), radius)
    if n == 1:
        centre = radius / 2 if scheme == "shifted" else 0.0
        return RadialFunctions(np.array([2.0 / radius**2]), np.array([centre]), radius)
    if radius <= 1.5 and (manual or scheme == "centered"):
        raise InputError(f"cutoff is {radius:g}; this init_scheme needs more than 1.5 Å ({scheme}, {convention})")
    if radius <= 0.5:
        raise InputError(f"cutoff is {radius:g}; init_scheme shifted needs more than 0.5 Å")
    grid = np.linspace(1.0, radius - 0.5, n)[: n - 1 if manual else n]
    if scheme == "centered":
        return RadialFunctions(0.5 / grid**2, np.zeros(len(grid)), radius)
    step = (radius - 1.5 if manual else radius - 0.5) / (n - 1)
    centres = grid if manual else np.linspace(*places, n)
    return RadialFunctions(np.full(len(centres), 0.5 / step**2), centres, radius)
