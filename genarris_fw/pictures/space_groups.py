"""How many structures each space group has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.pictures.histograms import WIDTH, draw_bars
from genarris_fw.pictures.quantities import number
from genarris_fw.pictures.style import new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Structures whose group nobody has determined.
UNKNOWN = 0


def space_group_chart(sets: Mapping[str, Sequence[Any]], width: float = WIDTH) -> Figure:
    """Draw a bar for every space group that occurs, sorted by number.

    Parameters
    ----------
    sets : mapping of str to sequence of int
        Name of each set and the space groups (1 to 230) of its structures; None, NaN and 0 are counted as
        unknown. The largest set comes first.
    width : float
        Width of the first set's bars, up to 1, where they touch.

    Returns
    -------
    Figure
        The wider the more groups there are.

    Raises
    ------
    InputError
        For no set, an empty one, or a number that is no space group.
    """
    with style():
        figure = new_figure(min(16.0, max(4.8, 1.2 + 0.15 * len(groups_of(sets)))), 3.2)
        draw_space_groups(figure.add_subplot(), sets, float(figure.get_figwidth()), width)
    return figure


def draw_space_groups(axes: Axes, sets: Mapping[str, Sequence[Any]], room: float = 4.8, width: float = WIDTH) -> None:
    """Draw the chart into axes that are `room` inches wide; see `space_group_chart`."""
    groups = groups_of(sets)
    counts = {name: Counter(_group(value) for value in chosen) for name, chosen in sets.items()}
    heights = {name: np.array([count[group] for group in groups], dtype=float) for name, count in counts.items()}
    draw_bars(axes, np.arange(len(groups), dtype=float), width, heights)
    names = [str(group) if group != UNKNOWN else "unknown" for group in groups]
    inches = 0.85 * room / len(groups)
    # A line of text needs some 1.2 times its size, which is given in points, 72 to the inch.
    size = min(8.0, max(4.5, 72 * inches / 1.2))
    turned = inches * 72 < 2.2 * size
    axes.set_xticks(range(len(groups)), names, rotation=90 if turned else 0, fontsize=size)
    axes.tick_params(axis="x", length=0)
    # A single bar is not as wide as the picture.
    spare = max(0.0, (4 - len(groups)) / 2)
    axes.set_xlim(-0.7 - spare, len(groups) - 0.3 + spare)
    axes.set_xlabel("space group")


def groups_of(sets: Mapping[str, Sequence[Any]]) -> list[int]:
    """Return the numbers of all groups in ascending order, an unknown one (0) last.

    Raises
    ------
    InputError
        As in `space_group_chart`.
    """
    if not sets or not all(len(chosen) for chosen in sets.values()):
        raise InputError("space groups: a set has no structures to draw")
    found = {_group(value) for chosen in sets.values() for value in chosen}
    return sorted(found, key=lambda group: (group == UNKNOWN, group))


def _group(value: Any) -> int:
    given = number(value)
    if np.isnan(given):
        return UNKNOWN
    if given != int(given) or not 0 <= given <= 230:
        raise InputError(f"{value} is no space group; they are numbered from 1 to 230")
    return int(given)
