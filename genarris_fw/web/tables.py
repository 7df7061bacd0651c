"""Pages of a table, each begun by a key: never by how many rows to skip.

A key is a value and an id. It stays good when structures are added or removed: what came before it on one page comes
on no later one.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.web.columns import ID, PoolColumns, Rows

LONGEST_KEY = 2000
PART = 2**16


@dataclass(frozen=True)
class Key:
    """Where a row stands in an order: its value (None: it has none; a text by itself), and its id."""

    value: float | str | None
    struct_id: str

    def text(self) -> str:
        """Return it as a page is handed it."""
        return base64.urlsafe_b64encode(json.dumps([self.value, self.struct_id]).encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> Key:
        """Return the key that `text` gave.

        Raises
        ------
        InputError
            For anything else.
        """
        try:
            if len(text) > LONGEST_KEY:
                raise ValueError
            value, struct_id = json.loads(
                base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            )
            if not isinstance(struct_id, str) or not isinstance(value, float | int | str | None):
                raise ValueError
            struct_id.encode()
            number = float(value) if isinstance(value, int | float) else value
            if isinstance(number, float) and not math.isfinite(number):
                raise ValueError
            return cls(number, struct_id)
        except (TypeError, ValueError, RecursionError, OverflowError):
            raise InputError("after and before take what a page of this table gave as next or previous") from None


@dataclass(frozen=True)
class Sorting:
    """An order of a pool's rows: by a column or by id; what has no value comes last either way, ties go by id."""

    pool: PoolColumns
    name: str
    descending: bool = False

    def rows(self) -> Rows:
        """Return all rows in this order."""
        return self.pool.order(self.name, self.descending)

    def key(self, row: int) -> Key:
        """Return the key of a row."""
        if self.name == ID:
            return Key(None, self.pool.name(row))
        column = self.pool.column(self.name)
        value = column.value(row)
        exact = value if isinstance(value, str) or value is None else float(column.values[row])
        return Key(exact, self.pool.name(row))

    def place(self, key: Key, behind: bool) -> int:
        """Return how many rows come before a key; with `behind` that of the key itself is one of them."""
        pool, n = self.pool, len(self.pool)
        by_id = pool.place(key.struct_id)
        there = pool.row(key.struct_id)
        if self.name == ID:
            first, last = by_id, by_id + (there is not None)
        else:
            first, last = self._place(key, by_id, there)
        if not self.descending:
            return last if behind else first
        known = n if self.name == ID else n - int(np.isnan(pool.column(self.name).values).sum())
        has_value = self.name == ID or key.value is not None
        return (known if has_value else known + n) - (first if behind else last)

    def _place(self, key: Key, by_id: int, there: int | None) -> tuple[int, int]:
        """Return where in ascending order a key's row begins and ends; both are one where there is none."""
        column, order = self.pool.column(self.name), self.pool.order(self.name)
        known = len(order) - int(np.isnan(column.values).sum())
        if key.value is None:
            first, last = known, len(order)
        else:
            number = self._number(key.value)
            first, last = (_search(column.values, order[:known], number, side) for side in ("left", "right"))
        same = order[first:last]  # ascending, as ids are
        place = first + int(np.searchsorted(same, by_id))
        return place, place + (there is not None and place < last and int(order[place]) == there)

    def _number(self, value: float | str) -> float:
        column = self.pool.column(self.name)
        if column.kind != "text":
            if isinstance(value, str):
                raise InputError(f"{self.name}: a key of another column")
            return value
        if not isinstance(value, str):
            raise InputError(f"{self.name}: a key of another column")
        place = int(np.searchsorted(np.array(column.words), value))
        return float(place) if place < len(column.words) and column.words[place] == value else place - 0.5


def _search(values: NDArray[np.floating], order: NDArray[np.int32], number: float, side: str) -> int:
    """Bisect values in an order, of which no sorted copy is made."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        value = float(values[order[middle]])
        if value < number or (side == "right" and value == number):
            low = middle + 1
        else:
            high = middle
    return low


def page(
    sorting: Sorting,
    mask: NDArray[np.bool_] | None,
    limit: int,
    after: Key | None = None,
    before: Key | None = None,
    at: Key | None = None,
) -> dict[str, Any]:
    """Return a page: ``rows`` in order, ``matched``, ``position``, and the keys ``next`` and ``previous`` or None.

    Parameters
    ----------
    sorting : Sorting
    mask : (n,) ndarray of bool or None
        Which rows are in the table.
    limit : int
        Rows of a page.
    after, before, at : Key, optional
        The page begins behind this key, or ends before it, or begins with it: one of them at most.
    """
    rows = sorting.rows()
    matched = len(rows) if mask is None else int(np.count_nonzero(mask))
    key = after or before or at
    place = 0 if key is None else sorting.place(key, behind=key is after)
    position = place if mask is None else _number_of(mask, rows[:place])
    if before is not None:
        some = _first_of(mask, rows[:place][::-1], limit)[::-1]
        position -= len(some)
    else:
        some = _first_of(mask, rows[place:], limit)
    return {
        "rows": some,
        "matched": matched,
        "position": position,
        "next": sorting.key(some[-1]).text() if some and position + len(some) < matched else None,
        "previous": sorting.key(some[0]).text() if some and position > 0 else None,
    }


def _number_of(mask: NDArray[np.bool_], rows: Rows) -> int:
    """Count the rows that a mask has."""
    return sum(int(np.count_nonzero(mask[part])) for part in _parts(rows))


def _first_of(mask: NDArray[np.bool_] | None, rows: Rows, number: int) -> list[int]:
    """Return the first of some rows that a mask has."""
    found: list[int] = []
    for part in _parts(rows) if mask is not None else [rows[:number]]:
        found += (part if mask is None else part[mask[part]]).tolist()
        if len(found) >= number:
            break
    return found[:number]


def _parts(rows: Rows) -> Iterator[Rows]:
    """Yield rows in parts, so that little memory is taken for each of many requests."""
    for first in range(0, len(rows), PART):
        yield rows[first : first + PART]
