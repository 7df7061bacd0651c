"""PF-beta-Newton: the fixed point in the balancing factors, and Newton's vector method in beta (the paper, 3.3)."""

from __future__ import annotations

from collections.abc import Iterator

from genarris_fw.studies.trips.methods.fixed_point import Balanced, all_at_once
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


def pf_newton(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over (21), (22) and a Newton step for (20) in the vector beta.

    With A and B fixed, the equations F^n = sum_od c T - C^n = 0 hold one beta each: the Jacobian is diagonal,
    dF^n / dbeta^n = -sum_od c^2 T, and its inverse is no work. The step is beta^n += (sum c T - C^n) / sum c^2 T.
    """

    def next_beta(state: Balanced) -> Array:
        return state.beta + (state.costs - problem.total_costs) / state.costs_squared

    return all_at_once(problem, start, threads, next_beta)
