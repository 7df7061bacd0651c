"""A pool as columns: what is known of all its structures, in arrays, in the order of their ids."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.quantities import label_of
from genarris_fw.showing import nearest, shown

Floats = NDArray[np.floating]
Rows = NDArray[np.int32]
Kind = Literal["number", "integer", "flag", "text"]

ID = "id"  # what sorts and filters by struct_id
MOST_VALUES = 230  # an integer of at most so many values is a choice as well, as a space group is
FARTHEST_VALUES = 10_000  # apart
KEPT_ORDERS = 6


@dataclass(frozen=True, eq=False)
class Column:
    """One value of every structure.

    Attributes
    ----------
    name : str
    kind : str
        ``flag``: 0 or 1. ``text``: the values are places in `words`.
    values : (n,) ndarray of float
        NaN where a structure has none.
    words : tuple of str
        Of a text, in ascending order.
    """

    name: str
    kind: Kind
    values: Floats
    words: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What an axis says."""
        return label_of(self.name)

    def value(self, row: int) -> float | int | str | bool | None:
        """Return a structure's value as it is shown: the shortest number that is this one."""
        number = self.values[row]
        if np.isnan(number):
            return None
        if self.kind == "text":
            return self.words[int(number)]
        if self.kind == "flag":
            return bool(number)
        return int(number) if self.kind == "integer" else float(str(number))


@dataclass(eq=False)
class PoolColumns:
    """The n structures of a pool.

    Attributes
    ----------
    run, pool : str
    ids : (n,) ndarray of bytes
        In ascending order, UTF-8.
    columns : dict of str to Column
    version : str
        Of the content: another one where a structure or a value is another.
    remarks : list of str
        What a person should know of it.
    seconds : float
        How long it took to read.
    """

    run: str
    pool: str
    ids: NDArray[np.bytes_]
    columns: dict[str, Column]
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    version: str = ""
    _orders: OrderedDict[tuple[str, bool], Rows] = field(default_factory=OrderedDict, repr=False)
    _about: dict[str, dict[str, object]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        """Sign the content."""
        self.version = self.version or _signed(self.ids, self.columns)

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, with what will be kept of its orders."""
        columns = sum(column.values.nbytes for column in self.columns.values())
        return int(self.ids.nbytes + columns + KEPT_ORDERS * 4 * len(self))

    def column(self, name: str) -> Column:
        """Return a column.

        Raises
        ------
        InputError
            When there is none of that name; the message names the nearest.
        """
        if name not in self.columns:
            known = ", ".join(list(self.columns)[:40])
            raise InputError(f"no column {shown(name)} in this pool{nearest(name, self.columns)}; it has {known}")
        return self.columns[name]

    def name(self, row: int) -> str:
        """Return the id of a row."""
        return bytes(self.ids[row]).decode(errors="replace")

    def row(self, struct_id: str) -> int | None:
        """Return the row of an id, None where the pool has no such structure."""
        [row] = self.rows_of([struct_id])
        return None if row < 0 else int(row)

    def place(self, struct_id: str) -> int:
        """Return how many ids come before this one."""
        return int(np.searchsorted(self.ids, np.bytes_(struct_id.encode(errors="replace"))))

    def rows_of(self, struct_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the rows of ids, -1 for those that the pool does not have."""
        wanted = np.array([one.encode(errors="replace") for one in struct_ids], dtype=np.bytes_)
        if not len(self) or not len(wanted):
            return np.full(len(wanted), -1, dtype=np.intp)
        rows = np.minimum(np.searchsorted(self.ids, wanted), len(self) - 1)
        return np.where(self.ids[rows] == wanted, rows, -1)

    def order(self, name: str, descending: bool = False) -> Rows:
        """Return the rows by a column, equal ones by id in the same direction, those without a value last."""
        key = (name, descending)
        with self._lock:
            if key in self._orders:
                self._orders.move_to_end(key)
                return self._orders[key]
        order = np.arange(len(self), dtype=np.int32)
        known = len(self)
        if name != ID:
            values = self.column(name).values
            order = np.argsort(values, kind="stable").astype(np.int32)
            known -= int(np.isnan(values).sum())
        if descending:
            order = np.concatenate([order[:known][::-1], order[known:][::-1]])
        with self._lock:
            self._orders[key] = order
            while len(self._orders) > KEPT_ORDERS:
                self._orders.popitem(last=False)
        return order

    def about(self, name: str) -> dict[str, object]:
        """Return what a page is told of a column: words, unit, how many have it, its limits, its values where few."""
        if name not in self._about:
            self._about[name] = _about(self.column(name))
        return self._about[name]


def _about(column: Column) -> dict[str, object]:
    known = column.values[~np.isnan(column.values)]
    limits = (None, None) if column.kind == "text" or not len(known) else (float(known.min()), float(known.max()))
    return {
        "name": column.name,
        "label": column.label,
        "kind": column.kind,
        "count": len(known),
        "min": limits[0],
        "max": limits[1],
        "values": values_of(column),
    }


def values_of(column: Column) -> list[tuple[str | int | bool, int]] | None:
    """Return the values of a column and how many structures have each, None where they are too many to choose from."""
    known = column.values[~np.isnan(column.values)]
    if column.kind == "number":
        return None
    if column.kind == "text":
        return list(zip(column.words, np.bincount(known.astype(np.intp), minlength=len(column.words)).tolist()))
    if not len(known) or known.max() - known.min() >= FARTHEST_VALUES:
        return None
    low = int(known.min())
    counts = np.bincount((known - low).astype(np.intp))
    there = np.flatnonzero(counts)
    if len(there) > MOST_VALUES:
        return None
    kind = bool if column.kind == "flag" else int
    return [(kind(k + low), int(counts[k])) for k in there]


def _signed(ids: NDArray[np.bytes_], columns: Mapping[str, Column]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    digest.update(np.ascontiguousarray(ids).data)
    for name, column in columns.items():
        digest.update(repr((name, column.kind, column.words)).encode())
        digest.update(np.ascontiguousarray(column.values).data)
    return digest.hexdigest()
