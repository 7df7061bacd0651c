"""The types of what a queueing system is asked for: times, memory, and names that land in a job script."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.types import Said, words

LONGEST_SECONDS = 366 * 86400
LARGEST_MB = 10**9
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
# As SLURM, PBS and SGE count: 1 GB = 1024 MB.
_MB = {"M": 1, "G": 1024, "T": 1024**2}


def duration(text: Any) -> int:
    """Read a time that no two queueing systems could understand differently; return seconds.

    A bare number is minutes for SLURM and seconds for PBS, ``04:00`` is four minutes for one and hours for others:
    neither is taken. Of a step that is resolved already it is seconds.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return within(text, LONGEST_SECONDS)
    value = words(text)
    clock = re.fullmatch(r"(?:(\d{1,3})-)?(\d{1,4})(?::(\d\d)(?::(\d\d))?)?", value, flags=re.ASCII)
    if clock and (clock[1] or clock[4]):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        if minutes > 59 or seconds > 59 or (clock[1] and hours > 23):
            raise ValueError("not a time")
        result: float = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    else:
        amount = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)", value, flags=re.ASCII | re.IGNORECASE)
        if not amount or amount[2].lower() not in _SECONDS:
            raise ValueError("not a time")
        result = float(amount[1]) * _SECONDS[amount[2].lower()]
    return within(result, LONGEST_SECONDS)


def memory(text: Any) -> int:
    """Read an amount of memory with its unit; return MB, rounded up. Of a step that is resolved already it is MB."""
    if isinstance(text, int) and not isinstance(text, bool):
        return within(text, LARGEST_MB)
    amount = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([MGT])(?:i?B)?", words(text), flags=re.ASCII | re.IGNORECASE)
    if not amount:
        raise ValueError("not an amount of memory")
    return within(-(-float(amount[1]) * _MB[amount[2].upper()] // 1), LARGEST_MB)


def within(value: float, most: int) -> int:
    """Return a number of seconds or MB that a job can have."""
    if not 1 <= value <= most:
        raise ValueError("not what a job can have")
    return int(value)


def plain_name(text: Any) -> str:
    """Read a name that is the same in a shell, in a job script and in a query: nothing in it has a meaning there."""
    value = words(text)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,99}", value) or value == "__none__":
        raise ValueError("not a plain name")
    return value


Duration = Annotated[
    int,
    BeforeValidator(duration),
    Said("str", "hours:minutes:seconds, days-hours:minutes:seconds, or a number with the unit s, min, h or d"),
]
Memory = Annotated[
    int, BeforeValidator(memory), Said("str", "a number with the unit MB, GB or TB, such as 4000MB or 4GB")
]
PlainName = Annotated[
    str,
    BeforeValidator(plain_name),
    Said("str", "a name of letters, digits and any of _ . : @ -, starting with a letter, digit or _"),
]
