"""Answering as FHI-aims did: a real output, for the inputs that are in the current folder.

``aims_replay.py FOLDER``, the folder with the real aims.out; or imported by a program that spoils the output.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path


def repeating(text: str, name: str) -> str:
    """The output, repeating the input of this name as FHI-aims repeats what it has read."""
    begin = text.index(f"Parsing {name} (first pass")
    end = text.index(f"Completed first pass over input file {name}")
    first, *_, last = re.finditer(r"^ *-{60,} *\n", text[begin:end], flags=re.M)
    return text[: begin + first.end()] + Path(name).read_text() + text[begin + last.start() :]


def replay(folder: Path) -> str:
    """The real output for the inputs of the current folder; its geometry.in.next_step is put here too."""
    next_step(folder)
    return repeating(repeating((folder / "aims.out").read_text(), "geometry.in"), "control.in")


def next_step(folder: Path) -> None:
    if (folder / "geometry.in.next_step").exists():
        shutil.copy(folder / "geometry.in.next_step", "geometry.in.next_step")


if __name__ == "__main__":
    sys.stdout.write(replay(Path(sys.argv[1])))
