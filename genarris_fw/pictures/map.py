"""The pool as a map: near each other is what the descriptor finds alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.projection import Projection
from genarris_fw.pictures.style import (
    CLUSTERS,
    CROWD,
    FAINT,
    INK,
    SCALE,
    SETS,
    SHAPES,
    UNKNOWN,
    new_figure,
    point_area,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

Points = NDArray[np.float64]
Rows = NDArray[np.intp]

# From so many clusters on their numbers would cover the map.
MOST_NUMBERED = 40
# Up to so many structures each is joined to its exemplar by a line.
MOST_JOINED = 2000
MOST_STRETCH = 2.0


def descriptor_map(
    projection: Projection,
    labels: ArrayLike | None = None,
    exemplars: ArrayLike | None = None,
    values: ArrayLike | None = None,
    value_label: str = "",
) -> Figure:
    """Draw a pool in the plane of a projection.

    Parameters
    ----------
    projection : Projection
        n points.
    labels : (n,) array_like of int, optional
        Cluster of every structure; -1 for none. They colour the points unless there are `values`.
    exemplars : (k,) array_like of int, optional
        Rows of the exemplars: they are larger, bear the numbers of their clusters (up to 40), and are joined to
        the members (in up to 2,000 structures).
    values : (n,) array_like of float, optional
        Numbers that colour the points; NaN is drawn in grey.
    value_label : str
        What the numbers are, with their unit.

    Returns
    -------
    Figure
        The vertical axis is drawn up to twice as long as the horizontal one where the points lie in a flat band.

    Raises
    ------
    InputError
        When the lengths differ, or no value is a number.
    """
    with style():
        figure = new_figure(6.2 if values is not None else 5.4, 4.2)
        draw_map(figure.add_subplot(), projection, labels, exemplars, values, value_label)
    return figure


def draw_map(
    axes: Axes,
    projection: Projection,
    labels: ArrayLike | None = None,
    exemplars: ArrayLike | None = None,
    values: ArrayLike | None = None,
    value_label: str = "",
) -> None:
    """Draw a map into axes; see `descriptor_map`."""
    points, n = projection.points, len(projection.points)
    clusters = None if labels is None else _of_length(np.asarray(labels, dtype=np.intp), n, "clusters")
    chosen = np.asarray([] if exemplars is None else exemplars, dtype=np.intp)
    if clusters is not None and n <= MOST_JOINED:
        _join(axes, points, clusters, chosen)
    numbered = clusters is not None and len(chosen) <= MOST_NUMBERED
    crowd = _Crowd(axes, points, chosen, numbered)
    if values is not None:
        _draw_values(crowd, _of_length(np.asarray(values, dtype=float), n, "values"), value_label)
    elif clusters is not None:
        _draw_clusters(crowd, clusters)
    else:
        crowd.draw(np.ones(n, dtype=bool), color=SETS[2])
    if clusters is not None and numbered:
        for row in chosen:
            axes.annotate(str(clusters[row]), points[row], **_NUMBER)
    axes.set_xlabel(projection.labels[0])
    axes.set_ylabel(projection.labels[1])
    axes.set_aspect(_stretch(points), adjustable="datalim")
    axes.margins(0.08)
    axes.locator_params(nbins=6)


# A number in the middle of an exemplar, on white.
_NUMBER: dict[str, Any] = {
    "ha": "center",
    "va": "center_baseline",
    "fontsize": 7,
    "weight": "bold",
    "bbox": {"boxstyle": "circle,pad=0.12", "facecolor": "white", "edgecolor": "none"},
    "zorder": 7,
}


class _Crowd:
    """The points of a map, exemplars among them: drawn group by group, as pixels where they are many."""

    def __init__(self, axes: Axes, points: Points, chosen: Rows, numbered: bool) -> None:
        self.axes = axes
        self.points = points
        self.exemplar = np.zeros(len(points), dtype=bool)
        self.exemplar[chosen] = True
        area = point_area(len(points))
        self.plain: dict[str, Any] = {"s": area, "linewidths": 0.0}
        self.marked: dict[str, Any] = {"s": max(2.0 * area, 24.0), "linewidths": 0.9, "edgecolors": INK}
        if numbered:
            self.marked = {"s": 160.0, "linewidths": 0.0}

    def draw(
        self, which: NDArray[np.bool_], level: int = 3, c: Points | None = None, **how: Any
    ) -> list[PathCollection]:
        """Draw some of the points, the exemplars among them on top; return what was drawn."""
        drawn = []
        for group, look in ((which & ~self.exemplar, self.plain), (which & self.exemplar, self.marked)):
            if group.any():
                x, y = self.points[group].T
                colors = {} if c is None else {"c": c[group]}
                top = level + (2 if look is self.marked else 0)
                many = len(self.points) >= CROWD
                drawn.append(self.axes.scatter(x, y, zorder=top, rasterized=many, **(look | colors | how)))
        return drawn


def _draw_clusters(crowd: _Crowd, clusters: Rows) -> None:
    """Draw every point in the colour and shape of its cluster."""
    looks = np.where(clusters < 0, -1, clusters % (len(CLUSTERS) * len(SHAPES)))
    for look in np.unique(looks):
        if look < 0:
            crowd.draw(looks == look, level=2, color=UNKNOWN)
        else:
            shape, color = divmod(int(look), len(CLUSTERS))
            crowd.draw(looks == look, color=CLUSTERS[color], marker=SHAPES[shape])


def _draw_values(crowd: _Crowd, values: Points, label: str) -> None:
    """Draw every point coloured by its number, with the scale beside the map."""
    known = np.isfinite(values)
    if not known.any():
        raise InputError(f"{label or 'the map'}: no structure has this number")
    crowd.draw(~known, level=2, color=UNKNOWN)
    low, high = float(values[known].min()), float(values[known].max())
    drawn = crowd.draw(known, c=values, cmap=SCALE, vmin=low, vmax=high)
    figure = crowd.axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn[0], ax=crowd.axes, aspect=24, pad=0.02)
    bar.set_label(label + (f"\n{(~known).sum():,} in grey have none" if not known.all() else ""))
    bar.outline.set_visible(False)


def _join(axes: Axes, points: Points, clusters: Rows, chosen: Rows) -> None:
    """Draw a line from every exemplar to the members of its cluster."""
    from matplotlib.collections import LineCollection

    of = {int(clusters[row]): row for row in chosen}
    lines = [(points[of[int(c)]], points[i]) for i, c in enumerate(clusters) if int(c) in of and of[int(c)] != i]
    if lines:
        axes.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.5, alpha=0.6, zorder=1))


def _stretch(points: Points) -> float:
    """Return how many times longer a distance is drawn upwards than across: up to twice for a flat cloud.

    The second axis carries less than the first, often much less: half of the picture would be empty, and the
    points crowded in the other half.
    """
    across, upwards = np.ptp(points, axis=0)
    return float(np.clip(0.7 * across / upwards, 1.0, MOST_STRETCH)) if upwards > 0 else 1.0


def _of_length(values: NDArray[Any], n: int, what: str) -> NDArray[Any]:
    if values.shape != (n,):
        raise InputError(f"the map has {n} points, but there are {what} of the shape {values.shape}")
    return values
