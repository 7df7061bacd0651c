"""By what a result is found again, and of which engines none is, since nobody knows what will compute."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from aims_inputs import COMMAND, control
from hypothesis import given
from hypothesis import strategies as st
from installed_packages import installed
from tally import Tallied

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines import Engine
from genarris_fw.engines.aims.program_digest import program_digest
from genarris_fw.engines.result_key import result_key

COMPILED = shutil.which("true")
LJ = {"calculator": "ase.calculators.lj:LennardJones"}


def crystal(positions: object = ((0.0, 0.0, 0.0), (1.9, 1.9, 1.9))) -> Structure:
    return Structure(3.8 * np.eye(3), ["Ar", "Ar"], positions, {}, "argon")


def ase(**settings: object) -> Engine:
    return engines.get("ase", **{**LJ, **settings})


@cache
def usual() -> Engine:
    """One for many examples: to look for its package takes a while."""
    return ase()


@given(st.lists(st.floats(-50, 50), min_size=6, max_size=6), st.integers(0, 5))
def test_every_digit_of_a_place_counts(numbers: list[float], which: int) -> None:
    engine = usual()
    here = crystal(np.reshape(numbers, (2, 3)))
    again = crystal(np.reshape(list(numbers), (2, 3)))
    again.struct_id, again.properties = "another name", {"spg": 225, "energy": 1.0}
    assert result_key(engine, here, False) == result_key(engine, again, False)
    again.positions.flat[which] = np.nextafter(again.positions.flat[which], 99.0)
    assert result_key(engine, here, False) != result_key(engine, again, False)


def test_minus_zero_is_zero_and_all_else_counts() -> None:
    engine, one = ase(), crystal()
    key = result_key(engine, one, False)
    assert key == result_key(engine, crystal([(-0.0, 0.0, 0.0), (1.9, 1.9, 1.9)]), False)
    assert key != result_key(engine, one, True)
    molecule = Structure(None, one.species, one.positions)
    other_order = crystal(one.positions[::-1])
    charged = Structure(one.lattice, one.species, one.positions, {"initial_charges": [1.0, -1.0]})
    elements = Structure(one.lattice, ["Ar", "Kr"], one.positions)
    assert len({key, *(result_key(engine, s, False) for s in (molecule, other_order, charged, elements))}) == 5


def test_settings_of_relaxations_count_for_relaxations_alone() -> None:
    one, fine, traced = ase(), ase(fmax=0.001), ase(trajectory=True)
    assert result_key(one, crystal(), False) == result_key(fine, crystal(), False)
    assert result_key(one, crystal(), True) != result_key(fine, crystal(), True)
    assert result_key(one, crystal(), True) == result_key(traced, crystal(), True)


def test_another_version_is_another_key(tmp_path: Path) -> None:
    keys = set()
    for version in ("1.0", "1.1", "1.0"):
        with installed(tmp_path / version, Tallied(tmp_path, version).package):
            keys.add(result_key(engines.get("ase", calculator="tally"), crystal(), False))
    assert len(keys) == 2 and None not in keys


def test_a_models_file_counts_by_its_content(tmp_path: Path) -> None:
    model = tmp_path / "model.pt"
    keys = []
    for content in ("one", "another one", "one"):
        model.write_text(content)
        keys.append(result_key(ase(calculator_settings={"a": {"model": [str(model)]}}), crystal(), False))
    assert keys[0] == keys[2] != keys[1]
    # What a folder holds nobody knows.
    assert result_key(ase(calculator_settings={"model": str(tmp_path)}), crystal(), False) is None


@pytest.mark.parametrize(
    "calculator", ["counted:counted", "ase.calculators.dftb:Dftb", "ase.calculators.cp2k:CP2K", "checked_cp2k"]
)
def test_of_programs_and_modules_without_a_version_none_is_found(calculator: str) -> None:
    assert result_key(ase(calculator=calculator), crystal(), False) is None


def test_an_engine_that_says_nothing_else_is_its_version_and_ours() -> None:
    assert engines.get("tblite").identity.startswith("tblite ")
    assert "genarris_fw" in engines.get("tblite").identity
    for charges, package in (("none", ""), ("GFN2", "tblite"), ("HF/6-31G**", "pyscf")):
        assert package in engines.get("lattice", charges=charges).identity


def test_fhi_aims_is_known_by_its_program(tmp_path: Path) -> None:
    program = tmp_path / "aims.x"
    shutil.copy(COMPILED, program)
    alone = program_digest(str(program))
    assert alone and alone == program_digest(f"srun --exact -n {{cores}} {program}")
    with program.open("ab") as file:
        file.write(b"patched")
    assert program_digest(str(program)) not in (alone, None)
    script = tmp_path / "aims.sh"
    script.write_text(f"#!/bin/sh\nexec {program}\n")
    script.chmod(0o755)
    for command in (
        *(COMMAND, str(script), f"srun {script}", "srun aims.x", "/not/there/aims.x", 'broken "quote', ""),
        *(f"srun apptainer exec aims.sif {program}", f"docker run aims {program}"),
    ):
        assert program_digest(command) is None, command


def test_of_fhi_aims_all_of_control_in_counts(tmp_path: Path) -> None:
    program = tmp_path / "aims.x"
    shutil.copy(COMPILED, program)
    text = control(["Ar"])

    def key(**changes: object) -> str | None:
        return result_key(
            engines.get("aims", **{"aims_command": str(program), "control": text, **changes}), crystal(), True
        )

    assert key() == key(aims_command=f"mpirun -n {{cores}} {program}") == key(scratch_dir=str(tmp_path))
    assert len({key(), key(control=text + "relax_geometry bfgs 1e-3\n"), key(max_restarts=1)}) == 3
    before = key()
    with program.open("ab") as file:
        file.write(b"patched")
    assert key() not in (before, None)
    assert key(aims_command=COMMAND) is None
    assert key(aims_command=None, aims_lib_dir=str(tmp_path)) is None
