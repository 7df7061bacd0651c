"""The gauge-centred fixed point: balancing factors, then beta by a Newton step in costs from which the mean is taken."""

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
    gamma, beta = start.gamma.copy(), start.beta.copy()
    while True:
        found = passes(problem, beta, gamma, threads)
        yield sweep_of(problem, gamma, beta, found)
        with np.errstate(divide="ignore"):
            up = np.where(problem.destinations > 0.0, problem.destinations / found.destinations, 0.0)
        gamma = gamma + np.log(np.maximum(up, np.finfo(np.float64).tiny))
        # The moments with the new B: every column is multiplied by what its factor was.
        trips, costs, squares = (
            sums @ up for sums in (found.column_sums, found.column_costs, found.column_costs_squared)
        )
        mean = problem.mean_costs
        first = costs - mean * trips
        second = squares - 2.0 * mean * costs + mean**2 * trips
        longest = LONGEST_STEP / np.sqrt(np.maximum(second / trips, np.finfo(np.float64).tiny))
        beta = beta + np.clip(first / second, -longest, longest)
