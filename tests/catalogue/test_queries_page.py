"""The questions of docs/queries.md, asked in the real Mongo shell of the runs that the page tells of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asked_runs import run_all
from databases import new_database
from mongo_shell import PAGE, Question, ask, asked, find_mongosh, stages

# Ids of crystals follow from the run: those of another machine may be others.
ID = re.compile(r"(crystal|geometry|molecule)_[0-9a-f]{16}")
ASKED = asked()
INDEXED = {"IXSCAN", "IDHACK", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN", "COUNT_SCAN"}


@pytest.fixture(scope="module")
def uri(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The database of the runs, carried out by the real command."""
    find_mongosh()
    with new_database(mongod) as made:
        run_all(made, tmp_path_factory.mktemp("asked"))
        yield made


@pytest.fixture(scope="module")
def answers(uri: str) -> dict[str, Any]:
    """Title -> what the shell answers, all in one shell."""
    found = ask(uri, [question.code for question in ASKED.values()])
    return dict(zip(ASKED, found, strict=True))


@pytest.fixture(scope="module")
def plans(uri: str) -> dict[str, Any]:
    """Title -> how the server finds the answer."""
    found = ask(uri, [question.code for question in ASKED.values()], explain=True)
    return dict(zip(ASKED, found, strict=True))


def test_there_are_thirty_and_more() -> None:
    assert len(ASKED) >= 30
    assert all(title.endswith("?") for title in ASKED)
    assert len(PAGE.read_text().split("```js\n")) == len(ASKED) + 1


@pytest.mark.parametrize(("title", "question"), ASKED.items(), ids=ASKED)
def test_the_answer_is_that_of_the_page(title: str, question: Question, answers: dict[str, Any]) -> None:
    rows = answers[title]
    assert rows and question.rows
    if question.exactly:
        assert plain(rows) == like(plain(question.rows))
    else:
        assert fields(rows) == fields(question.rows)


@pytest.mark.parametrize(("title", "question"), ASKED.items(), ids=ASKED)
def test_no_large_collection_is_read_from_end_to_end(title: str, question: Question, plans: dict[str, Any]) -> None:
    """Runs and replicas are few; all else is found by an index."""
    used = stages(plans[title])
    if question.code.startswith(("db.structures", "db.work_items", "db.artifacts")):
        assert "COLLSCAN" not in used and used & INDEXED, used
    if title == "Which have the lowest energy?":
        assert "SORT" not in used


def plain(value: Any) -> Any:
    """A value with ids of crystals as their kind alone."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return ID.sub(r"\1", value) if isinstance(value, str) else value


def like(value: Any) -> Any:
    """What the page shows, to as many digits as it does."""
    if isinstance(value, dict):
        return {name: like(one) for name, one in value.items()}
    if isinstance(value, list):
        return [like(one) for one in value]
    return pytest.approx(value, rel=2e-3, abs=2e-2) if isinstance(value, float) else value


def fields(value: Any, name: str = "") -> set[str]:
    """The dotted names of all values, of the rows of a list together, with what kind of value it is."""
    if isinstance(value, dict):
        return set().union(*(fields(one, f"{name}.{key}") for key, one in value.items()))
    if isinstance(value, list):
        return set().union(*(fields(one, f"{name}[]") for one in value))
    return {f"{name}: {'number' if isinstance(value, (int, float)) else type(value).__name__}"}
