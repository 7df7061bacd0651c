"""FHI-aims' library called by several ranks: together, and to the same end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aims_replayed import CRYSTAL, ENERGIES, TOOLS, aims_run, geometry
from mpi import mpiexec

TEAM = """
import sys, types
from pathlib import Path
from mpi4py import MPI
from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError
sys.path.insert(0, {tools!r})
from aims_replay import repeating

def run(communicator, library_dir, folder, context):
    calls.append(communicator.allgather(str(folder)))
    if communicator.rank == 0 and {writes}:
        text = Path({real!r}, "aims.out").read_text()
        import os; os.chdir(folder)
        Path("aims.out").write_text(repeating(repeating(text, "geometry.in"), "control.in").replace({old!r}, "x"))
    communicator.Barrier()

calls = []
def mpi():
    from mpi4py import MPI

    return MPI


library = types.ModuleType("genarris_fw.engines.aims.library")
library.run, library.mpi = run, mpi
sys.modules[library.__name__] = library
comm = MPI.COMM_WORLD
real = Path({real!r})
structure = parse_geometry_in((real / "geometry.in").read_text().splitlines(), struct_id="one")
engine = AimsEngine(aims_lib_dir="/library", control_path=str(real / "control.in"), auto_correct=True)
context = Context(folder=Path(sys.argv[1]), communicator=comm if comm.size > 1 else None)
try:
    found = engine.evaluate(structure, context=context)
    said = [found.energy, found.structure.positions.sum(), found.details["attempts"], len(calls)]
except EngineError as error:
    said = [error.kind, error.permanent, len(calls), "tried" in str(error)]
assert all(len(set(call)) == 1 for call in calls)
Path(sys.argv[1] + f".rank{{comm.rank}}").write_text(repr(said))
"""


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("case", ["converges", "never converges", "writes nothing"])
def test_the_library_over_a_communicator(tmp_path, ranks, case):
    """All ranks call the library together and come to the same end."""
    pytest.importorskip("mpi4py")
    real = str(aims_run(CRYSTAL))
    old = "Self-consistency cycle converged." if case == "never converges" else "no such words"
    text = TEAM.format(tools=str(TOOLS), real=real, old=old, writes=case != "writes nothing")
    (tmp_path / "team.py").write_text(text)
    command = [mpiexec(), "-n", str(ranks), sys.executable, str(tmp_path / "team.py"), str(tmp_path / "one")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path.cwd(), check=False)
    assert done.returncode == 0, done.stderr
    said = {(tmp_path / f"one.rank{rank}").read_text() for rank in range(ranks)}
    total = geometry(CRYSTAL).positions.sum()
    expected = {
        "converges": [ENERGIES[CRYSTAL], total, 1, 1],
        "never converges": ["scf", True, 4, True],
        "writes nothing": ["launcher", False, 1, False],
    }[case]
    assert said == {repr(expected)}
