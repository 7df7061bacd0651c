"""One equation (20) in its own beta, the balancing factors fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genarris_fw.studies.trips.methods.fixed_point import Balanced
from genarris_fw.studies.trips.model.problem import TripProblem

# Where the relative error of an equation is no larger, a Newton step is the last: what it leaves goes as the square,
# and the next sweep's factors move the root by more.
NEARLY_SOLVED = 0.01


@dataclass(frozen=True)
class Moments:
    """Sums of c T and c^2 T over the pairs of a category."""

    first: float
    second: float

    def error(self, total: float) -> float:
        """Return ln(sum c T / C), the relative error of the equation where it is small."""
        return math.log(self.first / total) if self.first > 0.0 else -math.inf


def moments_at(problem: TripProblem, state: Balanced, k: int, beta: float, shift: float = 0.0) -> Moments:
    """Return the moments of c - shift for category k at another beta.

    A and B stay as they are where the costs are counted from ``shift``: T is multiplied by
    exp((beta_before - beta) (c - shift)).
    """
    costs = problem.costs[k] - shift
    exponents = (state.log_a[k] - state.beta[k] * shift)[:, None] + state.gamma - beta * costs
    trips = np.exp(exponents)
    allowed = problem.allowed_in(k)
    if allowed is not None:
        trips[~allowed] = 0.0
    trips *= costs
    return Moments(float(trips.sum()), float(np.vdot(trips, costs)))
