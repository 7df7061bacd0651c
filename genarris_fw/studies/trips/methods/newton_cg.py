"""Newton's method with conjugate gradients on the dual: no matrix is made, and any start is good."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from genarris_fw.studies.trips.methods.dual import Dual, uphill
from genarris_fw.studies.trips.methods.sweeps import Sweep
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

# Conjugate gradients end when the residual is this part of the gradient, or its power below: superlinear in the end.
LOOSEST = 0.1
FORCING_POWER = 0.5
MOST_PRODUCTS = 200


def newton_cg(problem: TripProblem, start: Parameters, threads: int) -> Iterator[Sweep]:
    """Climb the log-likelihood of (12), concave in (gamma, beta).

    log L = sum gamma_d D_d - sum beta^n C^n - sum O ln sum_d exp(gamma_d - beta^n c_od). The step solves F s = g, F the
    Fisher matrix, by conjugate gradients with the diagonal of F as preconditioner, as well as the gradient's size asks
    (Dembo, Eisenstat & Steihaug 1982 SIAM J. Numer. Anal. 19 400); Armijo's rule says how far it is followed.
    """
    dual = Dual(problem, threads)
    here = dual.at(start.gamma, start.beta)
    first = 0.0
    while True:
        yield dual.sweep(here)
        gradient, diagonal = here.gradient, here.diagonal
        size = math.sqrt(float(gradient @ (gradient / diagonal)))
        first = first or size
        forcing = min(LOOSEST, (size / first) ** FORCING_POWER)
        step = conjugate_gradients(partial(dual.product, here), gradient, diagonal, forcing)
        there = uphill(dual, here, step)
        if there is None:
            return
        here = there


def conjugate_gradients(product: Callable[[Array], Array], wanted: Array, diagonal: Array, forcing: float) -> Array:
    """Solve F s = wanted, until the residual is `forcing` times what it was, in the norm of 1 / diagonal.

    F has one direction without curvature, the same added to every gamma; nothing that is met here leads along it.
    """
    solution = np.zeros_like(wanted)
    left = wanted.copy()
    conditioned = left / diagonal
    direction = conditioned.copy()
    size = first = float(left @ conditioned)
    for _ in range(MOST_PRODUCTS):
        image = product(direction)
        curvature = float(direction @ image)
        if not curvature > 0.0:
            break
        length = size / curvature
        solution += length * direction
        left -= length * image
        conditioned = left / diagonal
        before, size = size, float(left @ conditioned)
        if size <= forcing**2 * first:
            break
        direction = conditioned + (size / before) * direction
    return solution if solution.any() else wanted / diagonal
