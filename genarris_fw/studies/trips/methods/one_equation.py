"""One equation (20) in its own beta, the balancing factors fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from genarris_fw.studies.trips.methods.fixed_point import Balanced
from genarris_fw.studies.trips.model.balancing import cost_moments
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


def moved(trips: float, costs: float, squares: float, shift: float) -> Moments:
    """Return the moments of c - shift, from the sums of T, c T and c^2 T."""
    return Moments(costs - shift * trips, squares - 2.0 * shift * costs + shift**2 * trips)


def moments_before(state: Balanced, k: int, shift: float = 0.0) -> Moments:
    """Return the moments of c - shift for category k at its beta: the pass of the sweep knows them."""
    return moved(float(state.trips[k]), float(state.costs[k]), float(state.costs_squared[k]), shift)


def moments_at(problem: TripProblem, state: Balanced, k: int, beta: float, shift: float = 0.0) -> Moments:
    """Return the moments of c - shift for category k at another beta.

    A and B stay as they are where the costs are counted from ``shift``: T is multiplied by
    exp((beta_before - beta) (c - shift)).
    """
    log_a = state.log_a[k] + (beta - state.beta[k]) * shift
    return moved(*cost_moments(problem.costs[k], beta, state.gamma, log_a, problem.allowed_in(k)), shift)
