"""A table of the scalar properties, a row for each structure, as spreadsheets read it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from genarris_fw.crystal.file_format import PoolFormat
from genarris_fw.crystal.formats.genarris_json import scalar_properties
from genarris_fw.crystal.structure import Structure

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of one


def format_csv(pool: Sequence[Structure]) -> str:
    """Return the text of the table."""
    rows = [{"struct_id": structure.struct_id, **scalar_properties(structure)} for structure in pool]
    names = sorted({name for row in rows for name in row if name != "struct_id"})
    stream = io.StringIO()
    table = csv.DictWriter(stream, ["struct_id", *names], lineterminator="\n")
    table.writerow({name: _cell(name) for name in ("struct_id", *names)})
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Return a text so that no spreadsheet takes it for a formula: after an apostrophe, as they write it themselves."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


CSV = PoolFormat(ending=".csv", write=format_csv)
