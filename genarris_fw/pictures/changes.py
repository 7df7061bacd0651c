"""Energies before and after: what a relaxation, or another model, does to the order of structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import CROWD, FAINT, SETS, STAR, new_figure, point_area, style
from genarris_fw.units import KJ_PER_MOL_PER_EV

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def energy_changes(
    before: ArrayLike, after: ArrayLike, words: tuple[str, str] = ("before", "after"), experiment: int | None = None
) -> Figure:
    """Draw the energy of every structure after a step over that before, each above the lowest of its own kind.

    Parameters
    ----------
    before, after : (n,) array_like
        eV per molecule; NaN where there is none. The two may come from different engines.
    words : (str, str)
        What the two are called.
    experiment : int, optional
        The structure that is the measured crystal.

    Returns
    -------
    Figure
        On the line the order of the structures did not change.

    Raises
    ------
    InputError
        When the lengths differ, or no structure has both energies.
    """
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if first.shape != second.shape or first.ndim != 1:
        raise InputError(f"{first.size} energies before, but {second.size} after; give one of each per structure")
    known = np.isfinite(first) & np.isfinite(second)
    if not known.any():
        raise InputError("no structure has an energy before and after")
    across = (first - first[known].min()) * KJ_PER_MOL_PER_EV
    upwards = (second - second[known].min()) * KJ_PER_MOL_PER_EV
    n = int(known.sum())
    with style():
        figure = new_figure(4.4, 4.0)
        axes = figure.add_subplot()
        top = 1.05 * max(float(across[known].max()), float(upwards[known].max()), 1e-3)
        axes.plot([0, top], [0, top], color=FAINT, lw=0.7, zorder=1)
        axes.scatter(
            across[known],
            upwards[known],
            s=point_area(n),
            color=SETS[2],
            alpha=0.5 if n >= CROWD else 1.0,
            linewidths=0,
            rasterized=n >= CROWD,
            zorder=3,
        )
        if experiment is not None and known[experiment]:
            axes.scatter(across[experiment], upwards[experiment], **STAR)
        axes.margins(0.06)
        axes.set_xlabel(f"{words[0]}: relative energy\n(kJ/mol per molecule)")
        axes.set_ylabel(f"{words[1]}: relative energy\n(kJ/mol per molecule)")
    return figure
