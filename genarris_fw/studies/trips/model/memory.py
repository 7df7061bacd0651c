"""The memory that all pairs of zones take, said before any of it is taken."""

from __future__ import annotations

from genarris_fw.errors import InputError
from genarris_fw.memory import gigabytes, memory_here


def memory_of_pairs(categories: int, origins: int, destinations: int, arrays: float = 1) -> int:
    """Return the bytes of arrays of one float64 for each pair of zones of each category."""
    return int(8 * arrays * categories * origins * destinations)


def require_memory(needed: int, what: str, instead: str, available: int | None = None) -> None:
    """Refuse what has no room, before it begins.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        What needs them.
    instead : str
        What to do about it.
    available : int, optional
        Bytes that there are; by default those of this machine.

    Raises
    ------
    InputError
        It says what is needed, what there is, and what to do.
    """
    there = memory_here() if available is None else available
    if needed > there:
        raise InputError(f"{what} need {gigabytes(needed)}, and there are {gigabytes(there)}: {instead}")
