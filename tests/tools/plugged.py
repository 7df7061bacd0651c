"""Distributions made up in a folder, as if they were installed in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from genarris_fw.declaring.door import forget

DEVELOPING = Path(__file__).parents[2] / "docs" / "developing"


def distribution(folder: Path, name: str, entry_points: str, files: dict[str, str]) -> None:
    """Write a package and what an installer would write beside it."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)


def blocks(page: str, language: str) -> list[str]:
    """Return the code of a page of docs/developing in one language."""
    text = (DEVELOPING / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def entry_points_of(toml: str) -> str:
    """Return the entry points of a pyproject.toml as an installer writes them."""
    groups = re.sub(r'\[project\.entry-points\."([\w.]+)"\]', r"[\1]", toml)
    return re.sub(r'= "([\w.:]+)"', r"= \1", groups)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Have what is in a folder installed in this process, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        forget()
        yield
    forget()
