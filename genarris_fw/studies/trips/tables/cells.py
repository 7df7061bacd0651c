"""The cells of a table by category, origin and destination, whichever way round the table is written.

A table may be long, one row for each value, or spread one of its axes over the columns::

    category,origin,destination,cost        origin,north,south        origin,destination,poor,rich
    poor,north,south,4.5                    north,1.2,4.5             north,south,4.5,3.9
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.tables.columns import Table, read_table


@dataclass(frozen=True)
class Cells:
    """The values of a table, a number for each cell, in the order of the rows.

    Parameters
    ----------
    table : Table
        Where they stand.
    names : dict
        For every axis that the table has, the names along it as they first occur.
    codes : dict
        For every such axis, which of the names a cell is of.
    values : (n,) ndarray
        NaN where a cell is empty.
    columns : sequence of str
        The columns of values: row by row, cells are of each of them in turn.
    """

    table: Table
    names: dict[str, tuple[str, ...]]
    codes: dict[str, NDArray[np.intp]]
    values: NDArray[np.float64]
    columns: Sequence[str]

    def where(self, cell: int) -> str:
        """Name a cell for a message."""
        row, column = divmod(cell, len(self.columns))
        return self.table.where(row, self.columns[column])


def read_cells(path: Path, value: str, axes: Sequence[str], optional: Sequence[str] = ()) -> Cells:
    """Read a table of values along some axes.

    Parameters
    ----------
    path : Path
        Of CSV or Parquet.
    value : str
        What the column of values is called in a long table; there, further columns are passed over.
    axes : sequence of str
        What the columns of names are called.
    optional : sequence of str, optional
        Axes that a table need not have.

    Raises
    ------
    InputError
        For a table in neither form, or as `read_table`, `Table.names` and `Table.numbers`.
    """
    table = read_table(path)
    there = [axis for axis in axes if axis in table.columns]
    missing = [axis for axis in axes if axis not in there]
    required = [axis for axis in missing if axis not in optional]
    if value in table.columns and not required:
        return _cells(table, there, None, [value])
    spread = required or missing
    if value in table.columns or len(spread) != 1 or not there:
        wanted = ", ".join(f"[{axis}]" if axis in optional else axis for axis in axes)
        raise InputError(
            f"{path}: has the columns {', '.join(table.columns):.120}: name them {wanted}, {value}, "
            f"or leave out one of the names and {value}, and give a column for each of its names"
        )
    columns = [name for name in table.columns if name not in there]
    if not columns:
        raise InputError(f"{path}: no column of values beside {', '.join(there)}")
    return _cells(table, there, spread[0], columns)


def _cells(table: Table, axes: Sequence[str], spread: str | None, columns: Sequence[str]) -> Cells:
    names: dict[str, tuple[str, ...]] = {}
    codes: dict[str, NDArray[np.intp]] = {}
    for axis in axes:
        given = table.names(axis)
        names[axis] = tuple(dict.fromkeys(given))
        codes[axis] = np.repeat(_looked_up(given, names[axis]), len(columns))
    if spread is not None:
        names[spread] = tuple(columns)
        codes[spread] = np.tile(np.arange(len(columns)), table.rows)
    values = np.stack([table.numbers(column) for column in columns], axis=1).ravel()
    return Cells(table, names, codes, values, columns)


def _looked_up(given: Sequence[str], names: Sequence[str]) -> NDArray[np.intp]:
    places = {name: place for place, name in enumerate(names)}
    return np.fromiter((places[name] for name in given), np.intp, len(given))


def placed(cells: Cells, index: Mapping[str, Sequence[str]]) -> NDArray[np.float64]:
    """Put cells where they belong in an array.

    Parameters
    ----------
    cells : Cells
        As read.
    index : mapping
        The names along every axis of the array, in their order; an axis that the table does not have must have one
        name alone.

    Returns
    -------
    ndarray
        NaN where there is no cell, or an empty one.

    Raises
    ------
    InputError
        For a name that the index does not know, two cells for the same place, or an axis that the table lacks.
    """
    shape = tuple(len(names) for names in index.values())
    flat = np.zeros(len(cells.values), np.intp)
    for axis, known in index.items():
        flat *= len(known)
        if axis in cells.names:
            flat += _places(cells, axis, known)[cells.codes[axis]]
        elif len(known) > 1:
            raise InputError(f"{cells.table.path}: no column {axis}, and there are several: {', '.join(known):.80}")
    taken = np.bincount(flat, minlength=int(np.prod(shape)))
    if taken.max(initial=0) > 1:
        second = _second(flat, int(taken.argmax()))
        raise InputError(f"{cells.where(second)}: a second value of the same {', '.join(cells.names)}: give one")
    array = np.full(shape, np.nan)
    array.flat[flat] = cells.values
    return array


def _places(cells: Cells, axis: str, known: Sequence[str]) -> NDArray[np.intp]:
    places = {name: place for place, name in enumerate(known)}
    for code, name in enumerate(cells.names[axis]):
        if name not in places:
            cell = int((cells.codes[axis] == code).argmax())
            raise InputError(
                f"{cells.where(cell)}: the {axis} {name!r:.40} is in no other table: known are {', '.join(known):.80}"
            )
    return np.array([places[name] for name in cells.names[axis]], dtype=np.intp)


def _second(flat: NDArray[np.intp], place: int) -> int:
    return int(np.flatnonzero(flat == place)[1])
