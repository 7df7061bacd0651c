"""The pages of the documentation and their blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
MADE = (DOCS / "options", DOCS / "notebooks")
# What belongs to the documentation: what a person reads who uses the program or works on it.
PAGES = sorted(
    path
    for path in (
        *DOCS.rglob("*.md"),
        *(ROOT / "examples").rglob("README.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    )
    if path.parent not in MADE  # made when the documentation is built
)
_FENCE = re.compile(r"^\s*(`{3,})(.*)$")


@dataclass(frozen=True)
class Block:
    """Code on a page.

    Attributes
    ----------
    page : str
        The page's path from the checkout's root.
    line : int
        The number of the first line of code, from 1.
    language : str
        What stands behind the fence; empty for a fence without, and for an indented block.
    text : str
        The code, without the indentation that all its lines have.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where it stands, for the name of a test."""
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    """Return a page's path from the checkout's root."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page: between fences, and indented by four spaces or more after an empty line."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        first = number + bool(fence)
        if fence:
            end = next((n for n in range(first, len(lines)) if lines[n].strip() == fence[1]), len(lines))
            number, language = end + 1, fence[2].strip()
        elif lines[number].startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            end = next((n for n in range(first, len(lines)) if lines[n][:4].strip()), len(lines))
            number, language = end, ""
        else:
            number += 1
            continue
        if not language.startswith("{"):  # a directive of MyST
            yield Block(name_of(page), first + 1, language, _without_indentation(lines[first:end]))


def _without_indentation(lines: list[str]) -> str:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines).rstrip() + "\n"


def without_code(text: str, inline: bool = True) -> str:
    """Return a page's text without its blocks of code, but for those of directives, and without code in its lines."""
    kept, fence = [], ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif found and not found[2].startswith("{"):
            fence = found[1]
        else:
            kept.append(line)
    joined = "\n".join(kept)
    return re.sub(r"`+[^`\n]*`+", "", joined) if inline else joined
