"""How many threads a computation may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_limited = False  # the limit holds for the whole process


def default_threads() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def import_numpy_on_one_thread() -> None:
    """Import numpy without the threads that its linear algebra starts at once, one a core.

    They are a tenth of what a short command costs. The environment is left as it was, for what the command starts.
    """
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ:
        return
    os.environ[name] = "1"
    import numpy  # noqa: F401

    del os.environ[name]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenMP and linear algebra use one thread within a ``with`` block, or a function that is decorated.

    Matrices of some dozen rows are no quicker on several, which spin while they wait: a search took twice the CPU time.
    And numbers are added in one order, whatever the machine.
    """
    global _limited
    if _limited:  # finding the libraries takes as long as some steps of a minimisation
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        _limited = True
        try:
            yield
        finally:
            _limited = False
