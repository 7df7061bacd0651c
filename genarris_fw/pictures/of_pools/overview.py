"""A pool at a glance: volumes, space groups, map and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genarris_fw.pictures.of_pools.map import projection_of
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData
from genarris_fw.pictures.of_pools.space_groups import known_groups
from genarris_fw.pictures.overview import pool_overview
from genarris_fw.pictures.quantities import label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _draw(pool: PoolData) -> Figure:
    labels = pool.needed_clusters()
    distances, rows = pool.needed_distances()
    volumes, name = pool.volumes()
    return pool_overview(
        pool.sets(volumes, name),
        known_groups(pool),
        projection_of(pool),
        labels,
        pool.exemplars,
        distances,
        rows,
        label_of(name),
    )


OVERVIEW = PoolPicture(draw=_draw, order=70)
