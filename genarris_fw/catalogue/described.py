"""The tables of docs/catalogue.md: the fields of the documents, as their types declare them.

``python -m genarris_fw.catalogue.described docs/catalogue.md`` writes them into the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

from bson import ObjectId

from genarris_fw.catalogue.documents import DOCUMENTS

_HEAD = ("| field | type | meaning |", "|---|---|---|")
_WORDS = {str: "string", int: "int", float: "number", bool: "true or false", datetime: "date", ObjectId: "ObjectId"}
_SEVERAL = {str: "list of strings", int: "list of ints", float: "list of numbers", list[float]: "rows of numbers"}


def fields(document: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and meaning of every field of a document, those of objects within it under dotted names.

    Parameters
    ----------
    document : type
        One of `genarris_fw.catalogue.documents.DOCUMENTS`, or an object within.
    """
    for name, declared in get_type_hints(document, include_extras=True).items():
        kind, meaning, *keys = get_args(declared) if get_origin(declared) is Annotated else (declared, "")
        inner, dotted = _inner(kind), f"{name}.<{keys[0]}>" if keys else name
        yield name, word(kind), meaning
        if inner is not None:
            yield from ((f"{dotted}.{field}", of, about) for field, of, about in fields(inner))


def word(kind: Any) -> str:
    """Return what a type is called on the page."""
    parts = [part for part in get_args(kind) if part is not NoneType]
    if NoneType in get_args(kind):
        return f"{word(parts[0])} or null"
    if get_origin(kind) is list:
        return _SEVERAL.get(parts[0], "list of objects")
    return _WORDS.get(kind, "object")


def _inner(kind: Any) -> type | None:
    """Return the type of the objects within a field: of its own, or of each of its keys."""
    if get_origin(kind) is dict:
        kind = get_args(kind)[1]
    return kind if is_typeddict(kind) else None


def table(document: type) -> list[str]:
    """Return the lines of the table of a document's fields, as the page has it."""
    return [*_HEAD, *(f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in fields(document))]


def described(page: str) -> str:
    """Return the page with the table of fields under the heading of every collection as it has to be.

    Raises
    ------
    ValueError
        Where the page has no such heading, or no table below it.
    """
    lines = page.splitlines()
    for collection, document in DOCUMENTS.items():
        begin = lines.index(_HEAD[0], lines.index(f"## {collection}"))
        end = next(i for i in range(begin, len(lines)) if not lines[i].startswith("|"))
        lines[begin:end] = table(document)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(described(place.read_text(encoding="utf-8")), encoding="utf-8")
