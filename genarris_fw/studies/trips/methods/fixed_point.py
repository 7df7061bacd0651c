"""The frame of the fixed-point methods: (21) and (22) for the balancing factors, then beta by the method's own rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from genarris_fw.studies.trips.methods.sweeps import Sweep, sweep_of
from genarris_fw.studies.trips.model.balancing import Array, Passes, pass_over, passes
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


@dataclass(frozen=True)
class Balanced:
    """The trips T = A_o B_d exp(-beta c_od) once A has followed from (21), and then B from (22).

    Parameters
    ----------
    log_a : ndarray, shape (N, O)
        ln A.
    gamma : ndarray, shape (D,)
        ln B.
    beta : ndarray, shape (N,)
        The parameters of cost, not yet changed.
    trips, costs, costs_squared : ndarray, shape (N,)
        Sums of T, c T and c^2 T by category.
    """

    log_a: Array
    gamma: Array
    beta: Array
    trips: Array
    costs: Array
    costs_squared: Array


# How a method finds its next beta, with A and B as they are.
NextBeta = Callable[[Balanced], Array]


def balanced(problem: TripProblem, gamma: Array, beta: Array, found: Passes) -> Balanced:
    """Return what follows from (22) once a pass has kept (21): every column is multiplied by D_d / sum T."""
    up = problem.destinations / found.destinations
    sums, costs, squares = found.column_sums @ up, found.column_costs @ up, found.column_costs_squared @ up
    return Balanced(found.log_a, gamma + np.log(up), beta, sums, costs, squares)


def all_at_once(problem: TripProblem, start: Parameters, threads: int, next_beta: NextBeta) -> Iterator[Sweep]:
    """Sweep over (21) for all A, (22) for all B and (20) for all beta: one pass over the pairs in a sweep."""
    gamma, beta = start.gamma, start.beta
    while True:
        found = passes(problem, beta, gamma, threads)
        yield sweep_of(problem, gamma, beta, found)
        state = balanced(problem, gamma, beta, found)
        gamma, beta = state.gamma, next_beta(state)


def one_by_one(
    problem: TripProblem, start: Parameters, threads: int, next_beta: Callable[[Balanced, int], float]
) -> Iterator[Sweep]:
    """Sweep over the beta one after the other, as Bregman's projections do, with A and B balanced after each.

    After a beta^k has changed, A^k follows from (21) and B from (22). All A follow from (21) before the first, in the
    pass that judges the sweep.
    """
    gamma, beta = start.gamma, start.beta.copy()
    while True:
        found = passes(problem, beta, gamma, threads)
        yield sweep_of(problem, gamma, beta, found)
        state = balanced(problem, gamma, beta, found)
        for k in range(problem.categories):
            beta[k] = next_beta(state, k)
            multiply_columns(found, np.exp(state.gamma - gamma))
            gamma = state.gamma
            renew(problem, gamma, beta, found, k)
            state = balanced(problem, gamma, beta, found)
        gamma = state.gamma


def multiply_columns(found: Passes, up: Array) -> None:
    """Write into passes what they are after B has been multiplied, A as it was."""
    for table in (found.column_sums, found.column_costs, found.column_costs_squared):
        np.multiply(table, up, out=table)


def renew(problem: TripProblem, gamma: Array, beta: Array, found: Passes, k: int) -> None:
    """Pass over category k anew, and write what it gives into its rows of the passes."""
    one = pass_over(problem.costs[k], float(beta[k]), gamma, problem.origins[k], problem.allowed_in(k))
    found.log_a[k] = one.log_a
    found.column_sums[k] = one.column_sums
    found.column_costs[k] = one.column_costs
    found.column_costs_squared[k] = one.column_costs_squared
