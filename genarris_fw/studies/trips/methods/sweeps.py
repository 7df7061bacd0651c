"""What every method gives after a sweep, and what it may ask before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from genarris_fw.errors import GenarrisError
from genarris_fw.memory import gigabytes, memory_here
from genarris_fw.studies.trips.model.balancing import Array, Passes
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


class NotEnoughMemory(GenarrisError):
    """A method would need more memory than there is."""


@dataclass(frozen=True)
class Sweep:
    """Where a method is.

    Parameters
    ----------
    parameters : Parameters
        gamma and beta.
    residuals : dict
        By how much, relatively, the model misses the constraints there: the largest of ``origins``, ``destinations``
        and ``mean_costs``.
    """

    parameters: Parameters
    residuals: dict[str, float]

    @property
    def worst(self) -> float:
        """The largest of the residuals; NaN where one of them is."""
        return float(np.max(list(self.residuals.values())))


# A method is a generator. It yields first where it begins, then where it is after every sweep, and goes on as long as
# it can: `calibrate` decides. The arguments are the problem, where to begin, and how many threads there are.
Method = Callable[[TripProblem, Parameters, int], Iterator[Sweep]]


def relative(found: Array, wanted: Array) -> float:
    """Return the largest |found - wanted| / wanted."""
    return float(np.max(np.abs(found - wanted) / wanted))


def sweep_of(problem: TripProblem, gamma: Array, beta: Array, found: Passes, origins: float = 0.0) -> Sweep:
    """Return the sweep of gamma and beta whose passes are known.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    gamma : ndarray, shape (D,)
        ln B_d, up to a constant; the parameters have gamma[0] = 0.
    beta : ndarray, shape (N,)
        The parameters of cost.
    found : Passes
        The passes at gamma and beta.
    origins : float, optional
        The residual of the origins' totals. The passes meet them; a method with own alpha may not.
    """
    residuals = {
        "origins": origins,
        "destinations": relative(found.destinations, problem.destinations),
        "mean_costs": relative(found.mean_costs, problem.mean_costs),
    }
    return Sweep(Parameters(gamma, beta), residuals)


def require_memory(needed: int, what: str) -> None:
    """Ask for memory before it is taken.

    Raises
    ------
    NotEnoughMemory
        If the machine has less free.
    """
    there = memory_here()
    if needed > there:
        raise NotEnoughMemory(f"{what} needs {gigabytes(needed)}, and there are {gigabytes(there)}")
