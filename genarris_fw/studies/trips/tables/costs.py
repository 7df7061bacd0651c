"""Costs of travel from tables, and between which zones nobody travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.memory import memory_of_pairs, require_memory
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.tables.cells import Cells, placed, read_cells
from genarris_fw.studies.trips.tables.columns import read_table

PAIR = ("origin", "destination")
# The costs, the cells they come from with their places, and which of them are allowed.
_ARRAYS = 5


@dataclass(frozen=True)
class CostFiles:
    """Where costs are.

    Parameters
    ----------
    costs : Path, or dict of Path
        A table of ``category``, ``origin``, ``destination`` and ``cost``, or with destinations or categories as
        columns; without categories the costs are those of all of them. Or a table of each category, by its name.
    forbidden : Path, optional
        A table of pairs, ``origin`` and ``destination``, between which nobody travels; with ``category`` where that
        is true of some categories alone.
    within_zones : bool, optional
        Whether there are trips within a zone, that is between an origin and a destination of the same name.
    missing_forbidden : bool, optional
        Whether a pair without a cost is forbidden; else it is refused.
    """

    costs: Path | Mapping[str, Path]
    forbidden: Path | None = None
    within_zones: bool = True
    missing_forbidden: bool = False

    @property
    def said(self) -> str:
        """The files of costs, for a message."""
        return str(self.costs) if isinstance(self.costs, Path) else ", ".join(map(str, self.costs.values()))


@dataclass(frozen=True)
class Costs:
    """Costs of all pairs.

    Parameters
    ----------
    values : (N, O, D) ndarray
        0 at forbidden pairs.
    allowed : (N, O, D) bool ndarray, optional
        None where all are.
    names : Names
        Of categories and zones.
    """

    values: NDArray[np.float64]
    allowed: NDArray[np.bool_] | None
    names: Names

    def of_zones(self, origins: NDArray[np.bool_], destinations: NDArray[np.bool_]) -> Costs:
        """Return the costs between some of the zones."""
        kept = np.ix_(np.ones(len(self.names.categories), bool), origins, destinations)
        allowed = None if self.allowed is None else self.allowed[kept]
        names = Names(
            self.names.categories,
            tuple(compress(self.names.origins, origins)),
            tuple(compress(self.names.destinations, destinations)),
        )
        return Costs(self.values[kept], None if allowed is None or allowed.all() else allowed, names)


def read_costs(files: CostFiles, categories: Sequence[str] = ()) -> Costs:
    """Read costs.

    Parameters
    ----------
    files : CostFiles
        Where they are.
    categories : sequence of str, optional
        What the categories are called, where the table of costs does not say so.

    Raises
    ------
    InputError
        For a table that is none, a pair without a cost, negative costs, or more than fits into memory; with file, row
        and column.
    """
    values, names = _values(files, categories)
    without = np.isnan(values)
    if without.any() and not files.missing_forbidden:
        n, o, d = np.argwhere(without)[0]
        raise InputError(
            f"{files.said}: {int(without.sum())} pairs have no cost, such as {names.pair(o, d)} ({names.category(n)}): "
            "give them, or say that pairs without a cost are forbidden"
        )
    allowed = ~without
    values[without] = 0.0
    if not files.within_zones:
        allowed &= np.array(names.origins)[:, None] != np.array(names.destinations)
    if files.forbidden is not None:
        allowed &= ~_listed(files.forbidden, names)
    return Costs(values, None if allowed.all() else allowed, names)


def _values(files: CostFiles, categories: Sequence[str]) -> tuple[NDArray[np.float64], Names]:
    if isinstance(files.costs, Path):
        cells = read_cells(files.costs, "cost", ("category", *PAIR), optional=("category",))
        own = cells.names.get("category")
        names = Names(own or tuple(categories) or ("all",), cells.names["origin"], cells.names["destination"])
        _require_memory(files, names)
        if own:
            return placed(cells, _index(names)), names
        return np.repeat(_placed_pairs(cells, names)[None], len(names.categories), axis=0), names
    parts = [read_cells(path, "cost", PAIR) for path in files.costs.values()]
    if not parts:
        raise InputError("costs by category: no table: give one of each category")
    origins, destinations = (tuple(dict.fromkeys(name for part in parts for name in part.names[a])) for a in PAIR)
    names = Names(tuple(files.costs), origins, destinations)
    _require_memory(files, names)
    return np.stack([_placed_pairs(part, names) for part in parts]), names


def _index(names: Names) -> dict[str, tuple[str, ...]]:
    return {"category": names.categories, "origin": names.origins, "destination": names.destinations}


def _placed_pairs(cells: Cells, names: Names) -> NDArray[np.float64]:
    return placed(cells, {"origin": names.origins, "destination": names.destinations})


def _require_memory(files: CostFiles, names: Names) -> None:
    n, o, d = names.shape
    what = f"{files.said}: {n} categories, {o} origins and {d} destinations"
    require_memory(memory_of_pairs(n, o, d, arrays=_ARRAYS), what, "give fewer")


def _listed(path: Path, names: Names) -> NDArray[np.bool_]:
    """Return which pairs (N, O, D) a table lists."""
    table = read_table(path)
    if lacking := [axis for axis in PAIR if axis not in table.columns]:
        raise InputError(f"{path}: no column {lacking[0]}: give a row for each pair, with origin and destination")
    index = _index(names)
    places: list[NDArray[np.intp] | slice] = []
    for axis, known in index.items():
        if axis not in table.columns:
            places.append(slice(None))
            continue
        of_name = {name: place for place, name in enumerate(known)}
        given = table.names(axis)
        for row, name in enumerate(given):
            if name not in of_name:
                raise InputError(
                    f"{table.where(row, axis)}: the {axis} {name!r:.40} has no costs: known are {', '.join(known):.80}"
                )
        places.append(np.array([of_name[name] for name in given], dtype=np.intp))
    listed = np.zeros(names.shape, dtype=np.bool_)
    listed[tuple(places)] = True
    return listed
