"""Whether the totals determine the parameters: what costs and pairs leave open, by name.

Trips stay the same where (gamma, beta) moves so that, in every category, gamma_d - beta^n c_od changes by the same for
all destinations of an origin. Only gamma moving as a whole is taken out (gamma[0] = 0); it must be the only way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.problem import TripProblem

SAME = 1e-10  # of the largest cost


def require_identified(problem: TripProblem) -> None:
    """Refuse a problem whose parameters are not determined.

    Parameters
    ----------
    problem : TripProblem

    Raises
    ------
    InputError
        Names the category whose costs are the same for all destinations of each origin (beta is not identified), says
        that costs of every category are a part of the origin plus a part of the destination, of which beta and gamma
        cannot be told apart, or names two destinations that no origins tie to one another.
    """
    for n in range(problem.categories):
        if _same_in_rows(problem, n):
            raise InputError(
                f"{problem.called.category(n)}: from each origin all destinations cost the same, so that beta is not "
                "identified: give it costs that differ, or join it to another category"
            )
    _require_one_group(problem)
    if _all_of_parts(problem):
        raise InputError(
            "costs of every category are a part of the origin plus a part of the destination, so that beta is not "
            "identified apart from the destinations' constants: give costs that depend on the pair"
        )


def _rows(problem: TripProblem, n: int) -> NDArray[np.int64]:
    return np.flatnonzero(problem.origins[n] > 0)


def _same_in_rows(problem: TripProblem, n: int) -> bool:
    small = SAME * float(problem.costs[n].max())
    return all(np.ptp(_costs_from(problem, n, o)[0]) <= small for o in _rows(problem, n))


def _costs_from(problem: TripProblem, n: int, o: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return costs from an origin to allowed destinations, and which these are."""
    allowed = problem.allowed_in(n)
    there = np.arange(problem.destination_zones) if allowed is None else np.flatnonzero(allowed[o])
    return problem.costs[n, o, there], there


def _require_one_group(problem: TripProblem) -> None:
    """Two destinations that may be reached from the same origin are tied."""
    if problem.allowed is None:
        return
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    ways = sparse.vstack([sparse.csr_array(problem.allowed[n][_rows(problem, n)]) for n in range(problem.categories)])
    groups, number = connected_components(sparse.block_array([[None, ways], [ways.T, None]]), directed=False)
    if groups > 1:
        of_destinations = number[ways.shape[0] :]
        other = int(np.argmax(of_destinations != of_destinations[0]))
        called = problem.called
        raise InputError(
            f"{called.destination(0)} and {called.destination(other)} share no origins, nor do others tie them: the "
            "zones fall apart into groups; calibrate each by itself"
        )


def _all_of_parts(problem: TripProblem) -> bool:
    """Return whether c^n_od = u^n_o + s^n v_d in every category, with the same v."""
    first: NDArray[np.float64] | None = None
    for n in range(problem.categories):
        part = _destinations_part(problem, n)
        if part is None:
            return False
        part = part - part.mean()
        if first is None:
            first = part
        elif np.max(np.abs(part - first * (first @ part) / (first @ first))) > SAME * float(problem.costs[n].max()):
            return False
    return True


def _destinations_part(problem: TripProblem, n: int) -> NDArray[np.float64] | None:
    """Return v, (D,), where the costs of a category are u_o + v_d; None where they are not."""
    rows, costs, allowed = _rows(problem, n), problem.costs[n], problem.allowed_in(n)
    small, first = SAME * float(costs.max()), costs[rows[0]]
    for o in rows[1:]:  # most costs are told from such by the second row
        difference = costs[o] - first if allowed is None else (costs[o] - first)[allowed[o] & allowed[rows[0]]]
        if difference.size and np.ptp(difference) > small:
            return None
    return first if allowed is None else _fitted_part(costs[rows], allowed[rows], small)


def _fitted_part(costs: NDArray[np.float64], allowed: NDArray[np.bool_], small: float) -> NDArray[np.float64] | None:
    """Fit v by least squares to the allowed pairs, each row less its mean."""
    ways = allowed.astype(np.float64)
    count = ways.sum(axis=1, keepdims=True)
    normal = np.diag(ways.sum(axis=0)) - ways.T @ (ways / count)

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ways * (values - (ways * values).sum(axis=1, keepdims=True) / count))

    part = np.linalg.lstsq(normal, centred(costs).sum(axis=0), rcond=None)[0]
    missed = np.max(np.abs(centred(costs) - centred(np.broadcast_to(part, costs.shape))))
    return np.asarray(part) if missed <= 100 * small else None
