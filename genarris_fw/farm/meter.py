"""What an attempt takes: the clock, and the processors of this process, its children and the ranks that follow it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from genarris_fw.catalogue.costs import Cost
from genarris_fw.owner import cpu_seconds


class Ranks(Protocol):
    """The ranks of a replica under MPI, of which this process is the first.

    Attributes
    ----------
    size : int
        Their number.
    cpu_seconds : float
        What the others have used so far.
    """

    cpu_seconds: float

    @property
    def size(self) -> int:
        """Their number."""


_ranks: Ranks | None = None


@contextmanager
def counting(ranks: Ranks) -> Iterator[None]:
    """Count what these ranks take, too."""
    global _ranks
    _ranks = ranks
    try:
        yield
    finally:
        _ranks = None


def number_of_ranks() -> int:
    """Return how many ranks this replica has."""
    return 1 if _ranks is None else _ranks.size


class Meter:
    """Runs from when it is made.

    Parameters
    ----------
    cores : int
        That the replica holds.
    """

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self._begun, self._used = time.monotonic(), _used()

    def cost(self) -> Cost:
        """Return what was taken since."""
        return Cost(time.monotonic() - self._begun, _used() - self._used, self.cores)


def _used() -> float:
    return cpu_seconds() + (0.0 if _ranks is None else _ranks.cpu_seconds)
