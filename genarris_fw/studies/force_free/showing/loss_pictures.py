"""How a loss falls: with and without the quasi-output layer, over several seeds (figure 2 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import SETS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = (SETS[2], SETS[1], SETS[3], SETS[0])


def loss_picture(curves: Mapping[str, Sequence[ArrayLike]], title: str = "", across: str = "iteration") -> Figure:
    """Draw the losses of groups of trainings.

    Parameters
    ----------
    curves : mapping
        By the name of a group, such as ``with the quasi-output layer``: of each of its trainings the loss after every
        iteration, (k,) array_like, or (k, 2) of what is drawn across and the loss.
    title : str, optional
        What was trained.
    across : str, optional
        What is drawn across.

    Returns
    -------
    Figure
        A line for each training, the colour of its group; the loss on a logarithmic scale. Where a group ends is
        written beside its name: the median of its last losses, and the least and the greatest.

    Raises
    ------
    InputError
        When a curve is missing, empty or of another shape, or has no finite loss above 0.
    """
    if not curves or not all(curves.values()):
        raise InputError("no losses to be drawn: give at least one training of each group")
    if len(curves) > len(_COLORS):
        raise InputError(f"{len(curves)} groups of losses: at most {len(_COLORS)} can be told apart")
    with style():
        figure = new_figure(6.6, 3.6)
        axes = figure.add_subplot()
        for (name, group), color in zip(curves.items(), _COLORS):
            lines = [_line(name, curve) for curve in group]
            last = np.array([losses[-1] for _, losses in lines])
            middle = f"{np.median(last):.2g}"
            spread = "" if len(last) == 1 else f" ({last.min():.2g} to {last.max():.2g})"
            for number, (places, losses) in enumerate(lines):
                label = f"{name}: {middle}{spread}" if number == 0 else None
                axes.plot(places, losses, color=color, linewidth=1.1, alpha=0.85, label=label)
                axes.plot(places[-1], losses[-1], "o", color=color, markersize=3)
        axes.set_yscale("log")
        axes.set_xlabel(across)
        axes.set_ylabel("loss")
        axes.set_xlim(left=0)
        axes.legend(loc="upper right", title="last loss: median (least to greatest)", title_fontsize=8)
        if title:
            axes.set_title(title, loc="left")
    return figure


def _line(name: str, curve: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(curve, dtype=float)
    if values.ndim == 1:
        values = np.column_stack([np.arange(len(values)), values])
    if values.ndim != 2 or values.shape[1] != 2 or not len(values):
        raise InputError(f"losses of '{name}' of shape {values.shape}: give (k,) or (k, 2) values")
    drawn = values[np.isfinite(values).all(axis=1) & (values[:, 1] > 0)]
    if not len(drawn):
        raise InputError(f"losses of '{name}' have no finite value above 0")
    return drawn[:, 0], drawn[:, 1]
