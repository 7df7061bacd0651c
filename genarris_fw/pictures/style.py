"""How every picture looks: plain axes, colours that colour-blind readers tell apart, crowds of points as pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Sets laid over each other, from the back to the front; they differ in lightness as well as in hue.
SETS = ("#b3c8de", "#c8511b", "#27456f", "#000000")
# Clusters: the palette "muted" of Paul Tol (personal.sron.nl/~pault), safe for all common kinds of colour blindness.
CLUSTERS = ("#332288", "#ddcc77", "#cc6677", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499")
# When the colours are used up, the next clusters have another shape.
SHAPES = ("o", "s", "^", "D", "v", "P")
# Numbers as colours: even steps for the eye, for all common kinds of colour blindness, and in grey.
SCALE = "viridis"
INK = "#262626"
FAINT = "#9a9a9a"
# What is lost when its colour is not known: no cluster, no energy.
UNKNOWN = "#bdbdbd"

# How the measured crystal is marked, by keywords of `Axes.scatter`.
STAR: dict[str, Any] = {
    "marker": "*",
    "s": 130.0,
    "color": "#e0a000",
    "edgecolors": INK,
    "linewidths": 0.8,
    "zorder": 8,
}

DPI = 200
# From so many points on they are pixels in an SVG too, where each would be an element of its own.
CROWD = 600

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.formatter.useoffset": False,
    # Text stays text: it can be searched and read aloud. Ids follow from the content alone.
    "svg.fonttype": "none",
    "svg.hashsalt": "genarris_fw",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw or save in the style of all pictures, whatever the user's matplotlib settings; they come back after."""
    from matplotlib import rc_context, rcParamsDefault

    ours: dict[Any, Any] = {
        name: value for name, value in rcParamsDefault.items() if not name.startswith(("backend", "date.", "webagg"))
    }
    with rc_context(ours | _STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, which a notebook shows; pyplot knows nothing of it."""
    from genarris_fw.pictures.shown import ShownFigure

    return ShownFigure(figsize=(width, height), dpi=DPI, layout="constrained")


def whole_numbers(axes: Axes) -> None:
    """Count in whole numbers on the vertical axis, with a comma after thousands."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.yaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def point_area(n: int) -> float:
    """Return the area (points squared) of the marker of one of n points: smaller the more there are."""
    return float(min(34.0, max(1.5, 9000.0 / max(n, 1))))


def legend_above(axes: Axes, columns: int) -> None:
    """Name the sets above the axes, where the names hide nothing; points are shown large enough to be seen."""
    from matplotlib.collections import PathCollection

    legend = axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, borderaxespad=0.2)
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([20.0])
            handle.set_alpha(1.0)
