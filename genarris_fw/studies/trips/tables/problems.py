"""A problem from a modeller's tables: costs and totals, or costs and an observed trip matrix; and a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.model.predicting import Scenario
from genarris_fw.studies.trips.model.problem import TOTALS_AGREE, TripProblem
from genarris_fw.studies.trips.tables.cells import Cells, placed, read_cells
from genarris_fw.studies.trips.tables.costs import PAIR, CostFiles, Costs, read_costs

Scaled = Literal["origins", "destinations"]


@dataclass(frozen=True)
class Observed:
    """A problem and the trips that its totals are made of.

    Parameters
    ----------
    problem : TripProblem
        With the totals and mean costs of the trips.
    trips : (N, O, D) ndarray
        As observed.
    """

    problem: TripProblem
    trips: NDArray[np.float64]


def read_problem(
    costs: CostFiles,
    origins: Path,
    destinations: Path,
    mean_costs: Path,
    scaled: Scaled | None = None,
    empty_left_out: bool = False,
) -> TripProblem:
    """Read a problem whose totals are known.

    Parameters
    ----------
    costs : CostFiles
        The costs, and the pairs between which nobody travels.
    origins : Path
        A table of ``category``, ``origin`` and ``trips``, or with categories as columns.
    destinations : Path
        A table of ``destination`` and ``trips``.
    mean_costs : Path
        A table of ``category`` and ``mean_cost``.
    scaled : {"origins", "destinations"}, optional
        Which totals are multiplied by a common factor where the two do not add up to the same number; else such are
        refused.
    empty_left_out : bool, optional
        Whether zones where no trip begins are left out of the origins, and those where none ends out of the
        destinations; else they are refused.

    Raises
    ------
    InputError
        In one line, with file, row and column, or with the names of what is wrong: for a table that is none, totals
        that are missing or do not add up, and as `TripProblem`.
    """
    means = read_cells(mean_costs, "mean_cost", ("category",))
    known = read_costs(costs, means.names["category"])
    leaving, arriving = _totals(origins, destinations, known.names, scaled)
    mean = _whole(means, {"category": known.names.categories})
    if empty_left_out:
        known, leaving, arriving = _without_empty(known, leaving, arriving)
    return TripProblem(known.values, leaving, arriving, mean, known.allowed, known.names)


def read_scenario(
    costs: CostFiles,
    origins: Path,
    destinations: Path | None,
    categories: Sequence[str],
    scaled: Scaled | None = None,
) -> Scenario:
    """Read what a calibrated model is applied to; the arguments and errors are those of `read_problem`.

    Parameters
    ----------
    costs : CostFiles
        New costs, or the old ones.
    origins : Path
        Trips by category and origin.
    destinations : Path, optional
        Trips by destination; without them the constants of the destinations stay.
    categories : sequence of str
        What the calibrated model calls them.
    scaled : {"origins", "destinations"}, optional
        Which totals follow the other where they do not add up.
    """
    known = read_costs(costs, categories)
    if destinations is None:
        leaving = _whole(_origins(origins), _of_origins(known.names))
        return Scenario(known.values, leaving, None, known.allowed, known.names)
    leaving, arriving = _totals(origins, destinations, known.names, scaled)
    return Scenario(known.values, leaving, arriving, known.allowed, known.names)


def read_observed(costs: CostFiles, trips: Path, empty_left_out: bool = False) -> Observed:
    """Read a problem from observed trips: all totals and mean costs are theirs.

    Parameters
    ----------
    costs : CostFiles
        The costs, and the pairs between which nobody travels.
    trips : Path
        A table of ``category``, ``origin``, ``destination`` and ``trips``, or with destinations or categories as
        columns. Pairs without a row have no trips.
    empty_left_out : bool, optional
        As in `read_problem`.

    Raises
    ------
    InputError
        As `read_problem`, and for trips between zones that are forbidden.
    """
    cells = read_cells(trips, "trips", ("category", *PAIR), optional=("category",))
    known = read_costs(costs, cells.names.get("category", ()))
    names = known.names
    index = {"category": names.categories, "origin": names.origins, "destination": names.destinations}
    observed = np.nan_to_num(placed(cells, index), copy=False, nan=0.0)
    if known.allowed is not None and (wrong := (observed > 0) & ~known.allowed).any():
        n, o, d = np.argwhere(wrong)[0]
        raise InputError(
            f"{trips}: {observed[n, o, d]:g} trips {names.pair(o, d)} of {names.category(n)}, where nobody may travel: "
            "allow the pair, or take the trips out"
        )
    leaving, arriving = observed.sum(axis=2), observed.sum(axis=(0, 1))
    spent = np.array([np.vdot(one, cost) for one, cost in zip(observed, known.values)])
    travellers = leaving.sum(axis=1)
    for n in np.flatnonzero(travellers == 0):
        raise InputError(f"{trips}: no trips of {names.category(n)}: leave its costs out, or give its trips")
    if empty_left_out:
        observed = observed[:, leaving.any(axis=0)][:, :, arriving > 0]
        known, leaving, arriving = _without_empty(known, leaving, arriving)
    problem = TripProblem(known.values, leaving, arriving, spent / travellers, known.allowed, known.names)
    return Observed(problem, observed)


def _without_empty(
    known: Costs, leaving: NDArray[np.float64], arriving: NDArray[np.float64]
) -> tuple[Costs, NDArray[np.float64], NDArray[np.float64]]:
    """Leave out origins from which, and destinations to which, nobody travels."""
    begin, end = np.asarray(leaving.any(axis=0)), arriving > 0
    return known.of_zones(begin, end), leaving[:, begin], arriving[end]


def _origins(path: Path) -> Cells:
    return read_cells(path, "trips", ("category", "origin"), optional=("category",))


def _of_origins(names: Names) -> dict[str, tuple[str, ...]]:
    return {"category": names.categories, "origin": names.origins}


def _totals(
    origins: Path, destinations: Path, names: Names, scaled: Scaled | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return trips by origin (N, O) and by destination (D,), whose sums agree."""
    leaving = _whole(_origins(origins), _of_origins(names))
    arriving = _whole(read_cells(destinations, "trips", ("destination",)), {"destination": names.destinations})
    leave, arrive = float(leaving.sum()), float(arriving.sum())
    if abs(leave - arrive) <= TOTALS_AGREE * max(leave, arrive):
        return leaving, arriving
    if scaled is None:
        raise InputError(
            f"{origins} and {destinations}: {leave:.10g} trips begin and {arrive:.10g} end: "
            "correct them, or have origins or destinations scaled"
        )
    if not (leave > 0 and arrive > 0):
        raise InputError(f"{origins if leave == 0 else destinations}: no trips at all: nothing can be scaled")
    return (leaving * (arrive / leave), arriving) if scaled == "origins" else (leaving, arriving * (leave / arrive))


def _whole(cells: Cells, index: dict[str, tuple[str, ...]]) -> NDArray[np.float64]:
    """Return the array of an index, every place of which has a value."""
    array = placed(cells, index)
    for place in np.argwhere(np.isnan(array)):
        named = ", ".join(f"{axis} {known[at]}" for (axis, known), at in zip(index.items(), place))
        raise InputError(f"{cells.table.path}: no value of {named}: give it, 0 where there are no trips")
    return array
