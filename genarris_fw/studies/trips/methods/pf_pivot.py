"""PF-beta-Pivot: a fixed point in all parameters, by a pivot taken out of the costs (the paper, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genarris_fw.studies.trips.methods.fixed_point import Balanced, all_at_once
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.cost_range import mean_of_costs
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


def pf_pivot(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over (21), (22) and the fixed point (30) in beta.

    With a pivot q > 0, exp(-beta c) = exp(-beta q) exp(-beta (c - q)). Equation (20) then reads
    exp(-beta q) sum c A B exp(-beta (c - q)) = C, whence (30):
    beta = (1/q) ln[sum c A B exp(-beta (c - q)) / C], that is beta += (1/q) ln[sum c T / C].

    Near the solution an error is multiplied by 1 - c2/q, c2 = sum c^2 T / sum c T: it converges for q > c2/2, and the
    slower the larger the pivot. The pivot is the mean of the costs of the category, of allowed pairs, each counted
    once: trips of a large beta make c2 much smaller.
    """
    pivots = np.array([mean_of_costs(problem, n) for n in range(problem.categories)])

    def next_beta(state: Balanced) -> Array:
        rise: Array = np.log(state.costs / problem.total_costs) / pivots
        return state.beta + rise

    return all_at_once(problem, start, threads, next_beta)
