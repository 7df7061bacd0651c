"""How free of divergence and of force fields are, from the bottom up to a height (figure 8 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import FAINT, INK, SETS, SHAPES, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = (SETS[2], SETS[1], SETS[3], FAINT, SETS[0])
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
        For no field, more than can be told apart, or arrays of different lengths.
    """
    if not factors or len(factors) > len(_COLORS):
        raise InputError(f"factors of {len(factors)} fields: from 1 to {len(_COLORS)} can be drawn")
    with style():
        figure = new_figure(6.8, 3.2)
        left, right = figure.subplots(1, 2)
        for (name, arrays), color, shape in zip(factors.items(), _COLORS, SHAPES):
            heights, divergence, force = (np.asarray(arrays[key], dtype=float) for key in ("height", *_DRAWN))
            if not len(heights) == len(divergence) == len(force):
                raise InputError(f"factors of '{name}' by height: arrays of different lengths")
            marks = {"color": color, "linewidth": 1.1, "marker": shape, "markersize": 3.5, "label": name}
            marks["markevery"] = max(len(heights) // 8, 1)
            left.plot(heights, divergence, **marks)
            right.plot(heights, force, **marks)
        left.set_title("divergence-free factor", loc="left")
        left.set_ylabel(r"mean of $|\nabla\cdot B| \,/\, |B|$ (per unit of length)")
        right.set_title("force-free factor", loc="left")
        right.set_ylabel(r"mean of $|J \times B| \,/\, (|J|\,|B|)$")
        right.axhline(_ALIGNED, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
        for axes in (left, right):
            axes.set_xlabel("from the bottom to height z")
            axes.set_ylim(bottom=0)
            axes.margins(x=0.02)
        right.legend(loc="best")
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure
