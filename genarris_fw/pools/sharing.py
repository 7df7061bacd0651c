"""Work on batches that other processes do, some at a time, so that no process ever holds all of them."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from genarris_fw.errors import InputError
from genarris_fw.orphans import die_with_parent

J = TypeVar("J")
R = TypeVar("R")
_AHEAD = 2  # batches that wait for each process


def shared_out(work: Callable[[J], R], batches: Iterable[J], processes: int) -> Iterator[R]:
    """Yield what some work gives for every batch, in their order.

    Parameters
    ----------
    work : callable
        A function of a module; what it takes and gives can be pickled.
    batches : iterable
        Taken as they are needed.
    processes : int
        How many work; with fewer than two this one does. They are forked when the first batch is taken, and what is
        imported by then is theirs, too.

    Raises
    ------
    InputError
        Where one of them is killed; else what the work raises.
    """
    source = iter(batches)
    try:
        pool = ProcessPoolExecutor(processes, get_context("fork"), of_a_command) if processes > 1 else None
    except (OSError, ImportError, NotImplementedError):  # a machine without semaphores: no /dev/shm, for example
        pool = None
    if pool is None:
        yield from map(work, source)
        return
    waiting: deque[Future[R]] = deque()
    try:
        for batch in islice(source, _AHEAD * processes):
            waiting.append(pool.submit(work, batch))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, batch) for batch in islice(source, 1))
    except BrokenProcessPool:
        raise InputError("a process was killed (is the memory full?): begin again") from None
    finally:
        pool.shutdown(cancel_futures=True)


def of_a_command() -> None:
    """Leave Ctrl-C, which a terminal sends to all its processes, to the one that waits for this one; end with it."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
