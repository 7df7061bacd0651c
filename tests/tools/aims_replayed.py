"""Programs that answer as FHI-aims does, or spoil it, and engines that start them.

The outputs are the stand-in's, so that this works everywhere; those of the tutorial's real runs lie elsewhere.
"""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path

import pytest

from genarris_fw.crystal import Structure
from genarris_fw.crystal.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError

TOOLS = Path(__file__).parent
OWN = TOOLS.parent / "data" / "engines_aims"
MOLECULE, CRYSTAL = "molecule", "scf/acetylene"
ENERGIES = {MOLECULE: -432.515745526, CRYSTAL: -284.200601428}
BUILT = "Begin self-consistency loop: Initialization."


def geometry(run: str, name: str = "geometry.in", folder: Path = OWN) -> Structure:
    lines = (folder / run / name).read_text().splitlines()
    return parse_geometry_in(lines, name, struct_id=run.rpartition("/")[2])


def program(tmp_path: Path, run: str, body: str = "sys.stdout.write(text)", folder: Path = OWN) -> str:
    """A command that does something with the text of an output for its inputs."""
    path = tmp_path / "program.py"
    path.write_text(
        f"import os, signal, sys, time\nfrom pathlib import Path\nsys.path.insert(0, {str(TOOLS)!r})\n"
        f"from aims_replay import replay\nstarts = Path({str(tmp_path / 'starts')!r})\n"
        "starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')\nstart = len(starts.read_text())\n"
        f"text = replay(Path({str(folder / run)!r}))\n" + textwrap.dedent(body)
    )
    return shlex.join([sys.executable, "-S", str(path)])


def starts(tmp_path: Path) -> int:
    path = tmp_path / "starts"
    return len(path.read_text()) if path.exists() else 0


def engine(run: str, command: str, folder: Path = OWN, **settings) -> AimsEngine:
    control = settings.pop("control", None) or (folder / run / "control.in").read_text()
    return AimsEngine(aims_command=command, control=control, **{"grace": 0.5} | settings)


def failure(tmp_path: Path, run: str, body: str, relax: bool = False, context: Context | None = None, **settings):
    context = context or Context(folder=tmp_path / "results" / "one")
    with pytest.raises(EngineError) as caught:
        engine(run, program(tmp_path, run, body), **settings).evaluate(geometry(run), relax=relax, context=context)
    return caught.value


def nothing_left(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name.startswith(".")]
