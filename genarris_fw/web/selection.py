"""Which structures a request is about: a pool, filters, a lasso, ids or rows."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field

from genarris_fw.errors import InputError
from genarris_fw.web.columns import PoolColumns
from genarris_fw.web.filters import Mask, chosen, within

LONGEST_NAME = 400
MOST_IDS, MOST_ROWS, MOST_LASSOS = 10_000, 100_000, 20


class Stale(Exception):
    """Rows were named of a pool that has changed."""


def _no_surrogates(value: str) -> str:
    if not value.isascii():
        value.encode()  # UnicodeEncodeError is a ValueError: pydantic says so
    return value


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_no_surrogates)]


class Selection(BaseModel, extra="forbid"):
    """Some structures of a pool: those that fulfil everything that is said here."""

    run: Name
    pool: Name
    where: list[str] = Field([], max_length=50, description="Filters, NAME:PART,PART...")
    within: list[str] = Field([], max_length=MOST_LASSOS, description="Polygons, XNAME,YNAME:x1,y1,x2,y2,...")
    ids: list[Name] | None = Field(None, max_length=MOST_IDS)
    rows: list[Annotated[int, Field(ge=0, lt=2**31)]] | None = Field(None, max_length=MOST_ROWS)
    version: str | None = Field(None, max_length=64, description="Of the pool that rows are of.")

    @property
    def is_everything(self) -> bool:
        """Whether it is the whole pool."""
        return not self.where and not self.within and self.ids is None and self.rows is None

    def mask(self, pool: PoolColumns) -> Mask:
        """Return which structures of the pool these are, (n,).

        Raises
        ------
        InputError
            For filters that are none, or of columns that are not there.
        Stale
            When the pool is no more that of the rows.
        """
        mask = chosen(pool, self.where)
        for lasso in self.within:
            mask &= within(pool, lasso)
        if self.ids is not None:
            rows = pool.rows_of(self.ids)
            mask &= _among(len(pool), rows[rows >= 0])
        if self.rows is not None:
            rows = checked_rows(pool, self.rows, self.version)
            mask &= _among(len(pool), rows)
        return mask

    def selected(self, pool: PoolColumns) -> NDArray[np.intp]:
        """Return the rows of these structures, ascending; raises what `mask` raises."""
        return np.arange(len(pool)) if self.is_everything else np.flatnonzero(self.mask(pool))


def checked_rows(pool: PoolColumns, rows: list[int], version: str | None) -> NDArray[np.intp]:
    """Return rows that a request names.

    Raises
    ------
    Stale
        When they are those of another version of the pool.
    InputError
        When there is no such row.
    """
    if version is None:
        raise InputError("rows need the version of the pool that they are of")
    if version != pool.version:
        raise Stale("the pool has changed since: ask for its points again")
    found = np.array(rows, dtype=np.intp)
    if len(found) and found.max() >= len(pool):
        raise InputError(f"the pool has the rows 0 to {len(pool) - 1}")
    return found


def _among(size: int, rows: NDArray[np.intp]) -> Mask:
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask
