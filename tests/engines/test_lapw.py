"""The LAPW engine: its settings, and failures told apart."""

from __future__ import annotations

import numpy as np
import pytest
from lapw_made_up import AL, LOOPS, MADE_UP, failure, made_up, program, recorded

from genarris_fw import engines
from genarris_fw.crystal import Molecule, Structure
from genarris_fw.engines.lapw import LAPWSettings
from genarris_fw.errors import EngineError, InputError

# ---------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("basis", "flapw", "apw.lo, lapw or apw"),
        ("functional", "B3LYP", "PBE, PBEsol"),
        ("rkmax", 0, "a number from 1 to 20"),
        ("rkmax", float("nan"), "a number from 1 to 20, not nan"),
        ("l_max", 2, "from 3 to"),
        ("k_grid", [4, 4], "three whole numbers"),
        ("k_grid", [4, 4, 0], "three whole numbers"),
        ("k_grid", [4, 4, 1.5], "three whole numbers"),
        ("k_offset", [0.5, 0.5, 1.0], "three numbers from 0 to below 1"),
        ("muffin_tin", "large", "auto or {.* radii in Å"),
        ("muffin_tin", {"Al": -1.0}, "auto or {.* radii in Å"),
        ("core", "dirac", "deep or semicore"),
        ("smearing_width", 0.0, "a number from 1e-06 to 10"),
        ("lapw_command", " ", "must be a text"),
        ("rk_max", 7.0, "did you mean 'rkmax'"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(name, value, words):
    with pytest.raises(InputError, match=words) as caught:
        LAPWSettings.of("lapw", {name: value})
    assert "\n" not in str(caught.value) and "engine lapw" in str(caught.value)


def test_a_missing_program_says_how_to_install_it():
    with pytest.raises(EngineError, match=r"apt-get install elk-lapw.*elk\.sourceforge\.io") as caught:
        engines.get("lapw", lapw_command="elk-that-is-not-there")
    assert (caught.value.kind, caught.value.permanent) == ("missing", True)


def test_a_missing_launcher_is_missing_too(tmp_path):
    command = program(tmp_path)
    with pytest.raises(EngineError, match="'no-such-launcher' is not there") as caught:
        engines.get("lapw", lapw_command=f"no-such-launcher -n {{cores}} {command}", species_dir=str(made_up(tmp_path)))
    assert caught.value.kind == "missing"


def test_a_program_that_may_not_be_executed_is_named(tmp_path):
    path = tmp_path / "elk-lapw"
    path.write_text("#!/bin/sh\n")
    with pytest.raises(EngineError, match="is not executable; chmod"):
        engines.get("lapw", lapw_command=str(path))


def test_missing_species_files_are_missing(tmp_path):
    with pytest.raises(EngineError, match=r"no species files.*set species_dir") as caught:
        engines.get("lapw", lapw_command=program(tmp_path), species_dir=str(tmp_path / "nowhere"))
    assert caught.value.kind == "missing"


def test_the_hash_knows_what_the_energy_depends_on(tmp_path):
    command, species = program(tmp_path), str(made_up(tmp_path))

    def of(**settings: object) -> str:
        return engines.get("lapw", lapw_command=command, species_dir=species, **settings).settings_hash

    plain = of()
    assert of(threads=2) == of(mixing="linear") == of(max_loops=7) == of(forces=True) == plain
    changed = [of(rkmax=8.0), of(basis="lapw"), of(k_grid=[2, 2, 2]), of(muffin_tin={"Ge": 1.0}), of(functional="LDA")]
    assert len({plain, *changed}) == 6
    (tmp_path / "Ge.in").write_text(MADE_UP.replace("2.4000", "2.3000"))
    assert of() != plain


# ---------------------------------------------------------------------------------------------- failures


def test_molecules_and_relaxations_are_refused(tmp_path):
    engine = engines.get("lapw", lapw_command=program(tmp_path), species_dir=str(made_up(tmp_path)))
    for structure, relax, words in (
        (Molecule(["H", "H"], [[0, 0, 0], [0, 0, 0.74]]), False, "a method for crystals"),
        (AL, True, "relax with another engine"),
    ):
        with pytest.raises(EngineError, match=words) as caught:
            engine.evaluate(structure, relax=relax)
        assert (caught.value.kind, caught.value.permanent) == ("input", True)


def test_atoms_on_top_of_each_other_are_refused(tmp_path):
    engine = engines.get("lapw", lapw_command=program(tmp_path), species_dir=str(made_up(tmp_path)))
    crystal = Structure(4 * np.eye(3), ["Ge", "Ge"], [[0, 0, 0], [0.1, 0, 0]])
    with pytest.raises(EngineError, match="overlap"):
        engine.evaluate(crystal)


@pytest.mark.parametrize(
    ("lines", "banner", "kind", "permanent", "words"),
    [
        (["echo ' Error(readinput): invalid ngridk :  0 0 0'"], True, "input", True, "invalid ngridk"),
        (["echo 'Error(match): could not find APW matching coefficients'"], True, "input", True, "lower rkmax"),
        (
            [*LOOPS, "echo 'Error(eveqnfvz): diagonalisation failed'"],
            True,
            "scf",
            True,
            "ran away in loop 4",
        ),
        (["kill -SEGV $$"], True, "crash", False, "status 139"),
        (["kill -KILL $$"], True, "memory", False, "out of memory"),
        (["echo 'Operating system error: Cannot allocate memory' >&2", "exit 1"], True, "memory", False, "memory"),
        (["echo 'srun: error: no nodes'; exit 1"], False, "launcher", False, "before Elk began"),
        (["kill -XFSZ $$"], True, "output", False, "max_gigabytes"),
        (["exit 0"], True, "crash", False, "not whole"),
    ],
)
def test_failures_are_told_apart(tmp_path, lines, banner, kind, permanent, words):
    error = failure(tmp_path, *lines, banner=banner, auto_correct=False)
    assert (error.kind, error.permanent) == (kind, permanent), error
    assert words in str(error)
    assert error.folder == str(tmp_path / "run")
    assert "\n" not in str(error)


def test_a_run_past_its_deadline_is_ended(tmp_path):
    error = failure(tmp_path, "sleep 60", deadline=1.5)
    assert error.kind == "walltime"


def test_a_silent_run_is_ended(tmp_path):
    error = failure(tmp_path, "sleep 60", silence=1.0)
    assert error.kind == "hang" and not error.permanent and "no sign of life" in str(error)


def test_a_run_with_ghost_states_is_ended(tmp_path):
    ghost = "echo 'Warning(occupy): minimum eigenvalue less than minimum linearisation energy : -9. -4.'"
    error = failure(tmp_path, *[ghost] * 4, "sleep 60")
    assert (error.kind, error.permanent) == ("input", True)
    assert "lower rkmax" in str(error)


def test_old_output_in_the_folder_is_no_result(tmp_path):
    """A program that does nothing, in a folder with the whole output of an earlier run."""
    (tmp_path / "run").mkdir()
    recorded(tmp_path / "run")
    error = failure(tmp_path, "exit 0")
    assert error.kind == "crash"
    assert not (tmp_path / "run" / "TOTENERGY.OUT").exists()
