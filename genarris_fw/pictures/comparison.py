"""Two engines on the same structures: relative energies against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genarris_fw.pictures.style import CROWD, FAINT, INK, SETS, new_figure, point_area, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genarris_fw.energetics.comparison import EngineComparison


def comparison(found: EngineComparison, labels: Sequence[str], unit: str = "kJ/mol per molecule") -> Figure:
    """Draw relative energies of two engines.

    Parameters
    ----------
    found : Comparison
        Of n structures.
    labels : (2,) sequence of str
        What the two energies are called, the reference last.
    unit : str
        Of the energies.

    Returns
    -------
    Figure
        Each point a structure; on the line both engines agree on every difference (each engine's mean is taken off,
        so the line goes through the middle of the points). The lowest of each engine are ringed.
    """
    n = len(found.differences)
    # The mean of both is put on the line; the zero of the axes is the reference's lowest.
    reference = found.second
    first = found.first - found.first.mean() + reference.mean()
    with style():
        figure = new_figure(4.6, 4.4)
        axes = figure.add_subplot()
        low, high = float(min(first.min(), reference.min())), float(max(first.max(), reference.max()))
        room = 0.07 * max(high - low, 1e-6)
        ends = np.array([low - room, high + room])
        axes.plot(ends, ends, color=FAINT, linewidth=0.9, zorder=1)
        axes.scatter(reference, first, s=point_area(n), color=SETS[2], linewidths=0, zorder=3, rasterized=n >= CROWD)
        for row, color, words in (
            (found.lowest_of_second, SETS[1], "lowest of the reference"),
            (found.lowest_of_first, INK, "lowest of the other"),
        ):
            size = 90 if color == SETS[1] else 150
            axes.scatter(
                reference[row], first[row], s=size, facecolors="none", edgecolors=color, linewidths=1.1, label=words
            )
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.set_aspect("equal")
        axes.set_xlabel(f"{labels[1]}\nabove its lowest ({unit})")
        axes.set_ylabel(f"{labels[0]}\nmeans aligned ({unit})")
        tau = "not defined" if found.kendall_tau is None else f"{found.kendall_tau:.2f}"
        axes.set_title(
            f"{n:,} structures; differences {found.root_mean_square:.2g} rms, {found.largest:.2g} largest ({unit})\n"
            f"Kendall τ {tau}; the reference's lowest is number {found.rank_of_lowest:,} of the other",
            loc="left",
            fontsize=8,
        )
        axes.legend(loc="lower right", fontsize=7.5)
    return figure
