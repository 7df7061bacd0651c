"""How numbers and results are worded in every view."""

from __future__ import annotations

from typing import Any

# What of a step's summary says in a few words what came out; `{}` stands for the number.
RESULTS = {
    "structures": "{} structures",
    "space_groups": "in {} space groups",
    "empty_groups": "{} groups gave none",
    "duplicates": "{} duplicates left out",
    "relabelled": "{} relabelled to a larger group",
    "refused": "{} not pressed",
    "undescribed": "{} without descriptor",
    "uncompared": "{} could not be compared",
    "clusters": "{} clusters",
    "evaluated": "{} evaluated",
    "relaxed": "{} relaxed",
    "unconverged": "{} not converged",
    "reacted": "{} reacted",
    "collapsed": "{} collapsed",
    "rkmax": "rkmax {:g} is enough",
    "kendall_tau": "Kendall τ {:.2f}",
    "mean_delta_wien2k": "Delta {:.2f} meV/atom",
    "volume_mean": "cell of {:.1f} Å³",
    "point_group_after": "point group {}",
}


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


def result(summary: dict[str, Any] | None) -> str:
    """Return in a few words what a step gave, from its summary."""
    found = {name: value for name, value in (summary or {}).items() if name in RESULTS and value not in (None, 0)}
    if "structures" in found:
        found.pop("volume_mean", None)  # the generation repeats what the estimate found
    words = ", ".join(_number(RESULTS[name], found[name]) for name in RESULTS if name in found)
    return words.replace(" structures, in ", " structures in ").replace(" structure, in ", " structure in ")


def _number(words: str, value: Any) -> str:
    """Return the words with their number; of one there is no plural."""
    if value != 1:
        return words.format(value)
    for plural in ("structures", "clusters", "groups", "duplicates"):
        words = words.replace(plural, plural[:-1])
    return words.format(value)
