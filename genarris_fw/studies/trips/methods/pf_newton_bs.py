"""PF-beta-NewtonBS: the fixed point in the balancing factors, and a bounded search for beta (the paper, 4.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from genarris_fw.studies.trips.methods.fixed_point import Balanced, all_at_once
from genarris_fw.studies.trips.methods.one_equation import NEARLY_SOLVED, Moments, moments_at, moments_before
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.cost_range import range_of_costs
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# What the lowest cost of a category becomes, of the range of its costs: the bracket needs it above 0.
LOWEST = 0.01
MOST_STEPS = 100


def pf_newton_bs(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over (21), (22) and, for each beta, a Newton search of equation (20) that a bracket bounds.

    With w = A B > 0 fixed and 0 < c_min <= c <= c_max, the mean value theorem gives a q in [c_min, c_max] such that
    sum w c exp(-beta c) = exp(-beta q) S0, S0 = sum w c. The root of (20) therefore is beta = ln(S0 / C) / q, (31),
    and lies between ln(S0 / C) / c_max and ln(S0 / C) / c_min. The search is for q: a Newton step that would leave the
    bracket is a bisection instead, and the bracket shrinks around the root, so that it is always found.

    Costs are first moved by a constant per category, which A absorbs, so that the lowest is just above 0.
    """
    equations = [Equation(problem, k) for k in range(problem.categories)]

    def next_beta(state: Balanced) -> Array:
        return np.array([equation.root(state) for equation in equations])

    return all_at_once(problem, start, threads, next_beta)


class Equation:
    """Equation (20) of one category, in costs that are positive.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    category : int
        Which of its categories.
    """

    def __init__(self, problem: TripProblem, category: int) -> None:
        lowest, highest = range_of_costs(problem, category)
        self.problem = problem
        self.category = category
        self.shift = lowest - LOWEST * (highest - lowest)
        self.bracket = (lowest - self.shift, highest - self.shift)
        self.total = float(problem.total_costs[category] - self.shift * problem.category_trips[category])

    def root(self, state: Balanced) -> float:
        """Return the beta that solves the equation with A and B as they are, nearly; NaN where none can."""
        if not (self.total > 0.0 and self.bracket[0] > 0.0):
            return math.nan
        logarithm = self.logarithm(state)
        if logarithm == 0.0 or not math.isfinite(logarithm):
            return logarithm
        search = PivotSearch(logarithm, self.total, *self.bracket)
        before = float(state.beta[self.category])
        q = logarithm / before if before else 0.0
        if search.encloses(q):
            now = moments_before(state, self.category, self.shift)
        else:
            q = search.middle()
            now = self.moments(state, logarithm / q)
        for _ in range(MOST_STEPS):
            q, newton = search.next(q, now)
            if newton and abs(now.error(self.total)) <= NEARLY_SOLVED:
                break
            now = self.moments(state, logarithm / q)
        return logarithm / q

    def logarithm(self, state: Balanced) -> float:
        """Return ln(S0 / C), S0 = sum w c; the logarithms of the weights may be large."""
        k = self.category
        rows = state.log_a[k] - state.beta[k] * self.shift
        highest_row, highest_column = float(rows.max()), float(state.gamma.max())
        costs = self.problem.costs[k]
        allowed = self.problem.allowed_in(k)
        columns = np.exp(state.gamma - highest_column)
        if allowed is None:
            of_rows = costs @ columns - self.shift * columns.sum()
        else:
            of_rows = np.where(allowed, costs - self.shift, 0.0) @ columns
        weighted = float(np.exp(rows - highest_row) @ of_rows)
        return float(np.log(weighted / self.total)) + highest_row + highest_column

    def moments(self, state: Balanced, beta: float) -> Moments:
        """Return the moments at another beta, in the costs that were moved."""
        return moments_at(self.problem, state, self.category, beta, self.shift)


class PivotSearch:
    """Newton's scalar method for the pivot q in ln sum w c exp(-beta c) = ln C, beta = ln(S0 / C) / q, in a bracket.

    Parameters
    ----------
    logarithm : float
        ln(S0 / C), not 0.
    total : float
        C.
    lowest, highest : float
        The bracket: 0 < lowest <= highest.
    """

    def __init__(self, logarithm: float, total: float, lowest: float, highest: float) -> None:
        self.logarithm = logarithm
        self.total = total
        self.lowest = lowest
        self.highest = highest

    def encloses(self, q: float) -> bool:
        """Tell whether q is within the bracket."""
        return self.lowest <= q <= self.highest

    def middle(self) -> float:
        """Return the geometric mean of the bracket's ends: the middle for beta, which goes as 1/q."""
        return math.sqrt(self.lowest * self.highest)

    def next(self, q: float, now: Moments) -> tuple[float, bool]:
        """Shrink the bracket by what is known at q; return the next q, and whether a Newton step gave it.

        d ln S / dq = (sum c^2 T / sum c T) beta / q has the sign of beta: the root lies below q where the error has it.
        """
        error = now.error(self.total)
        if error * self.logarithm > 0.0:
            self.highest = q
        else:
            self.lowest = q
        if now.first > 0.0:
            slope = now.second / now.first * self.logarithm / q**2
            stepped = q - error / slope
            if self.encloses(stepped):
                return stepped, True
        return self.middle(), False
