"""Solids, programs and a species file for the tests of the LAPW engine."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

import pytest
from ase.build import bulk
from ase.units import Bohr, Hartree

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines import Context
from genarris_fw.engines.lapw.species import RadialFunction
from genarris_fw.errors import EngineError

DATA = Path(__file__).parents[1] / "data" / "engines_lapw"
ELK = shutil.which("elk-lapw")
# Elk's species files, of the Debian package.
SPECIES = Path("/usr/share/elk-lapw/species")

AL = Structure.from_ase(bulk("Al", a=7.6534 * Bohr), "al")
SI = Structure.from_ase(bulk("Si", a=5.43), "si")
U, SLOPE = RadialFunction(0.15, 0, False), RadialFunction(0.15, 1, False)
# Small and quick, and far from converged.
COARSE = {"k_grid": [2, 2, 2], "rkmax": 5.0, "l_max": 6}
# eV; Elk 8.4.30 run by hand, with an input file of its own and the species file changed by hand.
AL_COARSE = -242.839912 * Hartree
# Of a program: four loops.
LOOPS = [f"echo '| Loop number :    {number} |' >> INFO.OUT" for number in (1, 2, 3, 4)]
MADE_UP = """\
 'Ge'                                       : spsymb
 'made up'                                  : spname
  -32.0000                                  : spzn
   132414.0                                 : spmass
  0.353553E-06    2.4000   40.0000   500    : rminsp, rmt, rmaxsp, nrmt
   5                                        : nstsp
   1   0   1   2.00000    T                 : nsp, lsp, ksp, occsp, spcore
   3   2   2   4.00000    F
   3   2   3   6.00000    F
   4   0   1   2.00000    F
   4   1   1   2.00000    F
   1                                        : apword
    0.1500   0  F                           : apwe0, apwdm, apwve
   0                                        : nlx
   3                                        : nlorb
   0   2                                    : lorbl, lorbord
    0.1500   0  F                           : lorbe0, lorbdm, lorbve
    0.1500   1  F
   2   2                                    : lorbl, lorbord
    0.1500   0  F                           : lorbe0, lorbdm, lorbve
   -1.0759   0  T
   0   2                                    : lorbl, lorbord
    0.1500   0  F                           : lorbe0, lorbdm, lorbve
   -0.4380   0  T
"""


def blocks(text: str) -> dict[str, list[str]]:
    """Elk's input, as Elk reads it: blocks parted by blank lines."""
    found = [part.splitlines() for part in text.split("\n\n") if part.strip()]
    return {lines[0]: [line.strip() for line in lines[1:]] for lines in found}


def made_up(folder: Path, element: str = "Ge") -> Path:
    (folder / f"{element}.in").write_text(MADE_UP.replace("'Ge'", f"'{element}'"))
    return folder


def program(folder: Path, *lines: str, banner: bool = True) -> str:
    """A program under the name of Elk, which does what a failing Elk does."""
    path = folder / "elk-lapw"
    said = ["echo 'Elk code version 8.4.30 started'"] if banner else []
    path.write_text("\n".join(["#!/bin/sh", *said, *lines]) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def failure(
    tmp_path: Path, *lines: str, banner: bool = True, deadline: float = 60.0, **settings: object
) -> EngineError:
    """What an evaluation with such a program raises."""
    species = made_up(tmp_path, "Al")
    command = program(tmp_path, *lines, banner=banner)
    engine = engines.get("lapw", lapw_command=command, species_dir=str(species), **settings)
    with pytest.raises(EngineError) as caught:
        engine.evaluate(AL, context=Context(folder=tmp_path / "run", deadline=time.time() + deadline))
    return caught.value


def recorded(folder: Path) -> Path:
    for path in DATA.iterdir():
        shutil.copy(path, folder)
    return folder
