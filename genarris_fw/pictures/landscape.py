"""The landscape of crystal structure prediction: energy against density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.quantities import label_of
from genarris_fw.pictures.style import CROWD, INK, SETS, legend_above, new_figure, point_area, style
from genarris_fw.units import KJ_PER_MOL_PER_EV

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def energy_landscape(
    densities: ArrayLike,
    energies: ArrayLike,
    chosen: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    up_to: float | None = None,
) -> Figure:
    """Draw the energy of every structure against its density.

    Parameters
    ----------
    densities : (n,) array_like
        g/cm3; NaN where it is not known.
    energies : (n,) array_like
        eV per molecule, all of one engine and its settings; NaN where there is none. Drawn relative to the lowest,
        in kJ/mol.
    chosen : (k,) array_like of int, optional
        Structures to mark, exemplars for instance.
    names : sequence of str, optional
        What each structure is called: written at the lowest one.
    up_to : float, optional
        Highest relative energy drawn, kJ/mol; how many lie above is said on the axis.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        When the lengths differ, or no structure has both numbers.

    Examples
    --------
    >>> from genarris_fw.pictures import energy_landscape
    >>> figure = energy_landscape([1.31, 1.28, 1.25], [-4.02, -4.01, -3.98], names=['a', 'b', 'c'])
    >>> figure.axes[0].get_xlabel()
    'density (g/cm³)'
    """
    with style():
        figure = new_figure(4.8, 4.0)
        draw_landscape(figure.add_subplot(), densities, energies, chosen, names, up_to)
    return figure


def draw_landscape(
    axes: Axes,
    densities: ArrayLike,
    energies: ArrayLike,
    chosen: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    up_to: float | None = None,
) -> None:
    """Draw the landscape into axes; see `energy_landscape`."""
    across, values = np.asarray(densities, dtype=float), np.asarray(energies, dtype=float)
    if across.shape != values.shape or across.ndim != 1:
        raise InputError(f"{across.size} densities, but {values.size} energies; give one of each per structure")
    known = np.isfinite(across) & np.isfinite(values)
    if not known.any():
        raise InputError("no structure has both an energy and a density")
    lowest = int(np.flatnonzero(known)[np.argmin(values[known])])
    relative = (values - values[lowest]) * KJ_PER_MOL_PER_EV
    drawn = known if up_to is None else known & (relative <= up_to)
    marked = np.zeros(len(values), dtype=bool)
    marked[np.asarray([] if chosen is None else chosen, dtype=np.intp)] = True
    n = int(drawn.sum())
    crowd = n >= CROWD
    for which, color, area, name in (
        (drawn & ~marked, SETS[2], point_area(n), "structures"),
        (drawn & marked, SETS[1], max(1.4 * point_area(n), 12.0), "exemplars"),
    ):
        if which.any():
            axes.scatter(
                across[which],
                relative[which],
                s=area,
                color=color,
                alpha=0.5 if crowd and name == "structures" else 1.0,
                linewidths=0,
                label=f"{name} ({which.sum():,})",
                rasterized=crowd,
                zorder=3 if name == "structures" else 4,
            )
    axes.margins(0.07)
    axes.scatter(across[lowest], 0.0, s=80, facecolors="none", edgecolors=INK, linewidths=1.0, zorder=5)
    if names is not None:
        _name_the_lowest(axes, float(across[lowest]), names[lowest])
    if (drawn & marked).any() and (drawn & ~marked).any():
        legend_above(axes, 2)
    above = int(known.sum()) - n
    axes.set_xlabel(label_of("density"))
    axes.set_ylabel(label_of("relative_energy") + (f"\n{above:,} above are not drawn" if above else ""))


def _name_the_lowest(axes: Axes, density: float, name: str) -> None:
    """Write a name at the lowest point, on the side where there is room."""
    left, right = axes.get_xlim()
    on_the_right = density > (left + right) / 2
    axes.annotate(
        name,
        (density, 0.0),
        (-8 if on_the_right else 8, -1),
        textcoords="offset points",
        ha="right" if on_the_right else "left",
        va="center",
        fontsize=7.5,
        zorder=6,
    )
