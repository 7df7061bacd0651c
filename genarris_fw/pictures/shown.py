"""A figure that a notebook shows without further ado."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

_DPI = 110  # of a screen


class ShownFigure(Figure):
    """A figure of matplotlib as pictures are made; pyplot, which keeps every figure, knows nothing of it."""

    def _repr_png_(self) -> bytes:
        """Return what a notebook shows."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=_DPI)
        return stream.getvalue()
