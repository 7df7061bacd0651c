"""Tables that a modeller keeps: CSV or Parquet, by the names of their columns."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.encodings import decoded
from genarris_fw.errors import InputError
from genarris_fw.files import read_ordinary, refuse_odd
from genarris_fw.studies.trips.model.memory import require_memory

MISSING = "Parquet needs pyarrow, which is not installed: pip install 'genarris_fw[dataframes]', or give csv"
# What a cell of a CSV file takes while it is read, in bytes: a text of Python, and its places in a row and a column.
_BYTES_A_CELL = 150


@dataclass(frozen=True)
class Table:
    """A table as it was read: texts, or numbers where the file has types.

    Parameters
    ----------
    path : Path
        Its file.
    columns : dict
        Cells by the name of their column; names have no blanks around them. A text '' is an empty cell, as NaN is
        among numbers.
    lines : sequence of int, optional
        The line of each row in a CSV file.
    """

    path: Path
    columns: dict[str, Sequence[str] | NDArray[Any]]
    lines: Sequence[int] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are, the header not counted."""
        return len(next(iter(self.columns.values())))

    def where(self, row: int, column: str) -> str:
        """Name a cell for a message, such as ``costs.csv, line 4, column cost``."""
        place = f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"
        return f"{self.path}, {place}, column {column}"

    def names(self, column: str) -> list[str]:
        """Return a column of names.

        Raises
        ------
        InputError
            For an empty cell.
        """
        cells = self.columns[column]
        if isinstance(cells, np.ndarray):
            names = ["" if math.isnan(cell) else str(cell).removesuffix(".0") for cell in cells.tolist()]
        else:
            names = list(cells)
        if "" in names:
            raise InputError(f"{self.where(names.index(''), column)}: is empty: give a name")
        return names

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column of finite numbers, none of them negative; NaN where a cell is empty.

        Raises
        ------
        InputError
            For what is no such number.
        """
        cells = self.columns[column]
        if not isinstance(cells, np.ndarray):
            empty = np.fromiter((cell == "" for cell in cells), bool, len(cells))
            try:
                numbers = np.array([cell or "nan" for cell in cells], dtype=np.float64)
            except ValueError:
                row = next(row for row, cell in enumerate(cells) if cell and not _is_number(cell))
                comma = " (write decimals with a point)" if _is_number(cells[row].replace(",", ".")) else ""
                raise InputError(f"{self.where(row, column)}: {cells[row]!r:.40} is no number{comma}") from None
        else:
            numbers, empty = np.asarray(cells, dtype=np.float64), np.isnan(cells)
        if (wrong := ~(np.isfinite(numbers) & (numbers >= 0) | empty)).any():
            row = int(wrong.argmax())
            raise InputError(f"{self.where(row, column)}: {numbers[row]:g}: give a number of at least 0")
        return numbers


def read_table(path: Path) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
        A CSV file (cells parted by commas, semicolons or tabs; a first line with the columns' names), or a Parquet
        file, whose name ends in ``.parquet``.

    Raises
    ------
    InputError
        For a file that is missing or is no such table, rows of other lengths, columns of the same name, a table
        without rows, more than fits into memory, or Parquet without pyarrow.
    """
    table = _from_parquet(path) if path.suffix.lower() == ".parquet" else _from_csv(path)
    if not table.columns or not table.rows:
        raise InputError(f"{path}: a table without rows")
    return table


def _from_csv(path: Path) -> Table:
    content = _content(path)
    try:
        text = decoded(content).text
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), skipinitialspace=True, strict=True)
    lines, rows = [], []
    try:
        for row in reader:
            if any(map(str.strip, row)):
                lines.append(reader.line_num)
                rows.append(row)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: cannot be read as CSV ({error})") from None
    if not rows:
        raise InputError(f"{path}: a table without rows")
    header = _header(path, rows[0])
    for line, row in zip(lines, rows):
        if len(row) != len(header):
            raise InputError(f"{path}, line {line}: {len(row)} cells, where the header has {len(header)}")
    cells = [[cell.strip() for cell in column] for column in zip(*rows[1:])]
    return Table(path, dict(zip(header, cells)), lines[1:])


def _content(path: Path) -> bytes:
    """Return a file's bytes, if there is memory for its cells."""
    try:
        size = path.stat().st_size
    except (OSError, ValueError):  # said where it is read
        size = 1
    _require_memory(path, size)
    content = read_ordinary(path, size)
    cells = content.count(b"\n") + max(map(content.count, (b",", b";", b"\t")))
    _require_memory(path, _BYTES_A_CELL * cells)
    return content


def _require_memory(path: Path, needed: int) -> None:
    require_memory(needed, f"{path}: the cells of such a file", "give it as Parquet")


def _from_parquet(path: Path) -> Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(MISSING) from None
    if not path.exists():
        raise InputError(f"{path}: no such file")
    refuse_odd(path)
    try:
        read = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as Parquet ({reason:.120})") from None
    columns: dict[str, Sequence[str] | NDArray[Any]] = {}
    for name, column in zip(_header(path, read.column_names), read.columns):
        if pyarrow.types.is_floating(column.type):
            columns[name] = column.cast(pyarrow.float64()).to_numpy()
        elif pyarrow.types.is_integer(column.type) and not column.null_count:
            columns[name] = column.to_numpy()  # as they are: zones may have numbers of many digits
        else:
            columns[name] = ["" if cell is None else str(cell).strip() for cell in column.to_pylist()]
    return Table(path, columns)


def _header(path: Path, names: Sequence[str]) -> list[str]:
    header = [name.strip() for name in names]
    for at, name in enumerate(header):
        if not name:
            raise InputError(f"{path}: column {at + 1} has no name in the first line")
        if name in header[:at]:
            raise InputError(f"{path}: two columns are called {name}")
    return header


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
