"""The LAPW engine: Elk's files written and read, its failures told apart, and Elk itself."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.units import Bohr, Hartree

from genarris_fw import engines
from genarris_fw.crystal import Molecule, Structure
from genarris_fw.engines import Context
from genarris_fw.engines.equation_of_state import delta, fit, wien2k
from genarris_fw.engines.lapw import LAPWEngine, LAPWSettings
from genarris_fw.engines.lapw.elk_input import Loop, atom_order, elk_input, k_grid
from genarris_fw.engines.lapw.elk_output import parse_output
from genarris_fw.engines.lapw.muffin_tin import fitting_radii, refuse_overlapping_spheres
from genarris_fw.engines.lapw.primitive_cell import primitive_cell
from genarris_fw.engines.lapw.species import Channel, RadialFunction, read_species, with_basis
from genarris_fw.errors import EngineError, InputError

DATA = Path(__file__).parents[1] / "data" / "engines_lapw"
ELK = shutil.which("elk-lapw")
needs_elk = pytest.mark.skipif(ELK is None, reason="Elk is not installed: apt-get install elk-lapw")
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


# ---------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("basis", "flapw", "one of apw.lo, lapw, apw"),
        ("functional", "B3LYP", "one of PBE, PBEsol"),
        ("rkmax", 0, "positive"),
        ("rkmax", float("nan"), "finite"),
        ("l_max", 2, "from 3 to"),
        ("k_grid", [4, 4], "three whole numbers"),
        ("k_grid", [4, 4, 0], "three whole numbers"),
        ("k_grid", [4, 4, 1.5], "three whole numbers"),
        ("k_offset", [0.5, 0.5, 1.0], "three numbers from 0 to below 1"),
        ("muffin_tin", "large", "'auto' or element -> radius"),
        ("muffin_tin", {"Al": -1.0}, "'auto' or element -> radius"),
        ("core", "dirac", "one of deep, semicore"),
        ("smearing_width", 0.0, "positive"),
        ("lapw_command", " ", "a program such as"),
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


# ---------------------------------------------------------------------------------------------- input


def test_the_input_is_in_bohr_and_hartree_and_every_block_ends():
    text = elk_input(AL, LAPWSettings(k_grid=[8, 8, 8], smearing_width=0.5 * Hartree), Loop("broyden", 33))
    assert text.endswith("\n\n")
    found = blocks(text)
    half = 7.6534 / 2
    lattice = np.array([[float(word) for word in row.split()] for row in found["avec"]])
    assert lattice == pytest.approx(np.array([[0, half, half], [half, 0, half], [half, half, 0]]), abs=1e-9)
    assert found["atoms"][:3] == ["1", "'Al.in'", "1"]
    assert found["tasks"] == ["0"]
    assert found["ngridk"] == ["8 8 8"]
    assert found["xctype"] == ["20"]
    assert found["maxscl"] == ["33"]
    assert found["mixtype"] == ["3"]
    assert float(found["swidth"][0]) == pytest.approx(0.5)
    assert float(found["epsengy"][0]) == pytest.approx(1e-4 / 27.211386, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "block", "expected"),
    [
        ({"functional": "PBEsol"}, "xctype", "22"),
        ({"functional": "LDA"}, "xctype", "3"),
        ({"relativity": "spin-orbit"}, "spinorb", ".true."),
        ({"smearing": "gaussian"}, "stype", "0"),
        ({"smearing": "methfessel-paxton"}, "stype", "1"),
        ({"forces": True}, "tforce", ".true."),
        ({"l_max": 10}, "lmaxapw", "10"),
        ({"l_max": 5}, "lmaxo", "5"),
        ({"rkmax": 8.5}, "rgkmax", "8.5"),
        ({"rkmax_radius": "average"}, "isgkmax", "-1"),
        ({"k_offset": [0.5, 0, 0.25]}, "vkloff", "0.500000000000 0.000000000000 0.250000000000"),
    ],
)
def test_each_setting_has_its_block(settings, block, expected):
    assert blocks(elk_input(AL, LAPWSettings(**settings), Loop("broyden", 9)))[block] == [expected]


def test_atoms_go_element_by_element_and_come_back_in_order():
    crystal = Structure(4 * np.eye(3), ["O", "Mg", "O", "Mg"], [[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, -1, 2]])
    assert atom_order(crystal) == [0, 2, 1, 3]
    atoms = blocks(elk_input(crystal, LAPWSettings(), Loop("broyden", 9)))["atoms"]
    assert [line for line in atoms if line.startswith("'")] == ["'O.in'", "'Mg.in'"]
    places = [[float(word) for word in line.split()] for line in atoms if len(line.split()) == 3]
    assert places == [[0, 0, 0], [0, 0.5, 0], [0.5, 0, 0], [0, 0.75, 0.5]]


def test_the_k_grid_follows_the_spacing():
    """Reciprocal lengths 2 pi/4 and 2 pi/8 = 1.571 and 0.785 per Å."""
    crystal = Structure(np.diag([4.0, 8.0, 80.0]), ["Al"], [[0, 0, 0]])
    assert k_grid(crystal, LAPWSettings(k_spacing=0.3)) == [6, 3, 1]
    assert k_grid(crystal, LAPWSettings(k_spacing=2 * np.pi / 8)) == [2, 1, 1]
    assert k_grid(crystal, LAPWSettings(k_grid=[3, 2, 1])) == [3, 2, 1]


# ---------------------------------------------------------------------------------------------- species


@pytest.mark.skipif(not SPECIES.is_dir(), reason="Elk's species files are not installed: apt-get install elk-lapw")
def test_every_species_file_of_elk_is_read_and_written_alike(tmp_path):
    files = [path for path in sorted(SPECIES.glob("*.in")) if path.stem != "elk"]
    assert len(files) > 100
    for path in files:
        species = read_species(SPECIES, path.stem)
        (tmp_path / path.name).write_text(species.text())
        again = read_species(tmp_path, path.stem)
        assert again == species
        electrons = sum(state.electrons for state in species.states)
        assert electrons == pytest.approx(-species.charge)
        assert with_basis(species, "apw", "semicore", False).symbol == path.stem


@pytest.mark.skipif(not SPECIES.is_dir(), reason="Elk's species files are not installed: apt-get install elk-lapw")
@pytest.mark.parametrize(
    ("element", "moved"),
    [
        ("Al", "2p"),
        ("Si", ""),
        ("C", ""),
        ("F", ""),
        ("Na", "2s 2p"),
        ("Cu", "3p"),
        ("Zn", "3p"),
        ("Ga", "3d"),
        ("In", "4p 4d"),
        ("Pd", "4s 4p"),
        ("Hf", "4f 5s 5p"),
        ("Fr", "5d 6s 6p"),
    ],
)
def test_a_semicore_core_takes_the_shallow_inner_states(element, moved):
    species = read_species(SPECIES, element)
    changed = with_basis(species, "apw+lo", "semicore", True)
    before = {f"{s.n}{'spdf'[s.ell]}" for s in species.states if not s.core}
    after = {f"{s.n}{'spdf'[s.ell]}" for s in changed.states if not s.core}
    assert before - after == set(moved.split())
    assert len(species.local_orbitals) - len(changed.local_orbitals) == len(moved.split())


def test_apw_lo_has_local_orbitals_for_valence_channels_and_lapw_above(tmp_path):
    species = read_species(made_up(tmp_path), "Ge")
    changed = with_basis(species, "apw+lo", "deep", True)
    assert changed.apw == (U, SLOPE)
    assert changed.exceptions == (Channel(0, (U,)),)
    assert changed.local_orbitals == species.local_orbitals


def test_lapw_matches_value_and_slope(tmp_path):
    species = read_species(made_up(tmp_path), "Ge")
    assert species.apw == (U,)
    lapw = with_basis(species, "lapw", "deep", True)
    assert lapw.apw == (U, SLOPE) and lapw.exceptions == ()
    # No local orbital of the linearisation is left; the others vanish in value and slope.
    d, s = RadialFunction(-1.0759, 0, True), RadialFunction(-0.438, 0, True)
    assert lapw.local_orbitals == (Channel(2, (U, SLOPE, d)), Channel(0, (U, SLOPE, s)))
    assert lapw.states == species.states


def test_apw_has_no_linearisation(tmp_path):
    species = with_basis(read_species(made_up(tmp_path), "Ge"), "apw", "deep", True)
    assert len(species.apw) == 1
    assert [channel.ell for channel in species.local_orbitals] == [2, 0]


def test_without_local_orbitals_semicore_states_are_core(tmp_path):
    species = with_basis(read_species(made_up(tmp_path), "Ge"), "apw+lo", "deep", False)
    assert [channel.linearises for channel in species.local_orbitals] == [True]
    assert [(state.n, state.ell) for state in species.states if not state.core] == [(4, 0), (4, 1)]


def test_an_element_without_a_species_file_is_bad_input(tmp_path):
    with pytest.raises(EngineError, match="no species file for Xe") as caught:
        read_species(made_up(tmp_path), "Xe")
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_broken_species_file_is_bad_input(tmp_path, part):
    (tmp_path / "Ge.in").write_text(MADE_UP[: int(part * len(MADE_UP))])
    with pytest.raises(EngineError, match="not a species file") as caught:
        read_species(tmp_path, "Ge")
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


# ---------------------------------------------------------------------------------------------- muffin tins


def test_muffin_tins_are_reduced_until_they_fit():
    """Rock salt, Mg-O 2.1 Å: both by the same part; Mg-Mg has room."""
    crystal = Structure.from_ase(bulk("MgO", "rocksalt", a=4.2))
    radii = fitting_radii(crystal, {"Mg": 1.16, "O": 0.95})
    assert radii["Mg"] + radii["O"] == pytest.approx(2.1 - 0.027)
    assert radii["Mg"] / radii["O"] == pytest.approx(1.16 / 0.95)
    refuse_overlapping_spheres(crystal, radii)


def test_muffin_tins_with_room_stay():
    assert fitting_radii(Structure.from_ase(bulk("Al", a=5.0)), {"Al": 1.16}) == {"Al": 1.16}


def test_no_pair_overlaps_in_crowded_crystals():
    rng = np.random.default_rng(3)
    wanted = {"H": 0.74, "C": 0.95, "O": 0.95}
    for _ in range(20):
        crystal = Structure(5 * np.eye(3), ["H", "C", "O", "H", "C"], rng.uniform(0, 5, (5, 3)))
        radii = fitting_radii(crystal, wanted)
        if min(radii.values()) <= 0:
            continue
        refuse_overlapping_spheres(crystal, radii)
        assert all(radii[element] <= wanted[element] for element in radii)


def test_given_radii_must_fit_and_be_complete():
    with pytest.raises(EngineError, match=r"muffin tins of Al and Al overlap: 1.5 \+ 1.5 Å"):
        refuse_overlapping_spheres(AL, {"Al": 1.5})
    with pytest.raises(EngineError, match="no radius for Al"):
        refuse_overlapping_spheres(AL, {"Si": 1.0})


# ---------------------------------------------------------------------------------------------- primitive cells


def test_the_primitive_cell_keeps_orientation_and_knows_its_atoms():
    atoms = bulk("Si", cubic=True, a=5.43) * (1, 2, 1)
    atoms.rotate(30, "x", rotate_cell=True)
    atoms.positions += 0.3
    crystal = Structure.from_ase(atoms)
    primitive, numbers = primitive_cell(crystal)
    assert len(primitive) == 2
    assert primitive.cell_volume == pytest.approx(5.43**3 / 4)
    # Each atom lies where its atom of the primitive cell does, up to a lattice vector.
    shifts = (crystal.positions - primitive.positions[numbers]) @ np.linalg.inv(primitive.lattice)
    assert shifts == pytest.approx(np.round(shifts), abs=1e-9)
    assert primitive_cell(primitive)[0] is primitive


# ---------------------------------------------------------------------------------------------- output


def recorded(folder: Path) -> Path:
    for path in DATA.iterdir():
        shutil.copy(path, folder)
    return folder


def test_a_recorded_run_is_read(tmp_path):
    """The numbers as they stand in the files, in Hartree and bohr."""
    found = parse_output(recorded(tmp_path), atoms=2, forces=True)
    assert found.energy == pytest.approx(float((DATA / "TOTENERGY.OUT").read_text().split()[-1]) * Hartree)
    assert found.version == "8.4.30"
    assert (found.loops, found.basis_size, found.k_points) == (11, 31, 6)
    assert found.fermi_energy == pytest.approx(0.932899, abs=1e-5)
    force = np.array([0.00195234, 0.00081848, 0.0]) * Hartree / Bohr
    assert found.forces == pytest.approx(np.array([force, -force]), abs=1e-8)
    assert found.warnings == []


def test_a_truncated_output_is_never_an_energy(tmp_path):
    folder = recorded(tmp_path)
    for name in ("INFO.OUT", "TOTENERGY.OUT"):
        whole = (DATA / name).read_text()
        # What is cut off last is a frame and blanks, without which all is said.
        for part in np.arange(0.0, 0.99, 0.01):
            (folder / name).write_text(whole[: int(part * len(whole.rstrip(" \n+-")))])
            with pytest.raises(EngineError) as caught:
                parse_output(folder, atoms=2, forces=True)
            assert caught.value.kind in ("crash", "scf")
        (folder / name).write_text(whole)
    assert parse_output(folder, atoms=2, forces=True).loops == 11


def test_an_unconverged_output_is_never_an_energy(tmp_path):
    folder = recorded(tmp_path)
    whole = (DATA / "INFO.OUT").read_text()
    (folder / "INFO.OUT").write_text(whole.replace("Convergence targets achieved", ""))
    with pytest.raises(EngineError, match="did not converge in 11 loops") as caught:
        parse_output(folder, atoms=2, forces=True)
    assert caught.value.kind == "scf"


@pytest.mark.parametrize("word", ["NaN", "************", "Infinity"])
def test_numbers_that_are_none_are_refused(tmp_path, word):
    folder = recorded(tmp_path)
    energy = (DATA / "TOTENERGY.OUT").read_text().split()[-1]
    for name in ("INFO.OUT", "TOTENERGY.OUT"):
        (folder / name).write_text((DATA / name).read_text().replace(energy, word))
    with pytest.raises(EngineError, match="cannot be read") as caught:
        parse_output(folder, atoms=2, forces=True)
    assert caught.value.kind == "crash"


def test_missing_forces_are_refused(tmp_path):
    with pytest.raises(EngineError, match="2 forces for 3 atoms"):
        parse_output(recorded(tmp_path), atoms=3, forces=True)


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
            False,
            "ran away in loop 4",
        ),
        (["kill -SEGV $$"], True, "crash", False, "status 139"),
        (["kill -KILL $$"], True, "memory", False, "out of memory"),
        (["echo 'Operating system error: Cannot allocate memory' >&2", "exit 1"], True, "memory", False, "memory"),
        (["echo 'srun: error: no nodes'; exit 1"], False, "launcher", False, "before Elk began"),
        (["kill -XFSZ $$"], True, "crash", True, "max_gigabytes"),
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
    assert error.kind == "crash" and "no sign of life" in str(error)


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


# ---------------------------------------------------------------------------------------------- Elk itself


@needs_elk
def test_elk_is_installed_and_says_its_version():
    available, remark = engines.installed()["lapw"]
    assert available and remark.startswith("Elk ")


@needs_elk
def test_aluminium_in_seconds(tmp_path):
    engine = engines.get("lapw", forces=True, **COARSE)
    found = engine.evaluate(AL, context=Context(folder=tmp_path))
    assert found.energy == pytest.approx(AL_COARSE, abs=1e-3)
    assert found.forces == pytest.approx(np.zeros((1, 3)), abs=1e-6)
    assert found.converged and found.stress is None
    assert found.details["loops"] <= 25
    assert found.details["method"] == "APW+lo PBE"
    assert found.details["version"] == engine.version
    assert found.details["k_grid"] == [2, 2, 2]
    assert found.details["corrections"] == [] and found.details["warnings"] == []
    kept = {path.name for path in tmp_path.iterdir()}
    assert {"elk.in", "Al.in", "INFO.OUT", "TOTENERGY.OUT"} <= kept
    assert not any(name.startswith(("STATE", "EVEC", "lapw-")) for name in kept)


@needs_elk
def test_two_threads_do_not_hang(tmp_path):
    context = Context(folder=tmp_path, cores=2, deadline=time.time() + 120)
    found = engines.get("lapw", **COARSE).evaluate(AL, context=context)
    assert found.energy == pytest.approx(AL_COARSE, abs=1e-3)
    assert "OpenMP threads per MPI process :    2" in (tmp_path / "elk.out").read_text()


@needs_elk
def test_the_given_and_the_primitive_cell_have_the_same_energy_per_atom():
    """Al in its cubic cell, computed in its primitive one."""
    cubic = Structure.from_ase(bulk("Al", a=7.6534 * Bohr, cubic=True))
    one = engines.get("lapw", **COARSE).evaluate(AL)
    four = engines.get("lapw", primitive=True, forces=True, **COARSE).evaluate(cubic)
    assert four.energy == pytest.approx(4 * one.energy, abs=4e-3)
    assert four.forces.shape == (4, 3)
    assert four.details["atoms_computed"] == 1


@needs_elk
def test_the_bases_are_of_one_solid():
    """Without linearisation the energy is the highest; the others are within 1 eV of 6,600 and differ."""
    coarse = {"k_grid": [1, 1, 1], "rkmax": 5.0, "l_max": 4}
    energies = {b: engines.get("lapw", basis=b, **coarse).evaluate(AL).energy for b in ("apw+lo", "lapw", "apw")}
    semicore = engines.get("lapw", core="semicore", **coarse).evaluate(AL).energy
    linearised = [energies["apw+lo"], energies["lapw"], semicore]
    assert energies["apw"] > max(linearised) + 0.1
    assert len({round(energy, 4) for energy in linearised}) == 3
    assert max(linearised) - min(linearised) < 1.0


@needs_elk
def test_a_loop_that_does_not_converge_is_corrected_or_refused():
    with pytest.raises(EngineError, match="did not converge in 3 loops") as caught:
        engines.get("lapw", max_loops=3, auto_correct=False, **COARSE).evaluate(AL)
    assert caught.value.kind == "scf"
    found = engines.get("lapw", max_loops=10, **COARSE).evaluate(AL)
    assert found.details["corrections"] == ["scf: adaptive mixing", "scf: 30 loops"]
    assert found.energy == pytest.approx(AL_COARSE, abs=1e-3)


@needs_elk
def test_elks_own_words_on_a_wrong_input_are_bad_input(tmp_path):
    """A species file that reads well and makes no sense to Elk: a muffin tin beyond the atomic mesh."""
    text = (SPECIES / "Al.in").read_text()
    (tmp_path / "Al.in").write_text(text.replace("57.4918", "1.0000"))
    with pytest.raises(EngineError, match="rmaxsp < rmt") as caught:
        engines.get("lapw", species_dir=str(tmp_path), **COARSE).evaluate(AL)
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


@needs_elk
def test_forces_come_back_in_the_order_of_the_atoms():
    """LiH with its H moved, in both orders of the atoms: the forces are swapped."""
    rock_salt = bulk("LiH", "rocksalt", a=4.0)
    rock_salt.positions[1] += [0.15, 0.0, 0.0]
    crystal = Structure.from_ase(rock_salt)
    swapped = Structure(crystal.lattice, crystal.species[::-1], crystal.positions[::-1])
    engine = engines.get("lapw", forces=True, k_grid=[2, 2, 2], rkmax=3.0, l_max=4)
    one, other = engine.evaluate(crystal), engine.evaluate(swapped)
    assert other.forces[::-1] == pytest.approx(one.forces, abs=2e-4)
    assert abs(one.forces[1, 0]) > 0.05


def _displaced(step: float) -> Structure:
    positions = SI.positions.copy()
    positions[1] += [0.12 + step, 0.05, 0.0]
    return Structure(SI.lattice, SI.species, positions)


def _force_and_difference(**settings: object) -> tuple[float, float]:
    """The force on a displaced Si atom (eV/Å), and the difference of energies over 0.04 Å."""
    engine = engines.get("lapw", forces=True, muffin_tin={"Si": 1.1}, energy_tolerance=1e-5, **settings)
    force = engine.evaluate(_displaced(0.0)).forces[1, 0]
    return float(force), (engine.evaluate(_displaced(-0.02)).energy - engine.evaluate(_displaced(0.02)).energy) / 0.04


@needs_elk
def test_forces_are_the_slope_of_the_energy():
    force, difference = _force_and_difference(k_grid=[1, 1, 1], rkmax=4.0)
    assert force == pytest.approx(difference, rel=0.01)
    assert abs(force) > 0.1


@needs_elk
@pytest.mark.slow
@pytest.mark.parametrize("basis", ["apw+lo", "lapw"])
def test_forces_are_the_slope_of_the_energy_in_both_bases(basis):
    force, difference = _force_and_difference(k_grid=[2, 2, 2], rkmax=6.0, basis=basis)
    assert force == pytest.approx(difference, rel=0.005)


@needs_elk
@pytest.mark.slow
def test_aluminium_as_published():
    """Al at 8^3 k points: -242.8204 Ha within 25 loops."""
    found = engines.get("lapw", k_grid=[8, 8, 8], rkmax=7.0).evaluate(AL)
    assert found.energy / Hartree == pytest.approx(-242.8204, abs=1e-3)
    assert found.details["loops"] <= 25


@needs_elk
@pytest.mark.slow
def test_the_equation_of_state_of_silicon():
    """Against WIEN2k: 20.45 Å3 per atom and 88.5 GPa."""
    reference = wien2k("Si")
    series = [
        Structure.from_ase(bulk("Si", a=(8 * reference.V0 * part) ** (1 / 3))) for part in np.linspace(0.94, 1.06, 7)
    ]
    settings = {"k_grid": [4, 4, 4], "k_offset": [0.5, 0.5, 0.5], "rkmax": 7.0}
    engine = engines.get("lapw", muffin_tin=LAPWEngine().muffin_tins(series), **settings)
    found = fit([crystal.cell_volume for crystal in series], [engine.evaluate(crystal).energy for crystal in series])
    per_atom = found.per_atom(2)
    assert abs(per_atom.V0 - 20.45) <= 0.10
    assert abs(per_atom.B0 - 88.5) <= 2.0
    assert per_atom.residual < 1e-4
    assert delta(per_atom, reference) < 1.0
