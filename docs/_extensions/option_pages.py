"""Write the pages of options, docs/options/*.md, from the models whenever the documentation is built.

They are no files of the repository: ``genarris_fw.options.pages`` makes them, as ``genarris-fw options --markdown`` does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from genarris_fw.options.pages import pages

FOLDER = "options"
_NAMED = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def write(app: Sphinx) -> None:
    """Write what has changed, and remove the page of what is gone."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    texts = {f"{name}.md": text for name, text in pages().items()}
    for path in folder.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def link(app: Sphinx, page: str, source: list[str]) -> None:
    """Let the first column of the page of all sections lead to theirs, which GitHub has not."""
    if page == FOLDER:
        source[0] = _NAMED.sub(lambda found: f"| [{found[1]}]({FOLDER}/{found[1].lower()}.md) |", source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx when to write and to link."""
    app.connect("builder-inited", write)
    app.connect("source-read", link)
    return {"parallel_read_safe": True}
