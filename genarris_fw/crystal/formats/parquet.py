"""A table of the properties as Parquet, for data frames of any program: types, units and meanings of the columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.crystal.file_format import Holds, TableFormat
from genarris_fw.crystal.property_table import Column, PropertyTable
from genarris_fw.errors import InputError

if TYPE_CHECKING:
    import pyarrow

MISSING = "Parquet needs pyarrow, which is not installed: pip install 'genarris_fw[dataframes]', or take csv"


def save_parquet(table: PropertyTable, path: Path) -> None:
    """Write a table: ``struct_id`` and the columns, null where a structure has no value.

    The metadata of a column's field are ``unit`` and ``description``, where they are known.

    Raises
    ------
    InputError
        Where pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(MISSING) from None
    names = [name for name in table.columns if name != "struct_id"]
    columns = [table.columns[name] for name in names]
    arrays = [pyarrow.array(table.ids, pyarrow.string()), *(_array(column) for column in columns)]
    fields = [pyarrow.field("struct_id", pyarrow.string(), nullable=False), *map(_field, names, columns, arrays[1:])]
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields)), path)


def _array(column: Column) -> pyarrow.Array:
    import pyarrow

    types = {"number": pyarrow.float64(), "integer": pyarrow.int64(), "flag": pyarrow.bool_(), "text": pyarrow.string()}
    return pyarrow.array(column.values, types[column.kind], mask=~column.known)


def _field(name: str, column: Column, array: pyarrow.Array) -> pyarrow.Field:
    import pyarrow

    said: dict[Any, Any] = {"unit": column.unit, "description": column.description}
    return pyarrow.field(name, array.type, metadata={key: text for key, text in said.items() if text})


PARQUET = TableFormat(
    ending=".parquet",
    save_table=save_parquet,
    media_type="application/vnd.apache.parquet",
    holds=Holds(geometry=None, properties="plain"),
)
