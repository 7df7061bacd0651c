"""Write the notebooks of examples/notebooks as pages, docs/notebooks/*.md, with what their cells show.

They are carried out when the documentation is built, where they have changed since: one of them beside the demo's run,
which takes a minute or two, in a folder that is removed.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from genarris_fw.version import __version__

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "examples" / "notebooks"
FOLDER = "notebooks"


def write(app: Sphinx) -> None:
    """Write the pages of notebooks that have changed since they were written."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    found = {path: _mark(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    changed = {path: mark for path, mark in found.items() if mark not in _text(folder, path)}
    if not changed:
        return
    with tempfile.TemporaryDirectory() as clone:
        place = Path(clone)
        shutil.copytree(ROOT / "examples", place / "examples")
        finished_run(place / "examples" / "urea", place / "runs" / "urea")
        for path, mark in changed.items():
            page = page_of(executed(path, place / "examples" / "notebooks"), folder, path.stem)
            (folder / f"{path.stem}.md").write_text(f"{page}\n{mark}\n", encoding="utf-8")


def _mark(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes() + __version__.encode()).hexdigest()
    return f"% made of {path.name}, {digest}"


def _text(folder: Path, path: Path) -> str:
    page = folder / f"{path.stem}.md"
    return page.read_text(encoding="utf-8") if page.exists() else ""


def finished_run(example: Path, folder: Path) -> None:
    """Carry out the demo in a folder, in a database of its own."""
    shutil.copytree(example, folder)
    program = Path(sys.executable).with_name("genarris-fw")
    without = {name: value for name, value in os.environ.items() if name != "GENARRIS_FW_URI"}
    subprocess.run([program, "run", folder / "ui.conf"], check=True, env=without, stdout=subprocess.DEVNULL)


def executed(path: Path, place: Path) -> Any:
    """Return a notebook with what its cells show, carried out in a folder."""
    import nbformat
    from nbclient import NotebookClient

    cells = nbformat.read(path, as_version=4)
    NotebookClient(cells, timeout=300, resources={"metadata": {"path": str(place)}}).execute()
    return cells


def page_of(cells: Any, folder: Path, name: str) -> str:
    """Return the text of a page; pictures are written into its folder."""
    parts = []
    for number, cell in enumerate(cells.cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += _shown(cell.outputs, folder, f"{name}_{number:02d}.png")
    return "\n\n".join(parts) + "\n"


def _shown(outputs: Any, folder: Path, picture: str) -> Iterator[str]:
    """Yield what the outputs of a cell are on a page: a picture, a table, or text."""
    for output in outputs:
        data = output.get("data", {})
        if "image/png" in data:
            (folder / picture).write_bytes(base64.b64decode(data["image/png"]))
            yield f"![What the cell shows]({picture})"
        elif "text/html" in data:
            yield f'```{{raw}} html\n<div class="notebook-table">\n{_html(data["text/html"])}\n</div>\n```'
        elif text := output.get("text") or data.get("text/plain"):
            yield f"```text\n{text.rstrip()}\n```"


def _html(text: str) -> str:
    """Return a table without the style that pandas gives it."""
    return re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL).strip()


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx when to write."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
