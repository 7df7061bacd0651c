"""The page's sources: their types, their habits, and that nothing in them leads elsewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from browser import node_modules, programs

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "genarris_fw" / "web" / "static"
HERE = Path(__file__).parent


def checked(tool: str, *words: str) -> str:
    """Run a tool of node over the sources and return what it found."""
    program = node_modules() / ".bin" / tool
    if not program.exists():
        pytest.skip(f"no {tool}: npm install typescript eslint where playwright-core is")
    programs()
    done = subprocess.run([str(program), *words], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def test_types() -> None:
    assert checked("tsc", "-p", str(HERE / "jsconfig.json")) == ""


def test_habits() -> None:
    sources = str((STATIC / "js").relative_to(ROOT))
    assert checked("eslint", "--max-warnings", "0", "--config", str(HERE / "eslint.config.mjs"), sources) == ""


@pytest.mark.parametrize("file", sorted(STATIC.rglob("*.*")), ids=lambda file: file.name)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`)]*", re.sub(r"(?m)^\s*//.*$|^\s*\*.*$", "", text)))
    assert named <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=\"|\bstyle=\"", text if file.suffix == ".html" else "")


def test_what_the_page_asks_for_is_there() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert all((STATIC / name).is_file() for name in re.findall(r'"/static/([^"]+)"', page))
    ids = set(re.findall(r'\bid="([\w-]+)"', page))
    asked = {
        name
        for file in STATIC.rglob("*.js")
        for name in re.findall(r'byId\("([\w-]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert asked <= ids
