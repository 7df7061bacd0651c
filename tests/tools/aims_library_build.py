"""Build the stand-in for FHI-aims' library, and the module ``aims_w`` on top of it, for one of the MPI libraries."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
SOURCES = Path(__file__).parent / "aims_library"
WRAPPER = Path(__file__).parents[2] / "launchers" / "aims_library"


def _compiler(library: str) -> str:
    compiler = BIN / "mpicc" if library == "mpich" else shutil.which("mpicc.openmpi")
    if not compiler or not Path(compiler).exists():
        pytest.skip(f"no mpicc of {library} (pip install mpich; apt-get install libopenmpi-dev)")
    if not shutil.which("gfortran"):
        pytest.skip("no Fortran compiler (apt-get install gfortran)")
    return str(compiler)


def _do(folder: Path, *words: str | Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build_stand_in(folder: Path, library: str) -> Path:
    """Build the stand-in in a folder; return its path."""
    mpicc = _compiler(library)
    folder.mkdir(parents=True, exist_ok=True)
    _do(folder, mpicc, "-O1", "-fPIC", "-c", SOURCES / "stand_in_mpi.c")
    _do(folder, "gfortran", "-O1", "-fPIC", "-c", SOURCES / "stand_in.f90")
    built = folder / "libaims.stand_in.so"
    _do(folder, mpicc, "-shared", "-o", built, "stand_in.o", "stand_in_mpi.o", "-lgfortran", "-lm")
    return built


def build_module(folder: Path, library: str) -> Path:
    """Build ``aims_w`` as a user does, with the files of ``launchers/aims_library``; return its folder."""
    stand_in = build_stand_in(folder / "lib", library)
    place = folder / "aims_as_python_lib"
    shutil.copytree(WRAPPER, place)
    _do(place, "make", f"LIBAIMS={stand_in}", "FC=gfortran", f"PYTHON={sys.executable}")
    return place


def build_extension(folder: Path, library: str) -> Path:
    """Build ``aims_w`` as Genarris 2.0's users have it, a module compiled for this Python; return its folder."""
    stand_in = build_stand_in(folder / "lib", library)
    place = folder / "aims_as_extension"
    place.mkdir()
    include, suffix = sysconfig.get_paths()["include"], sysconfig.get_config_var("EXT_SUFFIX")
    source, built = SOURCES / "aims_w_extension.c", place / f"aims_w{suffix}"
    _do(place, "cc", "-fPIC", "-shared", f"-I{include}", "-o", built, source, stand_in, f"-Wl,-rpath,{stand_in.parent}")
    return place
