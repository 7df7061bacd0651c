"""Text that somebody else wrote: in which encoding it is, and with which ends of lines."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from genarris_fw.errors import InputError

# A byte order mark says it; the longer ones first, since that of UTF-16 begins as that of UTF-32 does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"(\xb5/\xfd", "zstandard"),
)
# Bytes and characters that stand in no text: all of ASCII's controls but tab, ends of lines and pages, escape, and the
# end of file that DOS wrote.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1c-\x1f\x7f]")
_ENDS = re.compile(r"\r\n?")
_CP1252_LACKS = b"\x81\x8d\x8f\x90\x9d"


class Text(NamedTuple):
    """A text, and what must be said of its encoding ('' for UTF-8)."""

    text: str
    note: str


def decoded(content: bytes) -> Text:
    r"""Return a file's bytes as text, whose lines end in ``\n``.

    UTF-8, and what a byte order mark tells, are taken without a word. Without a mark UTF-16 is told by the zeros of its
    plain letters. What is none of these is a text of one byte a letter: Windows-1252, or latin-1 (ISO 8859-1) where it
    has nothing of what Windows adds.

    Parameters
    ----------
    content : bytes
        A whole file.

    Raises
    ------
    InputError
        What it is instead of a text, for a message that begins with the path.
    """
    for begins, name in _COMPRESSED:
        if content.startswith(begins):
            raise InputError(f"is compressed ({name}); unpack it first")
    text, encoding = _decoded(content)
    text = _ENDS.sub("\n", text)
    if text.endswith("\x1a"):
        text = text.rstrip("\x1a")
    if found := _CONTROL.search(text):
        if found[0] == "\0":
            raise InputError(f"not a text file: a NUL character in line {_line(text, found.start())}")
        raise InputError(f"not a text file: the control character {found[0]!a} in line {_line(text, found.start())}")
    note = "" if encoding == "utf-8" else f"taken as {encoding}, since it is not UTF-8"
    return Text(text, note)


def _decoded(content: bytes) -> tuple[str, str]:
    for mark, name in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(name), name.removesuffix("-le").removesuffix("-be")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"not a text file: it begins as {name}, but byte {error.start + 1} is none; save it as UTF-8"
                ) from None
    if b"\0" not in content:
        try:
            return content.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            return _of_single_bytes(content)
    wide = _utf_16_without_mark(content)
    return (content.decode("utf-8", "replace"), "utf-8") if wide is None else wide


def _utf_16_without_mark(content: bytes) -> tuple[str, str] | None:
    """Every other byte of a plain text in UTF-16 is zero, and none of those between."""
    for name, low, high in (("utf-16-le", 0, 1), ("utf-16-be", 1, 0)):
        zeros = content[high::2].count(0)
        if len(content) % 2 == 0 and b"\0" not in content[low::2] and zeros > 0.4 * len(content):
            try:
                return content.decode(name), "utf-16"
            except UnicodeDecodeError:
                return None
    return None


def _of_single_bytes(content: bytes) -> tuple[str, str]:
    """Windows-1252 where it has what latin-1 lacks; a byte that neither has is shown as what cannot be shown."""
    if any(0x80 <= byte < 0xA0 for byte in set(content)):
        odd = " with letters that cannot be read" if not set(_CP1252_LACKS).isdisjoint(content) else ""
        return content.decode("cp1252", "replace"), f"windows-1252{odd}"
    return content.decode("latin-1"), "latin-1"


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
