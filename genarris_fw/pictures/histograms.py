"""How a number is spread over a pool, beside the same of those chosen from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError
from genarris_fw.pictures.quantities import label_of, values_of
from genarris_fw.pictures.style import SETS, legend_above, new_figure, style, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

MOST_BINS = 60
# A set so many times smaller than another would not be seen beside it: shares are drawn instead of counts.
APART = 25
# Inches, width and height of a histogram.
SIZE = (4.8, 3.2)
# Part of its room that a bar takes, and how much narrower that of the set in front is.
WIDTH = 0.92
NARROWER = 0.55


def histogram(sets: Mapping[str, ArrayLike], label: str, size: tuple[float, float] = SIZE) -> Figure:
    """Draw how numbers are spread, one set in front of another.

    Parameters
    ----------
    sets : mapping of str to (n,) array_like
        Name of each set (``pool``, ``exemplars``) and its numbers; NaN is left out. The largest set comes first.
    label : str
        What the numbers are, with their unit.
    size : (width, height)
        In inches.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        For no set, or a set without a number.

    Notes
    -----
    The bins are the same for all sets. Counts are drawn, or, where one set is more than 25 times larger than
    another, the share of its set that each bin holds.

    Examples
    --------
    >>> from genarris_fw.pictures import histogram
    >>> figure = histogram({'pool': [140.2, 145.0, 151.3]}, 'cell volume (Å³)')
    >>> figure.axes[0].get_xlabel()
    'cell volume (Å³)'
    """
    with style():
        figure = new_figure(*size)
        draw_histogram(figure.add_subplot(), sets, label)
    return figure


def property_histogram(sets: Mapping[str, Sequence[Structure]], name: str, label: str | None = None) -> Figure:
    """Draw how a property is spread over sets of structures; see `histogram` and `values_of`.

    Parameters
    ----------
    sets : mapping of str to sequence of Structure
    name : str
        A property, or ``volume_per_molecule``, ``cell_volume``, ``density``.
    label : str, optional
        By default what is known of the property.

    Raises
    ------
    InputError
        For no structures, or none that has it.
    """
    return histogram({key: values_of(chosen, name) for key, chosen in sets.items()}, label or label_of(name))


def draw_histogram(axes: Axes, sets: Mapping[str, ArrayLike], label: str) -> None:
    """Draw a histogram into axes; see `histogram`."""
    found = _finite(sets, label)
    edges = bin_edges(np.concatenate(list(found.values())))
    counts = {name: np.histogram(values, edges)[0].astype(float) for name, values in found.items()}
    draw_bars(axes, (edges[1:] + edges[:-1]) / 2, WIDTH * float(edges[1] - edges[0]), counts)
    axes.set_xlabel(label)


def draw_bars(axes: Axes, places: Array, width: float, counts: Mapping[str, Array]) -> None:
    """Draw the counts of several sets at the same places, the sets behind wider than those in front.

    Parameters
    ----------
    axes : Axes
    places : (m,) ndarray
        Middle of every bar.
    width : float
        Of the bars of the first set.
    counts : mapping of str to (m,) ndarray
    """
    sizes = {name: count.sum() for name, count in counts.items()}
    shares = max(sizes.values()) > APART * min(sizes.values())
    for rank, (name, count) in enumerate(counts.items()):
        heights = 100 * count / sizes[name] if shares else count
        axes.bar(
            places,
            heights,
            width * NARROWER**rank,
            color=SETS[rank % len(SETS)],
            label=f"{name} ({sizes[name]:,.0f})",
            zorder=2 + rank,
        )
    if shares:
        axes.set_ylabel("share of the set (%)")
    else:
        axes.set_ylabel("structures")
        whole_numbers(axes)
    if len(counts) > 1:
        legend_above(axes, len(counts))


def bin_edges(values: Array) -> Array:
    """Return the edges of at most 60 bins of a round width (1, 2 or 5 times a power of ten).

    Parameters
    ----------
    values : (n,) ndarray
        n at least 1; finite. A bin is about as wide as the rule of Freedman and Diaconis (Z. Wahrscheinlichkeit
        57, 453 (1981)) says, or that of Sturges where it gives more bins. Few whole numbers have a bin each.

    Returns
    -------
    (m + 1,) ndarray
    """
    low, high = float(values.min()), float(values.max())
    spread = high - low
    if np.all(values == np.round(values)) and spread < MOST_BINS and max(abs(low), abs(high)) < 1e9:
        return np.arange(low - 0.5, high + 1.0)
    if spread <= 1e-9 * max(abs(low), abs(high)):
        half = 0.01 * abs(low) or 0.5
        return np.array([low - half, low + half])
    n = len(values)
    quarters = np.percentile(values, [25, 75])
    wanted = spread / (np.log2(n) + 1)
    if quarters[1] > quarters[0]:
        wanted = min(wanted, 2 * float(quarters[1] - quarters[0]) / n ** (1 / 3))
    width = max(_round(wanted, down=True), _round(spread / (MOST_BINS - 1), down=False))
    first, last = np.floor(low / width), np.floor(high / width) + 1
    return width * np.arange(first, last + 1)


def _round(width: float, down: bool) -> float:
    """Return the nearest of 1, 2, 5 times a power of ten, below or above."""
    power = 10.0 ** np.floor(np.log10(width))
    steps = [step * power for step in (1, 2, 5, 10)]
    if down:
        return float(max(step for step in steps if step <= width * (1 + 1e-9)))
    return float(min(step for step in steps if step >= width * (1 - 1e-9)))


def _finite(sets: Mapping[str, ArrayLike], label: str) -> dict[str, Array]:
    """Return the numbers of every set without those that are none."""
    if not sets:
        raise InputError(f"{label}: no set of structures to draw")
    found = {}
    for name, given in sets.items():
        values = np.asarray(given, dtype=float).ravel()
        found[name] = values[np.isfinite(values)]
        if len(found[name]) == 0:
            raise InputError(f"{label}: the set '{name}' has no number to draw; it has {len(values)} structures")
    return found
