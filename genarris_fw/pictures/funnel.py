"""How many structures survived each stage, as bars that become shorter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import INK, SETS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Where the largest stage is so many times the smallest, the bars' lengths are logarithms.
APART = 200


def funnel_chart(stages: Sequence[tuple[str, int, str]]) -> Figure:
    """Draw a bar for each stage of a run, the first at the top.

    Parameters
    ----------
    stages : sequence of (str, int, str)
        What each is called, how many structures it left, and what is said beside the number.

    Returns
    -------
    Figure
        The axis is logarithmic where the numbers differ by more than a factor of 200.

    Raises
    ------
    InputError
        When there is no stage.
    """
    if not stages:
        raise InputError("no stage has left structures yet")
    numbers = np.array([number for _, number, _ in stages], dtype=float)
    with style():
        figure = new_figure(6.4, 0.7 + 0.36 * len(stages))
        axes = figure.add_subplot()
        places = -np.arange(len(stages), dtype=float)
        axes.barh(places, numbers, 0.62, color=SETS[0])
        apart = numbers.max() > APART * max(numbers.min(), 1.0)
        if apart:
            axes.set_xscale("log")
            axes.set_xlim(0.7, numbers.max() * 12)
        else:
            axes.set_xlim(0, numbers.max() * 1.45)
        for place, (_, number, words) in zip(places, stages, strict=True):
            beside = f"{number:,}" + (f"  {words}" if words else "")
            axes.annotate(
                beside, (number, place), (4, 0), textcoords="offset points", va="center", fontsize=8, color=INK
            )
        axes.set_yticks(places, [name for name, _, _ in stages])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("structures" + (" (logarithmic)" if apart else ""))
    return figure
