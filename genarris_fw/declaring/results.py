"""What came out of a step, in a few words that its procedure declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLURALS = ("structures", "clusters", "groups", "duplicates")


def in_words(results: Mapping[str, str], summary: Mapping[str, Any]) -> str:
    """Return in a few words what a step gave.

    Parameters
    ----------
    results : mapping
        Field of the summary -> words, in which ``{}`` stands for its number; in the order in which they are said.
    summary : mapping
        The step's summary; what is absent, None or 0 is not said.
    """
    found = [(words, summary[name]) for name, words in results.items() if summary.get(name) not in (None, 0)]
    said = ", ".join(_number(words, value) for words, value in found)
    return said.replace(" structures, in ", " structures in ").replace(" structure, in ", " structure in ")


def _number(words: str, value: Any) -> str:
    """Return the words with their number; of one there is no plural."""
    if value != 1:
        return words.format(value)
    for plural in _PLURALS:
        words = words.replace(plural, plural[:-1])
    return words.format(value)
