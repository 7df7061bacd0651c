"""A table of the properties, a row for each structure, as spreadsheets read it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from genarris_fw.crystal.file_format import Holds, TableFormat
from genarris_fw.crystal.property_table import PropertyTable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of one


def save_csv(table: PropertyTable, path: Path) -> None:
    """Write a table: a line with the names, a line for each structure, nothing where a structure has no value."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["struct_id", *map(_cell, table.columns)])
        lines.writerows(map(_cell, row) for row in table.rows())


def _cell(value: Any) -> Any:
    """Return a text so that no spreadsheet takes it for a formula: after an apostrophe, as they write it themselves."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


CSV = TableFormat(ending=".csv", save_table=save_csv, holds=Holds(geometry=None, properties="plain"))
