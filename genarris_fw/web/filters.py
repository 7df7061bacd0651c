"""The filters of a request: a small language of its own, of which nothing ever reaches the database.

    clause  = NAME ":" ["!"] part {"," part}
    part    = "any" | "none" | number | [number] ".." [number] | text | text "*"

A name is a column's, or ``id``. In names and texts ``%``, ``:``, ``,`` and ``*`` are percent-encoded. A structure
without a value fulfils ``none`` alone, and what ``!`` turns around.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.showing import nearest, shown
from genarris_fw.web.columns import ID, Column, PoolColumns

Mask = NDArray[np.bool_]

MOST_CLAUSES, MOST_PARTS, LONGEST_CLAUSE = 50, 1000, 10_000
MOST_CORNERS = 2000
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?", re.ASCII)
_ONE = re.compile(_NUMBER, re.ASCII)


@dataclass(frozen=True)
class Clause:
    """A condition on one column: which of its parts one must hold, or none of them."""

    name: str
    parts: tuple[str, ...]
    turned: bool = False


def parse(text: str) -> Clause:
    """Return the clause that a text is.

    Raises
    ------
    InputError
        Where it is none; one line.
    """
    name, colon, rest = text.partition(":")
    if not colon or not name or not rest or len(text) > LONGEST_CLAUSE:
        raise InputError(
            f"where={shown(text)} is no filter: NAME:1.2..1.5, NAME:14,19, NAME:text, NAME:any, NAME:!none"
        )
    turned = rest.startswith("!")
    parts = tuple(rest.removeprefix("!").split(","))
    if len(parts) > MOST_PARTS:
        raise InputError(f"where={shown(text)} has {len(parts)} parts, at most {MOST_PARTS}")
    return Clause(unquote(name), parts, turned)


def chosen(pool: PoolColumns, where: Sequence[str]) -> Mask:
    """Return which structures of a pool fulfil all of some clauses, (n,).

    Raises
    ------
    InputError
        For what is no clause, or names no column of the pool.
    """
    if len(where) > MOST_CLAUSES:
        raise InputError(f"{len(where)} filters, at most {MOST_CLAUSES}")
    mask = np.ones(len(pool), dtype=bool)
    for clause in map(parse, where):
        test = _of_ids if clause.name == ID and ID not in pool.columns else _of_column
        found = test(pool, clause)
        mask &= ~found if clause.turned else found
    return mask


def _of_ids(pool: PoolColumns, clause: Clause) -> Mask:
    mask = np.zeros(len(pool), dtype=bool)
    for part in clause.parts:
        first, last = _rows_of_id(pool, part)
        mask[first:last] = True
    return mask


def _rows_of_id(pool: PoolColumns, part: str) -> tuple[int, int]:
    text = unquote(part.removesuffix("*"))
    if not part.endswith("*"):
        row = pool.row(text)
        return (0, 0) if row is None else (row, row + 1)
    beginning = text.encode(errors="replace")
    # 0xff is in no UTF-8: it comes after whatever begins so.
    return tuple(np.searchsorted(pool.ids, np.array([beginning, beginning + b"\xff"])).tolist())


def _of_column(pool: PoolColumns, clause: Clause) -> Mask:
    column = pool.column(clause.name)
    mask = np.zeros(len(pool), dtype=bool)
    for part in clause.parts:
        mask |= _part(column, part)
    return mask


def _part(column: Column, part: str) -> Mask:
    values = column.values
    if part in ("any", "none"):
        missing = np.isnan(values)
        return missing if part == "none" else ~missing
    if column.kind == "text":
        return _of_text(column, part)
    if column.kind == "flag" and part in ("true", "false"):
        return np.asarray(values == (part == "true"))
    if (found := _RANGE.fullmatch(part)) and part != "..":
        low, high = (_number(text, other) for text, other in zip(found.groups(), (-math.inf, math.inf)))
        if low > high:
            raise InputError(f"{column.name}: the range {shown(part)} ends before it begins")
        return np.asarray((values >= low) & (values <= high))
    if _ONE.fullmatch(part):
        return np.asarray(values == values.dtype.type(float(part)))
    raise InputError(f"{column.name}: {shown(part)} is no number, and no range such as 1.2..1.5, 1.2.. or ..1.5")


def _number(text: str | None, otherwise: float) -> float:
    return otherwise if text is None else float(text)


def _of_text(column: Column, part: str) -> Mask:
    text = unquote(part.removesuffix("*"))
    if part.endswith("*"):
        codes = [code for code, word in enumerate(column.words) if word.startswith(text)]
    elif text in column.words:
        codes = [column.words.index(text)]
    else:
        raise InputError(f"{column.name}: no structure has {shown(text)}{nearest(text, column.words)}")
    return np.isin(column.values, codes)


def within(pool: PoolColumns, lasso: str) -> Mask:
    """Return which structures lie within a polygon ``XNAME,YNAME:x1,y1,x2,y2,...`` of two columns, (n,).

    Raises
    ------
    InputError
        Where it is no polygon of 3 to 2,000 corners, or a name no column.
    """
    names, _, rest = lasso.partition(":")
    try:
        across, up = (pool.column(unquote(name)) for name in names.split(","))
        numbers = [float(text) for text in rest.split(",") if _ONE.fullmatch(text) or _refuse(text)]
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"within={shown(lasso)} is no polygon: XNAME,YNAME:x1,y1,x2,y2,x3,y3") from None
    if len(numbers) % 2 or not 6 <= len(numbers) <= 2 * MOST_CORNERS:
        raise InputError(f"within: a polygon has 3 to {MOST_CORNERS} corners x,y, not {len(numbers)} numbers")
    return inside(across.values, up.values, np.array(numbers).reshape(-1, 2))


def _refuse(text: str) -> bool:
    raise InputError(f"within: {shown(text)} is no number")


def inside(x: NDArray[np.floating], y: NDArray[np.floating], corners: NDArray[np.float64]) -> Mask:
    """Return which points lie inside a polygon by the even-odd rule, (n,).

    Parameters
    ----------
    x, y : (n,) ndarray
        A point of which one is NaN lies outside.
    corners : (c, 2) ndarray
    """
    low, high = corners.min(axis=0), corners.max(axis=0)
    rows = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    rows = rows[np.argsort(y[rows])]  # so that those at the height of an edge follow each other
    px, py = x[rows].astype(np.float64), y[rows].astype(np.float64)
    odd = np.zeros(len(rows), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0)):
        first, last = np.searchsorted(py, sorted((y1, y2)))
        beside = slice(first, last)
        if y1 != y2:
            odd[beside] ^= px[beside] < x1 + (py[beside] - y1) * ((x2 - x1) / (y2 - y1))
    mask = np.zeros(len(x), dtype=bool)
    mask[rows[odd]] = True
    return mask
