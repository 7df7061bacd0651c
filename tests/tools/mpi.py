"""The launchers of the two MPI libraries; a test that needs one that is absent is skipped with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
LIBRARIES = ("mpich", "openmpi")


def mpiexec() -> str:
    """Return MPICH's launcher, which the wheel brings beside Python."""
    found = BIN / "mpiexec"
    if not found.exists():
        pytest.skip("mpiexec is not installed beside this Python (pip install mpich)")
    return str(found)


def mpi_launcher(library: str) -> list[str]:
    """Return the launcher of ``mpich`` (the wheel) or ``openmpi`` (the system's), without the number of ranks."""
    if library == "mpich":
        return [mpiexec()]
    found = shutil.which("mpirun.openmpi") or shutil.which("mpirun")
    if not found or b"open-mpi.org" not in _version(found):
        pytest.skip("Open MPI is not installed (apt-get install openmpi-bin)")
    return [found, *(["--allow-run-as-root"] if os.getuid() == 0 else []), "--oversubscribe"]


def _version(program: str) -> bytes:
    return subprocess.run([program, "--version"], capture_output=True, check=False).stdout
