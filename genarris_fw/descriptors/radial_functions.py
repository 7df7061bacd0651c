"""Which radial functions describe an atom's surroundings: widths and centres by scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError

INIT_SCHEMES = ("shifted", "centered", "random")


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
        return len(self.eta)

    @property
    def spacing(self) -> float:
        """Distance of neighbouring centres in Å when they ascend evenly and eta is common, else 0."""
        steps = np.diff(self.centres)
        if len(steps) == 0 or steps[0] <= 0 or np.ptp(self.eta) > 0:
            return 0.0
        return float(steps.mean()) if np.allclose(steps, steps[0], rtol=1e-12, atol=0) else 0.0


def _range(name: str, values: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {values!r}; give two numbers [low, high]") from None
    if not (np.isfinite([low, high]).all() and 0 <= low <= high):
        raise InputError(f"{name} is [{low:g}, {high:g}]; give two numbers with 0 <= low <= high")
    return low, high


def radial_functions(
    cutoff: float = 12.0,
    n_D_inter: int = 12,
    init_scheme: str = "shifted",
    eta_range: Sequence[float] = (0.05, 0.5),
    Rs_range: Sequence[float] = (0.1, 12.0),
    seed: int = 0,
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

    Returns
    -------
    RadialFunctions

    Raises
    ------
    InputError
        For an option that makes no functions.

    Notes
    -----
    The symmetry functions are those of Behler and Parrinello; the schemes follow Gastegger et al.,
    J. Chem. Phys. 148, 241709 (2018), with the grids of the Genarris 2.0 code.
    """
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise InputError(f"cutoff is {cutoff}; give a radius in Å above 0")
    if isinstance(n_D_inter, bool) or int(n_D_inter) != n_D_inter or n_D_inter < 1:
        raise InputError(f"n_D_inter is {n_D_inter}; give a whole number of functions, at least 1")
    n = int(n_D_inter)
    scheme = str(init_scheme).lower()
    if scheme not in INIT_SCHEMES:
        raise InputError(f"init_scheme is {init_scheme!r}; choose one of {', '.join(INIT_SCHEMES)}")
    if scheme == "random":
        rng = np.random.default_rng(seed)
        eta = rng.uniform(*_range("eta_range", eta_range), n)
        return RadialFunctions(eta, rng.uniform(*_range("Rs_range", Rs_range), n), float(cutoff))
    if n == 1:
        eta = np.array([2.0 / cutoff**2])
        return RadialFunctions(eta, np.array([cutoff / 2 if scheme == "shifted" else 0.0]), float(cutoff))
    if scheme == "centered":
        if cutoff <= 1.5:
            raise InputError(f"cutoff is {cutoff:g}; init_scheme centered needs more than 1.5 Å")
        return RadialFunctions(0.5 / np.linspace(1.0, cutoff - 0.5, n) ** 2, np.zeros(n), float(cutoff))
    if cutoff <= 0.5:
        raise InputError(f"cutoff is {cutoff:g}; init_scheme shifted needs more than 0.5 Å")
    width = (cutoff - 0.5) / (n - 1)
    centres = np.linspace(*_range("Rs_range", Rs_range), n)
    return RadialFunctions(np.full(n, 0.5 / width**2), centres, float(cutoff))
