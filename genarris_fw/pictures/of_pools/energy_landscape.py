"""Energies of a pool over its densities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.pictures.landscape import energy_landscape
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _draw(pool: PoolData) -> Figure:
    densities = pool.property("density")
    if pool.energies is None:
        raise InputError(pool.missing["energies"])
    if not np.isfinite(densities + pool.energies).any():
        raise InputError("no structure has both an energy and a density")
    chosen = pool.exemplars if len(pool.exemplars) < len(pool.ids) else None
    return energy_landscape(densities, pool.energies, chosen, pool.ids)


ENERGY_LANDSCAPE = PoolPicture(draw=_draw, order=40)
