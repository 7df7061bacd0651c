"""ui.conf as text: sections, options and their line numbers, without any meaning yet.

The format is the one of Python's configparser (chapter 2.1 of the manual) with three differences: the case of a
section's name does not matter, ``%`` is a plain character, and a comment behind a value is taken off where that is
clear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from genarris_fw.options.problems import Remarks, quoted

_HEADER = re.compile(r"\[(?P<name>[^\[\]]+)\]\s*(?:[#;].*)?$")
_OPTION = re.compile(r"(?P<name>[^=:]*?)\s*[=:]\s*(?P<value>.*)$")
_LOOKS_LIKE_OPTION = re.compile(r"[A-Za-z_]\w*\s*[=:](?!/)")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass
class Entry:
    """One option as written: name, text of the value, line number."""

    name: str
    text: str
    line: int
    indent: int = 0


@dataclass
class Section:
    """One section as written: name, line number of its header, options in order."""

    name: str
    line: int
    entries: list[Entry] = field(default_factory=list)


def split_comment(text: str) -> tuple[str, str]:
    """Split a value from a comment behind it.

    A comment starts at a ``#`` or at a ``;`` followed by a space, either after whitespace and outside quotes.

    Parameters
    ----------
    text : str
        What follows the ``=`` of an option.

    Returns
    -------
    value, comment : str
        Both stripped; `comment` is empty where there is none.
    """
    quote, before = "", " "
    for i, c in enumerate(text):
        if quote:
            if c == quote and before != "\\":
                quote = ""
        elif c in "'\"" and (before.isspace() or before in _OPENING + ",:"):
            quote = c
        elif before.isspace() and (c == "#" or (c == ";" and text[i + 1 : i + 2] in ("", " ", "\t"))):
            return text[:i].strip(), text[i:].strip()
        before = c
    return text.strip(), ""


def _is_open(text: str) -> bool:
    return sum(text.count(c) for c in _OPENING) > sum(text.count(c) for c in _CLOSING)


class _Reader:
    """Goes through the lines once; `section` and `entry` are the ones still open."""

    def __init__(self, remarks: Remarks) -> None:
        self.remarks = remarks
        self.sections: list[Section] = []
        self.section: Section | None = None
        self.entry: Entry | None = None

    def line(self, number: int, raw: str) -> None:
        text = raw.strip()
        if not text or text[0] in "#;":
            return
        indent = len(raw) - len(raw.lstrip())
        if self.entry and (indent > self.entry.indent or text[0] in _CLOSING):
            self._continue(number, text, self.entry)
        elif text.startswith("["):
            self._header(number, text)
        else:
            self._option(number, text, indent)

    def _continue(self, number: int, text: str, entry: Entry) -> None:
        value, comment = split_comment(text)
        if _LOOKS_LIKE_OPTION.match(value) and not _is_open(entry.text):
            self.remarks.problem(
                number,
                f"{quoted(value)} is indented, which continues the value of {quoted(entry.name)} "
                f"(line {entry.line}); an option must start where the line above starts",
                self.section.name if self.section else "",
            )
            return
        self._comment(number, comment)
        entry.text = f"{entry.text} {value}".strip()

    def _header(self, number: int, text: str) -> None:
        self.entry = None
        match = _HEADER.match(text)
        if not match or not match["name"].strip():
            self.remarks.problem(number, f"{quoted(text)} is not a section header; expected [name]")
            self.section = None
            return
        self.section = Section(match["name"].strip(), number)
        self.sections.append(self.section)

    def _option(self, number: int, text: str, indent: int) -> None:
        self.entry = None
        match = _OPTION.match(text)
        where = self.section.name if self.section else ""
        if not match or not match["name"]:
            self.remarks.problem(
                number, f"{quoted(text)} is neither a [section] nor an option; expected name = value", where
            )
            return
        if self.section is None:
            if not self.sections:
                self.remarks.problem(number, f"option {quoted(match['name'])} stands before the first [section]")
            return
        value, comment = split_comment(" " + match["value"])
        self._comment(number, comment)
        self.entry = Entry(match["name"], value, number, indent)
        self.section.entries.append(self.entry)

    def _comment(self, number: int, comment: str) -> None:
        if comment:
            where = self.section.name if self.section else ""
            self.remarks.notice(number, f"{quoted(comment)} behind the value is taken as a comment", where)


def read_text(text: str, remarks: Remarks) -> list[Section]:
    """Read the sections of a ui.conf.

    Parameters
    ----------
    text : str
        The file's content.
    remarks : Remarks
        Where lines that are no section and no option, options without a value and comments behind values go.

    Returns
    -------
    list of Section
        In the order of the file; duplicates are kept, to be judged by who knows the names' synonyms.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = _Reader(remarks)
    for number, raw in enumerate(lines, 1):
        reader.line(number, raw)
    for section in reader.sections:
        for entry in section.entries:
            if not entry.text:
                remarks.problem(
                    entry.line,
                    f"option {quoted(entry.name)} has no value; give one or delete the line",
                    section.name,
                )
        section.entries = [entry for entry in section.entries if entry.text]
    return reader.sections
