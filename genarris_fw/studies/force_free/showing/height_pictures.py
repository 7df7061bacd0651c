"""How free of divergence and of force fields are, from the bottom up to a height (figure 8 of the paper)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import INK, SHAPES, new_figure, style
from genarris_fw.studies.force_free.showing.looks import MOST, colors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What `height_factors` calls the two factors.
_DRAWN = ("divergence", "force")
# Current and field are at 30 degrees from each other where the sine is a half.
_ALIGNED = 0.5


def height_picture(factors: Mapping[str, Mapping[str, ArrayLike]], title: str = "") -> Figure:
    """Draw the divergence-free and the force-free factor of fields by height.

    Parameters
    ----------
    factors : mapping
        By what a field is called, the arrays of `height_factors`.
    title : str, optional
        Of the whole picture.

    Returns
    -------
    Figure
        On the left the mean of abs(div B)/abs(B), on the right that of the sine of the angle between current and
        field, over all nodes from the bottom to a height. Below the broken line the mean sine is less than that of 30
        degrees.

    Raises
    ------
    InputError
        For no field, or arrays of different lengths.
    """
    if not factors:
        raise InputError("no factors by height to be drawn: give those of at least one field")
    with style():
        figure = new_figure(6.8, 3.3 + 0.06 * min(len(factors), MOST))
        left, right = figure.subplots(1, 2)
        looks = zip(factors.items(), colors(len(factors)), itertools.cycle(SHAPES))
        for number, ((name, arrays), color, shape) in enumerate(looks):
            heights, divergence, force = (np.asarray(arrays[key], dtype=float) for key in ("height", *_DRAWN))
            if not len(heights) == len(divergence) == len(force):
                raise InputError(f"factors of '{name}' by height: arrays of different lengths")
            marks: dict[str, Any] = {"color": color, "linewidth": 1.1, "marker": shape, "markersize": 3.5}
            marks["label"] = name if number < MOST else f"_{name}"  # which is not in the legend
            marks["zorder"] = 3 if number < MOST else 2
            marks["markevery"] = max(len(heights) // 8, 1)
            left.plot(heights, divergence, **marks)
            right.plot(heights, force, **marks)
        left.set_title("divergence-free factor", loc="left")
        left.set_ylabel(r"mean of $|\nabla\cdot B| \,/\, |B|$ (per unit of length)")
        right.set_title("force-free factor", loc="left")
        right.set_ylabel(r"mean of $|J \times B| \,/\, (|J|\,|B|)$")
        right.axhline(_ALIGNED, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
        right.text(0.99, _ALIGNED, "30°", ha="right", va="bottom", fontsize=8, transform=right.get_yaxis_transform())
        for axes in (left, right):
            axes.set_xlabel("from the bottom to height z")
            axes.set_ylim(bottom=0)
            axes.margins(x=0.02)
        handles = right.get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower left", ncols=min(len(factors), 3))
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure
