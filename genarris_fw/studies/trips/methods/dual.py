"""The log-likelihood as a function of one vector, (gamma, beta), and how far a step uphill is followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genarris_fw.studies.trips.methods.sweeps import Sweep, sweep_of
from genarris_fw.studies.trips.model.balancing import Array, Passes, passes
from genarris_fw.studies.trips.model.fisher import fisher_product
from genarris_fw.studies.trips.model.problem import TripProblem

SUFFICIENT = 1e-4
MOST_HALVINGS = 40
# A value is known to so many parts of the terms that it is a sum of.
NOISE = 1e-14
# Costs from the same origin differ by this part of their squares at least, or cannot be told from costs that do not.
WITHIN_NOISE = 1e-14


@dataclass(frozen=True, eq=False)
class Point:
    """The log-likelihood somewhere.

    Parameters
    ----------
    gamma, beta : ndarray, shapes (D,) and (N,)
        Where.
    found : Passes
        The passes there.
    value, noise : float
        The log-likelihood up to a constant, and what rounding may do to it.
    gradient, diagonal : ndarray, shape (D + N,)
        By gamma and beta; the diagonal of the Fisher matrix, that of gamma by its bound.
    """

    gamma: Array
    beta: Array
    found: Passes
    value: float
    noise: float
    gradient: Array
    diagonal: Array


class Dual:
    """The log-likelihood of a problem.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    threads : int
        For the passes.
    """

    def __init__(self, problem: TripProblem, threads: int) -> None:
        self._problem = problem
        self._threads = threads

    def at(self, gamma: Array, beta: Array) -> Point:
        """Return what it is at a point: one pass."""
        problem = self._problem
        found = passes(problem, beta, gamma, self._threads)
        starts = problem.origins > 0.0
        # ln A = ln O - ln sum_d exp(.), so O ln A is what the origins give, up to a constant.
        terms = (
            gamma @ problem.destinations,
            -beta @ problem.total_costs,
            problem.origins[starts] @ found.log_a[starts],
        )
        gradient = np.concatenate([problem.destinations - found.destinations, found.costs - problem.total_costs])
        within = np.maximum(found.within, WITHIN_NOISE * found.costs_squared)
        diagonal = np.maximum(np.concatenate([found.destinations, within]), np.finfo(np.float64).tiny)
        noise = NOISE * sum(map(abs, terms))
        return Point(gamma, beta, found, float(sum(terms)), float(noise), gradient, diagonal)

    def moved(self, point: Point, step: Array) -> Point:
        """Return what it is a step from a point."""
        zones = self._problem.destination_zones
        return self.at(point.gamma + step[:zones], point.beta + step[zones:])

    def product(self, point: Point, vector: Array) -> Array:
        """Multiply the Fisher matrix at a point by a vector: one pass."""
        zones = self._problem.destination_zones
        along = (vector[:zones], vector[zones:])
        product = fisher_product(self._problem, point.beta, point.gamma, point.found.log_a, along, self._threads)
        return np.concatenate(product)

    def sweep(self, point: Point) -> Sweep:
        """Return a point as what a method gives."""
        return sweep_of(self._problem, point.gamma, point.beta, point.found)


def uphill(dual: Dual, here: Point, step: Array, most: int = MOST_HALVINGS) -> Point | None:
    """Follow a step as far as Armijo's rule allows: the whole of it, or a half, a quarter, ...

    Near the top, where a gain is less than what rounding does to the value, a step is also good when the gradient along
    it has not become steeper.

    Parameters
    ----------
    dual : Dual
        The log-likelihood.
    here : Point
        Where the step begins.
    step : ndarray, shape (D + N,)
        The whole step.
    most : int, optional
        How often it is halved.

    Returns
    -------
    Point or None
        Where it leads; None where it leads down, or no part of it is good.
    """
    slope = float(here.gradient @ step)
    if not slope > 0.0:
        return None
    length = 1.0
    for _ in range(most):
        there = dual.moved(here, length * step)
        gain = there.value - here.value
        if gain >= SUFFICIENT * length * slope:
            return there
        if abs(gain) <= here.noise and abs(float(there.gradient @ step)) <= slope:
            return there
        length *= 0.5
    return None
