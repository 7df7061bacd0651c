"""What the C library does with the memory that arrays leave behind."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3  # of malloc.h
LARGE = 2**19  # bytes


def give_back_large_pieces() -> None:
    """Give memory of half a megabyte and more back as soon as it is free.

    The GNU C library raises that limit to 32 MB as it goes, and keeps what is smaller for every thread: after a while
    that was 200 MB for pools of a million structures. Other C libraries have no such limit.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
