"""How many structures have which Z', the molecules of the asymmetric unit."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genarris_fw.errors import InputError
from genarris_fw.pictures.histograms import WIDTH, draw_bars
from genarris_fw.pictures.style import new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The order of no point group exceeds 48.
LARGEST_ORDER = 48


def z_prime_chart(values: ArrayLike) -> Figure:
    """Draw a bar for every Z' that occurs, fractions as they are written.

    Parameters
    ----------
    values : (n,) array_like
        NaN where it is not known.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        When it is known of none.
    """
    found = np.asarray(values, dtype=float)
    counts = Counter(found[np.isfinite(found)].tolist())
    if not counts:
        raise InputError("of no structure the molecules of the asymmetric unit are known")
    order = sorted(counts)
    with style():
        figure = new_figure(4.8, 3.2)
        axes = figure.add_subplot()
        heights = np.array([counts[value] for value in order], dtype=float)
        draw_bars(axes, np.arange(len(order), dtype=float), WIDTH, {"pool": heights})
        axes.set_xticks(range(len(order)), [z_prime_words(value) for value in order])
        axes.tick_params(axis="x", length=0)
        spare = max(0.0, (4 - len(order)) / 2)
        axes.set_xlim(-0.7 - spare, len(order) - 0.3 + spare)
        axes.set_xlabel("Z′, molecules of the asymmetric unit")
    return figure


def z_prime_words(value: float) -> str:
    """Return Z' as it is written: ``1/2``, ``1``, ``3/2``."""
    return str(Fraction(value).limit_denominator(LARGEST_ORDER))
