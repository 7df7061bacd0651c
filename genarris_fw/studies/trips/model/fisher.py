"""The Fisher matrix of (gamma, beta): minus the Hessian of the log-likelihood."""

from __future__ import annotations

import numpy as np

import genarris_fw._kernels.gravity as kernel
from genarris_fw.studies.trips.model.balancing import Array, Passes, allowed_of, blocks
from genarris_fw.studies.trips.model.problem import TripProblem


def fisher_memory(problem: TripProblem) -> int:
    """Return the bytes that the matrix takes while it is made and factorised."""
    size = problem.destination_zones + problem.categories
    return 3 * 8 * size**2


def fisher_matrix(problem: TripProblem, beta: Array, gamma: Array, found: Passes) -> Array:
    """Return sum over categories and origins of O X' (diag p - p p') X, X = (delta_d, -c), p = T / O.

    That is, by gamma: diag(sum T) - sum T' diag(1 / O) T, one product of matrices for each category.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    beta, gamma : ndarray, shapes (N,) and (D,)
        Where the matrix is taken.
    found : Passes
        The passes there.

    Returns
    -------
    ndarray, shape (D + N, D + N)
        It has one direction without curvature, the same added to every gamma.
    """
    zones = problem.destination_zones
    matrix = np.zeros((zones + problem.categories,) * 2)
    by_gamma = matrix[:zones, :zones]
    np.fill_diagonal(by_gamma, found.destinations)
    for block in blocks(problem):
        n, rows = block.category, block.rows
        origins, costs = problem.origins[n, rows], problem.costs[n, rows]
        trips = np.empty_like(costs)
        kernel.fill(costs, allowed_of(problem, block), float(beta[n]), gamma, found.log_a[n, rows], trips)
        weights = np.divide(1.0, origins, out=np.zeros_like(origins), where=origins > 0.0)
        means = np.einsum("od,od->o", costs, trips) * weights
        matrix[:zones, zones + n] += means @ trips
        trips *= np.sqrt(weights)[:, None]
        by_gamma -= trips.T @ trips
    matrix[:zones, zones:] -= found.column_costs.T
    matrix[zones:, :zones] = matrix[:zones, zones:].T
    np.fill_diagonal(matrix[zones:, zones:], found.within)
    return matrix
