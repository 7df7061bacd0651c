"""A distance matrix as a picture, its rows sorted so that clusters are blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import INK, SCALE, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Pixels along a side at most; beyond, each is the mean of a block of the matrix.
MOST_PIXELS = 1000
# Numbers (float32) read at a time: 64 MB.
STRIP = 1 << 24
# From so many clusters on lines between them would hide the matrix.
MOST_LINES = 60


def heat_map(
    distances: NDArray[np.floating],
    labels: ArrayLike,
    exemplars: ArrayLike | None = None,
    rows: ArrayLike | None = None,
    label: str = "distance",
) -> Figure:
    """Draw a distance matrix sorted by cluster.

    Parameters
    ----------
    distances : (m, m) ndarray or memmap
        A file is read in strips of 64 MB.
    labels : (n,) array_like of int
        Cluster of every structure, -1 for none.
    exemplars : (k,) array_like of int, optional
        Which of the n structures are exemplars: a cluster begins with its own, the others follow by their
        distance to it.
    rows : (n,) array_like of int, optional
        Row of every structure in the matrix; by default they are the same.
    label : str
        What the distances are.

    Returns
    -------
    Figure
        At most about 1,000 pixels wide: of a larger matrix each pixel is the mean of a block. Lines separate up to
        60 clusters.

    Raises
    ------
    InputError
        For no structures, a matrix that is not square, or one that does not fit the labels.
    """
    with style():
        figure = new_figure(5.2, 4.4)
        draw_heat_map(figure.add_subplot(), distances, labels, exemplars, rows, label)
    return figure


def draw_heat_map(
    axes: Axes,
    distances: NDArray[np.floating],
    labels: ArrayLike,
    exemplars: ArrayLike | None = None,
    rows: ArrayLike | None = None,
    label: str = "distance",
) -> None:
    """Draw a heat map into axes; see `heat_map`."""
    clusters, places = _checked(distances, labels, rows)
    order = order_by_cluster(distances, clusters, exemplars, places)
    n, sizes = len(order), np.unique(clusters, return_counts=True)
    image = block_means(distances, places[order])
    farthest = float(image.max()) or 1.0
    drawn = axes.imshow(
        image, cmap=SCALE, vmin=0, vmax=farthest, extent=(0, n, n, 0), aspect="equal", interpolation_stage="data"
    )
    ends = np.cumsum(sizes[1])
    if len(ends) <= MOST_LINES:
        for end in ends[:-1]:
            axes.axhline(end, color="white", linewidth=0.8)
            axes.axvline(end, color="white", linewidth=0.8)
    wide = sizes[1] >= 0.028 * n
    middles = ends - sizes[1] / 2
    names = ["none" if cluster < 0 else str(cluster) for cluster in sizes[0][wide]]
    axes.set_yticks(middles[wide], names)
    axes.set_xticks(middles[wide], names, rotation=0 if len(names) < 16 else 90)
    axes.tick_params(length=0)
    axes.set_xlabel("cluster")
    axes.set_ylabel("cluster")
    for side in axes.spines.values():
        side.set_visible(False)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=28, pad=0.02)
    bar.set_label(label, color=INK)
    bar.outline.set_visible(False)


def order_by_cluster(
    distances: NDArray[np.floating],
    labels: ArrayLike,
    exemplars: ArrayLike | None = None,
    rows: ArrayLike | None = None,
) -> NDArray[np.intp]:
    """Return the structures sorted by cluster, within a cluster by their distance to its exemplar.

    Parameters
    ----------
    distances, labels, exemplars, rows
        As for `heat_map`.

    Returns
    -------
    (n,) ndarray of int
        Clusters in ascending order, those without one (-1) first; equal distances, and clusters without an
        exemplar, in the given order.
    """
    clusters, places = _checked(distances, labels, rows)
    away = np.zeros(len(clusters))
    for exemplar in np.asarray([] if exemplars is None else exemplars, dtype=np.intp):
        members = np.flatnonzero(clusters == clusters[exemplar])
        away[members] = np.asarray(distances[places[exemplar]])[places[members]]
        away[exemplar] = -1.0
    return np.lexsort((away, clusters))


def block_means(
    distances: NDArray[np.floating], order: NDArray[np.intp], most: int = MOST_PIXELS, strip: int = STRIP
) -> NDArray[np.float64]:
    """Return the rows and columns of a matrix in an order, averaged in square blocks where they are many.

    Parameters
    ----------
    distances : (m, m) ndarray or memmap
        Read in strips of rows.
    order : (n,) ndarray of int
    most : int
        Rows of the result at most.
    strip : int
        Numbers read at a time, at least a row of blocks.

    Returns
    -------
    (p, p) ndarray
        p = ceil(n / b) for the smallest whole b with p <= most; the last block is smaller where b does not
        divide n.
    """
    n = len(order)
    block = -(-n // most)
    starts = np.arange(0, n, block)
    widths = np.diff(np.append(starts, n))
    means = np.empty((len(starts), len(starts)))
    at_once = max(1, strip // (block * distances.shape[1]))
    for first in range(0, len(starts), at_once):
        some = starts[first : first + at_once]
        rows = order[some[0] : some[-1] + block]
        part = np.asarray(distances[rows])[:, order]
        sums = np.add.reduceat(np.add.reduceat(part, starts, axis=1, dtype=float), some - some[0], axis=0)
        means[first : first + len(some)] = sums / (widths[first : first + len(some), None] * widths)
    return means


def _checked(
    distances: NDArray[np.floating], labels: ArrayLike, rows: ArrayLike | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the labels and the rows of the structures in the matrix."""
    clusters = np.asarray(labels, dtype=np.intp)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise InputError(f"the distance matrix is not a square matrix: its shape is {distances.shape}")
    places = np.arange(len(distances)) if rows is None else np.asarray(rows, dtype=np.intp)
    if clusters.shape != places.shape or clusters.ndim != 1 or len(clusters) == 0:
        raise InputError(f"{clusters.size} clustered structures, but {places.size} rows of the distance matrix")
    return clusters, places
