"""Hyman's method: the fixed point in the balancing factors, and secants through mean costs (the paper, 3.6)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genarris_fw.studies.trips.methods.fixed_point import Balanced, all_at_once
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# A mean cost this near to the observed one, relatively, has no secant: its rounding would decide the step.
MET = 1e-12


def hyman(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Sweep over (21), (22) and Hyman's secant for beta (Hyman 1969 Environment and Planning 1 105).

    The mean cost of a trip in the model, (23), is c_i = sum c T / sum T at beta_i; the observed one, (24), is
    c* = C / sum O. The first step is beta_1 = beta_0 c_0 / c*, every other, (25), the root of the line through the last
    two: beta_(i+1) = [(c* - c_(i-1)) beta_i - (c* - c_i) beta_(i-1)] / (c_i - c_(i-1)).

    `calibrate` begins where Hyman does, at beta_0 = 1 / c*; so does a start of 0, from which the first step is none.
    Nothing bounds a step, as in the paper: where two mean costs are nearly the same it goes anywhere, and the
    calibration tells that it diverged, or that it was too slow.
    """
    first = Parameters(start.gamma, np.where(start.beta == 0.0, 1.0 / problem.mean_costs, start.beta))
    return all_at_once(problem, first, threads, Secant(problem.mean_costs))


class Secant:
    """The steps of Hyman's method for all categories; it remembers the last beta and mean costs.

    Parameters
    ----------
    observed : ndarray, shape (N,)
        The mean cost c* of a trip.
    """

    def __init__(self, observed: Array) -> None:
        self.observed = observed
        self.last: tuple[Array, Array] | None = None

    def __call__(self, state: Balanced) -> Array:
        """Return the next beta."""
        found = state.costs / state.trips
        if self.last is None:
            stepped = state.beta * found / self.observed
        else:
            beta, costs = self.last
            rise = (self.observed - costs) * state.beta - (self.observed - found) * beta
            stepped = rise / (found - costs)
        self.last = (state.beta, found)
        return np.where(np.abs(found - self.observed) <= MET * self.observed, state.beta, stepped)
