"""Whether there are trips that keep all totals, and what stands against it, by name.

The model's trips are all above 0, so that a mean cost has to lie inside of what the costs allow: at its edge beta is
infinite. Every category's range is bounded by the cheapest and the dearest destination of each origin (a glance at
the costs); how far it reaches where trips have to fill the destinations is a linear program, as is whether all totals
can be kept together. These are solved where the problem is small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.general import as_general
from genarris_fw.studies.trips.model.linear_programs import cost_extremes, impossible_constraints, inside
from genarris_fw.studies.trips.model.problem import TripProblem

SMALL = 10_000  # pairs: the linear programs take a second at most, and five for 20,000
EDGE = 1e-9  # of a range: closer to its end is at its end


def cost_bounds(problem: TripProblem) -> NDArray[np.float64]:
    """Return between what the mean cost of each category lies, (N, 2), whatever the destinations' totals.

    All trips of an origin go to its cheapest, or to its dearest allowed destination.
    """
    bounds = np.empty((problem.categories, 2))
    for n, costs in enumerate(problem.costs):
        allowed, origins = problem.allowed_in(n), problem.origins[n]
        where = True if allowed is None else allowed
        cheapest = costs.min(axis=1, where=where, initial=np.inf)
        dearest = costs.max(axis=1, where=where, initial=-np.inf)
        starts = origins > 0
        bounds[n] = [origins[starts] @ ends[starts] / origins.sum() for ends in (cheapest, dearest)]
    return bounds


def require_feasible(problem: TripProblem, exactly: bool | None = None) -> None:
    """Refuse a problem that no trips can solve.

    Parameters
    ----------
    problem : TripProblem
    exactly : bool, optional
        Whether linear programs decide what bounds leave open. By default they do where the problem has at most
        ``SMALL`` pairs.

    Raises
    ------
    InputError
        It names the category whose mean cost is outside of what its costs allow, with the range, or the totals that
        cannot be kept together.
    """
    _require_ways(problem)
    _require_inside(problem, cost_bounds(problem), "its costs allow")
    if problem.costs.size <= SMALL if exactly is None else exactly:
        _require_exactly(problem)


def _require_ways(problem: TripProblem) -> None:
    """Compare what leaves and arrives with what the other side can take over allowed pairs."""
    if problem.allowed is None:
        return
    called, offered = problem.called, np.zeros(problem.destination_zones)
    for n, allowed in enumerate(problem.allowed):
        offered += problem.origins[n] @ allowed
        asked = allowed @ problem.destinations
        for o in np.flatnonzero(problem.origins[n] > asked * (1 + EDGE)):
            raise InputError(
                f"{called.category(n)}, {called.origin(o)}: {problem.origins[n, o]:g} trips begin there, and only "
                f"{asked[o]:g} end where pairs with it are allowed: allow more pairs"
            )
    for d in np.flatnonzero(problem.destinations > offered * (1 + EDGE)):
        raise InputError(
            f"{called.destination(d)}: {problem.destinations[d]:g} trips end there, and only {offered[d]:g} begin "
            "where pairs with it are allowed: allow more pairs"
        )


def _require_exactly(problem: TripProblem) -> None:
    general = as_general(problem)
    pairs_alone = impossible_constraints(general, general.aggregations)
    if pairs_alone:
        raise InputError(f"allowed pairs cannot carry all trips, {_list(pairs_alone)}: allow more pairs")
    _require_inside(problem, cost_extremes(problem), "the trips from and to all zones allow")
    together = impossible_constraints(general, kept=general.aggregations)
    if together:
        raise InputError(
            f"no trips keep all totals and mean costs together, {_list(together)}: "
            "each alone can be kept; check that they are of the same survey"
        )
    if not inside(general):
        raise InputError(
            "totals and mean costs are kept only where some allowed pairs have no trips at all, which the model does "
            "not know: forbid such pairs"
        )


def _require_inside(problem: TripProblem, ranges: NDArray[np.float64], allows: str) -> None:
    for n, (least, most) in enumerate(ranges):
        mean, margin = problem.mean_costs[n], EDGE * max(abs(least), abs(most))
        identical = most - least <= margin
        if identical and abs(mean - least) <= margin:
            continue  # there is nothing to choose: `identification` says so
        if mean <= least + margin or mean >= most - margin:
            only = f"only {least:.6g}" if identical else f"only {least:.6g} to {most:.6g}, the ends excluded"
            raise InputError(f"{problem.called.category(n)}: a mean cost of {mean:.6g}, where {allows} {only}")


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
