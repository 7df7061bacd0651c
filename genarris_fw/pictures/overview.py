"""A pool on one page: its volumes, its space groups, its map and its distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.pictures.distances import draw_heat_map
from genarris_fw.pictures.histograms import draw_histogram
from genarris_fw.pictures.map import draw_map
from genarris_fw.pictures.projection import Projection
from genarris_fw.pictures.quantities import label_of
from genarris_fw.pictures.space_groups import draw_space_groups
from genarris_fw.pictures.style import new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pool_overview(
    volumes: Mapping[str, ArrayLike],
    space_groups: Mapping[str, Sequence[Any]],
    projection: Projection,
    labels: ArrayLike,
    exemplars: ArrayLike,
    distances: NDArray[np.floating],
    rows: ArrayLike | None = None,
    volume_label: str = label_of("volume_per_molecule"),
    distance_label: str = "distance",
) -> Figure:
    """Draw four pictures of a clustered pool of n structures on one page.

    Parameters
    ----------
    volumes : mapping of str to array_like
        See `histogram`.
    space_groups : mapping of str to sequence of int
        See `space_group_chart`.
    projection : Projection
        n points.
    labels : (n,) array_like of int
        Cluster of every structure.
    exemplars : (k,) array_like of int
        Which of the n are exemplars.
    distances, rows
        See `heat_map`.
    volume_label, distance_label : str
        What volumes and distances are, with their unit.

    Returns
    -------
    Figure
        Panels a to d.

    Raises
    ------
    InputError
        As the four pictures do.
    """
    with style():
        figure = new_figure(9.6, 6.6)
        (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.0, 1.6))
        panels = [
            *upper.subplots(1, 2, width_ratios=(1.0, 1.7)),
            *lower.subplots(1, 2, width_ratios=(1.3, 1.0)),
        ]
        draw_histogram(panels[0], volumes, volume_label)
        draw_space_groups(panels[1], space_groups, room=6.0)
        draw_map(panels[2], projection, labels, exemplars)
        draw_heat_map(panels[3], distances, labels, exemplars, rows, distance_label)
        for letter, axes in zip("abcd", panels):
            axes.set_title(letter, loc="left", fontweight="bold", fontsize=10)
    return figure
