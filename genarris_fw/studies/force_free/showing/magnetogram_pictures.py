"""The field on the bottom of the box, as given and as found, and their difference (figures 6 and 7 of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.pictures.style import new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genarris_fw.studies.force_free.fields.field import Field

# For values of both signs: white at 0, told apart by all common kinds of colour blindness.
SIGNED = "RdBu_r"
_COLUMNS = ("reference", "found", "found − reference")


def magnetogram_picture(reference: Field, found: Field, unit: str = "", title: str = "") -> Figure:
    """Draw B_x, B_y and B_z on the bottom of two fields of the same grid.

    Parameters
    ----------
    reference, found : Field
        What was given, and what a network makes of it.
    unit : str, optional
        Of the field.
    title : str, optional
        Of the whole picture.

    Returns
    -------
    Figure
        A row for each component; reference and found share their colours, the difference has its own, with its
        greatest and its root mean square written above it.

    Raises
    ------
    InputError
        When the grids differ.
    """
    if reference.grid != found.grid:
        raise InputError("the magnetograms of two fields are drawn beside each other: both need the same grid")
    (x0, x1), (y0, y1), _ = reference.grid.bounds
    with style():
        height = 6.0 * (y1 - y0) / (x1 - x0)
        figure = new_figure(7.4, min(max(height, 3.0), 12.0) + 0.6)
        for row, name in enumerate(("B_x", "B_y", "B_z")):
            given, ours = reference.values[row, :, :, 0], found.values[row, :, :, 0]
            difference = ours - given
            scale = float(np.abs(given).max()) or 1.0
            # Rounding errors are no difference.
            scales = (scale, scale, max(float(np.abs(difference).max()), 1e-6 * scale))
            rms = float(np.sqrt(np.mean(difference**2)))
            for column, (values, limit) in enumerate(zip((given, ours, difference), scales)):
                axes = figure.add_subplot(3, 3, 3 * row + column + 1)
                image = axes.imshow(
                    values.T, origin="lower", extent=(x0, x1, y0, y1), cmap=SIGNED, vmin=-limit, vmax=limit,
                    interpolation="nearest",
                )  # fmt: skip
                axes.spines[["top", "right"]].set_visible(True)
                words = f"${name}$, {_COLUMNS[column]}"
                axes.set_title(f"{words}\nrms {rms:.2g}" if column == 2 else words, fontsize=8)
                axes.set_xlabel("x" if row == 2 else "")
                axes.set_ylabel("y" if column == 0 else "")
                axes.tick_params(labelbottom=row == 2, labelleft=column == 0)
                bar = figure.colorbar(image, ax=axes, shrink=0.85, aspect=18, pad=0.02)
                bar.ax.tick_params(labelsize=7)
                if unit and column == 2:
                    bar.set_label(unit, fontsize=8)
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure
