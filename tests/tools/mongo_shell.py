"""The real Mongo shell, and the questions that docs/catalogue.md asks in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "catalogue.md"


def find_mongosh() -> str:
    """The shell: GENARRIS_FW_MONGOSH, PATH, or node_modules/.bin here; skips the test where there is none."""
    named = os.environ.get("GENARRIS_FW_MONGOSH")
    places = [place / "node_modules" / ".bin" / "mongosh" for place in (ROOT, Path.cwd())]
    for candidate in (named, shutil.which("mongosh"), *map(str, places)):
        if candidate and Path(candidate).exists():
            return candidate
    pytest.skip("no mongosh: npm install mongosh, or set GENARRIS_FW_MONGOSH to it")


def questions() -> dict[str, str]:
    """Title -> expression of every js block of the page."""
    pattern = r"^\*\*(.+?)\*\*.*\n(?:.+\n)*\n```js\n([^`]*)```"
    found = re.findall(pattern, PAGE.read_text(), re.MULTILINE)
    return {title: code.strip() for title, code in found}


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
