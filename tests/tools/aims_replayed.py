"""Programs that answer as FHI-aims did in the tutorial's real runs, or spoil it, and engines that start them."""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path

import pytest
from shared_data import shared

from genarris_fw.crystal import Structure
from genarris_fw.crystal.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError

TUTORIAL = "benzene_tutorial/aims"
TOOLS = Path(__file__).parent
MOLECULE, CRYSTAL, RELAXATION = "molecule", "scf/geometry_00c3602574", "relaxation/geometry_1f0f30abd3"
ENERGIES = {MOLECULE: -6313.831929151, CRYSTAL: -12628.587120510, RELAXATION: -12628.787132692}
BUILT = "Begin self-consistency loop: Initialization."


def geometry(run: str, name: str = "geometry.in") -> Structure:
    lines = (shared(TUTORIAL) / run / name).read_text().splitlines()
    return parse_geometry_in(lines, name, struct_id=run.rpartition("/")[2])


def program(tmp_path: Path, run: str, body: str = "sys.stdout.write(text)") -> str:
    """A command that does something with the text of a real output for its inputs."""
    path = tmp_path / "program.py"
    path.write_text(
        f"import os, signal, sys, time\nfrom pathlib import Path\nsys.path.insert(0, {str(TOOLS)!r})\n"
        f"from aims_replay import replay\nstarts = Path({str(tmp_path / 'starts')!r})\n"
        "starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')\nstart = len(starts.read_text())\n"
        f"text = replay(Path({str(shared(TUTORIAL) / run)!r}))\n" + textwrap.dedent(body)
    )
    return shlex.join([sys.executable, "-S", str(path)])


def starts(tmp_path: Path) -> int:
    path = tmp_path / "starts"
    return len(path.read_text()) if path.exists() else 0


def engine(run: str, command: str, **settings) -> AimsEngine:
    control = settings.pop("control", None) or (shared(TUTORIAL) / run / "control.in").read_text()
    return AimsEngine(aims_command=command, control=control, **{"grace": 0.5} | settings)


def failure(tmp_path: Path, run: str, body: str, relax: bool = False, context: Context | None = None, **settings):
    context = context or Context(folder=tmp_path / "results" / "one")
    with pytest.raises(EngineError) as caught:
        engine(run, program(tmp_path, run, body), **settings).evaluate(geometry(run), relax=relax, context=context)
    return caught.value


def nothing_left(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name.startswith(".")]
