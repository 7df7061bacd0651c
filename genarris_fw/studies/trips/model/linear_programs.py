"""Linear programs about a problem of trips, solved by HiGHS through scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.general import GeneralProblem, reachable
from genarris_fw.studies.trips.model.problem import TripProblem

MISSED = 1e-6  # of a total: the solver's own tolerance is 1e-7


def cost_extremes(problem: TripProblem) -> NDArray[np.float64]:
    """Return the least and the greatest mean cost of each category, (N, 2), where (7) and (8) are kept.

    Origins of the other categories whose trips may go to the same destinations are one: their costs do not count.
    """
    there = reachable(problem)
    found = np.empty((problem.categories, 2))
    for n, trips in enumerate(problem.category_trips):
        others = np.delete(there, n, axis=0).reshape(-1, problem.destination_zones)
        pooled, pool = np.unique(others, axis=0, return_inverse=True)
        of_others = np.delete(problem.origins, n, axis=0).ravel()
        leaving = np.append(problem.origins[n], np.bincount(pool.ravel(), of_others, minlength=len(pooled)))
        ways = np.concatenate([there[n], pooled])
        costs = np.concatenate([problem.costs[n], np.zeros(pooled.shape)])
        found[n] = _transport_extremes(ways, costs, leaving, problem.destinations) / trips
    return found


def _transport_extremes(
    ways: NDArray[np.bool_], costs: NDArray[np.float64], leaving: NDArray[np.float64], arriving: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the least and the greatest cost of a transport over these ways."""
    from scipy import sparse

    o, d = np.nonzero(ways)
    rows = sparse.csr_array(
        (np.ones(2 * len(o)), (np.append(o, len(leaving) + d), np.tile(np.arange(len(o)), 2))),
        shape=(sum(ways.shape), len(o)),
    )
    totals = np.append(leaving, arriving)
    unit = float(totals.mean())  # the solver's tolerances are absolute
    return np.array([sign * _solve(sign * costs[o, d], rows, totals / unit).fun * unit for sign in (1, -1)])


def impossible_constraints(general: GeneralProblem, first: int | None = None, kept: int = 0) -> list[str]:
    """Return the names of constraints that cannot be kept with all others, none where all can.

    The totals are let slip at a price, each in proportion to its size: those that do at the least price are named.

    Parameters
    ----------
    general : GeneralProblem
    first : int, optional
        So many of the constraints alone.
    kept : int, optional
        So many of them do not slip: it is known that they can be kept.
    """
    from scipy import sparse

    rows, totals = general.rows[:first], general.totals[:first]
    size = np.where(totals == 0, 1.0, np.abs(totals))
    scaled = sparse.diags_array(1 / size) @ rows
    slips = sparse.csc_array(sparse.eye_array(len(totals)))[:, kept:]
    price = np.concatenate([np.zeros(general.unknowns), np.ones(2 * slips.shape[1])])
    solution = _solve(price, sparse.hstack([scaled, slips, -slips]), totals / size).x[general.unknowns :]
    slipped = solution.reshape(2, -1).sum(axis=0)
    return [general.names[kept + number] for number in np.flatnonzero(slipped > MISSED)]


def inside(general: GeneralProblem) -> bool:
    """Return whether trips can keep all constraints and all be above 0, as those of the model are."""
    from scipy import sparse

    # T = u + t m with u >= 0, t <= 1 and m what an unknown is on average: the largest t is above 0.
    average = float(general.totals[: general.aggregations].mean()) / general.unknowns
    lifted = general.rows @ np.full((general.unknowns, 1), average)
    size = np.where(general.totals == 0, 1.0, np.abs(general.totals))
    rows = sparse.diags_array(1 / size) @ sparse.hstack([general.rows, sparse.csr_array(lifted)])
    price = np.append(np.zeros(general.unknowns), -1.0)
    upper = np.append(np.full(general.unknowns, np.inf), 1.0)
    return float(_solve(price, rows, general.totals / size, upper).x[-1]) > MISSED


def _solve(price: NDArray[np.float64], rows: Any, totals: NDArray[np.float64], upper: Any = np.inf) -> Any:
    from scipy.optimize import linprog

    bounds = np.stack(np.broadcast_arrays(np.zeros_like(price), upper), axis=1)
    solution = linprog(price, A_eq=rows, b_eq=totals, bounds=bounds, method="highs")
    if solution.x is None:
        reason = " ".join(str(solution.message).split())
        raise InputError(f"whether the totals can be kept was not found out ({reason}): check totals and pairs")
    return solution
