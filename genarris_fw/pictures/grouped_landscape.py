"""The landscape in colours of groups: space groups or clusters, the measured crystal with its star."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.quantities import label_of
from genarris_fw.pictures.style import CLUSTERS, CROWD, SHAPES, STAR, UNKNOWN, new_figure, point_area, style
from genarris_fw.units import KJ_PER_MOL_PER_EV

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# So many groups have a colour, a shape and a name; the smaller ones share a grey.
MOST_NAMED = 9


def grouped_landscape(
    densities: ArrayLike,
    energies: ArrayLike,
    groups: Sequence[str],
    kind: str,
    experiment: int | None = None,
) -> Figure:
    """Draw the energy of every structure against its density, coloured by group.

    Parameters
    ----------
    densities : (n,) array_like
        g/cm3; NaN where it is not known.
    energies : (n,) array_like
        eV per molecule, all of one engine and its settings; NaN where there is none.
    groups : sequence of str
        What each structure belongs to, in words; empty where that is not known.
    kind : str
        What the groups are, for the legend.
    experiment : int, optional
        The structure that is the measured crystal.

    Returns
    -------
    Figure
        The nine largest groups have a colour and a shape of their own.

    Raises
    ------
    InputError
        When the lengths differ, or no structure has both numbers.

    Examples
    --------
    >>> from genarris_fw.pictures import grouped_landscape
    >>> figure = grouped_landscape([1.31, 1.28], [-4.02, -4.01], ['113', '14'], 'space group', experiment=0)
    >>> len(figure.axes)
    1
    """
    across, values = np.asarray(densities, float), np.asarray(energies, float)
    if not across.shape == values.shape == (len(groups),):
        raise InputError(f"{across.size} densities, {values.size} energies, {len(groups)} groups; they differ")
    known = np.isfinite(across) & np.isfinite(values)
    lowest = values[known].min() if known.any() else np.nan
    with style():
        figure, axes = new_landscape()
        draw_groups(axes, across, (values - lowest) * KJ_PER_MOL_PER_EV, groups, kind, experiment)
    return figure


def new_landscape() -> tuple[Figure, Axes]:
    """Return an empty figure of a landscape's size, and its axes."""
    figure = new_figure(6.2, 4.2)
    return figure, figure.add_subplot()


def draw_groups(
    axes: Axes,
    densities: NDArray[np.float64],
    relative: NDArray[np.float64],
    groups: Sequence[str],
    kind: str,
    experiment: int | None = None,
) -> None:
    """Draw the landscape into axes; as `grouped_landscape`, of energies above the lowest in kJ/mol per molecule."""
    names = np.asarray(groups, dtype=object)
    known = np.isfinite(densities) & np.isfinite(relative)
    if not known.any():
        raise InputError("no structure has both an energy and a density")
    counts = Counter(str(name) for name in names[known])
    named = [name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if name][:MOST_NAMED]
    n = int(known.sum())
    crowd = n >= CROWD
    from matplotlib.collections import PathCollection  # here, since it is slow to import

    rest = known & ~np.isin(names.astype(str), named)
    for place, (name, which) in enumerate([("", rest), *((one, known & (names == one)) for one in named)]):
        if which.any():
            axes.scatter(
                densities[which],
                relative[which],
                s=point_area(n),
                color=CLUSTERS[place - 1] if name else UNKNOWN,
                marker=SHAPES[(place - 1) % len(SHAPES)] if name else "o",
                alpha=0.55 if crowd else 1.0,
                linewidths=0,
                rasterized=crowd,
                label=f"{name or 'others'} ({which.sum():,})",
                zorder=3 if name else 2,
            )
    if experiment is not None and known[experiment]:
        axes.scatter(densities[experiment], relative[experiment], **STAR, label="experiment")
    axes.margins(0.07)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), title=kind, alignment="left")
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([24.0])
            handle.set_alpha(1.0)
    axes.set_xlabel(label_of("density"))
    axes.set_ylabel(label_of("relative_energy"))
