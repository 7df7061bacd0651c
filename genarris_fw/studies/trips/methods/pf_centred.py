"""The gauge-centred fixed point: balancing factors, then beta by a Newton step in costs without their mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genarris_fw.studies.trips.methods.acceleration import Acceleration
from genarris_fw.studies.trips.methods.dual import WITHIN_NOISE, Dual, uphill
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.balancing import Array, Passes
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# The farthest that beta moves in a sweep, in units of 1 / standard deviation of the cost.
LONGEST_STEP = 1.0
# So many sweeps are combined; so often what they say is halved before the last sweep alone is taken.
DEPTH = 20
MOST_HALVINGS = 10


def pf_centred(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over (21), (22) and a centred form of (20), and accelerate the sweeps.

    A constant taken from a category's costs is absorbed by its factors A, so (20) may be solved for
    c' = c - C / sum O. With A and B fixed, the Newton step is then beta += sum c' T / sum c'^2 T; the steps in beta and
    in A no longer hinder each other, since sum c' T is 0 where the sweeps end. Where costs decide nearly everything the
    balancing itself is slow, as the paper's methods are. There the last sweeps are combined, and the combination is
    followed as far as Armijo's rule for the log-likelihood allows; the sweep alone is taken where it leads down.
    """
    dual, acceleration = Dual(problem, threads), Acceleration(DEPTH)
    here = dual.at(start.gamma, start.beta)
    while True:
        yield dual.sweep(here)
        vector = np.concatenate([here.gamma, here.beta])
        swept = centred_sweep(problem, vector, here.found)
        combined = acceleration.next(vector, swept, np.sqrt(here.diagonal))
        here = uphill(dual, here, combined - vector, MOST_HALVINGS) or dual.moved(here, swept - vector)


def centred_sweep(problem: TripProblem, point: Array, found: Passes) -> Array:
    """Return gamma and beta after (22) and the step in beta; `found` meets (21)."""
    zones, mean = problem.destination_zones, problem.mean_costs
    factor = problem.destinations / found.destinations
    # The moments with the new B: all of a column is multiplied by what its B was.
    trips = found.column_sums @ factor
    costs = found.column_costs @ factor
    squares = found.column_costs_squared @ factor
    first = costs - mean * trips
    second = np.maximum(squares - 2.0 * mean * costs + mean**2 * trips, WITHIN_NOISE * squares)
    longest = LONGEST_STEP * np.sqrt(trips / second)
    return np.concatenate([point[:zones] + np.log(factor), point[zones:] + np.clip(first / second, -longest, longest)])
