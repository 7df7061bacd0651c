"""Equations of state: energy against volume, the points that were computed and the curves through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genarris_fw.energetics.equation_of_state import EquationOfState
from genarris_fw.errors import InputError
from genarris_fw.pictures.style import FAINT, SETS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The first is the one computed here; a curve without points is a reference and drawn dashed.
COLORS = (SETS[2], SETS[1], "#117733", "#882255")
MEV = 1000.0
# Part of the volumes that curves go on beyond the points.
MARGIN = 0.01


@dataclass(frozen=True)
class Curve:
    """An equation of state of ``atoms`` atoms, with the points (Å3, eV) it was fitted to where there are any."""

    equation: EquationOfState
    atoms: int = 1
    volumes: Sequence[float] = ()
    energies: Sequence[float] = ()

    @property
    def per_atom(self) -> EquationOfState:
        """The curve of one atom."""
        return self.equation.per_atom(self.atoms)


def equation_of_state(curves: Mapping[str, Curve], title: str = "") -> Figure:
    """Draw equations of state, each relative to its own minimum.

    Parameters
    ----------
    curves : mapping of str to Curve
        By what each is called; at least one of them with points.
    title : str, optional
        What was computed.

    Returns
    -------
    Figure
        Above the energies, with V0, B0 and B1 of each curve; below, how far the points are from their curve.

    Raises
    ------
    InputError
        For no curve with points.
    """
    drawn = [curve for curve in curves.values() if len(curve.volumes)]
    if not drawn:
        raise InputError("no equation of state to draw has a point")
    with style():
        figure = new_figure(5.2, 4.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        volumes = np.concatenate([np.asarray(curve.volumes) / curve.atoms for curve in drawn])
        reach = np.linspace(volumes.min() * (1 - MARGIN), volumes.max() * (1 + MARGIN), 200)
        for number, (name, curve) in enumerate(curves.items()):
            _draw(above, below, name, curve, reach, COLORS[number % len(COLORS)])
        above.set_ylabel("energy above the minimum\n(meV per atom)")
        above.set_ylim(bottom=-0.04 * above.get_ylim()[1])
        _name_the_curves(above, curves)
        if title:
            above.set_title(title, loc="left")
        below.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
        below.set_ylabel("point − curve\n(meV per atom)")
        below.set_xlabel("volume (Å³ per atom)")
        figure.align_ylabels()
        largest = max(float(np.abs(_distances(curve)).max()) for curve in drawn)
        below.set_ylim(-1.4 * max(largest, 1e-3), 1.4 * max(largest, 1e-3))
    return figure


def _distances(curve: Curve) -> NDArray[np.float64]:
    """How far each point is from the curve, meV per atom."""
    return MEV * (np.asarray(curve.energies) - curve.equation.energy(curve.volumes)) / curve.atoms


def _draw(above: Axes, below: Axes, name: str, curve: Curve, reach: NDArray[np.float64], color: str) -> None:
    one = curve.per_atom
    line = "-" if len(curve.volumes) else (0, (4, 2))
    above.plot(reach, MEV * (one.energy(reach) - one.E0), linestyle=line, color=color, linewidth=1.3, label=name)
    above.plot([one.V0], [0.0], marker="|", markersize=9, color=color, zorder=4)
    if len(curve.volumes):
        across = np.asarray(curve.volumes) / curve.atoms
        above.plot(across, MEV * (np.asarray(curve.energies) / curve.atoms - one.E0), "o", color=color, markersize=4.5)
        below.plot(across, _distances(curve), "o-", color=color, markersize=3.5, linewidth=0.7)


def _name_the_curves(axes: Axes, curves: Mapping[str, Curve]) -> None:
    """Write the numbers of every curve where a parabola leaves room, at the top."""
    from matplotlib.lines import Line2D

    handles, labels = axes.get_legend_handles_labels()
    words = []
    for handle, name in zip(handles, labels):
        assert isinstance(handle, Line2D)
        one = curves[name].per_atom
        words.append(f"{name}\nV₀ {one.V0:.3f} Å³/atom   B₀ {one.B0:.1f} GPa   B₁ {one.B1:.2f}")
    axes.legend(handles, words, loc="upper center", bbox_to_anchor=(0.5, 1.0), fontsize=7.5, handlelength=2.2)
