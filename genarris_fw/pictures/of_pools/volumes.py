"""How large the cells of a pool are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genarris_fw.pictures.histograms import histogram
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData
from genarris_fw.pictures.quantities import label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _draw(pool: PoolData) -> Figure:
    values, name = pool.volumes()
    return histogram(pool.sets(values, name), label_of(name))


VOLUMES = PoolPicture(draw=_draw, order=10)
