"""How texts that others wrote are shown: as one line, without escape sequences, and never a URI with its password."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST_QUOTE = 80
_COULD_BE_URI = re.compile(r"mongodb(?:\+srv)?\s*(?::|//|%3a)|://.*@|^[^\s/]*:.*@", re.IGNORECASE | re.DOTALL)


_COULD_BE_WEBHOOK = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]*/.", re.IGNORECASE)


def could_be_uri(text: str) -> bool:
    """Tell whether a text could be somebody's URI of a database, right or wrong."""
    return _COULD_BE_URI.search(text) is not None


def printable(text: str) -> str:
    """Return a text as one line in which every character can be seen: no escape sequence reaches a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shown(text: object) -> str:
    """Return a text in quotes, as one short printable line; what could be a URI is not shown."""
    line = str(text)
    if could_be_uri(line) or _COULD_BE_WEBHOOK.search(line):
        return "(what could be a URI is not shown)"
    if len(line) > LONGEST_QUOTE:
        line = line[: LONGEST_QUOTE - 3] + "..."
    return f"'{printable(line)}'"


def nearest(word: str, names: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the name closest to `word`, or nothing."""
    by_lower = {name.lower(): name for name in names}
    lower = word.lower()
    close = difflib.get_close_matches(lower, list(by_lower), n=1, cutoff=0.6)
    if not close and len(lower) > 4:
        close = [name for name in by_lower if name.startswith(lower[:5])]
    return f" (did you mean '{by_lower[close[0]]}'?)" if close else ""
