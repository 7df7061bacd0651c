"""How numbers are worded in every view."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """Return a time span in the units a person would choose; empty for None."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def core_time(core_seconds: float | None) -> str:
    """Return core-seconds in the units a person would choose: core s, core min, core h; empty for None."""
    if core_seconds is None:
        return ""
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        number = core_seconds / seconds
        if number < 599.5 or unit == "h":
            return f"{number:.1f} core {unit}" if number < 99.95 else f"{number:,.0f} core {unit}"
    raise AssertionError("unreachable")


def rate(per_second: float | None) -> str:
    """Return a rate per second, minute or hour, whichever gives a number that can be read."""
    if not per_second:
        return ""
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        if per_second * seconds >= 1 or unit == "h":
            return f"{per_second * seconds:.3g}/{unit}"
    raise AssertionError("unreachable")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 structure``, ``2 structures``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
