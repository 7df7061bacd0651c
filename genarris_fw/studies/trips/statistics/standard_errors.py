"""How well the parameters are known: standard errors and t values from the Fisher matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.memory import gigabytes, memory_here
from genarris_fw.studies.trips.model.balancing import Array, passes
from genarris_fw.studies.trips.model.fisher import fisher_matrix, fisher_memory
from genarris_fw.studies.trips.model.identification import require_identified
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


@dataclass(frozen=True, eq=False)
class StandardErrors:
    """Standard errors of maximum-likelihood estimates, every trip being an independent choice of a destination.

    Parameters
    ----------
    parameters : Parameters
        The estimates.
    gamma : ndarray, shape (D,)
        The errors of gamma; that of the first, which is 0 by definition, is 0.
    beta : ndarray, shape (N,)
        The errors of beta.
    covariance : ndarray, shape (D - 1 + N, D - 1 + N)
        Of gamma without the first, and beta.
    """

    parameters: Parameters
    gamma: Array
    beta: Array
    covariance: Array

    @property
    def t_gamma(self) -> Array:
        """The t values of gamma, shape (D,); NaN for the first."""
        return np.divide(self.parameters.gamma, self.gamma, out=np.full_like(self.gamma, np.nan), where=self.gamma > 0)

    @property
    def t_beta(self) -> Array:
        """The t values of beta, shape (N,)."""
        return np.asarray(self.parameters.beta / self.beta)


def standard_errors(problem: TripProblem, parameters: Parameters, threads: int = 1) -> StandardErrors:
    """Invert the Fisher matrix of (gamma_2 .. gamma_D, beta) at the estimates.

    Parameters
    ----------
    problem : TripProblem
        The problem; its totals are numbers of trips, so that the errors go with 1 / sqrt(trips).
    parameters : Parameters
        The estimates.
    threads : int, optional
        For the pass over the categories.

    Raises
    ------
    InputError
        If a parameter is not identified, which is named, or the memory does not suffice.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    require_identified(problem)
    needed, there = fisher_memory(problem), memory_here()
    if needed > there:
        raise InputError(
            f"standard errors of {problem.destination_zones} destinations need {gigabytes(needed)}, and there are "
            f"{gigabytes(there)}: use a machine with more memory, or fewer zones"
        )
    found = passes(problem, parameters.beta, parameters.gamma, threads)
    matrix = fisher_matrix(problem, parameters.beta, parameters.gamma, found)[1:, 1:]
    # Scaled to a diagonal of 1, so that rounding does the same whatever the units.
    scale = np.sqrt(np.diagonal(matrix))
    matrix /= scale
    matrix /= scale[:, None]
    try:
        factors = cho_factor(matrix, lower=True, overwrite_a=True)
    except LinAlgError as error:
        raise InputError(
            "the Fisher matrix is singular in all digits: nearly every trip is certain at these parameters; look for a "
            "beta that is too large, or for costs in too small a unit"
        ) from error
    covariance = cho_solve(factors, np.eye(len(scale)), overwrite_b=True)
    covariance /= scale
    covariance /= scale[:, None]
    errors = np.sqrt(np.diagonal(covariance))
    zones = problem.destination_zones
    return StandardErrors(parameters, np.concatenate([[0.0], errors[: zones - 1]]), errors[zones - 1 :], covariance)
