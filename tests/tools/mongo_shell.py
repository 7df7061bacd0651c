"""The real Mongo shell, and the questions that docs/queries.md asks in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "queries.md"


def find_mongosh() -> str:
    """The shell: GENARRIS_FW_MONGOSH, PATH, or node_modules/.bin here; skips the test where there is none."""
    named = os.environ.get("GENARRIS_FW_MONGOSH")
    places = [place / "node_modules" / ".bin" / "mongosh" for place in (ROOT, Path.cwd())]
    for candidate in (named, shutil.which("mongosh"), *map(str, places)):
        if candidate and Path(candidate).exists():
            return candidate
    pytest.skip("no mongosh: npm install mongosh, or set GENARRIS_FW_MONGOSH to it")


class Question(NamedTuple):
    """A question of the page: its expression, and what the page says comes out of it.

    Attributes
    ----------
    code : str
        For the shell.
    exactly : bool
        Whether the answer is the same in every run, and no mere example.
    rows : list
        The answer.
    """

    code: str
    exactly: bool
    rows: list[Any]


_SECTION = re.compile(
    r"^### (?P<title>.+)\n(?P<words>(?:(?!^#|^```).*\n)*)```js\n(?P<code>[^`]*)```\n\n"
    r"(?P<kind>The answer|For example):\n\n```json\n(?P<rows>[^`]*)```",
    re.MULTILINE,
)


def asked() -> dict[str, Question]:
    """Title -> question of the page, every one of its sections."""
    text = PAGE.read_text(encoding="utf-8")
    found = {
        one["title"]: Question(one["code"].strip(), one["kind"] == "The answer", json.loads(one["rows"]))
        for one in _SECTION.finditer(text)
    }
    assert list(found) == re.findall(r"^### (.+)$", text, re.MULTILINE), "a section of another form"
    return found


def questions() -> dict[str, str]:
    """Title -> expression of every question."""
    return {title: question.code for title, question in asked().items()}


def ask(uri: str, expressions: list[str], explain: bool = False) -> list[Any]:
    """Evaluate expressions in one shell; return their results (or plans) as plain JSON values."""
    ending = ".explain()" if explain else ""
    script = "const answers = [];\n"
    for code in expressions:
        script += f"{{ const found = (\n{code}\n){ending};\n"
        script += "answers.push(typeof found.toArray === 'function' ? found.toArray() : found); }\n"
    script += "print('ANSWERS' + EJSON.stringify(answers, { relaxed: true }));"
    command = [find_mongosh(), uri, "--quiet", "--norc", "--eval", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    answers: list[Any] = json.loads(done.stdout.partition("ANSWERS")[2])
    return answers


def stages(plan: Any) -> set[str]:
    """Every stage of a plan that won, wherever in the explanation it stands."""
    if isinstance(plan, list):
        return set().union(*map(stages, plan)) if plan else set()
    if not isinstance(plan, dict):
        return set()
    own = {plan["stage"]} if isinstance(plan.get("stage"), str) else set()
    parts = [value for key, value in plan.items() if key not in ("rejectedPlans", "command")]
    return own.union(*map(stages, parts)) if parts else own
