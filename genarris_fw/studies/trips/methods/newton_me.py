"""Newton-ME: Newton's vector method for all parameters of the problem of maximum entropy (the paper, 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from genarris_fw.studies.trips.methods.sweeps import Sweep, require_memory, sweep_of
from genarris_fw.studies.trips.model.balancing import Array, passes
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

SUFFICIENT_DECREASE = 1e-4
MOST_HALVINGS = 40
# Of the dual's value: differences below it are rounding.
ROUNDING = 1e-14


@dataclass(frozen=True)
class Unknowns:
    """ln A, ln B and beta: all unknowns of (10), or a step in them."""

    alpha: Array
    gamma: Array
    beta: Array

    def moved(self, step: Unknowns, length: float) -> Unknowns:
        """Return the unknowns after a part of a step."""
        return Unknowns(
            self.alpha + length * step.alpha, self.gamma + length * step.gamma, self.beta + length * step.beta
        )


def newton_me(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Minimise the dual of (6)-(9) in alpha = ln A, gamma = ln B and beta, by Newton steps with the dense Jacobian.

    Phi = sum T - sum alpha O - sum gamma D + sum beta C, T = exp(alpha^n_o + gamma_d - beta^n c^n_od), is convex. Its
    gradient is by how much (7)-(9) are missed: (sum_d T - O, sum_no T - D, C - sum c T). Its Hessian is the Jacobian
    of these equations: diagonal in the alpha, the gamma (their sums of T) and the beta (sum c^2 T), with T between an
    alpha and a gamma, and -sum c T between a beta and each of the others. A constant may go from the alpha to the
    gamma: gamma_1 is fixed. Steps are halved until Phi falls enough (Armijo).

    The matrix has (N O + D + N - 1)^2 entries, and its Cholesky factor is the work of the method, as in the paper.
    """
    size = problem.parameters - 1
    require_memory(8 * size**2 + 4 * problem.costs.nbytes, f"newton_me with a matrix of {size} x {size}")
    dual = Dual(problem)
    at = dual.first(start, threads)
    trips = dual.trips(at)
    while True:
        missed = np.abs(trips.sum(axis=2) - problem.origins)[dual.starts] / problem.origins[dual.starts]
        found = passes(problem, at.beta, at.gamma, threads)
        yield sweep_of(problem, at.gamma, at.beta, found, float(missed.max()))
        gradient = dual.gradient(trips)
        try:
            step = dual.unpacked(cho_solve(dual.factor(trips), -gradient, overwrite_b=True, check_finite=False))
        except LinAlgError:
            return
        lower = dual.lower(at, trips, step, slope=float(gradient @ dual.packed(step)))
        if lower is None:
            return
        at, trips = lower


class Dual:
    """The dual of a problem, its gradient and its Hessian; rows from which nobody leaves are left out.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    """

    def __init__(self, problem: TripProblem) -> None:
        self.problem = problem
        self.starts = problem.origins > 0.0
        self.rows = int(self.starts.sum())

    def first(self, start: Parameters, threads: int) -> Unknowns:
        """Return the unknowns to begin with, alpha by (21)."""
        log_a = passes(self.problem, start.beta, start.gamma, threads).log_a
        return Unknowns(np.where(self.starts, log_a, 0.0), start.gamma, start.beta)

    def trips(self, at: Unknowns) -> Array:
        """Return T, shape (N, O, D); 0 at forbidden pairs and where nobody leaves."""
        problem = self.problem
        trips = problem.costs * -at.beta[:, None, None]
        trips += at.alpha[:, :, None]
        trips += at.gamma
        np.exp(trips, out=trips)
        trips[~self.starts] = 0.0
        if problem.allowed is not None:
            trips[~problem.allowed] = 0.0
        return trips

    def value(self, at: Unknowns, trips: Array) -> float:
        """Return Phi."""
        problem = self.problem
        fixed = np.vdot(at.alpha, problem.origins) + at.gamma @ problem.destinations - at.beta @ problem.total_costs
        return float(trips.sum() - fixed)

    def gradient(self, trips: Array) -> Array:
        """Return the gradient of Phi, without that of gamma_1."""
        problem = self.problem
        costs = np.array([np.vdot(one, of_one) for one, of_one in zip(trips, problem.costs, strict=True)])
        return self.packed(
            Unknowns(
                trips.sum(axis=2) - problem.origins,
                trips.sum(axis=(0, 1)) - problem.destinations,
                problem.total_costs - costs,
            )
        )

    def factor(self, trips: Array) -> tuple[Array, bool]:
        """Return the Cholesky factor of the Hessian.

        Raises
        ------
        LinAlgError
            If the Hessian is not positive definite: trips have vanished.
        """
        rows, columns = self.rows, self.problem.destination_zones - 1
        size = rows + columns + self.problem.categories
        hessian = np.zeros((size, size), order="F")
        gammas = slice(rows, rows + columns)
        diagonal = np.einsum("ii->i", hessian)
        diagonal[:rows] = trips.sum(axis=2)[self.starts]
        diagonal[gammas] = trips.sum(axis=(0, 1))[1:]
        hessian[gammas, :rows] = trips[self.starts].T[1:]
        row = 0
        for n, (of_one, costs) in enumerate(zip(trips, self.problem.costs, strict=True)):
            beta, with_cost = rows + columns + n, costs * of_one
            after = row + int(self.starts[n].sum())
            hessian[beta, row:after] = -with_cost.sum(axis=1)[self.starts[n]]
            hessian[beta, gammas] = -with_cost.sum(axis=0)[1:]
            hessian[beta, beta] = np.vdot(costs, with_cost)
            row = after
        factor: tuple[Array, bool] = cho_factor(hessian, lower=True, overwrite_a=True, check_finite=False)
        return factor

    def lower(self, at: Unknowns, trips: Array, step: Unknowns, slope: float) -> tuple[Unknowns, Array] | None:
        """Return where Phi has fallen enough, after all of a step, a half, a quarter ..., and the trips there."""
        value, length = self.value(at, trips), 1.0
        for _ in range(MOST_HALVINGS):
            there = at.moved(step, length)
            trips = self.trips(there)
            enough = value + SUFFICIENT_DECREASE * length * slope + ROUNDING * abs(value)
            if self.value(there, trips) <= enough:
                return there, trips
            length /= 2.0
        return None

    def packed(self, unknowns: Unknowns) -> Array:
        """Return the unknowns as one vector: alpha where somebody leaves, gamma but the first, beta."""
        return np.concatenate([unknowns.alpha[self.starts], unknowns.gamma[1:], unknowns.beta])

    def unpacked(self, vector: Array) -> Unknowns:
        """Return a vector's unknowns; those that it lacks are 0."""
        alpha, gamma = np.zeros_like(self.problem.origins), np.zeros(self.problem.destination_zones)
        columns = gamma.size - 1
        alpha[self.starts] = vector[: self.rows]
        gamma[1:] = vector[self.rows : self.rows + columns]
        return Unknowns(alpha, gamma, vector[self.rows + columns :])
