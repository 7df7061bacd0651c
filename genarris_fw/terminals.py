"""Terminals that cannot show every character: what they lack is replaced by what says the same in ASCII.

A terminal, or a pipe, whose encoding is not of Unicode (``PYTHONIOENCODING=ascii``, a locale without UTF-8, cp1252)
would end a command at the first Å with a UnicodeEncodeError. Streams of Unicode are left as they are.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_HANDLER = "genarris_fw.replaced"
# What Unicode itself does not trace back to ASCII.
_SAID = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-",
    "→": "->", "←": "<-", "±": "+-", "×": "x", "·": ".", "≤": "<=", "≥": ">=", "≈": "~", "≡": "=", "≠": "!=",
    "∞": "inf", "∂": "d", "∑": "sum", "√": "sqrt", "°": " deg", "µ": "u",
    "‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"',
    "ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L", "•": "*", "✓": "v", "✔": "v", "✗": "x",
    "─": "-", "━": "-", "│": "|", "┃": "|",
}  # fmt: skip
_GREEK = "GREEK SMALL LETTER ", "GREEK CAPITAL LETTER "
_BOXES, _BLOCKS, _BRAILLE = range(0x2500, 0x2580), range(0x2580, 0x25A0), range(0x2800, 0x2900)


def in_ascii(character: str) -> str:
    """Return what stands for a character where it cannot be shown: its letter or its name in ASCII, else ``?``.

    Examples
    --------
    >>> [in_ascii(c) for c in "Å³Γ–€"]
    ['A', '3', 'Gamma', '-', '?']
    """
    if character in _SAID:
        return _SAID[character]
    name = unicodedata.name(character, "")
    for greek in _GREEK:
        if name.startswith(greek):
            letter = name.removeprefix(greek).partition(" ")[0].lower()
            return letter if greek == _GREEK[0] else letter.capitalize()
    code = ord(character)
    if code in _BOXES or code in _BLOCKS or code in _BRAILLE:
        return "+" if code in _BOXES else "#" if code in _BLOCKS else "*"
    plain = unicodedata.normalize("NFKD", character)
    if plain == character:
        return "?"
    parts = (part for part in plain if not unicodedata.combining(part))
    return "".join(part if part.isascii() else in_ascii(part) for part in parts) or "?"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(in_ascii, error.object[error.start : error.end])), error.end


codecs.register_error(_HANDLER, _replaced)


class _Replacing(io.TextIOBase):
    """A text stream in front of another one, which gets only what it can show.

    It has no ``buffer``: click would write UTF-8 there where the encoding is ASCII.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream behind."""
        return self._stream.encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What is done with what cannot be encoded."""
        return _HANDLER

    def write(self, text: str) -> int:
        """Write a text with what can be shown."""
        self._stream.write(text.encode(self.encoding, _HANDLER).decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush the stream behind."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream behind."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True


@contextmanager
def everything_shown() -> Iterator[None]:
    """Have standard output and standard error replace what they cannot show, inside the ``with``."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_replacing(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _replacing(stream: TextIO) -> TextIO:
    """Return a stream that replaces what this one cannot show; this one itself where that is nothing."""
    encoding = getattr(stream, "encoding", None)
    if not encoding or codecs.lookup(encoding).name.startswith("utf"):
        return stream
    return _Replacing(stream)  # type: ignore[return-value]


def coloured(stream: TextIO) -> bool:
    """Tell whether a stream gets colours: a terminal that has them, unless the environment says otherwise.

    ``NO_COLOR`` forbids them (no-color.org), ``FORCE_COLOR`` and ``CLICOLOR_FORCE`` want them in a pipe too,
    ``CLICOLOR=0`` does not want them; the first of these that is there decides.
    """
    if os.environ.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if os.environ.get(name, "0") not in ("", "0"):
            return True
    return os.environ.get("CLICOLOR") != "0" and redraws(stream)


def redraws(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal on which lines can be drawn anew."""
    return bool(stream and stream.isatty()) and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
