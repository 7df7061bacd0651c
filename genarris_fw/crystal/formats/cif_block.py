"""The data blocks of a crystallographic information file: what stands under a name, whichever dictionary it is of."""

from __future__ import annotations

import re
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.showing import printable

_PLACE = re.compile(r"string:(\d+)(?::\d+\(\d+\))?(?: in [^:]*)?: (.*)", re.DOTALL)
_MOST = 120


class Block:
    """One data block.

    Names are compared without regard to large and small letters, and ``_cell.length_a`` is ``_cell_length_a``: so those
    of CIF 1.1, of DDLm and of mmCIF are the same.
    """

    def __init__(self, block: Any) -> None:
        """Find where what stands."""
        self.name = str(block.name).strip()
        self._where: dict[str, tuple[Any, int]] = {}
        self._twice: set[str] = set()
        for item in block:
            if item.pair is not None:
                self._add(_plain(item.pair[0]), item.pair[1], -1)
            elif item.loop is not None:
                for column, tag in enumerate(item.loop.tags):
                    self._add(_plain(tag), item.loop, column)

    def _add(self, tag: str, what: Any, column: int) -> None:
        before = self._where.setdefault(tag, (what, column))
        if before[0] is what:
            return
        if column >= 0 or before[1] >= 0:
            self._twice.add(tag)
        elif _is_nothing(before[0]):
            self._where[tag] = (what, column)
        elif not _is_nothing(what) and what != before[0]:
            self._twice.add(tag)

    def has(self, tag: str) -> bool:
        """Tell whether something stands under a name."""
        return tag in self._where

    def column(self, *tags: str) -> list[str]:
        """Return the values under the first of some names that there is; '' for unknown ones (``?`` and ``.``).

        Raises
        ------
        InputError
            For a name that stands there twice.
        """
        for tag in tags:
            if tag in self._where:
                what, column = self._where[tag]
                if tag in self._twice:
                    raise InputError(f"{tag} stands there twice, with different values: leave one of them")
                values = [what] if column < 0 else what.values[column :: what.width()]
                return [_text(value) for value in values]
        return []

    def value(self, *tags: str) -> str:
        """Return the first known value under some names, '' for none."""
        return next((text.strip() for tag in tags for text in self.column(tag)[:1] if text.strip()), "")


def blocks_of(text: str) -> list[Block]:
    """Return the data blocks of a file.

    Raises
    ------
    InputError
        With the number of the line, where the file is no CIF.
    """
    from gemmi import cif

    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        document = cif.read_string(plain, check_level=0)
    except (ValueError, RuntimeError) as error:
        words = _in_our_words(str(error))
        if plain.startswith("#\\#CIF_2"):
            words += "; of CIF 2.0, lists, tables and triple quotes are not read"
        raise InputError(words) from None
    return [Block(block) for block in document]


def _in_our_words(message: str) -> str:
    match = _PLACE.match(message)
    if match is None:
        return f"not a CIF file ({printable(message)[:_MOST]})"
    line, reason = match[1], match[2]
    known = {
        "unterminated": "a quote or a text between semicolons is not closed",
        "Wrong number of values": "the loop that begins before has not as many values as names",
        "expected block header": "expected data_ and a name",
        "has no value": "a name has no value",
        "parse error": "expected a name, a value or loop_ (a text with blanks stands in quotes)",
    }
    told = next((words for begin, words in known.items() if begin in reason), printable(reason)[:_MOST])
    return f"line {line}: not a CIF file: {told}"


def _text(value: str) -> str:
    """A value without its quotes; '' for an unknown one, and for one that is missing."""
    if value[:1] in ("'", '"', ";"):
        from gemmi import cif

        return str(cif.as_string(value))
    return "" if value in ("?", ".") else value


def _is_nothing(value: str) -> bool:
    """Whether a value says nothing: unknown, even in quotes, or empty."""
    return _text(value).strip() in ("", "?", ".")


def _plain(tag: str) -> str:
    return tag.lower().replace(".", "_")
