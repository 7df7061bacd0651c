"""Work items of some structures each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genarris_fw.catalogue.work_items import Item


def in_batches(ids: Sequence[str], size: int, prefix: str = "", **payload: Any) -> list[Item]:
    """Return items of at most so many structures, named after the first one of each.

    Parameters
    ----------
    ids : sequence of str
        All structures.
    size : int
        Structures of an item.
    prefix : str
        What the items' keys begin with.
    **payload
        What the work needs beside ``ids``.
    """
    batches = [list(ids[start : start + size]) for start in range(0, len(ids), size)]
    return [Item(prefix + batch[0], {"ids": batch} | payload) for batch in batches]
