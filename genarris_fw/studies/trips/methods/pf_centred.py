"""The gauge-centred fixed point: balancing factors, then beta by a Newton step in costs without their mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genarris_fw.studies.trips.methods.sweeps import Sweep, sweep_of
from genarris_fw.studies.trips.model.balancing import passes
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# The farthest that beta moves in a sweep, in units of 1 / standard deviation of the cost.
LONGEST_STEP = 1.0


def pf_centred(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over (21), (22) and a centred form of (20).

    A constant taken from a category's costs is absorbed by its factors A, so (20) may be solved for
    c' = c - C / sum O. With A and B fixed, the Newton step is then beta += sum c' T / sum c'^2 T; the steps in beta and
    in A no longer hinder each other, since sum c' T is 0 where the sweeps end.
    """
    gamma, beta, mean = start.gamma.copy(), start.beta.copy(), problem.mean_costs
    while True:
        found = passes(problem, beta, gamma, threads)
        yield sweep_of(problem, gamma, beta, found)
        factor = problem.destinations / found.destinations
        gamma = gamma + np.log(factor)
        # The moments with the new B: all of a column is multiplied by what its B was.
        trips = found.column_sums @ factor
        costs = found.column_costs @ factor
        squares = found.column_costs_squared @ factor
        first = costs - mean * trips
        second = squares - 2.0 * mean * costs + mean**2 * trips
        longest = LONGEST_STEP * np.sqrt(trips / second)
        beta = beta + np.clip(first / second, -longest, longest)
