"""Prediction: what a calibrated model says of other totals or costs, such as a new road or a new zone.

The parameters of cost, beta, stay. Where the trips to the destinations are known, the constants gamma of the
destinations are balanced anew (22); where they are not, gamma stays, too, and the trips that arrive follow: the
multinomial logit (12), constrained at the origins alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.balancing import passes
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters


@dataclass(frozen=True)
class Scenario:
    """What a calibrated model is applied to; the arrays are those of a `TripProblem`.

    Parameters
    ----------
    costs : (N, O, D) ndarray
        Costs of a trip.
    origins : (N, O) ndarray
        Trips from the origins.
    destinations : (D,) ndarray, optional
        Trips to the destinations; None where they are to be predicted.
    allowed : (N, O, D) bool ndarray, optional
        Between which zones one may travel; all by default.
    names : Names, optional
        By which zones and categories are those of the model; by default their numbers, from 1 on.
    """

    costs: NDArray[np.float64]
    origins: NDArray[np.float64]
    destinations: NDArray[np.float64] | None = None
    allowed: NDArray[np.bool_] | None = None
    names: Names | None = None


@dataclass(frozen=True)
class Prediction:
    """What the model says of a scenario.

    Parameters
    ----------
    problem : TripProblem
        The scenario with all its totals; destinations and mean costs are those of the predicted trips where they were
        not given.
    parameters : Parameters
        gamma of the scenario's destinations, beta of the model: `trips` of the two are the predicted trips.
    sweeps : int
        How often gamma was balanced; 0 where it stayed.
    """

    problem: TripProblem
    parameters: Parameters
    sweeps: int


def predict(
    parameters: Parameters,
    names: Names,
    scenario: Scenario,
    tolerance: float = 1e-8,
    max_sweeps: int = 10_000,
    threads: int = 1,
) -> Prediction:
    """Apply a calibrated model.

    Parameters
    ----------
    parameters : Parameters
        Of the calibrated model.
    names : Names
        Of its categories and zones.
    scenario : Scenario
        What it is applied to. Its categories are all known to the model. Destinations that the model does not know
        need trips to the destinations; origins need nothing.
    tolerance : float, optional
        The largest relative error of the trips to a destination.
    max_sweeps : int, optional
        How often gamma is balanced at most.
    threads : int, optional
        How many categories are passed over at a time.

    Raises
    ------
    InputError
        For a category or a destination that the model does not know, what `TripProblem` refuses, or trips to the
        destinations that cannot be reached within so many sweeps.
    """
    costs, origins, destinations = scenario.costs, scenario.origins, scenario.destinations
    # What is not known yet is anything at first: trips to the destinations alike, mean costs of 1.
    arriving = np.full(costs.shape[-1], np.sum(origins) / costs.shape[-1]) if destinations is None else destinations
    problem = TripProblem(costs, origins, arriving, np.ones(len(costs)), scenario.allowed, scenario.names)
    carried = _carried_over(parameters, names, problem.called, balanced=destinations is not None)
    if destinations is not None:
        return _balanced(problem, carried, tolerance, max_sweeps, threads)
    found = passes(problem, carried.beta, carried.gamma, threads)
    return Prediction(replace(problem, destinations=found.destinations, mean_costs=found.mean_costs), carried, sweeps=0)


def _carried_over(parameters: Parameters, names: Names, called: Names, balanced: bool) -> Parameters:
    """Return the parameters of a scenario's categories and destinations; a new destination begins as the mean one."""
    beta = dict(zip(names.categories, parameters.beta.tolist()))
    gamma = dict(zip(names.destinations, parameters.gamma.tolist()))
    for n, category in enumerate(called.categories):
        if category not in beta:
            raise InputError(
                f"{called.category(n)} was not calibrated: its cost has no parameter; known are "
                f"{', '.join(names.categories):.80}"
            )
    for d, destination in enumerate(called.destinations):
        if destination not in gamma and not balanced:
            raise InputError(f"{called.destination(d)} was not calibrated: give the trips to the destinations")
    mean = float(parameters.gamma.mean())
    return Parameters(
        np.array([gamma.get(destination, mean) for destination in called.destinations]),
        np.array([beta[category] for category in called.categories]),
    )


def _balanced(
    problem: TripProblem, parameters: Parameters, tolerance: float, max_sweeps: int, threads: int
) -> Prediction:
    gamma = parameters.gamma.copy()
    for sweep in range(max_sweeps + 1):
        found = passes(problem, parameters.beta, gamma, threads)
        arriving = np.maximum(found.destinations, np.finfo(np.float64).tiny)
        errors = np.abs(arriving / problem.destinations - 1.0)
        if errors.max() <= tolerance:
            reached = replace(problem, mean_costs=found.mean_costs)
            return Prediction(reached, Parameters(gamma, parameters.beta), sweep)
        gamma += np.log(problem.destinations) - np.log(arriving)
    worst = int(errors.argmax())
    raise InputError(
        f"{problem.called.destination(worst)}: {problem.destinations[worst]:g} trips cannot be had, "
        f"{found.destinations[worst]:g} arrive after {max_sweeps} sweeps: look at its costs and forbidden pairs"
    )
