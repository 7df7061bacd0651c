"""How many structures of a pool each space group has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData
from genarris_fw.pictures.space_groups import UNKNOWN, space_group_chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def known_groups(pool: PoolData) -> dict[str, list[float]]:
    """Return the groups of the pool and of its exemplars; an unknown one is a bar of its own.

    Raises
    ------
    InputError
        When no group is known.
    """
    groups = pool.property("spg")
    if not np.isfinite(groups).any():
        raise InputError("no structure has a space group")
    sets = pool.sets(np.where(np.isfinite(groups), groups, UNKNOWN), "space_group")
    return {name: list(values) for name, values in sets.items()}


def _draw(pool: PoolData) -> Figure:
    return space_group_chart(known_groups(pool))


SPACE_GROUPS = PoolPicture(draw=_draw, order=30)
