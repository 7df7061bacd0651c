"""Newton-ML: the vectorial Newton method for the problem of maximum likelihood (the paper's 3.1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from genarris_fw.studies.trips.methods.dual import Dual, uphill
from genarris_fw.studies.trips.methods.sweeps import Sweep, require_memory
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.fisher import fisher_matrix, fisher_memory
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# What is added to the diagonal where the matrix cannot be factorised, as a part of it: this and then 100 times more.
FIRST_RIDGE = 1e-12


def newton_ml(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Climb the log-likelihood of (12) by whole Newton steps.

    The unknowns are gamma_2 .. gamma_D and beta, gamma_1 = 0. The gradient is (D_d - sum T, sum c T - C), minus the
    Hessian the Fisher matrix. Armijo's rule halves a step that is too long, which the paper does not say.
    """
    require_memory(fisher_memory(problem), "the Fisher matrix of newton_ml")
    dual, zones = Dual(problem, threads), problem.destination_zones
    here = dual.at(start.gamma, start.beta)
    while True:
        yield dual.sweep(here)
        matrix = fisher_matrix(problem, here.beta, here.gamma, here.found)
        # A beta that nothing depends on has what rounding leaves, or less than 0: the bound stands in for it.
        np.fill_diagonal(matrix[zones:, zones:], here.diagonal[zones:])
        step = np.concatenate([[0.0], newton_step(matrix[1:, 1:], here.gradient[1:])])
        there = uphill(dual, here, step)
        if there is None:
            return
        here = there


def newton_step(matrix: Array, gradient: Array) -> Array:
    """Solve for the step by Cholesky's factors; where rounding leaves none, of a matrix with more on the diagonal."""
    diagonal = np.diagonal(matrix).copy()
    ridge = 0.0
    while True:
        try:
            factors = cho_factor(matrix + np.diag(ridge * diagonal) if ridge else matrix, lower=True)
        except LinAlgError:
            if ridge > 1.0:
                return np.asarray(gradient / np.maximum(diagonal, np.finfo(np.float64).tiny))
            ridge = max(FIRST_RIDGE, 100.0 * ridge)
        else:
            return np.asarray(cho_solve(factors, gradient))
