"""The problem of trip distribution: costs of travel by category of user, and the totals that trips have to keep.

The doubly constrained model of maximum entropy, aggregated at the destinations: problem (6)-(9) of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.names import Names

# Trips that leave and trips that arrive are the same number up to what writing them in decimals loses.
TOTALS_AGREE = 1e-7


@dataclass(frozen=True, eq=False)
class TripProblem:
    """What a trip distribution model is calibrated on.

    Parameters
    ----------
    costs : (N, O, D) array
        c^n_od, the cost of a trip of category n from origin o to destination d. Those of forbidden pairs
        are not looked at: where one is negative or not finite, all of them become 0.
    origins : (N, O) array
        Trips of each category from each origin; 0 where a category does not live.
    destinations : (D,) array
        Trips to each destination. Where their sum is that of the origins but for rounding, it is made the same.
    mean_costs : (N,) array
        The mean cost of a trip of each category.
    allowed : (N, O, D) bool array, optional
        False at pairs between which nobody of the category travels (structural zeros). By default all are allowed.
    names : Names, optional
        What categories and zones are called, by default by their numbers, from 1 on.

    Raises
    ------
    InputError
        For shapes that do not fit, costs that are negative or not finite, totals that are, a category or a zone without
        any trip, mean costs that are not positive, an origin from which no destination is allowed, a destination to
        which no trips may go, or totals that do not add up to the same number.
    """

    costs: NDArray[np.float64]
    origins: NDArray[np.float64]
    destinations: NDArray[np.float64]
    mean_costs: NDArray[np.float64]
    allowed: NDArray[np.bool_] | None = None
    names: Names | None = None

    def __post_init__(self) -> None:
        """Take arrays of numbers, and refuse what cannot be."""
        for name, axes in (("costs", 3), ("origins", 2), ("destinations", 1), ("mean_costs", 1)):
            object.__setattr__(self, name, _numbers(name, getattr(self, name), axes))
        if self.allowed is not None:
            object.__setattr__(self, "allowed", np.ascontiguousarray(self.allowed, dtype=np.bool_))
        self._check_shapes()
        if self.names is None:
            object.__setattr__(self, "names", Names.numbers(*self.costs.shape))
        self._check_costs()
        self._check_totals()
        self._check_pairs()

    @property
    def categories(self) -> int:
        """Categories of users, N."""
        return int(self.costs.shape[0])

    @property
    def origin_zones(self) -> int:
        """Origins, O."""
        return int(self.costs.shape[1])

    @property
    def destination_zones(self) -> int:
        """Destinations, D."""
        return int(self.costs.shape[2])

    @property
    def parameters(self) -> int:
        """Parameters of the model as the paper counts them: A^n_o, B_d and beta^n, that is N O + D + N."""
        return self.categories * self.origin_zones + self.destination_zones + self.categories

    @property
    def category_trips(self) -> NDArray[np.float64]:
        """Trips of each category, (N,)."""
        return np.asarray(self.origins.sum(axis=1))

    @property
    def total_costs(self) -> NDArray[np.float64]:
        """C^n, what all trips of each category cost, (N,)."""
        return self.mean_costs * self.category_trips

    def allowed_in(self, category: int) -> NDArray[np.bool_] | None:
        """Return the allowed pairs of a category, (O, D); None where all are."""
        return None if self.allowed is None else self.allowed[category]

    @property
    def called(self) -> Names:
        """What categories and zones are called."""
        return self.names or Names.numbers(*self.costs.shape)

    def _check_shapes(self) -> None:
        n, o, d = self.costs.shape
        if min(n, o, d) < 1:
            raise InputError(f"costs of {n} categories, {o} origins and {d} destinations: give at least one of each")
        expected = {"origins": (n, o), "destinations": (d,), "mean_costs": (n,), "allowed": (n, o, d)}
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise InputError(
                    f"{name} of shape {value.shape}, where costs of {n} categories, {o} origins and {d} destinations "
                    f"ask for {shape}"
                )
        if self.names is not None and self.names.shape != (n, o, d):
            raise InputError(f"names for {self.names.shape} categories, origins and destinations of {(n, o, d)}")

    def _check_costs(self) -> None:
        """Look at a category at a time, for costs may fill half of the memory."""
        unused = False
        for n, costs in enumerate(self.costs):
            if float(costs.min()) >= 0 and float(costs.max()) < np.inf:  # neither is true of NaN
                continue
            unused = True
            wrong = ~((costs >= 0) & (costs < np.inf))
            allowed = self.allowed_in(n)
            for o, d in np.argwhere(wrong if allowed is None else wrong & allowed):
                raise InputError(
                    f"{self.called.category(n)}, {self.called.pair(o, d)}: a cost of {costs[o, d]:g}: "
                    "costs are 0 or more; forbid pairs between which nobody travels"
                )
        if unused:  # costs of forbidden pairs alone
            object.__setattr__(self, "costs", np.where(np.asarray(self.allowed), self.costs, 0.0))

    def _check_totals(self) -> None:
        called = self.called
        for n, o in np.argwhere(~((self.origins >= 0) & (self.origins < np.inf))):
            raise InputError(
                f"{called.category(n)}, {called.origin(o)}: {self.origins[n, o]:g} trips: give a number, 0 or more"
            )
        for d in np.flatnonzero(~((self.destinations >= 0) & (self.destinations < np.inf))):
            raise InputError(f"{called.destination(d)}: {self.destinations[d]:g} trips: give a number, 0 or more")
        for n in np.flatnonzero(~((self.mean_costs > 0) & (self.mean_costs < np.inf))):
            raise InputError(f"{called.category(n)}: a mean cost of {self.mean_costs[n]:g}: give a number above 0")
        for n in np.flatnonzero(self.category_trips == 0):
            raise InputError(f"{called.category(n)} makes no trips: leave it out")
        for o in np.flatnonzero(self.origins.sum(axis=0) == 0):
            raise InputError(f"{called.origin(o)}: no trips begin there (an empty row): leave it out of the origins")
        for d in np.flatnonzero(self.destinations == 0):
            raise InputError(f"{called.destination(d)}: no trips end there: leave it out of the destinations")
        leave, arrive = float(self.origins.sum()), float(self.destinations.sum())
        if abs(leave - arrive) > TOTALS_AGREE * max(leave, arrive):
            raise InputError(
                f"{leave:.10g} trips leave the origins and {arrive:.10g} arrive at the destinations: "
                "give totals that add up to the same, or scale one of them"
            )
        object.__setattr__(self, "destinations", self.destinations * (leave / arrive))

    def _check_pairs(self) -> None:
        if self.allowed is None:
            return
        reached = np.zeros(self.destination_zones, dtype=bool)
        for n, allowed in enumerate(self.allowed):
            starts = self.origins[n] > 0
            for o in np.flatnonzero(starts & ~allowed.any(axis=1)):
                raise InputError(
                    f"{self.called.category(n)}, {self.called.origin(o)}: {self.origins[n, o]:g} trips begin there, "
                    "and every destination is forbidden: allow one"
                )
            reached |= allowed[starts].any(axis=0)
        for d in np.flatnonzero(~reached):
            raise InputError(
                f"{self.called.destination(d)}: {self.destinations[d]:g} trips end there, and no origin with trips "
                "may reach it: allow a pair"
            )


def _numbers(name: str, value: Any, axes: int) -> NDArray[np.float64]:
    try:
        array = np.ascontiguousarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not an array of numbers: give {axes} axes of them") from error
    if np.ndim(value) != axes:
        raise InputError(f"{name} with {np.ndim(value)} axes: give {axes}")
    return array
