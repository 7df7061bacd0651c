"""Tables 1 and 2 of the paper with our rows among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.showing.published import CASES, COLUMNS, Row

_CPU = "CPU s"


def our_row(model: str, metrics: Mapping[str, float], cpu_seconds: float | None = None) -> Row:
    """Return a row of our own.

    Parameters
    ----------
    model : str
        What it is called, such as ``ours``.
    metrics : mapping
        Of `metrics` against the reference, with a potential field.
    cpu_seconds : float, optional
        Of the training.

    Raises
    ------
    InputError
        When a column of the table is missing.
    """
    missing = [name for name in COLUMNS if metrics.get(name) is None]
    if missing:
        raise InputError(
            f"the row '{model}' has no {', '.join(missing)}: give the metrics of a field with a potential field"
        )
    return Row(model, tuple(float(metrics[name]) for name in COLUMNS), cpu_seconds)


def table(case: int, ours: Sequence[Row] = ()) -> list[Row]:
    """Return the rows of the paper's table of a case: the reference, ours, the others in the paper's order.

    Raises
    ------
    InputError
        For a case that the paper has not.
    """
    if case not in CASES:
        raise InputError(f"case {case}: the paper has the cases {', '.join(map(str, CASES))}")
    reference, *others = CASES[case].rows
    return [reference, *ours, *others]


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as csv: the columns as `metrics` calls them, and CPU seconds where they are known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", *COLUMNS, "cpu_seconds"])
    for row in rows:
        writer.writerow([row.model, *(f"{value:.6g}" for value in row.values), _seconds(row)])
    return text.getvalue()


def as_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a table in Markdown, to the two digits of the paper."""
    lines = [["model", *COLUMNS.values(), _CPU]]
    lines += [[row.model, *(f"{value:.2f}" for value in row.values), _seconds(row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    ruled = [lines[0], ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])], *lines[1:]]
    return "".join(f"| {' | '.join(_padded(cells, widths))} |\n" for cells in ruled)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) if k == 0 else cell.rjust(width) for k, (cell, width) in enumerate(zip(cells, widths))]


def _seconds(row: Row) -> str:
    return "" if row.cpu_seconds is None else f"{row.cpu_seconds:.0f}"
