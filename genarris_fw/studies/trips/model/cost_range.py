"""What the costs of a category are like, over the pairs between which it may travel."""

from __future__ import annotations

from genarris_fw.studies.trips.model.problem import TripProblem


def range_of_costs(problem: TripProblem, category: int) -> tuple[float, float]:
    """Return the lowest and the highest cost of a category's allowed pairs."""
    costs, allowed = problem.costs[category], problem.allowed_in(category)
    if allowed is not None:
        costs = costs[allowed]
    return float(costs.min()), float(costs.max())


def mean_of_costs(problem: TripProblem, category: int) -> float:
    """Return the mean cost of a category's allowed pairs, each counted once."""
    costs, allowed = problem.costs[category], problem.allowed_in(category)
    return float(costs.mean() if allowed is None else costs[allowed].mean())
