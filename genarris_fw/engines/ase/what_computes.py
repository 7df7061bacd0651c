"""What a calculator computes with beside its package: programs that it starts, files that it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genarris_fw.engines.content import content_digest

# What ASE's calculators call the program that they start.
_OF_A_PROGRAM = ("command", "profile")


def starts_a_program(calculator: Any) -> bool:
    """Tell whether a calculator, or its class, starts a program of its own."""
    return any(hasattr(calculator, name) for name in _OF_A_PROGRAM)


def files_among(settings: Mapping[str, Any]) -> list[str] | None:
    """Return the digests of the files that a factory's keywords name; None where they name a folder."""
    found = []
    for text in sorted(set(_texts(settings))):
        try:
            path = Path(text)
            if path.is_dir():
                return None
            if path.is_file():
                found.append(f"{path.name} {content_digest(path)}")
        except (OSError, ValueError):  # no name of a file
            continue
    return found


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value of lists and dictionaries."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
