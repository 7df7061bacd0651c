"""The page: everything in one file, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from genarris_fw.version import __version__
from genarris_fw.views.report.content import Content
from genarris_fw.views.report.points import packed
from genarris_fw.views.report.sections import molecule_of, tiles_of
from genarris_fw.views.report.tables import Section
from genarris_fw.views.report.thumbnails import drawing

PARTS = Path(__file__).parent / "parts"
SCRIPTS = ("decode.js", "look.js", "landscape.js", "main.js")


def page(found: Content, sections: list[Section], folder: str) -> str:
    """Return the HTML of a report.

    Parameters
    ----------
    found : Content
        What is known.
    sections : list of Section
        What stands in it.
    folder : str
        Where the pictures lie, beside the file.

    Returns
    -------
    str
        All names and texts of the run are escaped; the page allows no script but its own and loads nothing.
    """
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    molecule = molecule_of(found)
    text: str = _template().render(
        run=found.run,
        kind="run" if found.without_structures else "crystal structure prediction",
        state=found.state["state"],
        subtitle=_subtitle(found),
        notices=_notices(found),
        tiles=tiles_of(found),
        molecule=drawing(molecule.to_structure(), "the molecule") if molecule is not None else "",
        sections=sections,
        points=_points(found),
        css=(PARTS / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=f"sha256-{digest}",
        version=__version__,
        made=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        folder=folder,
    )
    return text


def _points(found: Content) -> dict[str, Any] | None:
    if not found.landscapes:
        return None
    pool = found.pool
    assert pool is not None
    rows = {pool.ids[row]: f"best-{place + 1}" for place, row in enumerate(found.best)}
    return {"pools": [packed(one) for one in found.landscapes], "rows": rows}


def _subtitle(found: Content) -> str:
    words = [f"begun {found.state['created'][:16].replace('T', ' ')} UTC"]
    if found.pool is not None:
        words.append(f"pool {found.pool.name}")
    return ", ".join(words)


def _notices(found: Content) -> list[dict[str, Any]]:
    """Return what has to be said first: a run that is not over, or failed."""
    state = found.state
    if state["failure"]:
        return [{"words": f"This run failed: {state['failure']} The report shows what there is.", "bad": True}]
    if state["state"] in ("finished", "imported"):
        return []
    running = ", ".join(step["name"] for step in state["steps"] if step["state"] == "running")
    where = f" ({running} is at work)" if running else ""
    return [
        {
            "words": f"This run is not over: {state['state']}{where}. The report shows what there is so far.",
            "bad": False,
        }
    ]


@cache
def _script() -> str:
    """Return the page's JavaScript, in a scope of its own."""
    parts = "\n".join((PARTS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f"(() => {{\n'use strict';\n{parts}\n}})();"


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here, since it is slow to import

    made = Environment(
        loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.get_template("page.html.jinja")
