"""What an optimiser is: it says where to go, and learns from each step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float64]
Arrays: TypeAlias = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Step:
    """A step that was taken.

    Parameters
    ----------
    shift : ndarray, shape (n,)
        How the parameters changed: s (h in the paper).
    before, after : ndarray, shape (n,)
        The gradients.
    length : float
        Its length alpha along the direction.
    """

    shift: Vector
    before: Vector
    after: Vector
    length: float

    @cached_property
    def change(self) -> Vector:
        """How the gradient changed: y (i in the paper), shape (n,)."""
        return self.after - self.before

    @cached_property
    def slope(self) -> float:
        """g.s, with the gradient before the step."""
        return float(self.before @ self.shift)

    @cached_property
    def curvature(self) -> float:
        """y.s."""
        return float(self.change @ self.shift)

    @property
    def teaches(self) -> bool:
        """Tell whether the curvature along the step is positive beyond rounding."""
        return self.curvature > 1e-12 * float(np.linalg.norm(self.change) * np.linalg.norm(self.shift))


class Optimiser(Protocol):
    """A quasi-Newton method: an approximation H of the inverse Hessian."""

    def direction(self, gradient: Vector) -> Vector:
        """Return -H g, shape (n,)."""

    def learn(self, step: Step) -> None:
        """Let a step change H; one whose curvature is not positive leaves it as it is."""

    def forget(self) -> None:
        """Go back to H = 1."""

    def state(self) -> Arrays:
        """Return all that it has learned."""

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned."""
