"""How dense the crystals of a pool are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genarris_fw.pictures.histograms import histogram
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData
from genarris_fw.pictures.quantities import label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _draw(pool: PoolData) -> Figure:
    return histogram(pool.sets(pool.property("density"), "density"), label_of("density"))


DENSITIES = PoolPicture(draw=_draw, order=20)
