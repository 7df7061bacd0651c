"""The pictures of docs/first-steps.md: what the demo prints, and its crystal in the explorer.

python docs/developing/draw_first_steps.py runs/urea [--out docs/figures]

Half a minute, after `make demo`. Needs node, chromium and playwright-core, as the tests of pages do (docs/developing/testing.md).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "tools"))
from browser import visit

GENARRIS = (str(Path(sys.executable).with_name("genarris-fw")),)
LINES = 32  # the stages, the measured crystal, and the energies of the search
WIDTH = 132
SIZE = (1200, 750)
EXPLORE = """
await page.click('#table tr[data-id]');
await page.waitForSelector('.stage[aria-busy="false"]');
await page.screenshot({ path: given.crystal });
await page.click('[title^="larger or smaller"]');
await page.click('.controls [data-part="experiment"]');
await page.waitForFunction(() => document.querySelector('.notes').textContent.includes('of 15'));
await page.waitForSelector('.stage[aria-busy="false"]');
await page.waitForTimeout(1000);
await page.locator('.stage').screenshot({ path: given.overlay });
"""


def terminal(run: Path, picture: Path) -> None:
    """Draw what the command prints for a finished run, as a terminal shows it."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    command = [*GENARRIS, "run", str(run / "ui.conf")]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in said.splitlines()[1 : LINES + 1]:
        console.print(Text.from_ansi(line), no_wrap=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "terminal.svg"
        drawn = console.export_svg(title=f"genarris-fw run {run}/ui.conf")
        page.write_text(drawn)
        [(width, height)] = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
        size = (1100, round(1100 * float(height) / float(width)))
        visit(page.as_uri(), "await page.screenshot({ path: given });", str(picture.absolute()), size=size)


def explorer(run: Path, folder: Path) -> None:
    """Take pictures of the lowest crystal in the explorer, alone and with the measured one laid upon it."""
    command = [*GENARRIS, "web", "--dir", str(run), "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
            given = {
                "crystal": str((folder / "first_steps_explorer.png").absolute()),
                "overlay": str((folder / "first_steps_overlay.png").absolute()),
            }
            visit(f"{address.rstrip('/')}/#/structures?run={run.name}&pool=minima", EXPLORE, given, size=SIZE)
        finally:
            server.terminate()


def main() -> None:
    """Draw them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("run", type=Path)
    arguments.add_argument("--out", type=Path, default=Path("docs/figures"))
    given = arguments.parse_args()
    terminal(given.run, given.out / "first_steps_terminal.png")
    explorer(given.run, given.out)


if __name__ == "__main__":
    main()
