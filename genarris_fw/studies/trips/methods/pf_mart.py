"""PF-beta-MART: the fixed point in the balancing factors, and the multiplicative algebraic reconstruction of beta."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genarris_fw.studies.trips.methods.fixed_point import Balanced, one_by_one
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.cost_range import range_of_costs
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


def pf_mart(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over the categories; for each (21), (22) and a step of MART for its equation (20).

    MART multiplies T by (C / sum c T)^(c / c_max) (the paper, 3.5; Fang, Rajasekera & Tsao 1997, Entropy Optimization
    and Mathematical Programming), which is beta += (1/c_max) ln[sum c T / C]: the pivot's step with the largest pivot.
    It never goes beyond the root, and it is slow where the largest cost is far above the usual ones.
    """
    total = problem.total_costs
    largest = [range_of_costs(problem, n)[1] for n in range(problem.categories)]

    def next_beta(state: Balanced, k: int) -> float:
        return float(state.beta[k] + np.log(state.costs[k] / total[k]) / largest[k])

    return one_by_one(problem, start, threads, next_beta)
