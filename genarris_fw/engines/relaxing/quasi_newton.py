"""A quasi-Newton search with a trust radius, for positions and cell together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Directions softer than this (eV/Å2) are treated as this soft, so that no step along them runs away.
LEAST_CURVATURE = 0.05
LARGEST_RADIUS = 1.0
SMALLEST_RADIUS = 0.02
# An energy that rises by more than this (eV) takes the step back.
RISE = 1e-3
# Steps whose change of the gradient is remembered. When molecules turn, their stiff directions turn with them:
# the guess follows, old steps do not, so that few of them serve better than all.
MEMORY = 6


class QuasiNewton:
    """Steps from values and gradients: a guess of the second derivatives, renewed at every point and corrected
    by what the last steps have shown.

    The correction is Powell's damped BFGS update, which keeps the matrix positive (J. Nocedal and S. J. Wright,
    Numerical Optimization, 2nd edition, procedure 18.2).

    Parameters
    ----------
    guess : callable
        Gives the (m, m) guess in eV/Å2 for the geometry as it is now.
    limits : (m,) array_like
        The largest change of each coordinate in one step at radius 1.
    """

    def __init__(self, guess: Callable[[], Floats], limits: Floats) -> None:
        self._guess = guess
        self.limits = np.asarray(limits, dtype=float)
        self.radius = LARGEST_RADIUS
        self._base: Floats = np.zeros((len(self.limits), len(self.limits)))
        self._pairs: deque[tuple[Floats, Floats]] = deque(maxlen=MEMORY)
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
        rise = 0.0
        if self._best is not None:
            x0, value0, gradient0 = self._best
            self._pairs.append((x - x0, gradient - gradient0))
            rise = value - value0
            if rise > RISE:
                # Back to the better point, with what was learnt, and a shorter step.
                self.radius = max(SMALLEST_RADIUS, 0.4 * self.radius)
                x, value, gradient = x0, value0, gradient0
            elif rise < 0.5 * self._expected:
                self.radius = min(LARGEST_RADIUS, 1.6 * self.radius)
        if rise <= RISE:
            self._base = self._guess()
        self._best = (x.copy(), value, gradient.copy())
        hessian = self._base.copy()
        for move, change in self._pairs:
            hessian = _updated(hessian, move, change)
        step = self._step(hessian, gradient)
        self._expected = float(gradient @ step + 0.5 * step @ hessian @ step)
        return x + step

    def _step(self, hessian: Floats, gradient: Floats) -> Floats:
        curvatures, modes = np.linalg.eigh(hessian)
        step = -modes @ ((modes.T @ gradient) / np.maximum(np.abs(curvatures), LEAST_CURVATURE))
        excess = float((np.abs(step) / self.limits).max())
        return np.asarray(step * min(1.0, self.radius / excess) if excess > 0 else step)


def _updated(hessian: Floats, step: Floats, change: Floats) -> Floats:
    """The damped BFGS update with the change of the gradient over a step."""
    pushed = hessian @ step
    curvature = float(step @ pushed)
    if curvature < 1e-12:
        return hessian
    along = float(step @ change)
    part = 1.0 if along >= 0.2 * curvature else 0.8 * curvature / (curvature - along)
    damped = part * change + (1.0 - part) * pushed
    new = hessian + np.outer(damped, damped) / (step @ damped) - np.outer(pushed, pushed) / curvature
    return np.asarray(0.5 * (new + new.T))
