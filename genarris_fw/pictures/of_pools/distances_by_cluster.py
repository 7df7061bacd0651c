"""The distances of a pool, sorted by cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genarris_fw.pictures.distances import heat_map
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _draw(pool: PoolData) -> Figure:
    labels = pool.needed_clusters()
    distances, rows = pool.needed_distances()
    return heat_map(distances, labels, pool.exemplars, rows)


DISTANCES_BY_CLUSTER = PoolPicture(draw=_draw, order=60)
