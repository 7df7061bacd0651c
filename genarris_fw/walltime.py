"""When this process has to end: the allocation's end, and the signals by which a queue warns of it.

A replica that knows its end claims no work that would not fit, gives back what it holds and leaves a successor.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from genarris_fw.schedulers import job_end

if TYPE_CHECKING:
    from fireworks import LaunchPad

# What is left at the end for giving back and leaving a successor: this part of the time, within these limits (s).
MARGIN, LEAST_MARGIN, MOST_MARGIN = 0.05, 3.0, 60.0
# A queue ends its jobs with SIGTERM; elsewhere SIGTERM ends a process at once, as people expect.
ALLOCATIONS = ("SLURM_JOB_ID", "PBS_JOBID", "JOB_ID", "GENARRIS_FW_END")


class Walltime:
    """The time that is left to this process.

    Parameters
    ----------
    end : float or None
        Unix time of the end; None when there is none that is known.
    """

    def __init__(self, end: float | None = None) -> None:
        left = None if end is None else end - time.time()
        # From here on the clock may be set: only what has passed counts.
        self._end = None if left is None else time.monotonic() + left
        self._margin = 0.0 if left is None else min(MOST_MARGIN, max(LEAST_MARGIN, MARGIN * left))
        self.told = False

    @property
    def known(self) -> bool:
        """Whether the end is known."""
        return self._end is not None

    def seconds_left(self) -> float:
        """Return the seconds in which work may still be done, infinite where no end is known."""
        if self.told:
            return 0.0
        return float("inf") if self._end is None else max(0.0, self._end - self._margin - time.monotonic())

    def fits(self, seconds: float) -> bool:
        """Tell whether work that takes this long would be done in time."""
        return self.seconds_left() > seconds

    def ending(self) -> bool:
        """Tell whether it is time to stop."""
        return self.seconds_left() <= 0.0

    def grace(self) -> float:
        """Return the seconds that work which has begun may still take once the time is over."""
        return self._margin / 2 if self.known else LEAST_MARGIN

    def deadline(self) -> float | None:
        """Return the unix time at which work must have returned, or None."""
        left = self.seconds_left()
        return None if left == float("inf") else time.time() + left

    def tell(self, *_: object) -> None:
        """Take note that the end is near (a signal's handler)."""
        self.told = True


@cache
def of_this_process() -> Walltime:
    """Return the walltime of this process; the queue is asked once."""
    return Walltime(job_end())


def in_allocation() -> bool:
    """Tell whether a queueing system has started this process."""
    return any(os.environ.get(name) for name in ALLOCATIONS)


def warnings() -> tuple[signal.Signals, ...]:
    """Return the signals by which this process may be warned of its end."""
    return (signal.SIGUSR1, *((signal.SIGTERM, signal.SIGUSR2) if in_allocation() else ()))


@contextmanager
def listening(walltime: Walltime) -> Iterator[None]:
    """Take SIGUSR1, and in an allocation SIGTERM and SGE's SIGUSR2, as a warning; once warned, they stay warnings."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def warned(number: int, frame: FrameType | None) -> None:
        walltime.tell()

    before = {number: signal.signal(number, warned) for number in warnings()}
    try:
        yield
    finally:
        if not walltime.told:
            for number, handler in before.items():
                signal.signal(number, handler)


def stop_pulling(launchpad: LaunchPad) -> None:
    """Have the rocket launcher of this process end when it looks for its next firework.

    ``rlaunch rapidfire`` would pull the successor that was just left for others. It asks its LaunchPad, which is
    the one that our Firetask was given.
    """

    def no_more(*_: object, **__: object) -> NoReturn:
        raise SystemExit(0)

    launchpad.run_exists = no_more
