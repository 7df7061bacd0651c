"""Tables and sections of a report, as page.html.jinja writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genarris_fw.views.report.figures import Shown


@dataclass(frozen=True)
class Cell:
    """A cell: words, or a drawing, and what it is sorted by where that is something else."""

    words: str = ""
    value: float | str | None = None
    kind: str = ""
    svg: str = ""
    star: bool = False


@dataclass(frozen=True)
class Row:
    """A row, with the id by which it is linked to."""

    cells: list[Cell]
    id: str = ""


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    words: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    title : str
        What it is: written above it where it is `headed`, and read out in any case.
    heads, rows
        Its cells.
    kind : str
        Its class on the page.
    sorts : bool
        Whether a click on a head sorts it.
    folded : bool
        Whether it is opened by a click.
    headed : bool
    """

    title: str
    heads: list[Head]
    rows: list[Row]
    kind: str = ""
    sorts: bool = False
    folded: bool = False
    headed: bool = False


@dataclass(frozen=True)
class Text:
    """A text that is opened by a click."""

    title: str
    text: str


@dataclass
class Section:
    """A section of the page: words, pictures, tables and texts, in this order."""

    id: str
    title: str
    words: list[str] = field(default_factory=list)
    figures: list[Shown] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self.words or self.figures or self.tables or self.texts)


def number(value: float | None, digits: int = 2) -> Cell:
    """Return a cell of a number, empty where there is none."""
    if value is None or math.isnan(value):
        return Cell(kind="number", value="")
    return Cell(f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}"), value, "number")


def plain_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], **how: Any) -> Table:
    """Return a table of words and numbers; a column whose first entry is a number stands to the right.

    Parameters
    ----------
    title : str
        What it is.
    heads : sequence of str
        Of the columns.
    rows : iterable of sequences
        Numbers, words, or `Cell`; None is an empty cell.
    **how
        Further fields of `Table`.
    """
    made = [Row([_cell(value) for value in row]) for row in rows]
    right = [bool(made) and made[0].cells[k].kind == "number" for k in range(len(heads))]
    return Table(title, [Head(words, to) for words, to in zip(heads, right, strict=True)], made, **how)


def without_empty(table: Table) -> Table:
    """Return a table without the columns in which nothing stands."""
    kept = [k for k in range(len(table.heads)) if any(row.cells[k].words for row in table.rows)]
    rows = [Row([row.cells[k] for k in kept], row.id) for row in table.rows]
    return replace(table, heads=[table.heads[k] for k in kept], rows=rows)


def _cell(value: Any) -> Cell:
    if isinstance(value, Cell):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value, 0)
    if isinstance(value, float):
        return number(value)
    words = "" if value is None else str(value)
    return Cell(words, kind="wide" if len(words) > 40 else "")
