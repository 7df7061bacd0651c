"""The largest entropy under any linear constraints, by Newton's method on the dual.

With G the rows of the constraints and h their totals, the multipliers minimise the convex
Phi(lambda) = sum exp(G' lambda) - lambda . h; its gradient is G T - h and its Hessian G diag(T) G'. Newton's equations
are solved by conjugate gradients, which need no matrix and take no harm where constraints follow from one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.general import GeneralProblem
from genarris_fw.studies.trips.model.trips import entropy_of

STEP = 3.0  # an exponent changes by so much at most in one step: far away, Newton's steps on exponentials are too long
ENOUGH = 1e-4  # of the decrease that the gradient promises
SHORTEST = 1e-12
CG_STEPS = 1000


@dataclass(frozen=True, eq=False)
class LargestEntropy:
    """The solution of a general problem.

    Parameters
    ----------
    trips : (M,) array
        T.
    alpha : (J,) array
        Multipliers of the aggregations.
    beta : (K,) array
        Multipliers of the linear constraints, as in (5): a cost has a negative one.
    residual : float
        The largest relative miss of a total.
    steps : int
        Of Newton's method.
    converged : bool
    entropy : float
        -sum T (ln T - 1).
    """

    trips: NDArray[np.float64]
    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]
    residual: float
    steps: int
    converged: bool
    entropy: float

    def log_likelihood(self, categories: NDArray[np.int64]) -> float:
        """Return sum T ln p, p = T / T_n: the likelihood (11) of the logit (12) whose choices are these trips.

        Parameters
        ----------
        categories : (M,) array of int
            The category n, or whoever chooses, of each unknown.
        """
        shares = self.trips / np.bincount(categories, weights=self.trips)[categories]
        return float(self.trips @ np.log(shares, where=shares > 0, out=np.zeros_like(shares)))


def largest_entropy(problem: GeneralProblem, tolerance: float = 1e-9, max_steps: int = 200) -> LargestEntropy:
    """Find the trips of the largest entropy.

    Parameters
    ----------
    problem : GeneralProblem
    tolerance : float
        The relative miss of a total that may remain.
    max_steps : int

    Returns
    -------
    LargestEntropy
        ``converged`` is False where the totals are not kept after so many steps: there may be no trips that keep them
        (`feasibility`).

    Raises
    ------
    InputError
        For a tolerance that is not positive.
    """
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance:g}: give a number above 0")
    rows, totals = problem.rows, problem.totals
    multipliers = np.zeros(len(totals))
    trips = np.ones(problem.unknowns)
    # A weighted sum of 0 is measured by what it is made of.
    scale = np.where(totals == 0, abs(rows) @ trips, np.abs(totals))
    for steps in range(max_steps + 1):
        missing = totals - rows @ trips
        residual = float(np.max(np.abs(missing) / scale))
        if residual <= tolerance or steps == max_steps:
            break
        step = _newton_step(rows, trips, missing, residual)
        length = step_length(rows.T @ step, float(totals @ step), trips, float(missing @ step))
        if length == 0:
            break
        multipliers = multipliers + length * step
        trips = np.exp(rows.T @ multipliers)
    sets = problem.aggregations
    return LargestEntropy(
        trips, multipliers[:sets], multipliers[sets:], residual, steps, residual <= tolerance, entropy_of(trips)
    )


def _newton_step(
    rows: Any, trips: NDArray[np.float64], missing: NDArray[np.float64], residual: float
) -> NDArray[np.float64]:
    """Solve G diag(T) G' step = missing, the more exactly the less is missing."""
    diagonal = (rows * rows) @ trips
    diagonal[diagonal == 0] = 1.0
    step, left = np.zeros_like(missing), missing.copy()
    preconditioned = left / diagonal
    direction, square = preconditioned, float(left @ preconditioned)
    enough = min(0.1, residual) ** 2 * square
    for _ in range(CG_STEPS):
        if square <= enough:
            break
        product = rows @ (trips * (rows.T @ direction))
        length = square / float(direction @ product)
        step, left = step + length * direction, left - length * product
        preconditioned = left / diagonal
        before, square = square, float(left @ preconditioned)
        direction = preconditioned + square / before * direction
    return step


def step_length(change: NDArray[np.float64], gain: float, trips: NDArray[np.float64], slope: float) -> float:
    """Return the part of a step that lowers the dual enough (Armijo); 0 where none does, to rounding.

    The difference of two values of the dual is taken term by term, for near the minimum they differ by less than
    either is rounded to.

    Parameters
    ----------
    change : (M,) array
        How the whole step changes the exponents.
    gain : float
        How much it adds to lambda . h.
    trips : (M,) array
        Before the step.
    slope : float
        The decrease that the gradient promises of the whole step.
    """
    length = min(1.0, STEP / max(float(np.max(np.abs(change))), STEP))
    while length > SHORTEST:
        decrease = length * gain - float(trips @ np.expm1(length * change))
        if decrease >= ENOUGH * length * slope:
            return length
        length /= 2
    return 0.0
