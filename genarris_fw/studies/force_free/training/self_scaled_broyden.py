"""The self-scaled Broyden method: the whole inverse Hessian, for networks of up to some ten thousand parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genarris_fw.studies.force_free.training.optimiser import Arrays, Step, Vector

# H = scale * packed; beyond these the scale is multiplied in, so that it never overflows.
LARGEST_SCALE = 1e100


class SelfScaledBroyden:
    """Self-scaled Broyden (Urban, Stefanou & Pons 2025 J. Comput. Phys. 523 113656, arXiv 2405.04230, eqs. 13 to 23).

    H is symmetric; its lower triangle alone is kept, packed by columns, n (n + 1) / 2 numbers, and changed in place.

    Parameters
    ----------
    parameters : int
        How many parameters, n.
    """

    def __init__(self, parameters: int) -> None:
        self._parameters = parameters
        self._packed = np.zeros(parameters * (parameters + 1) // 2)
        self.forget()

    @staticmethod
    def memory_needed(parameters: int) -> int:
        """Return the bytes that H takes."""
        return 8 * parameters * (parameters + 1) // 2

    def direction(self, gradient: Vector) -> Vector:
        """Return -H g, shape (n,)."""
        return self._times(gradient, -1.0)

    def learn(self, step: Step) -> None:
        """Let a step change H."""
        from scipy.linalg import blas

        if not step.teaches:
            return
        image = self._times(step.change, 1.0)
        ys = step.curvature
        yhy = float(step.change @ image)
        scaling = scaled(b=-step.length * step.slope / ys, h=yhy / ys, parameters=self._parameters)
        tau = scaling.first_tau if self._fresh else scaling.tau
        self._fresh = False
        # (H - u u'/yhy + phi yhy v v') / tau + s s'/ys with u = H y, v = s/ys - u/yhy: gathered by s s', s u' and u u'.
        self._scale /= tau
        if not 1.0 / LARGEST_SCALE < self._scale < LARGEST_SCALE:
            self._packed *= self._scale
            self._scale = 1.0
        ss = (scaling.phi * yhy / (tau * ys) + 1.0) / ys
        su = -scaling.phi / (tau * ys)
        uu = (scaling.phi - 1.0) / (tau * yhy)
        n = self._parameters
        both = 0.5 * ss * step.shift + su * image
        self._packed = blas.dspr2(n, 1.0 / self._scale, step.shift, both, self._packed, lower=1, overwrite_ap=1)
        self._packed = blas.dspr(n, uu / self._scale, image, self._packed, lower=1, overwrite_ap=1)

    def forget(self) -> None:
        """Go back to H = 1."""
        self._packed[:] = 0.0
        n = self._parameters
        columns = np.arange(n)
        self._packed[columns * n - columns * (columns - 1) // 2] = 1.0
        self._scale = 1.0
        self._fresh = True

    def state(self) -> Arrays:
        """Return the packed triangle itself (no copy: it may be half of the memory), its scale, and whether H is still 1."""
        return {"packed": self._packed, "scale": np.array(self._scale), "fresh": np.array(self._fresh)}

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned."""
        self._packed[:] = state["packed"]
        self._scale = float(state["scale"])
        self._fresh = bool(state["fresh"])

    def _times(self, vector: Vector, factor: float) -> Vector:
        from scipy.linalg import blas

        result: Vector = blas.dspmv(self._parameters, factor * self._scale, self._packed, vector, lower=1)
        return result


@dataclass(frozen=True)
class Scaling:
    """How one update scales: tau of the matrix, phi of the family's member, tau of the first update."""

    tau: float
    phi: float
    first_tau: float


def scaled(b: float, h: float, parameters: int) -> Scaling:
    """Choose tau and phi (Urban et al. 2025, eqs. 14 to 23, after Al-Baali 1998 Comput. Optim. Appl. 9 191).

    Parameters
    ----------
    b : float
        s.B s / y.s, with B the inverse of H.
    h : float
        y.H y / y.s.
    parameters : int
        How many parameters, n > 1.

    Returns
    -------
    Scaling
    """
    # b h >= 1 by Cauchy and Schwarz; rounding must not take it below.
    a = max(b * h - 1.0, np.finfo(float).eps)
    c = math.sqrt(a / (1.0 + a))
    least = min(1.0, 1.0 / (b * (1.0 + c)))  # rho^- = min(1, h (1 - c)), without the cancellation of 1 - c
    theta = max((least - 1.0) / a, min(1.0 / least, (1.0 - b) / b))
    sigma = 1.0 + a * theta
    evened = sigma ** (1.0 / (1.0 - parameters)) if parameters > 1 else 1.0
    rho = min(1.0, 1.0 / b)
    tau = min(rho * evened, sigma) if theta <= 0.0 else rho * min(evened, 1.0 / theta)
    return Scaling(tau=tau, phi=(1.0 - theta) / sigma, first_tau=h / sigma)
