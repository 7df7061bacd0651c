"""``genarris-fw check --mpi`` under real launchers, the right one and the wrong one."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from command import environment, one_line
from mpi import mpi_launcher

from genarris_fw.farm.crews.mpi_check import _problems

BIN = Path(sys.executable).parent
LIBRARY = {"mpich": r"MPICH Version: \d.*", "openmpi": r"Open MPI v\d.*"}
pytestmark = pytest.mark.timeout(120)


def check(*launcher: str, **more: str) -> subprocess.CompletedProcess[str]:
    words = [*launcher, str(BIN / "genarris-fw"), "check", "--mpi"]
    return subprocess.run(words, env=environment(**more), capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize("library", ["mpich", "openmpi"])
@pytest.mark.parametrize("ranks", [1, 3])
def test_every_rank_reports_a_number_of_its_own(library: str, ranks: int) -> None:
    done = check(*mpi_launcher(library), "-n", str(ranks))
    assert (done.returncode, done.stderr) == (0, "")
    *lines, verdict = done.stdout.splitlines()
    host = re.escape(socket.gethostname())
    pattern = rf"rank (\d) of {ranks}: {host}, process (\d+), \d+ cores?, {LIBRARY[library]}"
    found = [re.fullmatch(pattern, line) for line in lines]
    assert [match and match[1] for match in found] == [str(rank) for rank in range(ranks)]
    assert len({match[2] for match in found if match}) == ranks
    assert verdict.startswith(f"MPI works: {ranks} rank")


def test_under_the_launcher_of_another_library_every_rank_is_the_only_one() -> None:
    mpi_launcher("openmpi")
    done = check(*mpi_launcher("mpich"), "-n", "3", MPI4PY_MPIABI="openmpi")
    assert done.returncode == 2
    assert done.stdout.startswith("rank 0 of 1: ") and len(done.stdout.splitlines()) == 1
    words = one_line(done.stderr)
    assert "the launcher started 3 processes, of which the MPI library (Open MPI v" in words
    assert "knows 1: use the mpirun of that library" in words


def test_without_a_launcher() -> None:
    done = check()
    assert done.returncode == 2 and done.stdout.startswith("rank 0 of 1: ")
    assert "there is one rank only: start it under the launcher, mpirun -n 4 genarris-fw" in one_line(done.stderr)


def test_without_a_library() -> None:
    done = check(MPI4PY_LIBMPI="/nowhere/libmpi.so")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs an MPI library: set MPI4PY_LIBMPI" in one_line(done.stderr)


def test_a_launcher_that_does_not_tell_the_rank() -> None:
    """As some that speak PMIx alone: MPI knows, our rockets would not."""
    words = ["env", *(f"--unset=OMPI_COMM_WORLD_{name}" for name in ("RANK", "SIZE"))]
    done = check(*mpi_launcher("openmpi"), "-n", "2", *words, MPI4PY_MPIABI="openmpi")
    assert done.returncode == 2
    assert sorted(line[:11] for line in done.stdout.splitlines()) == ["rank 0 of 2"]
    assert "the launcher does not tell its processes their rank (none of PMI_RANK, OMPI_COMM_WORLD_RANK" in done.stderr


def test_ranks_that_do_not_fit_together() -> None:
    same = {"library": "a", "mpi4py": "4"}
    assert _problems([{"rank": 0} | same, {"rank": 1} | same], 2) == []
    [line] = _problems([{"rank": 0} | same, {"rank": 0} | same], 2)
    assert line == "the ranks' numbers are not unique: 0 more than once"
    [line] = _problems([{"rank": 0} | same, {"rank": 1} | same | {"library": "b"}], 2)
    assert line == "the ranks use 2 MPI libraries (a, b): use the same on all nodes"
