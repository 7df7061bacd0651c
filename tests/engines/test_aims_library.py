"""FHI-aims as a library, with a stand-in built here, under real MPI launchers: MPICH's wheel and Open MPI."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aims_inputs import control
from aims_library_build import build_extension, build_module, build_stand_in
from command import environment
from mpi import mpi_launcher

from genarris_fw.crystal import Structure
from genarris_fw.crystal.formats.geometry_in import format_geometry_in
from genarris_fw.engines.aims import library, parse_output
from genarris_fw.errors import EngineError

RANKS = Path(__file__).parents[1] / "tools" / "aims_library_ranks.py"
BUILDERS = {"module": build_module, "extension": build_extension}
SAID = ("before the calls", "after the calls")
SPECIES = ["C", "O", "N", "N", "H", "H", "H", "H"]
pytestmark = pytest.mark.timeout(180)


def crystal(number: int) -> Structure:
    """Eight atoms somewhere, each time elsewhere; geometry.in has eight decimals."""
    positions = np.random.default_rng(number).uniform(0, 8, (8, 3)).round(8)
    return Structure(8 * np.eye(3), SPECIES, positions, {}, f"crystal_{number}")


def energy(structure: Structure) -> float:
    """The stand-in's, computed independently: minus the sum of 1/r over the pairs of atoms of the cell."""
    distances = np.linalg.norm(structure.positions[:, None] - structure.positions, axis=-1)
    return float(-(1 / distances[np.triu_indices(len(structure), 1)]).sum())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder of ``aims_w``, built once: ``built("module", "mpich")``."""
    return cache(lambda how, mpi: BUILDERS[how](tmp_path_factory.mktemp(f"{how}_{mpi}"), mpi))


def folders(place: Path, number: int = 4, more: str = "") -> Path:
    for i in range(number):
        (place / str(i)).mkdir(parents=True)
        (place / str(i) / "geometry.in").write_text(format_geometry_in(crystal(i)))
        (place / str(i) / "control.in").write_text(control(SPECIES[:3], more=more))
    return place


def launch(mpi: str, *words: object, ranks: int = 4) -> subprocess.CompletedProcess[str]:
    command = [*mpi_launcher(mpi), "-n", str(ranks), sys.executable, str(RANKS), *map(str, words)]
    more = environment(OMP_NUM_THREADS="1")
    return subprocess.run(command, env=more, capture_output=True, text=True, timeout=120, check=False)


def seen(place: Path, ranks: int = 4) -> list[dict[str, Any]]:
    """What the ranks have seen; all are back in their folder."""
    found = [json.loads((place / f"rank_{rank}.json").read_text()) for rank in range(ranks)]
    assert all(one["stayed"] for one in found)
    return found


# The module with MPICH is that of the tests below.
@pytest.mark.parametrize(("how", "mpi"), [("module", "openmpi"), ("extension", "mpich")])
def test_two_teams_at_the_same_time(tmp_path: Path, built: Any, how: str, mpi: str) -> None:
    """Each of two ranks and in a folder of its own; outputs are whole, and the rocket's own output stays its own."""
    place = folders(tmp_path / "runs")
    done = launch(mpi, "run", built(how, mpi), place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["found"] for one in seen(place)] == [[[], []]] * 4
    # Ranks write at once: their lines may follow each other without an end of line.
    assert [done.stdout.count(said) for said in SAID] == [4, 4]
    assert done.stdout.replace(SAID[0], "").replace(SAID[1], "").strip() == ""
    for i in range(4):
        output = parse_output(place / str(i) / "aims.out")
        assert output.converged and output.energy == pytest.approx(energy(crystal(i)), abs=2e-9)
        assert np.allclose(output.structure.positions, crystal(i).positions, atol=1e-8)
        text = (place / str(i) / "aims.out").read_text()
        assert "Using        2 parallel tasks." in text and "Not FHI-aims" in text
        assert sorted(path.name for path in (place / str(i)).iterdir()) == ["aims.out", "control.in", "geometry.in"]


def test_the_engine_over_two_teams(tmp_path: Path, built: Any) -> None:
    """All ranks of a team get the same evaluation."""
    place = tmp_path / "runs"
    for i in range(4):
        (place / str(i)).mkdir(parents=True)
        (place / str(i) / "start.in").write_text(format_geometry_in(crystal(i)))
    done = launch("mpich", "engine", built("module", "mpich"), place)
    assert done.returncode == 0, done.stdout + done.stderr
    for rank, one in enumerate(seen(place)):
        assert one["found"] == pytest.approx([energy(crystal(i)) for i in range(rank % 2, 4, 2)], abs=2e-9)
    assert {path.name for path in (place / "3" / "results").iterdir()} == {
        *("aims.out", "control.in", "geometry.in"),
        "crystal_3.json",
    }


def test_a_failure_of_one_rank_is_one_of_all(tmp_path: Path, built: Any) -> None:
    """Nobody waits in vain for a rank that cannot load the library."""
    place = folders(tmp_path / "runs", 1)
    done = launch("mpich", "single", built("module", "mpich"), place, ranks=3)
    assert done.returncode == 0, done.stdout + done.stderr
    for one in seen(place, 3):
        [(kind, permanent, words)] = one["found"]
        assert (kind, permanent) == ("missing", False)
        assert words.startswith("rank 1 of 3 on ") and "/nowhere/at/all: there is no such folder" in words
    assert not (place / "0" / "aims.out").exists()


def test_an_output_that_cannot_be_opened_is_an_error_of_all_ranks(tmp_path: Path, built: Any) -> None:
    """None of them goes into the library, where it would wait for the first."""
    place = folders(tmp_path / "runs", 1)
    (place / "0" / "aims.out").mkdir()
    done = launch("mpich", "unwritable", built("module", "mpich"), place, ranks=3)
    assert done.returncode == 0, done.stdout + done.stderr
    for one in seen(place, 3):
        [said] = one["found"]
        assert said.startswith(f"{place / '0' / 'aims.out'}: cannot be written (Fortran's status ")


@pytest.mark.parametrize("how", ["stop", "abort"])
def test_a_library_that_ends_the_process_ends_the_launch(tmp_path: Path, built: Any, how: str) -> None:
    """``stop`` ends it even with status 0. There is no whole output, and so no energy."""
    place = folders(tmp_path / "runs", 1, more=f"stand_in {how}")
    done = launch("mpich", "run", built("module", "mpich"), place, ranks=2)
    assert (done.returncode != 0) == (how == "abort")
    assert not (place / "rank_0.json").exists()
    with pytest.raises(EngineError):
        parse_output(place / "0" / "aims.out")


def test_another_mpi_library_is_refused(tmp_path: Path, built: Any) -> None:
    """Before anything is called: the handle of a communicator means nothing to another library."""
    for how in BUILDERS:
        place = folders(tmp_path / how, 2)
        done = launch("mpich", "run", built(how, "openmpi"), place)
        assert done.returncode == 0, done.stderr
        for one in seen(place):
            [(kind, permanent, words)] = one["found"]
            assert (kind, permanent) == ("missing", True)
            assert "another MPI library (Open MPI v4" in words and "than mpi4py uses (MPICH Version: 5" in words
            assert "\n" not in words


class Alone:
    """A communicator of one rank, to test what is refused before MPI is needed."""

    def Get_rank(self) -> int:
        return 0

    def Get_size(self) -> int:
        return 1

    def Allgather(self, mine: Any, every: Any) -> None:
        every[:] = mine

    def Bcast(self, data: Any, root: int) -> None:
        pass


def refusal(library_dir: Path, folder: Path) -> EngineError:
    before = Path.cwd()
    with pytest.raises(EngineError) as caught:
        library.run(Alone(), str(library_dir), folder, None)
    assert Path.cwd() == before and "\n" not in str(caught.value)
    return caught.value


def test_no_folder_and_no_module(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none", tmp_path)
    assert error.kind == "missing" and f"{tmp_path / 'none'}: there is no such folder on this machine" in str(error)
    error = refusal(tmp_path, tmp_path)
    assert error.kind == "missing" and "there is no module aims_w; build it as launchers/aims_library" in str(error)


def test_built_for_another_python(tmp_path: Path) -> None:
    (tmp_path / "aims_w.cpython-36m-x86_64-linux-gnu.so").write_bytes(b"")
    error = refusal(tmp_path, tmp_path)
    assert (error.kind, error.permanent) == ("missing", True)
    here = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    assert "aims_w.cpython-36m-x86_64-linux-gnu.so is built for another Python than this " + here in str(error)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name\n", "cannot be loaded (No module named 'nothing_of_that_name')"),
        ("import ctypes\nctypes.CDLL('libnothing.so.1')\n", "load the modules it was built with (LD_LIBRARY_PATH)"),
        ("def other(): pass\n", "it has no function aims_w"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_modules_that_cannot_be_used(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "aims_w.py").write_text(code)
    error = refusal(tmp_path, tmp_path)
    assert error.kind == "missing" and said in str(error) and str(tmp_path / "aims_w.py") in str(error)


def test_undefined_symbols(tmp_path: Path) -> None:
    """A library without FHI-aims' entry, as where FHI-aims was linked with what is not there."""
    place = tmp_path / "broken"
    build_stand_in(tmp_path, "mpich")
    empty = tmp_path / "empty.c"
    empty.write_text("void nothing(void) {}\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "libempty.so", empty], check=True)
    place.mkdir()
    wrapper = Path(__file__).parents[2] / "launchers" / "aims_library"
    for name in ("aims_w.py", "aims_w.f90", "Makefile"):
        (place / name).write_text((wrapper / name).read_text())
    words = ["make", f"LIBAIMS={tmp_path / 'libempty.so'}", "FC=gfortran"]
    subprocess.run(words, cwd=place, check=True, capture_output=True)
    error = refusal(place, tmp_path)
    assert (error.kind, error.permanent) == ("missing", True)
    assert "undefined symbol: aims_" in str(error) and "it was linked with other libraries" in str(error)


def test_without_mpi4py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    error = refusal(tmp_path, tmp_path)
    assert (error.kind, error.permanent) == ("missing", True)
    assert str(error).startswith("aims_lib_dir needs mpi4py and the MPI library of FHI-aims")


def test_no_module_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lies on Python's path is not taken for that of ``aims_lib_dir``."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "aims_w.py").write_text("def aims_w(handle): pass\n")
    (tmp_path / "given").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    assert "there is no module aims_w" in str(refusal(tmp_path / "given", tmp_path))


def test_working_directory_and_output_come_back_after_a_failure(tmp_path: Path, capfd: Any) -> None:
    """What the module says before it fails is kept; it did not write an ``aims.out`` of its own."""
    (tmp_path / "lib").mkdir()
    code = "import os\ndef aims_w(handle):\n    os.write(1, os.getcwd().encode())\n    raise ValueError('no file')\n"
    (tmp_path / "lib" / "aims_w.py").write_text(code)
    folder, alone = tmp_path / "folder", Alone()
    folder.mkdir()
    alone.py2f = lambda: 7
    before = Path.cwd()
    with pytest.raises(EngineError, match="aims_w: ValueError: no file") as caught:
        library.run(alone, str(tmp_path / "lib"), folder, None)
    print("mine again", flush=True)
    assert caught.value.kind == "crash" and Path.cwd() == before
    assert capfd.readouterr().out == "mine again\n"
    assert (folder / "aims.out.stdout").read_text() == str(folder)
