"""A table of properties as a data frame of pandas, an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genarris_fw.crystal.property_table import Column, PropertyTable
from genarris_fw.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MISSING = "data frames need pandas, which is not installed: pip install 'genarris_fw[dataframes]'"


def data_frame(table: PropertyTable) -> pd.DataFrame:
    """Return a table as a data frame.

    Parameters
    ----------
    table : PropertyTable

    Returns
    -------
    DataFrame
        A row for each structure, with its id as index. Numbers are float64 (NaN where there is none), whole ones int64
        (Int64 where some are missing), flags bool (boolean), texts str (object before pandas 3).
        ``attrs["units"]`` has the units.

    Raises
    ------
    InputError
        Where pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise InputError(MISSING) from None
    series = {name: _series(column) for name, column in table.columns.items()}
    frame = pd.DataFrame(series, index=pd.RangeIndex(len(table)), copy=False)
    frame.index = pd.Index(table.ids, name="struct_id")
    frame.attrs["units"] = {name: column.unit for name, column in table.columns.items() if column.unit}
    return frame


def _series(column: Column) -> Any:
    import pandas as pd

    if column.kind == "text":
        return pd.Series(column.plain(), dtype=object).infer_objects().array
    if column.kind == "number" or column.known.all():
        return column.values
    if column.kind == "integer":
        return pd.arrays.IntegerArray(column.values, ~column.known)
    return pd.arrays.BooleanArray(column.values, ~column.known)
