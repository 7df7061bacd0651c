"""The demo's run, made small and carried out by ``genarris-fw run``: a finished search in a few seconds.

Beside it lie the examples, as in a clone: ``<folder>/examples``, and the run in ``<folder>/runs/urea``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from command import EXAMPLES, genarris

SMALL = {
    r"^space_groups = .*": "space_groups = [113, 4]",
    r"^stop = .*": "stop = draws\ndraws = 60",
    r"^lowest = .*": "lowest = 3",
}


def finished_urea(folder: Path, uri: str) -> Path:
    """Carry out the run in a folder with a database; return its own folder."""
    shutil.copytree(EXAMPLES, folder / "examples")
    run = folder / "runs" / "urea"
    shutil.copytree(EXAMPLES / "urea", run)
    conf = run / "ui.conf"
    text = conf.read_text(encoding="utf-8")
    for line, other in SMALL.items():
        text, changed = re.subn(line, other, text, flags=re.M)
        assert changed == 1, line
    conf.write_text(text, encoding="utf-8")
    done = genarris("run", "ui.conf", "--workers", "1", cwd=run, GENARRIS_FW_URI=uri)
    assert done.returncode == 0, done.stderr
    return run
