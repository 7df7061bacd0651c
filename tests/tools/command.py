"""Run ``genarris-fw`` as a user does: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from forked import Forked, can_fork

BIN = Path(sys.executable).parent
TOOLS = Path(__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"
Started = subprocess.Popen | Forked

UREA = """\
[Genarris_master]
procedures = {procedures}
run_name = {run}
seed = 7
lease_seconds = 5

[pygenarris_structure_generation]
molecule_path = urea.in
Z = {Z}
volume_mean = 150
sr = {sr}
tol = {tol}
num_structures = {number}
max_attempts_per_spg = {attempts}
space_groups = {groups}
output_dir = raw
"""


def environment(**more: str) -> dict[str, str]:
    """Return this process' environment without a database of its own, and with the tests' tools importable."""
    kept = {name: value for name, value in os.environ.items() if name != "GENARRIS_FW_URI"}
    return kept | {"PYTHONPATH": python_path(TOOLS), "COLUMNS": "160"} | more


def python_path(*folders: str | Path) -> str:
    """Return a PYTHONPATH of these folders and what the tests' own says."""
    return os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])


def start(*words: str, cwd: Path, program: str = "genarris-fw", truly: bool = False, **more: str) -> Started:
    """Start a program of the package's environment, its output and its errors in pipes."""
    return start_program(program, *words, cwd=cwd, env=environment(**more), truly=truly)


def start_program(
    program: str,
    *words: str,
    cwd: Path,
    env: dict[str, str],
    stdout: int | IO[Any] = subprocess.PIPE,
    stderr: int | IO[Any] = subprocess.PIPE,
    truly: bool = False,
) -> Started:
    """Start a program as the leader of a session: forked where that is the same, executed where not, or `truly`."""
    command = [BIN / program, *words]
    if not truly and can_fork(program, cwd, env):
        return Forked(command, cwd, env, stdout, stderr)
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr, text=True, start_new_session=True)


def genarris(
    *words: str, cwd: Path, timeout: float = 240, truly: bool = False, **more: str
) -> subprocess.CompletedProcess:
    """Run ``genarris-fw`` to its end."""
    process = start(*words, cwd=cwd, truly=truly, **more)
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(words, process.returncode, output, errors)


def urea_folder(
    folder: Path,
    *,
    procedures: tuple[str, ...] = ("Pygenarris_Structure_Generation",),
    run: str = "urea",
    Z: int = 2,
    sr: float = 0.85,
    tol: float = 0.01,
    number: int = 12,
    attempts: int = 20_000,
    groups: str = "[2, 4, 14, 113]",
    more: str = "",
) -> Path:
    """Write a small ui.conf and the urea molecule into a folder; return the ui.conf."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "urea.in").write_text((EXAMPLES / "urea" / "urea.in").read_text())
    names = "[" + ", ".join(f'"{name}"' for name in procedures) + "]"
    text = UREA.format(procedures=names, run=run, Z=Z, sr=sr, tol=tol, number=number, attempts=attempts, groups=groups)
    conf = folder / "ui.conf"
    conf.write_text(text + more)
    return conf


def one_line(text: str) -> str:
    """Return the one line of an error message; more lines, or a traceback, fail the test."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("note:")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]
