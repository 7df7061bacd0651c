"""How a loss falls: with and without the quasi-output layer, over several seeds (figure 2 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import new_figure, style
from genarris_fw.studies.force_free.showing.looks import MOST, colors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Line = tuple[NDArray[np.float64], NDArray[np.float64]]


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
        written beside its name: the median of its last losses, and the least and the greatest. Groups are in the order
        of these medians where there are more than can be told apart: the last ones are faint.

    Raises
    ------
    InputError
        When a curve is missing, empty or of another shape, or has no finite loss above 0.
    """
    if not curves or not all(curves.values()):
        raise InputError("no losses to be drawn: give at least one training of each group")
    groups = [(name, [_line(name, curve) for curve in group]) for name, group in curves.items()]
    if len(groups) > MOST:
        groups.sort(key=lambda group: np.median(_last(group[1])))
    with style():
        figure = new_figure(6.6, 3.6 + 0.16 * max(min(len(groups), MOST) - 2, 0))
        axes = figure.add_subplot()
        for number, ((name, lines), color) in enumerate(zip(groups, colors(len(groups)))):
            label = _label(name, _last(lines)) if number < MOST else f"{len(groups) - MOST} others"
            for places, losses in lines:
                axes.plot(places, losses, color=color, linewidth=1.1, alpha=0.85, label=label, zorder=3 - number / 1e3)
                axes.plot(places[-1], losses[-1], "o", color=color, markersize=3, zorder=3 - number / 1e3)
        axes.set_yscale("log")
        axes.set_xlabel(across)
        axes.set_ylabel("loss")
        axes.set_xlim(left=0)
        handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(
            handles.values(), handles.keys(), loc="outside lower left",
            title="last loss: median (least to greatest)", title_fontsize=8, alignment="left",
        )  # fmt: skip
        if title:
            axes.set_title(title, loc="left")
    return figure


def _last(lines: Sequence[Line]) -> NDArray[np.float64]:
    return np.array([losses[-1] for _, losses in lines])


def _label(name: str, last: NDArray[np.float64]) -> str:
    spread = "" if len(last) == 1 else f" ({last.min():.3g} to {last.max():.3g})"
    return f"{name}: {np.median(last):.3g}{spread}"


def _line(name: str, curve: ArrayLike) -> Line:
    values = np.asarray(curve, dtype=float)
    if values.ndim == 1:
        values = np.column_stack([np.arange(len(values)), values])
    if values.ndim != 2 or values.shape[1] != 2 or not len(values):
        raise InputError(f"losses of '{name}' of shape {values.shape}: give (k,) or (k, 2) values")
    drawn = values[np.isfinite(values).all(axis=1) & (values[:, 1] > 0)]
    if not len(drawn):
        raise InputError(f"losses of '{name}' have no finite value above 0")
    return drawn[:, 0], drawn[:, 1]
