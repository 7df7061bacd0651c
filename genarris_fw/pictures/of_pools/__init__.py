"""Pictures of a whole pool, a file for each; other packages add theirs (docs/developing/add-a-picture.md)."""

from genarris_fw.pictures.of_pools.picture import PoolPicture
from genarris_fw.pictures.of_pools.pool import PoolData

__all__ = ["PoolData", "PoolPicture"]
