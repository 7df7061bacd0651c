"""Short tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from genarris_fw.showing import printable

MOST_ROWS = 30
_LONGEST = 60


def html_table(head: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> str:
    """Return a table as HTML, everything in it escaped; of many rows the first, and how many there are.

    Examples
    --------
    >>> html_table(["pool"], [["<raw>"]])
    '<table><thead><tr><th>pool</th></tr></thead><tbody><tr><td>&lt;raw&gt;</td></tr></tbody></table>'
    """
    first = f"<p><b>{_cell(title)}</b></p>" if title else ""
    if not head:
        return first
    lines = ["".join(f"<td>{_cell(value)}</td>" for value in row) for row in rows[:MOST_ROWS]]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    more = f"<p>{len(rows) - MOST_ROWS:,} more rows</p>" if len(rows) > MOST_ROWS else ""
    names = "".join(f"<th>{_cell(name)}</th>" for name in head)
    return f"{first}<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else printable(str(value))
    return escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
