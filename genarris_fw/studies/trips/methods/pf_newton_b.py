"""PF-beta-NewtonB: the fixed point in the balancing factors, and Bregman's way with Newton's scalar method in beta."""

from __future__ import annotations

import math
from collections.abc import Iterator

from genarris_fw.studies.trips.methods.fixed_point import Balanced, one_by_one
from genarris_fw.studies.trips.methods.one_equation import NEARLY_SOLVED, moments_at, moments_before
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

MOST_STEPS = 50


def pf_newton_b(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over the categories; for each (21), (22) and its equation (20) by Newton's scalar method.

    The paper, 3.4, after Bregman (1967 USSR Comput. Math. Math. Phys. 7 200): a constraint at a time, all other
    parameters fixed. With A and B fixed, F(beta) = sum c A B exp(-beta c) - C falls and is convex; steps
    beta += F / sum c^2 T are made until the equation is solved, the last of them where its quadratic convergence makes
    another needless.
    """
    total = [float(total) for total in problem.total_costs]

    def next_beta(state: Balanced, k: int) -> float:
        beta, now = float(state.beta[k]), moments_before(state, k)
        for _ in range(MOST_STEPS):
            if not now.second > 0.0:
                return math.nan
            beta += (now.first - total[k]) / now.second
            if abs(now.error(total[k])) <= NEARLY_SOLVED:
                break
            now = moments_at(problem, state, k, beta)
        return beta

    return one_by_one(problem, start, threads, next_beta)
