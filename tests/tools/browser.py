"""Pages in a real browser: Chromium without a window, driven by playwright-core through node.

A test's script is the body of an async JavaScript function of ``page`` (playwright's, at the address already),
``given`` (what the test hands over) and ``context``; what it returns comes back as plain values::

    seen = visit(url, "await page.click('#form'); return await page.textContent('h1');")
    assert seen.result == "Form" and not seen.errors
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("browser.mjs")
# A machine on which others work, too.
SECONDS = 240


@dataclass(frozen=True)
class Visit:
    """What came of a visit.

    Attributes
    ----------
    result : Any
        What the script returned.
    errors : list of str
        Errors and warnings of the console, exceptions that nobody caught, requests that failed.
    requests : list of str
        The address of everything that was asked for, the page itself first; cut to 300 characters.
    """

    result: Any
    errors: list[str]
    requests: list[str]


def node_modules() -> Path:
    """The folder that holds playwright-core: GENARRIS_FW_NODE_MODULES, that of .ci/run, or node_modules here."""
    named = os.environ.get("GENARRIS_FW_NODE_MODULES")
    places = [ROOT / "build" / "ci-tools" / "node_modules", ROOT / "node_modules"]
    for place in [Path(named)] if named else places:
        if (place / "playwright-core").is_dir():
            return place
    pytest.skip("no playwright-core: npm install playwright-core, GENARRIS_FW_NODE_MODULES names its node_modules")


def programs() -> tuple[str, str]:
    """Node and Chromium; skips the test where one is missing."""
    found = []
    for names, package in ((("node",), "nodejs"), (("chromium", "chromium-browser", "google-chrome"), "chromium")):
        program = next(filter(None, map(shutil.which, names)), None)
        if program is None:
            pytest.skip(f"no {names[0]} on this machine: apt-get install {package}")
        found.append(program)
    return found[0], found[1]


def visit(
    url: str,
    script: str = "",
    given: Any = None,
    *,
    dark: bool = False,
    size: tuple[int, int] = (1200, 900),
    patience: float = 30.0,
    **context: Any,
) -> Visit:
    """Open an address and carry out a script there.

    Parameters
    ----------
    url : str
        ``file://...`` or ``http://...``.
    script : str
        Body of an async function of ``page``, ``given`` and ``context``.
    given : Any
        Plain values for the script.
    dark : bool
        Whether the reader prefers dark pages.
    size : (int, int)
        Width and height of the view, pixels.
    patience : float
        How long a single wait of the script may take, s.
    **context
        Further options of playwright's ``newContext``.
    """
    node, chromium = programs()
    about = {
        "modules": str(node_modules()),
        "chromium": chromium,
        "url": url,
        "script": script,
        "given": given,
        "patience": 1000 * patience,
        "context": {
            "colorScheme": "dark" if dark else "light",
            "viewport": {"width": size[0], "height": size[1]},
            **context,
        },
    }
    done = subprocess.run(
        [node, str(RUNNER)], input=json.dumps(about), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer = json.loads(done.stdout)
    assert "failure" not in answer, f"{answer['failure']}\n{answer['errors']}"
    return Visit(answer["result"], answer["errors"], answer["requests"])
