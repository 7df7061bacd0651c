"""The messages that the page on troubleshooting quotes are those of the code; the pages that messages name are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from documented.blocks import DOCS, ROOT

PAGE = DOCS / "troubleshooting.md"
QUOTED = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(), re.M)
# What is no message: what one sees of a command.
SEEN = re.compile(r"status")


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts of a module, an f-string as one with a gap for each value."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        yield from texts(child)


@cache
def sources() -> tuple[str, ...]:
    found: set[str] = set()
    for path in sorted((ROOT / "genarris_fw").rglob("*.py")):
        found |= set(texts(ast.parse(path.read_text())))
    return tuple(found)


def parts(message: str) -> list[str]:
    """The pieces of a quoted message between what differs from case to case."""
    return [piece for piece in (part.strip(" ()'") for part in message.split("...")) if len(piece) > 3]


def test_many_messages_are_explained() -> None:
    assert len(QUOTED) > 55
    assert len(set(QUOTED)) == len(QUOTED)


@pytest.mark.parametrize("message", [one for one in QUOTED if not SEEN.fullmatch(one)])
def test_a_quoted_message_is_one_of_the_code(message: str) -> None:
    pieces = parts(message)
    assert pieces
    assert [piece for piece in pieces if not any(piece in text for text in sources())] == []


def test_a_message_that_is_not_there_is_noticed() -> None:
    assert not any("the moon is in the way" in text for text in sources())


def test_pages_that_the_code_names_are_there() -> None:
    named = {page for text in sources() for page in re.findall(r"\bdocs/[\w/-]+\.md\b", text)}
    assert len(named) > 4
    assert sorted(page for page in named if not Path(ROOT, page).is_file()) == []
