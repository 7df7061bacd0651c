"""The property that colours the map, as a histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genarris_fw.pictures.histograms import histogram
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData
from genarris_fw.pictures.quantities import label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of these there is no histogram, or one already.
_WITHOUT = ("", "cluster", "energy", "density")


def _draw(pool: PoolData) -> Figure:
    return histogram(pool.sets(pool.property(pool.coloring), pool.coloring), label_of(pool.coloring))


def _called(pool: PoolData) -> str:
    return "" if pool.coloring in _WITHOUT else pool.coloring


COLORS = PoolPicture(draw=_draw, order=80, called=_called)
