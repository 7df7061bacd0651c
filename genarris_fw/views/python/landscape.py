"""The landscape of a table: energies over densities, by space group, the measured crystal with its star."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.measured import RANK
from genarris_fw.crystal.property_table import PropertyTable
from genarris_fw.errors import InputError
from genarris_fw.pictures.grouped_landscape import draw_groups, new_landscape
from genarris_fw.pictures.style import style
from genarris_fw.views.report.points import UNKNOWN, symbol_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(table: PropertyTable, ax: Axes | None = None) -> Figure:
    """Draw a landscape; see `genarris_fw.Pool.landscape`."""
    if not len(table):
        raise InputError("the pool is empty: there is nothing to draw")
    symbols = [symbol_of(value) for value in _numbers(table, "spg")]
    groups = ["" if one == UNKNOWN else one for one in symbols]
    ranks = _numbers(table, RANK)
    measured = int(np.nanargmin(ranks)) if np.isfinite(ranks).any() else None
    what = _numbers(table, "density"), _numbers(table, "relative_energy"), groups, "space group", measured
    if ax is None:
        with style():
            figure, ax = new_landscape()
            draw_groups(ax, *what)
        return figure
    draw_groups(ax, *what)
    drawn = ax.get_figure(root=True)
    assert drawn is not None
    return drawn


def _numbers(table: PropertyTable, name: str) -> NDArray[np.float64]:
    """Return a column of numbers, NaN where there is none."""
    column = table.columns.get(name)
    if column is None or column.kind == "text":
        return np.full(len(table), np.nan)
    return np.where(column.known, column.values.astype(float), np.nan)
