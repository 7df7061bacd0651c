"""What a picture of a pool is. Each is registered in the group ``genarris_fw.pictures``, ours as well as others'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genarris_fw.pictures.of_pools.pool import PoolData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAST = 1000


@dataclass(frozen=True, kw_only=True)
class PoolPicture:
    """How a pool is drawn.

    Attributes
    ----------
    draw : callable
        `PoolData` -> Figure. Where the pool lacks what it needs it raises `genarris_fw.errors.InputError`, whose
        message is the reason that is shown beside the name of the picture that was left out.
    order : int
        Its place among all pictures. Ours have 10 to 80; of equal ones the name decides.
    called : callable, optional
        `PoolData` -> the picture's name, also of its files, where that depends on the pool; '' for a pool of which
        there is no such picture. By default it is the name under which the picture is registered.
    """

    draw: Callable[[PoolData], Figure]
    order: int = LAST
    called: Callable[[PoolData], str] | None = None
