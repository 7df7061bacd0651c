"""The stand-in of FHI-aims: its layout against real outputs, its energies, its restarts, what it refuses.

It is what other tests launch, so that an error here would make those tests worthless.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from aims_inputs import COMMAND, block, control, species_folder
from aims_stand_in_moods import Mood, choose
from aims_stand_in_text import fortran
from ase.io.aims import read_aims_output
from engine_data import crystal, molecule, rattled
from mpi import mpiexec
from shared_data import shared

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.crystal.formats.geometry_in import format_geometry_in, parse_geometry_in
from genarris_fw.engines.aims import parse_output
from genarris_fw.engines.aims.control import Control
from genarris_fw.engines.aims.species import with_missing_species
from genarris_fw.errors import EngineError

REAL = ("molecule", "scf/geometry_00c3602574", "relaxation/geometry_1f0f30abd3")
RUNS = {"molecule": ("benzene", True), "single point": ("urea", False), "relaxation": ("urea", True)}
NUMBER = re.compile(r"(?<![A-Za-z_])[-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][-+]?\d+)?")
ELEMENT = re.compile(r"(?<=Species )[A-Z][a-z]?\b|(?<=species )[A-Z][a-z]?\b|(?<=  )(?:C|H|N|O)$")
# What says that it is not FHI-aims, and what is its own in every run.
OWN = re.compile(r"NOT.FHI-aims|aims_uuid|Version")
ONCE_MORE = re.compile(r"(Parsing (\S+) \(first).*?(Completed first pass over input file \2)", re.S)


@dataclass
class Ran:
    """A run of the stand-in: its folder, exit status and standard error."""

    folder: Path
    status: int
    errors: str

    @property
    def output(self) -> str:
        return (self.folder / "aims.out").read_text()


def start(folder: Path, command: str = COMMAND, **environment: str) -> Ran:
    with (folder / "aims.out").open("w") as output:
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            timeout=300,
            check=False,
        )
    return Ran(folder, done.returncode, done.stderr)


def write_inputs(folder: Path, structure: Structure, relax: bool, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = control(dict.fromkeys(structure.species), relax, structure.lattice is not None, more=more)
    (folder / "control.in").write_text(text)
    (folder / "geometry.in").write_text(format_geometry_in(structure, header=False))
    return folder


def start_of(name: str, relax: bool) -> Structure:
    return crystal(name) if name == "urea" else rattled(molecule(name).to_structure(), 0.02)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Ran]:
    """One run of each sort."""
    root = tmp_path_factory.mktemp("aims")
    found = {}
    for sort, (name, relax) in RUNS.items():
        found[sort] = start(write_inputs(root / sort, start_of(name, relax), relax))
        assert (found[sort].status, found[sort].errors) == (0, "")
    return found


def lines_of(text: str) -> list[str]:
    """The lines of an output, without the inputs that it repeats."""
    return [line.rstrip() for line in ONCE_MORE.sub(r"\1\n\3", text).splitlines()]


def skeleton(line: str) -> str:
    """A line with # for every number and X for an element, and one blank for several."""
    return re.sub(r" +", " ", ELEMENT.sub("X", NUMBER.sub("#", line))).rstrip()


def columns(line: str) -> tuple[int, ...]:
    """Where the decimal points of a line stand, and where it ends."""
    return (len(line), *(i for i, letter in enumerate(line) if letter == "."))


@pytest.fixture(scope="module")
def real() -> dict[str, set[tuple[int, ...]]]:
    """The skeletons of all lines of the real outputs, each with the columns it comes in."""
    found: dict[str, set[tuple[int, ...]]] = {}
    for run in REAL:
        for line in lines_of((shared("benzene_tutorial/aims") / run / "aims.out").read_text()):
            found.setdefault(skeleton(line), set()).add(columns(line))
    return found


class TestLayout:
    @pytest.mark.parametrize("sort", RUNS)
    def test_every_line_is_one_of_a_real_output(self, runs, real, sort) -> None:
        """The same words, and in tables the numbers in the same columns."""
        lines = [line for line in lines_of(runs[sort].output) if not OWN.search(line)]
        assert len(lines) > 150
        assert {skeleton(line) for line in lines} - set(real) == set()
        tables = [line for line in lines if line.count(".") > 1 or " eV" in line]
        assert len(tables) > 50
        assert [line for line in tables if columns(line) not in real[skeleton(line)]] == []

    @pytest.mark.parametrize(("sort", "run"), list(zip(RUNS, REAL)))
    def test_nothing_that_programs_look_for_is_missing(self, runs, sort, run) -> None:
        """Titles and results, in the order in which a real output of the same sort has them, repetitions aside."""
        keys = (
            "Invoking FHI-aims|Parsing \\S+ |Completed first pass|Number of atoms|Number of spin channels|"
            "Reading file control.in|XC: |Found k-point grid|Geometry relaxation|Convergence accuracy for geometry|"
            "Unit cell relaxation: Unit|Reading geometry desc|The structure contains|Unit cell:|No unit cell|"
            "Input geometry|Begin self-consistency|Total energy  |Self-consistency convergence|"
            "Self-consistency cycle|Analytical stress tensor - S|compact form|Total energy uncorr|"
            "Total atomic forces|Geometry optimization|Maximum force comp|Present geometry|Relaxation step|"
            "Updated atomic|Final atomic|Writing the current|Final output of selected|Total energy of the DFT.*: +-|"
            "Leaving FHI-aims|Number of self-cons|Number of relaxation steps|Total time   |Have a nice day"
        )
        both = []
        for text in (runs[sort].output, (shared("benzene_tutorial/aims") / run / "aims.out").read_text()):
            found = [skeleton(line) for line in lines_of(text) if re.search(keys, line)]
            found = [line for line in found if "Convergence accuracy of" not in line]
            both.append(list(dict.fromkeys(found)))
        assert both[0] == both[1]

    def test_it_says_what_it_is(self, runs) -> None:
        for ran in runs.values():
            assert "NOT FHI-aims: stand-in for tests" in "".join(ran.output.splitlines()[:6])
            assert parse_output(ran.folder / "aims.out").version == "NOT-FHI-aims:-stand-in-for-tests"

    def test_next_step(self, runs) -> None:
        """Comments aside, as FHI-aims writes it, with the two lines about the search."""
        path = shared("benzene_tutorial/aims") / REAL[2] / "geometry.in.next_step"
        known = {columns(line) for line in path.read_text().splitlines() if not line.startswith("#")}
        written = (runs["relaxation"].folder / "geometry.in.next_step").read_text().splitlines()
        assert {columns(line) for line in written if line.startswith(("atom", "lattice_vector"))} == known
        assert [line.split()[0] for line in written[-2:]] == ["trust_radius", "hessian_file"]

    @pytest.mark.parametrize(
        ("number", "digits", "text"),
        [
            (-12628.6617459562, 15, "-0.126286617459562E+05"),
            (0.230284, 6, "0.230284E+00"),
            (225.758, 6, "0.225758E+03"),
            (4.3e-7, 4, "0.4300E-06"),
            (0.0, 6, "0.000000E+00"),
            (1.0, 3, "0.100E+01"),
            (0.99999, 3, "0.100E+01"),
            (float("nan"), 3, "NaN"),
        ],
    )
    def test_numbers_as_fortran_writes_them(self, number, digits, text) -> None:
        assert fortran(number, digits, 25) == text.rjust(25)


class TestReading:
    @pytest.mark.parametrize("sort", RUNS)
    def test_by_the_package_and_by_ase(self, runs, sort) -> None:
        """The same numbers, whoever reads them, and the same as tblite's where the output was made."""
        name, relax = RUNS[sort]
        found = parse_output(runs[sort].folder / "aims.out")
        begin = start_of(name, relax)
        assert found.converged and found.relaxation_converged is (True if relax else None)
        assert np.allclose(found.sent.positions, begin.positions, atol=1e-9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ASE's reader is about to move
            images = read_aims_output(runs[sort].folder / "aims.out", index=slice(None))
        assert len(images) == found.relaxation_steps + 1
        last = images[-1]
        assert last.get_potential_energy() == pytest.approx(found.energy, abs=1e-8)
        assert np.allclose(last.positions, found.structure.positions, atol=1e-8)
        if relax:
            assert np.allclose(last.get_forces(), found.forces, atol=1e-12)
            assert np.abs(found.forces).max() < 0.01 and found.relaxation_steps >= 2
            assert images[0].get_potential_energy() > found.energy
        if sort == "relaxation":
            assert np.allclose(last.get_stress(voigt=False), found.stress, atol=1e-12)
        reference = engines.get("tblite", min_width=5.0, supercell="smallest").evaluate(begin)
        assert images[0].get_potential_energy() == pytest.approx(reference.energy, abs=1e-6)
        if relax:
            forces = reference.forces - reference.forces.mean(axis=0)
            assert np.allclose(images[0].get_forces(), forces, atol=1e-5)
        if sort == "relaxation":
            assert np.allclose(images[0].get_stress(voigt=False), reference.stress, atol=1e-6)

    def test_forces_on_the_lattice_are_derivatives(self, runs) -> None:
        """Those of the first geometry, against central differences at fixed fractional coordinates."""
        text = runs["relaxation"].output
        rows = text[text.index("Forces on lattice vectors cleaned") :].splitlines()[2:5]
        stated = np.array([[float(word) for word in row.split()[1:4]] for row in rows])
        engine, begin, step = engines.get("tblite", min_width=5.0, supercell="smallest"), crystal("urea"), 2e-3

        def energy(change: float) -> float:
            lattice = begin.lattice.copy()
            lattice[2, 2] += change
            positions = begin.positions @ np.linalg.inv(begin.lattice) @ lattice
            return engine.evaluate(Structure(lattice, begin.species, positions)).energy

        assert stated[2, 2] == pytest.approx(-(energy(step) - energy(-step)) / (2 * step), abs=1e-2)
        assert abs(stated[2, 2]) > 0.1


class TestRestarts:
    def test_it_goes_on_from_its_next_step_and_is_reproducible(self, runs, tmp_path) -> None:
        folder = write_inputs(tmp_path / "one", start_of("benzene", True), True)
        texts = []
        for _ in range(2):
            write_inputs(folder, start_of("benzene", True), True)
            assert start(folder, AIMS_STAND_IN_MISBEHAVE="relaxation_limit").status == 0
            stopped = parse_output(folder / "aims.out")
            assert (stopped.converged, stopped.relaxation_converged) == (False, False)
            assert stopped.relaxation_steps == 1 and "Maximum number of relaxation steps" in (
                (folder / "aims.out").read_text()
            )
            (folder / "geometry.in").write_text((folder / "geometry.in.next_step").read_text())
            assert start(folder).status == 0
            texts.append(re.sub(r"Date.*|Total time.*", "", (folder / "aims.out").read_text()))
        assert texts[0] == texts[1]
        found, whole = parse_output(folder / "aims.out"), parse_output(runs["molecule"].folder / "aims.out")
        assert found.converged and found.energy == pytest.approx(whole.energy, abs=1e-4)
        assert 0 < found.relaxation_steps < whole.relaxation_steps

    def test_step_limit_of_control_in(self, tmp_path) -> None:
        folder = write_inputs(tmp_path, start_of("benzene", True), True, more="max_relaxation_steps 2")
        assert start(folder).status == 0
        found = parse_output(folder / "aims.out")
        assert (found.relaxation_steps, found.relaxation_converged, found.energy) == (2, False, None)

    def test_without_the_hessian(self, tmp_path) -> None:
        folder = write_inputs(
            tmp_path,
            start_of("benzene", True),
            True,
            more="hessian_to_restart_geometry .false.\nmax_relaxation_steps 1",
        )
        assert start(folder).status == 0
        assert not (folder / "hessian.aims").exists()
        left = (folder / "geometry.in.next_step").read_text()
        assert "hessian_file" not in left and len(parse_geometry_in(left.splitlines())) == 12


WATER = "atom 0 0 0.12 O\natom 0 0.78 -0.47 H\natom 0 -0.78 -0.47 H\n"
CELL = "lattice_vector 5 0 0\nlattice_vector 0 5 0\nlattice_vector 0 0 5\n"
GOOD = control(["O", "H"], crystal=False)


class TestInputs:
    @pytest.mark.parametrize(
        ("text", "geometry", "words"),
        [
            (GOOD.replace("xc pbe", ""), WATER, "No exchange-correlation functional"),
            (control(["O"], crystal=False), WATER, "Species H of geometry.in"),
            (GOOD, CELL + WATER, "needs a k_grid"),
            (GOOD.replace("sc_iter_limit 500", "sc_iter_limit many"), WATER, "Error reading keyword 'sc_iter_limit'"),
            (GOOD, WATER + "atom 1 2 H\n", "Unknown line in geometry.in: atom 1 2 H"),
            (GOOD, CELL.splitlines()[0] + "\n" + WATER, "three lattice vectors or none"),
            (GOOD, WATER + "hessian_file\n", "hessian.aims, which geometry.in asks for"),
            (GOOD, "", "must contain atoms"),
            (GOOD, None, "Input file geometry.in not found"),
        ],
    )
    def test_refused(self, tmp_path, text, geometry, words) -> None:
        (tmp_path / "control.in").write_text(text)
        if geometry is not None:
            (tmp_path / "geometry.in").write_text(geometry)
        ran = start(tmp_path)
        assert ran.status == 1 and words in ran.output and ran.errors == ""
        with pytest.raises(EngineError) as caught:
            parse_output(tmp_path / "aims.out")
        assert (caught.value.kind, caught.value.permanent) == ("input", True)

    def test_fractional_atoms_and_a_quiet_output(self, tmp_path) -> None:
        (tmp_path / "control.in").write_text("verbatim_writeout .false.\n" + control(["O", "H"]))
        (tmp_path / "geometry.in").write_text(
            CELL + "atom_frac 0 0 0.024 O\natom_frac 0 0.156 -0.094 H\natom_frac 0 -0.156 -0.094 H\n"
        )
        assert start(tmp_path).status == 0
        assert "will be repeated" not in (tmp_path / "aims.out").read_text()
        found = parse_output(tmp_path / "aims.out")
        assert found.sent.positions == pytest.approx(parse_geometry_in((CELL + WATER).splitlines()).positions)

    def test_species_folder(self, tmp_path) -> None:
        folder = species_folder(tmp_path / "species", ["C", "H"])
        assert [path.name for path in sorted(folder.iterdir())] == ["01_H_default", "06_C_default"]
        completed = with_missing_species(Control(control(crystal=False)), ["C", "H"], str(folder))
        assert completed.species == ["H", "C"] and block("C").splitlines()[1] == "  nucleus 6"

    def test_under_a_launcher_one_rank_works(self, tmp_path) -> None:
        (tmp_path / "control.in").write_text(GOOD)
        (tmp_path / "geometry.in").write_text(WATER)
        ran = start(tmp_path, f"{mpiexec()} -n 3 {COMMAND}")
        assert ran.status == 0 and ran.output.count("Invoking FHI-aims") == 1
        assert parse_output(tmp_path / "aims.out").converged


class TestMoods:
    def test_parts_by_a_hash(self) -> None:
        names = [f"structure {i}" for i in range(2000)]
        sprinkled = {"AIMS_STAND_IN_MISBEHAVE": "crash:0.2,asleep:3:0.1,nan:0.3"}
        moods = [choose(name, sprinkled) for name in names]
        shares = [moods.count(mood) / len(names) for mood in (Mood("crash"), Mood("asleep", 3.0), Mood("nan"), Mood())]
        assert shares == pytest.approx([0.2, 0.1, 0.3, 0.4], abs=0.04)
        assert moods == [choose(name, sprinkled) for name in names]
        assert moods != [choose(name, sprinkled | {"AIMS_STAND_IN_SEED": "2"}) for name in names]
        assert {choose(name, {"AIMS_STAND_IN_MISBEHAVE": "hang"}).name for name in names} == {"hang"}
        assert {choose(name, {}).name for name in names} == {""}

    def test_the_first_starts_alone(self, tmp_path) -> None:
        asked = {"AIMS_STAND_IN_MISBEHAVE": "crash", "AIMS_STAND_IN_ONCE": str(tmp_path), "AIMS_STAND_IN_TIMES": "2"}
        assert [choose("a", asked).name for _ in range(4)] == ["crash", "crash", "", ""]
        assert choose("b", asked).name == "crash"

    def test_a_name_that_is_none(self) -> None:
        with pytest.raises(SystemExit, match="'crsh' is none of crash"):
            choose("a", {"AIMS_STAND_IN_MISBEHAVE": "crsh"})
