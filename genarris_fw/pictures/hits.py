"""How often a search came upon each of its minima: where many were met once, more are to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.quantities import label_of
from genarris_fw.pictures.style import CROWD, SETS, STAR, legend_above, new_figure, point_area, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def hits_chart(relative: ArrayLike, hits: ArrayLike, experiment: int | None = None) -> Figure:
    """Draw how many draws ended in each minimum over its energy.

    Parameters
    ----------
    relative : (n,) array_like
        Energies above the lowest, kJ/mol per molecule.
    hits : (n,) array_like
        Draws that ended there; NaN where that is not known.
    experiment : int, optional
        The minimum that is the measured crystal.

    Returns
    -------
    Figure
        The axis of the hits is logarithmic.

    Raises
    ------
    InputError
        When no minimum has both numbers.
    """
    across, upwards = np.asarray(relative, dtype=float), np.asarray(hits, dtype=float)
    if across.shape != upwards.shape:
        raise InputError("no structure was met by a search")
    known = np.isfinite(across) & np.isfinite(upwards) & (upwards > 0)
    if not known.any():
        raise InputError("no structure was met by a search")
    n = int(known.sum())
    with style():
        figure = new_figure(4.8, 3.2)
        axes = figure.add_subplot()
        crowd = n >= CROWD
        for which, color, name in (
            (known & (upwards > 1), SETS[2], "met several times"),
            (known & (upwards <= 1), SETS[1], "met once"),
        ):
            if which.any():
                axes.scatter(
                    across[which],
                    upwards[which],
                    s=point_area(n),
                    color=color,
                    alpha=0.6 if crowd else 1.0,
                    linewidths=0,
                    rasterized=crowd,
                    label=f"{name} ({which.sum():,})",
                    zorder=3,
                )
        if experiment is not None and known[experiment]:
            axes.scatter(across[experiment], upwards[experiment], **STAR, label="experiment")
        axes.set_yscale("log")
        axes.margins(0.07)
        legend_above(axes, 3)
        axes.set_xlabel(label_of("relative_energy"))
        axes.set_ylabel("draws that ended here")
    return figure
