"""Long work tells how far it is; who listens, and how it is shown, is not its business."""

from __future__ import annotations

from collections.abc import Callable

# Called with what is being done ("writing cif"), how much of it is done, and of how much (0: not known).
Told = Callable[[str, int, int], object]


def untold(what: str, done: int, of: int) -> None:
    """Tell nobody."""
