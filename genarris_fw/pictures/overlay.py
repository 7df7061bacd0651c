"""A picture of two crystals laid upon each other: their clusters from two sides, as lines along the bonds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genarris_fw.comparing.overlay import LaidMolecule, Overlay
from genarris_fw.pictures.style import SETS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

FIRST, SECOND = SETS[2], SETS[1]
NO_COUNTERPART = ("#c3cddb", "#efc9b6")  # the same, paler
BEHIND = 0.55  # of its colour a bond loses so much at the far end of the cluster
TILT = (np.radians(12.0), np.radians(8.0))  # so that flat molecules are not seen edge on
WIDTHS = (0.7, 1.7)  # points, at the far end and at the near one


def overlay_picture(overlay: Overlay) -> Figure:
    """Draw two clusters that lie upon each other, from two sides.

    Parameters
    ----------
    overlay : Overlay

    Returns
    -------
    Figure
        The first crystal is blue, the second one orange; molecules without a counterpart are pale.
    """
    axes_of = _axes(overlay.first)
    with style():
        figure = new_figure(7.2, 3.9)
        for place, order in enumerate(((0, 1, 2), (2, 1, 0))):
            _draw(figure.add_subplot(1, 2, place + 1), overlay, _tilted(axes_of[list(order)]))
        _name(figure, overlay)
    return figure


def _axes(molecules: Iterable[LaidMolecule]) -> Floats:
    """Principal axes of the cluster, the longest first: it is seen along the shortest, then along the longest."""
    points = np.concatenate([one.positions for one in molecules])
    axes = np.asarray(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2])
    # The sign of an axis is a matter of rounding otherwise.
    return axes * np.where(axes[np.arange(3), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]


def _tilted(view: Floats) -> Floats:
    """A view from a little above and beside."""
    up, aside = TILT
    over = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(up), -np.sin(up)], [0.0, np.sin(up), np.cos(up)]])
    round_ = np.array([[np.cos(aside), 0.0, np.sin(aside)], [0.0, 1.0, 0.0], [-np.sin(aside), 0.0, np.cos(aside)]])
    return np.asarray(over @ round_ @ view)


def _draw(axes: Axes, overlay: Overlay, view: Floats) -> None:
    """Draw the bonds, the farthest first, as seen along the third axis."""
    from matplotlib.collections import LineCollection

    lines, depths, colours, thin = [], [], [], []
    for molecules, own, pale in (
        (overlay.first, FIRST, NO_COUNTERPART[0]),
        (overlay.second, SECOND, NO_COUNTERPART[1]),
    ):
        for one in molecules:
            seen = one.positions @ view.T
            # An atom without a bond is a point.
            bonded = {atom for bond in one.bonds for atom in bond}
            alone = [(atom, atom) for atom in range(len(seen)) if atom not in bonded]
            for i, j in [*one.bonds, *alone]:
                lines.append(seen[[i, j], :2])
                depths.append(float(seen[[i, j], 2].mean()))
                colours.append(own if one.matched else pale)
                thin.append("H" in (one.species[i], one.species[j]))
    near = np.array(depths)
    near = (near - near.min()) / max(float(np.ptp(near)), 1e-9)
    order = np.argsort(near, kind="stable")
    widths = (WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * near) * np.where(thin, 0.6, 1.0)
    axes.add_collection(
        LineCollection(
            [lines[k] for k in order],
            colors=[_faded(colours[k], BEHIND * (1.0 - float(near[k]))) for k in order],
            linewidths=widths[order],
            capstyle="round",
        )
    )
    axes.autoscale_view()
    axes.set_aspect("equal")
    axes.set_axis_off()


def _faded(colour: str, part: float) -> tuple[float, float, float]:
    """A colour of which a part is white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (value + (1.0 - value) * part for value in to_rgb(colour))
    return red, green, blue


def _name(figure: Figure, overlay: Overlay) -> None:
    """Say what the colours are, and how well the crystals agree."""
    from matplotlib.lines import Line2D

    match, (first, second) = overlay.match, overlay.names
    named = [(FIRST, f"{first} (measured)"), (SECOND, f"{second}{' (its mirror image)' if match.mirrored else ''}")]
    if not match.is_full:
        named += list(zip(NO_COUNTERPART, ("measured, no counterpart", "nearest to these")))
    handles = [Line2D([], [], color=colour, linewidth=2) for colour, _ in named]
    figure.legend(handles, [words for _, words in named], loc="outside lower center", ncols=2)
    figure.suptitle(
        f"{match.matched} of {match.of} molecules, RMSD {match.rmsd:.2f} Å" if match.matched else str(match)
    )
