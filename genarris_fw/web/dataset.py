"""A selection as a dataset of chemiscope, whose structures are loaded one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.web.columns import PoolColumns
from genarris_fw.web.downloads import TooMany

MOST_SHOWN = 10_000


def dataset(pool: PoolColumns, rows: NDArray[np.intp], names: Sequence[str]) -> dict[str, Any]:
    """Return the dataset of some structures.

    Parameters
    ----------
    pool : PoolColumns
    rows : (m,) ndarray of int
    names : sequence of str
        Of columns; by default all that each of these structures has a value in.

    Returns
    -------
    dict
        ``meta``, ``structures`` (``size``, and as ``data`` the id), ``properties``. A number that a structure does not
        have is left out with its column: chemiscope knows no missing values. Its text is empty.

    Raises
    ------
    InputError
        For a column that is not there.
    TooMany
        For more than 10,000 structures.
    """
    if len(rows) > MOST_SHOWN:
        raise TooMany(f"{len(rows)} structures are too many for chemiscope, at most {MOST_SHOWN}")
    properties = {}
    for column in [pool.column(name) for name in names or pool.columns]:
        values = column.values[rows]
        if column.kind == "text":
            listed: list[Any] = [column.value(int(row)) or "" for row in rows]
        elif np.isnan(values).any():
            continue
        else:
            listed = [float(str(value)) for value in values]
        properties[column.name] = {"target": "structure", "values": listed, "description": column.label}
    sizes = pool.columns["n_atoms"].values[rows].tolist() if "n_atoms" in pool.columns else [0] * len(rows)
    structures = [{"size": int(size), "data": pool.name(int(row))} for row, size in zip(rows, sizes, strict=True)]
    return {
        "meta": {"name": f"{pool.run}: {pool.pool}"},
        "structures": structures,
        "properties": properties,
    }
