"""How the updates of self-scaled quasi-Newton methods are scaled, and which member of Broyden's family each is."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np


class Scale(Protocol):
    """A choice of tau, by which the former matrix is divided, and phi: 1 is BFGS, 0 is DFP."""

    def __call__(self, b: float, h: float, parameters: int, first: bool) -> tuple[float, float]:
        """Return tau and phi.

        Parameters
        ----------
        b : float
            s.B s / y.s, with B the inverse of H.
        h : float
            y.H y / y.s.
        parameters : int
            How many parameters, n.
        first : bool
            Whether H is still 1; it is then scaled to the curvature of the step (Nocedal & Wright 2006, eq. 6.20).
        """


def bfgs(b: float, h: float, parameters: int, first: bool) -> tuple[float, float]:
    """Choose self-scaled BFGS, tau = min(1, 1 / b) (Al-Baali 1998; Urban et al. 2025, eq. 11)."""
    return h if first else min(1.0, 1.0 / b), 1.0


def broyden(b: float, h: float, parameters: int, first: bool) -> tuple[float, float]:
    """Choose self-scaled Broyden (Al-Baali 1998 Comput. Optim. Appl. 9 191; Urban et al. 2025, eqs. 13 to 23)."""
    # b h >= 1 by Cauchy and Schwarz; rounding must not take it below.
    a = max(b * h - 1.0, float(np.finfo(float).eps))
    c = math.sqrt(a / (1.0 + a))
    least = min(1.0, 1.0 / (b * (1.0 + c)))  # rho^- = min(1, h (1 - c)), without the cancellation of 1 - c
    theta = max((least - 1.0) / a, min(1.0 / least, (1.0 - b) / b))
    sigma = 1.0 + a * theta
    phi = (1.0 - theta) / sigma
    if first:
        return h / sigma, phi
    evened = sigma ** (1.0 / (1.0 - parameters)) if parameters > 1 else 1.0
    rho = min(1.0, 1.0 / b)
    return (min(rho * evened, sigma) if theta <= 0.0 else rho * min(evened, 1.0 / theta)), phi
