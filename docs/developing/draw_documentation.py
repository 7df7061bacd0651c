"""Take the picture of the documentation's front page: docs/figures/documentation.png.

    make docs
    python docs/developing/draw_documentation.py

Needs node, chromium and playwright-core, as the tests of pages do (docs/developing/testing.md).
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "figures" / "documentation.png"

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests" / "tools"))
    from browser import visit

    page = ROOT / "build" / "docs" / "index.html"
    seen = visit(page.as_uri(), "await page.screenshot({ path: given });", str(PICTURE), size=(1280, 900))
    assert not seen.errors, seen.errors
