"""Field lines of several fields beside each other, over the magnetogram below (figures 3, 4 and 5 of the paper)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import FAINT, SETS, new_figure, style
from genarris_fw.studies.force_free.judging.field_lines import field_lines, kinds_of_lines, paper_seeds

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

    from genarris_fw.studies.force_free.fields.field import Field
    from genarris_fw.studies.force_free.fields.grid import Grid

CLOSED, OPEN = SETS[2], SETS[1]
# From where the box is looked at, degrees: above its horizon, and turned about z.
_ELEVATION, _AZIMUTH = 24.0, -60.0
_COLUMNS = 3  # of boxes beside each other
_SHADES = 48  # patches of the magnetogram along an edge


def field_line_picture(fields: Mapping[str, Field], seeds: int = 17, title: str = "") -> Figure:
    """Draw the field lines of fields from the same seeds.

    Parameters
    ----------
    fields : mapping
        By what is written above each, such as ``reference``.
    seeds : int, optional
        So many along each edge of the bottom; 17 are the paper's.
    title : str, optional
        Of the whole picture.

    Returns
    -------
    Figure
        A box for each field. Lines that return to the bottom are blue, those that leave the box are red; B_z is shaded
        on the bottom, white upwards and black downwards, in steps of its own logarithm.

    Raises
    ------
    InputError
        For no field, or fewer than one seed.
    """
    if not fields:
        raise InputError("no field whose lines could be drawn")
    with style():
        columns = min(len(fields), _COLUMNS)
        rows = -(-len(fields) // columns)
        figure = new_figure(3.0 * columns, 3.2 * rows)
        for number, (name, field) in enumerate(fields.items()):
            axes = figure.add_subplot(rows, columns, number + 1, projection="3d")
            _draw(axes, field, seeds)
            axes.set_title(name, y=1.0)
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure


def _draw(axes: Axes3D, field: Field, seeds: int) -> None:
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    grid = field.grid
    axes.computed_zorder = False  # else the bottom hides what stands on it
    _shade(axes, field)
    lines = [line for line in field_lines(field, paper_seeds(grid, seeds)) if len(line) > 1]
    for closed, color in ((False, OPEN), (True, CLOSED)):
        chosen = [line for line in lines if kinds_of_lines([line], grid)["closed"] == closed]
        if chosen:
            axes.add_collection3d(Line3DCollection(chosen, colors=color, linewidths=0.45, alpha=0.8, zorder=2))
    axes.add_collection3d(Line3DCollection(_edges(grid), colors=FAINT, linewidths=0.5, zorder=1))
    (x0, x1), (y0, y1), (z0, z1) = grid.bounds
    axes.set(xlim=(x0, x1), ylim=(y0, y1), zlim=(z0, z1))
    axes.set_box_aspect((x1 - x0, y1 - y0, z1 - z0), zoom=0.93)
    axes.view_init(_ELEVATION, _AZIMUTH)
    for axis, label in zip((axes.xaxis, axes.yaxis, axes.zaxis), "xyz"):
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set_color((1.0, 1.0, 1.0, 0.0))  # the edges of the box are drawn
        axis.set_major_locator(_few_ticks())
        axis.set_label_text(label)
        axis.labelpad = -9
    axes.tick_params(pad=-3, labelsize=7)
    axes.grid(False)


def _edges(grid: Grid) -> list[NDArray[np.float64]]:
    """Return the twelve edges of the box, each from a corner to the next."""
    corners = np.array(list(itertools.product(*grid.bounds)))
    pairs = itertools.combinations(corners, 2)
    return [np.array(pair) for pair in pairs if np.count_nonzero(pair[0] != pair[1]) == 1]


def _few_ticks() -> object:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=2)


def _shade(axes: Axes3D, field: Field) -> None:
    """Lay B_z of the bottom under the lines, by its sign and the logarithm of its strength."""
    from matplotlib import colormaps

    grid = field.grid
    vertical = field.values[2, :, :, 0]
    strongest = float(np.abs(vertical).max()) or 1.0
    shade = np.arcsinh(vertical / (0.01 * strongest)) / np.arcsinh(100.0)
    rows, columns = (np.linspace(0, size - 1, min(size, _SHADES)).astype(int) for size in shade.shape)
    x, y = np.meshgrid(grid.axes[0][rows], grid.axes[1][columns], indexing="ij")
    colors = colormaps["gray"](0.5 + 0.45 * shade[np.ix_(rows, columns)])
    axes.plot_surface(
        x, y, np.full_like(x, grid.bounds[2][0]), facecolors=colors, rcount=len(rows), ccount=len(columns),
        shade=False, linewidth=0, antialiased=False, rasterized=True, zorder=0,
    )  # fmt: skip
