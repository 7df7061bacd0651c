"""The Fisher matrix of (gamma, beta): minus the Hessian of the log-likelihood."""

from __future__ import annotations

import numpy as np

import genarris_fw._kernels.gravity as kernel
from genarris_fw.studies.trips.model.balancing import Array, Block, Passes, allowed_of, blocks, each
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


def fisher_product(
    problem: TripProblem, beta: Array, gamma: Array, log_a: Array, along: tuple[Array, Array], threads: int = 1
) -> tuple[Array, Array]:
    """Multiply the Fisher matrix of (gamma, beta), minus the Hessian of the log-likelihood, by a vector.

    It is the sum over categories and origins of O X' (diag p - p p') X, X = (delta_d, -c), p = T / O.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    beta, gamma, log_a : ndarray, shapes (N,), (D,), (N, O)
        Where the matrix is taken, with what `passes` found there.
    along : tuple of ndarray, shapes (D,) and (N,)
        The vector.
    threads : int, optional
        How many blocks are passed over at a time.

    Returns
    -------
    tuple of ndarray, shapes (D,) and (N,)
        The product.
    """
    along_gamma, along_beta = along

    def of_block(block: Block) -> tuple[Array, float]:
        n, rows = block.category, block.rows
        columns = np.zeros(problem.destination_zones)
        by_beta = kernel.curve(
            problem.costs[n, rows],
            allowed_of(problem, block),
            float(beta[n]),
            gamma,
            problem.origins[n, rows],
            log_a[n, rows],
            along_gamma,
            float(along_beta[n]),
            columns,
        )
        return columns, by_beta

    by_gamma, by_beta = np.zeros_like(along_gamma), np.zeros_like(along_beta)
    for block, (columns, cost) in each(of_block, blocks(problem), threads):
        by_gamma += columns
        by_beta[block.category] += cost
    return by_gamma, by_beta
