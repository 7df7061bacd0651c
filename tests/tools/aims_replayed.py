"""Programs that answer as FHI-aims did in the tutorial's real runs, or spoil it, and engines that start them.

Where the tutorial is not beside the repository, the runs are the stand-in's: whole outputs of the same sorts.
"""

from __future__ import annotations

import shlex
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
from shared_data import FOLDER

from genarris_fw.crystal import Structure
from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError

TOOLS = Path(__file__).parent
MOLECULE, CRYSTAL, RELAXATION = "molecule", "scf/geometry_00c3602574", "relaxation/geometry_1f0f30abd3"
REAL, MADE_UP = FOLDER / "benzene_tutorial" / "aims", TOOLS.parent / "data" / "engines_aims" / "runs"


@dataclass(frozen=True)
class Facts:
    """What is known of the runs without our parsers: of the real ones as published, of ours as made."""

    energies: dict[str, float]  # eV
    steps: dict[str, int]
    molecule_seconds: str
    version: str
    method: str
    largest_force: float  # eV/Å, in relaxed geometries


IS_REAL = REAL.exists()
FACTS = (
    Facts(
        energies={MOLECULE: -6313.831929151, CRYSTAL: -12628.587120510, RELAXATION: -12628.787132692},
        steps={MOLECULE: 2, CRYSTAL: 0, RELAXATION: 14},
        molecule_seconds="2.676",
        version="190522",
        method="pbe vdw_correction_hirshfeld",
        largest_force=0.01,
    )
    if IS_REAL
    else Facts(
        energies={MOLECULE: -432.510794492, CRYSTAL: -864.178502985, RELAXATION: -864.854578882},
        steps={MOLECULE: 2, CRYSTAL: 0, RELAXATION: 1},
        molecule_seconds="7.135",
        version="NOT-FHI-aims:-stand-in-for-tests",
        method="pbe",
        largest_force=1.5,
    )
)
ENERGIES = FACTS.energies
BUILT = "Begin self-consistency loop: Initialization."


def aims_run(run: str) -> Path:
    """The folder of a whole run: control.in, geometry.in, aims.out and, of a relaxation, geometry.in.next_step."""
    return (REAL if IS_REAL else MADE_UP) / run


def geometry(run: str, name: str = "geometry.in") -> Structure:
    lines = (aims_run(run) / name).read_text().splitlines()
    return parse_geometry_in(lines, name, struct_id=run.rpartition("/")[2])


def program(tmp_path: Path, run: str, body: str = "sys.stdout.write(text)") -> str:
    """A command that does something with the text of a real output for its inputs."""
    path = tmp_path / "program.py"
    path.write_text(
        f"import os, signal, sys, time\nfrom pathlib import Path\nsys.path.insert(0, {str(TOOLS)!r})\n"
        f"from aims_replay import replay\nstarts = Path({str(tmp_path / 'starts')!r})\n"
        "starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')\nstart = len(starts.read_text())\n"
        f"text = replay(Path({str(aims_run(run))!r}))\n" + textwrap.dedent(body)
    )
    return shlex.join([sys.executable, "-S", str(path)])


def starts(tmp_path: Path) -> int:
    path = tmp_path / "starts"
    return len(path.read_text()) if path.exists() else 0


def engine(run: str, command: str, **settings) -> AimsEngine:
    control = settings.pop("control", None) or (aims_run(run) / "control.in").read_text()
    return AimsEngine(aims_command=command, control=control, **{"grace": 0.5} | settings)


def failure(tmp_path: Path, run: str, body: str, relax: bool = False, context: Context | None = None, **settings):
    context = context or Context(folder=tmp_path / "results" / "one")
    with pytest.raises(EngineError) as caught:
        engine(run, program(tmp_path, run, body), **settings).evaluate(geometry(run), relax=relax, context=context)
    return caught.value


def nothing_left(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name.startswith(".")]
