"""Run ``genarris-fw`` as a user does: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from forked import Forked, can_fork
from leases import scaled

BIN = Path(sys.executable).parent
TOOLS = Path(__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"
Started = subprocess.Popen | Forked

UREA = """\
[Genarris_master]
procedures = {procedures}
run_name = {run}
seed = 7
lease_seconds = {lease}

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
    *words: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    stdout: int | IO[Any] = subprocess.PIPE,
    stderr: int | IO[Any] = subprocess.PIPE,
    new_session: bool = True,
    truly: bool = False,
) -> Started:
    """Start a program: forked where that is the same, executed where it is not, or where `truly` is asked for."""
    command = [BIN / program, *words]
    if not truly and can_fork(program, cwd, env):
        return Forked(command, cwd, env, stdout, stderr, new_session)
    return subprocess.Popen(
        command, cwd=cwd, env=env, stdout=stdout, stderr=stderr, text=True, start_new_session=new_session
    )


def finish(process: Started, timeout: float) -> subprocess.CompletedProcess[str]:
    """Wait for the end of a program whose output and errors are pipes."""
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def genarris(
    *words: str, cwd: Path, timeout: float = 240, truly: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run ``genarris-fw`` to its end."""
    return finish(start(*words, cwd=cwd, truly=truly, **more), timeout)


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
    options = {"lease": scaled(5), "procedures": names}
    text = UREA.format(**options, run=run, Z=Z, sr=sr, tol=tol, number=number, attempts=attempts, groups=groups)
    conf = folder / "ui.conf"
    conf.write_text(text + more)
    return conf


def one_line(text: str) -> str:
    """Return the one line of an error message; more lines, or a traceback, fail the test."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("note:")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]
