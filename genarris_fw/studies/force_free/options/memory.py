"""Whether a machine has the memory for something, said before any of it is taken."""

from __future__ import annotations


def too_little(needed: int, memory: int | None, what: str, instead: str) -> list[str]:
    """Return a line where there is too little memory, none where there is enough, or nobody knows.

    Parameters
    ----------
    needed : int
        Bytes.
    memory : int or None
        The option ``memory``, MB: what each replica's job has; else what this machine has free.
    what, instead : str
        What needs it, and what can be done.
    """
    import psutil

    free = memory * 2**20 if memory is not None else int(psutil.virtual_memory().available)
    if needed <= free:
        return []
    return [f"{what} needs {_amount(needed)} of memory, and there are {_amount(free)}: {instead}"]


def _amount(number: float) -> str:
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number / 2**20:.0f} MB"
