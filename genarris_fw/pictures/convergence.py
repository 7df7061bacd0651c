"""How an energy converges with the basis and the k grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import FAINT, INK, SCALE, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# meV per atom; a difference below is drawn there, where a logarithmic axis has its end.
LOWEST = 1e-2


def convergence(
    rkmax: Sequence[float],
    k_grids: Sequence[Sequence[int]],
    differences: ArrayLike,
    tolerance: float,
    title: str = "",
) -> Figure:
    """Draw the differences from the finest settings along both axes.

    Parameters
    ----------
    rkmax : (m,) sequence of float
        In ascending order.
    k_grids : (n,) sequence of three int
        The coarsest first.
    differences : (m, n) array_like
        meV per atom, of each from the last of both; NaN where there is no result.
    tolerance : float
        meV per atom.
    title : str, optional
        What was computed.

    Returns
    -------
    Figure
        On the left against rkmax, a line for each k grid; on the right against the k grid, a line for each rkmax.

    Raises
    ------
    InputError
        When the shapes do not fit.
    """
    values = np.abs(np.asarray(differences, dtype=float))
    if values.shape != (len(rkmax), len(k_grids)) or not values.size:
        raise InputError(f"{len(rkmax)} x {len(k_grids)} settings, but differences of shape {values.shape}")
    grids = ["×".join(map(str, grid)) for grid in k_grids]
    bases = [f"{value:g}" for value in rkmax]
    with style():
        figure = new_figure(6.6, 3.4)
        left, right = figure.subplots(1, 2, sharey=True)
        _lines(left, bases, values, grids, "$R_{MT}K_{max}$", "k grid", tolerance)
        _lines(right, grids, values.T, bases, "k grid", "$R_{MT}K_{max}$", tolerance)
        left.set_ylabel(f"difference from {bases[-1]}, {grids[-1]}\n(meV per atom, absolute)")
        left.set_yscale("log")
        lowest = np.nanmin(np.where(values > 0, np.maximum(values, LOWEST), np.inf))
        left.set_ylim(bottom=0.5 * min(float(lowest), tolerance))
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure


def _lines(
    axes: Axes,
    across: Sequence[str],
    values: NDArray[np.float64],
    lines: Sequence[str],
    label: str,
    legend: str,
    tolerance: float,
) -> None:
    from matplotlib import colormaps

    places = np.arange(len(across))
    # Not to the scale's end, which is too bright for a line.
    colors = colormaps[SCALE](np.linspace(0.0, 0.85, max(len(lines), 2)))
    for number, name in enumerate(lines):
        column = values[:, number]
        finest = (places == len(across) - 1) & (number == len(lines) - 1)  # its difference from itself says nothing
        drawn = np.where(finest, np.nan, np.maximum(column, LOWEST))
        axes.plot(places, drawn, "o-", color=colors[number], markersize=4, linewidth=1.1, label=name)
        below = ~finest & (column < LOWEST)
        axes.plot(places[below], drawn[below], "v", color=colors[number], markersize=5)
    axes.axhline(tolerance, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.axhspan(0.0, tolerance, color=FAINT, alpha=0.15, linewidth=0)
    axes.set_xticks(places, across, rotation=30 if max(map(len, across)) > 6 else 0)
    axes.set_xlim(-0.3, len(across) - 0.7)
    axes.set_xlabel(label)
    axes.legend(title=legend, title_fontsize=8, fontsize=7.5, frameon=True, framealpha=0.85, edgecolor="none")
