"""A quasi-Newton search with a trust radius, for positions and cell together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Directions softer than this (eV/Å2) are treated as this soft, so that no step along them runs away.
LEAST_CURVATURE = 0.05
LARGEST_RADIUS = 1.0
SMALLEST_RADIUS = 0.02
# An energy that rises by more than this (eV) takes the step back.
RISE = 1e-3


class QuasiNewton:
    """Steps from values and gradients: BFGS updates of a given second-derivative matrix.

    The update is Powell's damped one, which keeps the matrix positive (J. Nocedal and S. J. Wright, Numerical
    Optimization, 2nd edition, procedure 18.2).

    Parameters
    ----------
    hessian : (m, m) array_like
        The starting guess, eV/Å2.
    limits : (m,) array_like
        The largest change of each coordinate in one step at radius 1.
    """

    def __init__(self, hessian: Floats, limits: Floats) -> None:
        self.hessian = np.array(hessian, dtype=float)
        self.limits = np.asarray(limits, dtype=float)
        self.radius = LARGEST_RADIUS
        self._best: tuple[Floats, float, Floats] | None = None
        self._expected = 0.0

    def forget_last(self) -> None:
        """Forget the last value and gradient, not what was learnt: the function has changed a little."""
        self._best = None

    def propose(self, x: Floats, value: float, gradient: Floats) -> Floats:
        """Return the next point.

        Parameters
        ----------
        x : (m,) ndarray
            Where value and gradient were computed.
        value : float
            Energy in eV.
        gradient : (m,) ndarray
            eV/Å.

        Returns
        -------
        (m,) ndarray
        """
        if self._best is not None:
            x0, value0, gradient0 = self._best
            self._update(x - x0, gradient - gradient0)
            rise = value - value0
            if rise > RISE:
                # Back to the better point, with what was learnt, and a shorter step.
                self.radius = max(SMALLEST_RADIUS, 0.4 * self.radius)
                x, value, gradient = x0, value0, gradient0
            elif rise < 0.5 * self._expected:
                self.radius = min(LARGEST_RADIUS, 1.6 * self.radius)
        self._best = (x.copy(), value, gradient.copy())
        step = self._step(gradient)
        self._expected = float(gradient @ step + 0.5 * step @ self.hessian @ step)
        return x + step

    def _step(self, gradient: Floats) -> Floats:
        curvatures, modes = np.linalg.eigh(self.hessian)
        step = -modes @ ((modes.T @ gradient) / np.maximum(np.abs(curvatures), LEAST_CURVATURE))
        excess = float((np.abs(step) / self.limits).max())
        return np.asarray(step * min(1.0, self.radius / excess) if excess > 0 else step)

    def _update(self, step: Floats, change: Floats) -> None:
        length = float(np.linalg.norm(step))
        if length < 1e-10:
            return
        pushed = self.hessian @ step
        curvature = float(step @ pushed)
        if curvature < 1e-12:
            return
        along = float(step @ change)
        part = 1.0 if along >= 0.2 * curvature else 0.8 * curvature / (curvature - along)
        damped = part * change + (1.0 - part) * pushed
        self.hessian += np.outer(damped, damped) / (step @ damped) - np.outer(pushed, pushed) / curvature
        self.hessian = 0.5 * (self.hessian + self.hessian.T)
