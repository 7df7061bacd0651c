"""No other room looks into the collections of the catalogue: it asks the catalogue, by names from the field."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from genarris_fw.catalogue.documents import DOCUMENTS

PACKAGE = Path(__file__).parents[2] / "genarris_fw"
OURS = {*DOCUMENTS, "spare_structures", "meta"}
# Where the database itself is read and written whole: archives.
WHOLE = ("database",)


def looks(source: str) -> Iterator[int]:
    """The lines that take a collection of ours: ``x.collection``, ``x.db["runs"]``, ``x.db.runs``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(ast.Name("self"), "collection"):
                pass  # of something else: an object has it from a library
            case ast.Attribute(attr="collection"):
                yield node.lineno
            case ast.Subscript(ast.Attribute(attr="db" | "database"), ast.Constant(name)) if name in OURS:
                yield node.lineno
            case ast.Attribute(ast.Attribute(attr="db" | "database"), name) if name in OURS:
                yield node.lineno


def test_no_other_room_takes_a_collection() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("catalogue", *WHOLE)
        for line in looks(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "catalogue.runs.collection.find({})",
        "structures = self.catalogue.structures.collection",
        'launchpad.db["runs"].find_one({})',
        'self.database["work_items"].count_documents({})',
        "launchpad.db.leases.find()",
    ],
)
def test_it_would_be_seen(line: str) -> None:
    assert list(looks(line)) == [1]


@pytest.mark.parametrize(
    "line", ["launchpad.fireworks.find({})", 'catalogue.database["workflows"]', "catalogue.runs.get(run)"]
)
def test_what_others_may_do(line: str) -> None:
    assert list(looks(line)) == []
