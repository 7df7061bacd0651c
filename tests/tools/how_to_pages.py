"""The packages that the how-to pages of docs/developing/ show: every block of code that begins with a file's name."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from installed_packages import Package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGES = Path(__file__).resolve().parents[2] / "docs" / "developing"
_BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w/.-]+\.(?:py|toml|cfg|conf))\n")
_BESIDE = ("ui.conf", "tests/")  # what a page shows beside its package


def read_page(page: str) -> str:
    """Return a page's text."""
    return (PAGES / page).read_text(encoding="utf-8")


def files_of(page: str) -> dict[str, str]:
    """Return the files that a page shows, by their paths."""
    named = _named_blocks(page)
    assert len(dict(named)) == len(named) > 0, f"{page}: a file twice, or none"
    return dict(named)


def changes_of(page: str) -> list[tuple[str, str, str]]:
    """Return the changes that a page shows as diffs: path, the lines before and after."""
    changes = []
    for path, block in _named_blocks(page):
        lines = block.splitlines(keepends=True)[1:]
        before, after = ("".join(line[1:] for line in lines if line[0] != other) for other in "+-")
        changes.append((path, before, after))
    return changes


def _named_blocks(page: str) -> list[tuple[str, str]]:
    return [(found[1], block) for block in _BLOCK.findall(read_page(page)) if (found := _NAMED.match(block))]


def package_of(page: str) -> Package:
    """Return what pip would install from the files that a page shows."""
    files = {path: text for path, text in files_of(page).items() if not path.startswith(_BESIDE)}
    about = tomllib.loads(files.pop("pyproject.toml"))
    project, wanted = about["project"], about["tool"]["setuptools"]["packages"]
    assert all(Path(path).parts[0] in wanted for path in files), f"{page}: a file that is in no package"
    return Package(project["name"], files, project["entry-points"], project["version"])
