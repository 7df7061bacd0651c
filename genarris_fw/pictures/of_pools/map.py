"""A pool's structures as points, near each other where they are alike, coloured by what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genarris_fw.errors import InputError
from genarris_fw.pictures.map import descriptor_map
from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData
from genarris_fw.pictures.projection import Projection, classical_scaling, principal_components
from genarris_fw.pictures.quantities import label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def projection_of(pool: PoolData) -> Projection:
    """Return the structures in a plane: of their descriptors, else of their distances.

    Raises
    ------
    InputError
        When there are neither.
    """
    if pool.vectors is not None:
        return principal_components(pool.vectors, pool.normalize)
    if pool.matrix is not None:
        return classical_scaling(*pool.matrix)
    raise InputError(f"{pool.missing['vectors']}, and no distance matrix")


def _draw(pool: PoolData) -> Figure:
    projection = projection_of(pool)
    if pool.coloring in ("", "cluster"):
        return descriptor_map(projection, pool.labels, pool.exemplars)
    if pool.coloring == "energy":
        values, label = pool.relative_energies(), label_of("relative_energy")
    else:
        values, label = pool.property(pool.coloring), label_of(pool.coloring)
    return descriptor_map(projection, pool.labels, pool.exemplars, values, label)


def _called(pool: PoolData) -> str:
    return f"map_by_{pool.coloring}" if pool.coloring else "map"


MAP = PoolPicture(draw=_draw, order=50, called=_called)
